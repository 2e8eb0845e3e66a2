"""Whoever is asked may read the record while the approval lives: one share by hand each, which goes with it.

A share that a person has anyway is left alone. Afterwards the approval itself, with what it showed, stays readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..access.shares import FOREVER
from ..people import revision

if TYPE_CHECKING:
    from ..records.work import Work
    from .rows import Instance


def _reason(instance: Instance) -> str:
    return f"approval:{instance.id}"


def grant(work: Work, instance: Instance, users: Iterable[int]) -> None:
    """Let people read the record; inside `write()`."""
    db = work.db
    sql = db.sql(
        "INSERT INTO gx_shares (object, record_id, principal, access, until, by_id, at, reason)"
        " VALUES (?, ?, ?, 'read', ?, NULL, ?, ?) ON CONFLICT DO NOTHING"
    )
    known = db.sql("SELECT 1 FROM gx_shares WHERE principal = ? LIMIT 1")
    for user in users:
        principal = f"u{user}"
        first = db.one(known, (principal,)) is None
        params = (instance.object, instance.record_id, principal, FOREVER, work.stamp, _reason(instance))
        if db.execute(sql, params) == 1 and first:
            revision.touch(db)


def end(work: Work, instance: Instance) -> None:
    """Take back what was granted for an approval that is over."""
    sql = "DELETE FROM gx_shares WHERE object = ? AND record_id = ? AND reason = ?"
    work.db.execute(work.db.sql(sql), (instance.object, instance.record_id, _reason(instance)))
