"""Fixtures that every room's tests may use."""

from tests.support.databases import database, database_url

__all__ = ["database", "database_url"]
