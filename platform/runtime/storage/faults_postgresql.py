"""What psycopg raises, translated into the platform's errors; see `faults`."""

from __future__ import annotations

import logging
import re

import psycopg
from psycopg import errors as pg

from guanxi.common.errors import BadRequest, Unavailable

from .faults import (
    ConnectionLost,
    ConstraintViolation,
    Contention,
    ForeignKeyViolation,
    StalePlan,
    StaleSchema,
    UniqueViolation,
    timeout_fault,
)

log = logging.getLogger("guanxi.storage")
_PG_KEY = re.compile(r"\((.*?)\)=\(")


def postgres_fault(error: Exception) -> Exception:
    """The platform's error for one of psycopg's; an error of programming comes back unchanged."""
    if isinstance(error, pg.IntegrityError):
        return _postgres_constraint(error)
    if isinstance(error, pg.QueryCanceled):
        return timeout_fault()
    if isinstance(error, (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)):
        return Contention("The database is busy.")
    if isinstance(error, pg.FeatureNotSupported) and "cached plan" in str(error):
        return StalePlan("The tables have just changed.")
    if isinstance(error, (pg.UndefinedColumn, pg.UndefinedTable)):
        log.warning("a statement for other tables than there are: %s", error)
        return StaleSchema("The definitions have just changed.")
    if isinstance(error, (psycopg.DataError, OverflowError)):
        return BadRequest("A value does not fit the database.", code="range")
    state = getattr(error, "sqlstate", None) or ""
    if state[:2] in ("53", "54", "58") or state in ("25006", "57014"):
        return Unavailable("The database has no room or cannot be written.")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and state[:2] in ("", "08", "57", "25"):
        return ConnectionLost("The database cannot be reached.")
    return error


def _postgres_constraint(error: pg.IntegrityError) -> Exception:
    diag = error.diag
    found = _PG_KEY.search(diag.message_detail or "")
    columns = tuple(c.strip().strip('"') for c in found.group(1).split(",")) if found else ()
    table = diag.table_name or ""
    if isinstance(error, pg.UniqueViolation):
        return UniqueViolation("The value exists.", table, columns)
    if isinstance(error, (pg.ForeignKeyViolation, pg.RestrictViolation)):
        return ForeignKeyViolation("A record referred to does not exist or is still referred to.", table, columns)
    return ConstraintViolation("The database refused the values.", table)
