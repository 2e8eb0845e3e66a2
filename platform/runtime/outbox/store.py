"""The rows of `gx_outbox`: written in the caller's transaction, claimed with a lease, ended once.

Entries of one `order` leave one after the other in the order of their ids: only the first unfinished one of an order
can be claimed, so a stuck entry holds back its own order and nothing else. A dead letter holds back nobody.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import orjson

from guanxi.common.errors import Conflict

from ..jobs.bell import Ring, ring
from ..ports import Database
from ..storage.rows import instant_text
from .entry import Entry

NO_BOUNDS: Mapping[str, int] = MappingProxyType({})
_LOCK = 4_716_903  # any number of our own
_COLUMNS = "id, kind, object, record_id, payload, key, lane, destination, attempts, at"
_INSERT = (
    "INSERT INTO gx_outbox (at, kind, object, record_id, payload, key, due_at, lane, destination, once)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id"
)
_WAITING = "o.done_at IS NULL AND o.dead_at IS NULL"
_FIRST = (
    "(o.lane = '' OR NOT EXISTS (SELECT 1 FROM gx_outbox e WHERE e.lane = o.lane AND e.lane <> ''"
    " AND e.done_at IS NULL AND e.dead_at IS NULL AND e.id < o.id))"
)


def post(
    db: Database,
    *,
    kind: str,
    payload: Mapping[str, Any],
    at: datetime,
    object: str = "",
    record_id: int | None = None,
    order: str = "",
    due_at: datetime | None = None,
    key: str = "",
    destination: str = "",
) -> int:
    """Write an effect in the caller's transaction; it happens after the commit, at least once. Returns its id.

    `payload` is JSON-ready. With `key` the effect is posted once: posting the kind and key again gives the first id;
    without, it gets a key of its own. `order`: see the module. `destination` groups entries for the bound on how many
    are under way at once.
    """
    moment = instant_text(at)
    due = instant_text(due_at) if due_at is not None else moment
    once = f"{kind}:{key}" if key else None
    text = orjson.dumps(payload).decode()
    params = (moment, kind, object, record_id, text, key or secrets.token_hex(12), due, order, destination, once)
    made = db.returning(db.sql(_INSERT), params)
    if not made:
        made = db.rows(db.sql("SELECT id FROM gx_outbox WHERE once = ?"), (once,))
        if not made:
            raise Conflict("The effect could not be posted.")
        return int(made[0][0])
    ring(db, Ring("outbox", at=due_at))
    return int(made[0][0])


def post_many(db: Database, rows: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Many effects in one statement: each row has `kind` and `payload` and may have what `post` takes besides."""
    moment = instant_text(at)
    columns = ("at", "kind", "object", "record_id", "payload", "key", "due_at", "lane", "destination")
    db.insert_many(
        "gx_outbox",
        columns,
        [
            (
                moment,
                row["kind"],
                row.get("object", ""),
                row.get("record_id"),
                orjson.dumps(row["payload"]).decode(),
                row.get("key") or secrets.token_hex(12),
                moment,
                row.get("order", ""),
                row.get("destination", ""),
            )
            for row in rows
        ],
    )
    if rows:
        ring(db, Ring("outbox"))


