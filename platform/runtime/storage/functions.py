"""The SQL functions that expressions need, installed in both databases.

SQLite gets the Python implementations themselves, registered on every connection; PostgreSQL gets `gx_*` functions of
the same meaning, created once with the platform's tables. Both are pure functions of their arguments.
"""

from __future__ import annotations

from .functions_postgresql import postgres_ddl
from .functions_sqlite import register_sqlite

__all__ = ["postgres_ddl", "register_sqlite"]
