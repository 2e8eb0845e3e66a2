"""What the drivers raise, translated into the platform's errors, the same for both engines (PostgreSQL's driver is
known to `faults_postgresql` alone, so that an instance on SQLite never loads it).

A broken constraint names its table and columns, so that the record service can point at the field. Anything that a
healthy server may answer later (full disk, lock, lost connection) is `Unavailable`; nothing here shows SQL text.
"""

from __future__ import annotations

import logging
import re
import sqlite3

from guanxi.common.errors import BadRequest, Conflict, GuanxiError, TooLarge, Unavailable

log = logging.getLogger("guanxi.storage")


class ConstraintViolation(Conflict):
    """The database refused a write; `table` and `columns` are physical names, empty where the engine does not say."""

    code = "constraint"

    def __init__(self, detail: str, table: str = "", columns: tuple[str, ...] = ()) -> None:
        super().__init__(detail, code=self.code)
        self.table = table
        self.columns = columns


class UniqueViolation(ConstraintViolation):
    """Another row has the value of a unique index."""

    code = "unique"


class ForeignKeyViolation(ConstraintViolation):
    """A reference points to no row, or a row that is referred to was removed."""

    code = "reference"


class Contention(Unavailable):
    """Two transactions were in each other's way and this one lost; doing it again may work (`Database.retry`)."""

    code = "contention"


class ConnectionLost(Unavailable):
    """The connection to the database broke; outside a transaction the next use opens a new one."""


class StalePlan(Unavailable):
    """A prepared statement outlived a change of its tables; a fresh connection knows the new shape."""


class StaleSchema(Unavailable):
    """A statement names a table or column that is not there: it was made for a version that is no longer published.
    Asking again with the services of the current version works.
    """

    code = "stale_schema"


_SQLITE_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_SQLITE_IO = {
    "SQLITE_FULL": "The disk is full.",
    "SQLITE_READONLY": "The database cannot be written.",
    "SQLITE_IOERR": "The disk failed.",
    "SQLITE_CANTOPEN": "The database cannot be opened.",
    "SQLITE_CORRUPT": "The database file is damaged.",
    "SQLITE_NOTADB": "The file is not a database.",
    "SQLITE_PERM": "The database cannot be written.",
    "SQLITE_NOMEM": "There is not enough memory.",
    "SQLITE_PROTOCOL": "The database is locked.",
}


def timeout_fault() -> GuanxiError:
    """The answer to a statement that ran longer than allowed."""
    return BadRequest("The query takes too long.", code="timeout", hint="narrow the conditions")


def sqlite_fault(error: Exception) -> Exception:
    """The platform's error for one of sqlite3's; an error of programming comes back unchanged."""
    if isinstance(error, OverflowError):
        return BadRequest("A number is out of range.", code="range")
    name = getattr(error, "sqlite_errorname", "") or ""
    if isinstance(error, sqlite3.IntegrityError):
        return _sqlite_constraint(error, name)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Contention("The database is busy.")
    if name == "SQLITE_INTERRUPT":
        return timeout_fault()
    if name == "SQLITE_TOOBIG" or isinstance(error, sqlite3.DataError):
        return TooLarge("A value is too large to be stored.")
    for prefix, sentence in _SQLITE_IO.items():
        if name.startswith(prefix):
            return Unavailable(sentence)
    if str(error).startswith(("no such column", "no such table")) or "has no column named" in str(error):
        log.warning("a statement for other tables than there are: %s", error)
        return StaleSchema("The definitions have just changed.")
    if "integer overflow" in str(error):
        return BadRequest("A number is out of range.", code="range")
    if isinstance(error, sqlite3.OperationalError) and "parser stack overflow" in str(error):
        return BadRequest("The query is too deeply nested.")
    return error


def _sqlite_constraint(error: sqlite3.IntegrityError, name: str) -> Exception:
    if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"):
        found = _SQLITE_UNIQUE.match(str(error))
        parts = [p.strip().rpartition(".") for p in found.group(1).split(",")] if found else []
        return UniqueViolation("The value exists.", parts[0][0] if parts else "", tuple(p[2] for p in parts))
    if name == "SQLITE_CONSTRAINT_FOREIGNKEY":
        return ForeignKeyViolation("A record referred to does not exist or is still referred to.")
    return ConstraintViolation("The database refused the values.")
