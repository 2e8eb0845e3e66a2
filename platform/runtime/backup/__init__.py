"""Backups: one archive of database and files, consistent while writes go on, proved by restoring it."""