class OutboxStore:
    """Claims and ends entries; one per database."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def claim(
        self,
        worker: str,
        kinds: Sequence[str],
        now: datetime,
        *,
        lease: timedelta,
        limit: int,
        at_once: int = 0,
        bounds: Mapping[str, int] = NO_BOUNDS,
    ) -> list[Entry]:
        """Up to `limit` due entries of these kinds, leased to the worker; with `at_once`, not more than so many of a
        destination (or what `bounds` says of it) under way at the same time.
        """
        stamp, marks = instant_text(now), ", ".join("?" * len(kinds))
        with self.db.write():
            if self.db.engine == "postgresql":
                self.db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            found = self.db.rows(
                self.db.sql(
                    f"SELECT o.id, o.destination FROM gx_outbox o WHERE {_WAITING} AND o.due_at <= ?"  # noqa: S608
                    f" AND (o.lease_until IS NULL OR o.lease_until < ?) AND o.kind IN ({marks}) AND {_FIRST}"
                    " ORDER BY o.due_at, o.id LIMIT ?"
                ),
                (stamp, stamp, *kinds, limit * 4 if at_once else limit),
            )
            ids = self._within(found, stamp, limit, at_once, bounds)
            if not ids:
                return []
            listed = ", ".join("?" * len(ids))
            self.db.execute(
                self.db.sql(
                    f"UPDATE gx_outbox SET lease_until = ?, worker = ?, attempts = attempts + 1 WHERE id IN ({listed})"  # noqa: S608
                ),
                (instant_text(now + lease), worker, *ids),
            )
            rows = self.db.rows(
                self.db.sql(f"SELECT {_COLUMNS} FROM gx_outbox WHERE id IN ({listed}) ORDER BY id"),  # noqa: S608
                ids,
            )
        return [entry_of(row) for row in rows]

    def _within(
        self, found: Sequence[tuple[Any, ...]], stamp: str, limit: int, at_once: int, bounds: Mapping[str, int]
    ) -> list[int]:
        """The ids that may be taken without passing the bound of a destination."""
        if not at_once:
            return [row[0] for row in found]
        under_way = dict(
            self.db.rows(
                self.db.sql(
                    "SELECT destination, count(*) FROM gx_outbox WHERE done_at IS NULL AND dead_at IS NULL"
                    " AND lease_until >= ? GROUP BY destination"
                ),
                (stamp,),
            )
        )
        taken: list[int] = []
        for number, destination in found:
            if destination and under_way.get(destination, 0) >= bounds.get(destination, at_once):
                continue
            under_way[destination] = under_way.get(destination, 0) + 1
            taken.append(number)
            if len(taken) == limit:
                break
        return taken

    def done(self, worker: str, ids: Sequence[int], now: datetime, *, keep: bool = True) -> int:
        """These have happened; those whose lease went to somebody else are left alone. Returns how many."""
        marks = ", ".join("?" * len(ids))
        if not keep:
            sql = f"DELETE FROM gx_outbox WHERE worker = ? AND done_at IS NULL AND id IN ({marks})"  # noqa: S608
            return self.db.execute(self.db.sql(sql), (worker, *ids))
        sql = (
            "UPDATE gx_outbox SET done_at = ?, lease_until = NULL, error = ''"  # noqa: S608
            f" WHERE worker = ? AND done_at IS NULL AND id IN ({marks})"
        )
        return self.db.execute(self.db.sql(sql), (instant_text(now), worker, *ids))

    def again(self, worker: str, entry: Entry, due: datetime, reason: str, *, counted: bool = True) -> None:
        """Not yet: due again later."""
        sql = (
            "UPDATE gx_outbox SET due_at = ?, lease_until = NULL, error = ?, attempts = attempts - ?"
            " WHERE id = ? AND worker = ? AND done_at IS NULL"
        )
        self.db.execute(self.db.sql(sql), (instant_text(due), reason[:2000], 0 if counted else 1, entry.id, worker))
        ring(self.db, Ring("outbox", at=due))

    def dead(self, worker: str, entry: Entry, now: datetime, reason: str) -> None:
        """Never: kept as a dead letter until somebody retries or drops it."""
        sql = (
            "UPDATE gx_outbox SET dead_at = ?, lease_until = NULL, error = ?"
            " WHERE id = ? AND worker = ? AND done_at IS NULL"
        )
        self.db.execute(self.db.sql(sql), (instant_text(now), reason[:2000], entry.id, worker))

    def retry_dead(self, entry_id: int, now: datetime) -> bool:
        """A dead letter is due again, with all its tries; False when it is none."""
        sql = (
            "UPDATE gx_outbox SET dead_at = NULL, attempts = 0, due_at = ?, error = ''"
            " WHERE id = ? AND dead_at IS NOT NULL AND done_at IS NULL"
        )
        done = bool(self.db.execute(self.db.sql(sql), (instant_text(now), entry_id)))
        if done:
            ring(self.db, Ring("outbox"))
        return done

    def drop_dead(self, entry_id: int) -> bool:
        """Remove a dead letter for good; False when it is none."""
        sql = "DELETE FROM gx_outbox WHERE id = ? AND dead_at IS NOT NULL AND done_at IS NULL"
        return bool(self.db.execute(self.db.sql(sql), (entry_id,)))

    def prune(self, before: datetime, *, chunk: int = 5_000) -> int:
        """Remove what was delivered before; in chunks, each a transaction of its own. Returns how many."""
        sql = "DELETE FROM gx_outbox WHERE id IN (SELECT id FROM gx_outbox WHERE done_at < ? LIMIT ?)"
        total = 0
        while gone := self.db.execute(self.db.sql(sql), (instant_text(before), chunk)):
            total += gone
        return total

    def next_due(self) -> str | None:
        """When the earliest waiting entry that nobody is at work on is due."""
        row = self.db.one(
            "SELECT min(due_at) FROM gx_outbox WHERE done_at IS NULL AND dead_at IS NULL AND lease_until IS NULL"
        )
        return row[0] if row else None


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry of a row of `_COLUMNS`."""
    values = list(row)
    values[4] = orjson.loads(values[4])
    return Entry(*values)
