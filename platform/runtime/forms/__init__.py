"""Public forms and surveys: what visitors are asked, what becomes of what they send."""
