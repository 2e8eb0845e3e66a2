"""Data in and out: import with a verdict for every row, undo, export for people and for machines."""
