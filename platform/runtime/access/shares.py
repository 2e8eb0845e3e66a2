"""Shares by hand: the rows of `gx_shares`, one per record and principal. They expire by the clock; no job removes them.

A principal is `u<id>` (a user), `t<id>` (a team with those below it) or `r<id>` (a role's record). `until` is the first
instant at which the share no longer holds. Who may share is judged by `records.sharing`; here is only the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from guanxi.runtime.storage.rows import instant_text, instant_text_json

from ..ports import Database
from .actor import Actor

FOREVER = "9999-12-31T00:00:00.000000Z"
KINDS = {"u": "user", "t": "team", "r": "role"}
_COLUMNS = "id, principal, access, until, by_id, at, reason"


@dataclass(frozen=True, slots=True)
class HandShare:
    """One share: `kind` is user, team or role, `who` that record's id, `until` "" where it has no end."""

    id: int
    kind: str
    who: int
    access: Literal["read", "edit"]
    until: str
    by: int | None
    at: str
    reason: str

    @property
    def principal(self) -> str:
        """How it stands in the table."""
        return f"{self.kind[0]}{self.who}"


def of_record(db: Database, object_name: str, record_id: int, now: datetime) -> list[HandShare]:
    """The shares of a record that hold now, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM gx_shares WHERE object = ? AND record_id = ? AND until > ? ORDER BY id"  # noqa: S608
    return [_read(row) for row in db.rows(db.sql(sql), (object_name, record_id, instant_text(now)))]


def _read(row: Sequence[Any]) -> HandShare:
    number, principal, access, until, by, at, reason = row
    end = "" if until == FOREVER else instant_text_json(until)
    return HandShare(number, KINDS[principal[0]], int(principal[1:]), access, end, by, instant_text_json(at), reason)


def access_of(db: Database, object_name: str, record_id: int, actor: Actor, now: datetime) -> str:
    """What shares by hand let the actor do with a record now: "edit", "read" or ""."""
    found = {s.access for s in of_record(db, object_name, record_id, now) if s.principal in actor.shared_as}
    return "edit" if "edit" in found else "read" if found else ""


def put(db: Database, object_name: str, record_id: int, share: HandShare) -> None:
    """Add a share, or put it in the place of the one the same principal has; inside `write()`. `id` is not looked at,
    `until` and `at` are stored instants. People who had nothing shared so far are asked to be loaded anew.
    """
    from ..people import revision  # people are loaded with what is shared with them

    known = db.one(db.sql("SELECT 1 FROM gx_shares WHERE principal = ? LIMIT 1"), (share.principal,))
    db.execute(
        db.sql(
            "INSERT INTO gx_shares (object, record_id, principal, access, until, by_id, at, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (object, record_id, principal) DO UPDATE SET "
            "access = excluded.access, until = excluded.until, by_id = excluded.by_id, at = excluded.at, "
            "reason = excluded.reason"
        ),
        (
            object_name,
            record_id,
            share.principal,
            share.access,
            share.until or FOREVER,
            share.by,
            share.at,
            share.reason,
        ),
    )
    if known is None:
        revision.touch(db)


def take_away(db: Database, share_ids: Iterable[int]) -> None:
    """End shares; inside `write()`."""
    for number in share_ids:
        db.execute(db.sql("DELETE FROM gx_shares WHERE id = ?"), (number,))


def forget_record(db: Database, object_name: str, record_id: int) -> None:
    """A record is removed for good: its shares go, and so do those given to it where it was a principal."""
    db.execute(db.sql("DELETE FROM gx_shares WHERE object = ? AND record_id = ?"), (object_name, record_id))
    if object_name in KINDS.values():
        db.execute(db.sql("DELETE FROM gx_shares WHERE principal = ?"), (f"{object_name[0]}{record_id}",))


def shared_as(db: Database, principals: Iterable[str]) -> frozenset[str]:
    """Those of the principals with whom anything is or was shared."""
    names = sorted(principals)
    if not names:
        return frozenset()
    marks = ", ".join("?" * len(names))
    sql = f"SELECT DISTINCT principal FROM gx_shares WHERE principal IN ({marks})"  # noqa: S608
    return frozenset(row[0] for row in db.rows(db.sql(sql), names))
