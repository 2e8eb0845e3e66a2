"""Where the connections learn the SQL functions of the expression language."""

from __future__ import annotations

import importlib
import importlib.util
import sqlite3

_MODULE = f"{__package__}.functions"


def register_sqlite(conn: sqlite3.Connection) -> None:
    """Register the functions on a new connection."""
    if importlib.util.find_spec(_MODULE):
        importlib.import_module(_MODULE).register_sqlite(conn)


def postgres_ddl() -> list[str]:
    """Statements that create (or replace) the functions in a database."""
    if importlib.util.find_spec(_MODULE):
        return list(importlib.import_module(_MODULE).postgres_ddl())
    return []
