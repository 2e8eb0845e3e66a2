"""One number that moves whenever a user, a team or a role assignment changes, so that cached rights die at once.

Read with the token in one statement; written inside the transaction that changes people.
"""

from __future__ import annotations

from ..ports import Database

PEOPLE_OBJECTS = frozenset({"user", "team", "role"})
_KEY = ("user", "", "people")


def current(database: Database) -> int:
    """The present revision; 0 before the first change."""
    row = database.one(
        database.sql("SELECT value FROM gx_counters WHERE object = ? AND field = ? AND period = ?"), _KEY
    )
    return int(row[0]) if row else 0


def touch(database: Database) -> None:
    """Say that people changed; inside `write()`."""
    database.execute(
        database.sql(
            "INSERT INTO gx_counters (object, field, period, value) VALUES (?, ?, ?, 1) "
            "ON CONFLICT (object, field, period) DO UPDATE SET value = gx_counters.value + 1"
        ),
        _KEY,
    )
