"""Consoles: pages for those who run the instance, beside the generated screens of records."""
