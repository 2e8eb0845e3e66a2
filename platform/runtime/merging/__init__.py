"""Duplicates found by normalised keys, records merged and taken apart again."""
