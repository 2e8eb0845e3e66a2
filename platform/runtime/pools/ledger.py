"""What the platform keeps of ownership: the state of each record, tenures and the ledger of claims. Plain SQL, bound.

Everything here runs inside the transaction of the write it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..storage.rows import instant_text

if TYPE_CHECKING:
    from ..ports import Database

_FIELDS = (
    "owner",
    "pool",
    "owned_since",
    "clock_since",
    "owner_source",
    "prev_owner",
    "origin",
    "pool_entered_at",
    "pool_reason",
    "protected_until",
    "manual_until",
    "notice_until",
    "due_on",
    "due_rule",
    "tenure_id",
)
_READ = f"SELECT {', '.join(_FIELDS)} FROM gx_ownership WHERE object = ? AND record_id = ?"  # noqa: S608
_PUT = (
    f"INSERT INTO gx_ownership (object, record_id, {', '.join(_FIELDS)})"  # noqa: S608 (fixed names)
    f" VALUES (?, ?, {', '.join('?' * len(_FIELDS))}) ON CONFLICT (object, record_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _FIELDS)
)


@dataclass(slots=True)
class State:
    """Whose a record is and since when. Instants are the store's texts, `due_on` is a day: the last the owner keeps."""

    owner: int | None = None
    pool: str | None = None
    owned_since: str | None = None
    clock_since: str | None = None
    owner_source: str = ""
    prev_owner: int | None = None
    origin: str = ""
    pool_entered_at: str | None = None
    pool_reason: str = ""
    protected_until: str | None = None
    manual_until: str | None = None
    notice_until: str | None = None
    due_on: str | None = None
    due_rule: str | None = None
    tenure_id: int | None = None

    def protected(self) -> str | None:
        """The later end of the protections."""
        return max(filter(None, (self.protected_until, self.manual_until)), default=None)


class Ledger:
    """Reads and writes of one database."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def state(self, object_name: str, record_id: int) -> State | None:
        """What is kept of a record; None when nothing is."""
        row = self.db.one(self.db.sql(_READ), (object_name, record_id))
        return State(*row) if row is not None else None

    def put(self, object_name: str, record_id: int, state: State) -> None:
        """Keep the state of a record."""
        values = tuple(getattr(state, name) for name in _FIELDS)
        self.db.execute(self.db.sql(_PUT), (object_name, record_id, *values))

    def put_due(self, object_name: str, record_id: int, due_on: str | None, rule: str | None) -> None:
        """Keep another last day."""
        sql = "UPDATE gx_ownership SET due_on = ?, due_rule = ? WHERE object = ? AND record_id = ?"
        self.db.execute(self.db.sql(sql), (due_on, rule, object_name, record_id))

    def forget(self, object_name: str, record_id: int) -> None:
        """Nothing stays of a record that is gone for good, but what people did with it."""
        for table in ("gx_ownership", "gx_pool_warnings", "gx_pool_offers"):
            self.db.execute(
                self.db.sql(f"DELETE FROM {table} WHERE object = ? AND record_id = ?"),  # noqa: S608
                (object_name, record_id),
            )

    # tenures ----------------------------------------------------------------------------------------
    def begin(  # noqa: PLR0917
        self, object_name: str, record_id: int, owner: int, at: str, source: str, actor: int | None
    ) -> int:
        """A tenure begins; returns its id."""
        sql = (
            "INSERT INTO gx_tenures (object, record_id, owner, from_at, source, actor_id) VALUES (?, ?, ?, ?, ?, ?)"
            " RETURNING id"
        )
        return int(self.db.returning(self.db.sql(sql), (object_name, record_id, owner, at, source, actor))[0][0])

    def end(  # noqa: PLR0917
        self, object_name: str, record_id: int, at: str, reason: str, actor: int | None, note: str = ""
    ) -> None:
        """The open tenure of a record ends, if there is one."""
        sql = (
            "UPDATE gx_tenures SET to_at = ?, end_reason = ?, end_actor_id = ?, note = ?"
            " WHERE object = ? AND record_id = ? AND to_at IS NULL"
        )
        self.db.execute(self.db.sql(sql), (at, reason, actor, note, object_name, record_id))

    def ended_for(self, object_name: str, record_id: int, owner: int, reasons: tuple[str, ...]) -> str | None:
        """When somebody's last tenure of a record ended for one of the reasons."""
        marks = ", ".join("?" * len(reasons))
        sql = (
            "SELECT max(to_at) FROM gx_tenures WHERE object = ? AND record_id = ? AND owner = ?"  # noqa: S608
            f" AND to_at IS NOT NULL AND end_reason IN ({marks})"
        )
        row = self.db.one(self.db.sql(sql), (object_name, record_id, owner, *reasons))
        return row[0] if row else None

    def transferred_since(self, object_name: str, record_id: int, since: datetime) -> bool:
        """Whether the record was handed on by a transfer after a moment."""
        sql = (
            "SELECT 1 FROM gx_tenures WHERE object = ? AND record_id = ? AND source = 'transfer'"
            " AND from_at > ? LIMIT 1"
        )
        return self.db.one(self.db.sql(sql), (object_name, record_id, instant_text(since))) is not None

    def tenures(self, object_name: str, record_id: int, most: int = 100) -> list[tuple[Any, ...]]:
        """(owner, from, to, source, end reason, note) of a record, the newest first."""
        sql = (
            "SELECT owner, from_at, to_at, source, end_reason, note FROM gx_tenures"
            " WHERE object = ? AND record_id = ? ORDER BY id DESC LIMIT ?"
        )
        return self.db.rows(self.db.sql(sql), (object_name, record_id, most))

    def returned_since(self, object_name: str, actor: int, since: datetime) -> int:
        """How many records somebody gave back after a moment."""
        sql = (
            "SELECT count(*) FROM gx_tenures WHERE owner = ? AND object = ? AND end_reason = 'returned'"
            " AND end_actor_id = ? AND to_at >= ?"
        )
        row = self.db.one(self.db.sql(sql), (actor, object_name, actor, instant_text(since)))
        return int(row[0]) if row else 0

    # claims -----------------------------------------------------------------------------------------
    def claimed(self, user: int, pool: str, object_name: str, record_id: int, at: str) -> None:
        """A claim that came off."""
        sql = "INSERT INTO gx_claims (user_id, pool, object, record_id, at) VALUES (?, ?, ?, ?, ?)"
        self.db.execute(self.db.sql(sql), (user, pool, object_name, record_id, at))

    def claims_since(self, user: int, pool: str, since: datetime) -> int:
        """How many claims came off from a moment on; returning does not give one back."""
        sql = "SELECT count(*) FROM gx_claims WHERE user_id = ? AND pool = ? AND at >= ?"
        row = self.db.one(self.db.sql(sql), (user, pool, instant_text(since)))
        return int(row[0]) if row else 0


def later(moment: datetime, *, days: int = 0, hours: int = 0) -> str:
    """The store's text of a moment so long after."""
    return instant_text(moment + timedelta(days=days, hours=hours))
