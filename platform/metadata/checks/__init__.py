"""Rules over the whole model, run when every definition compiled: what one document alone cannot get wrong."""
