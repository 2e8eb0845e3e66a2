"""Duplicates found by normalised keys, records merged and taken apart again, a leaver's work handed over."""
