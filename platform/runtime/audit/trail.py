"""Writing the trail: entries wait until their transaction is about to commit, then take the head's lock and are linked.

So the chain is in the order of commits, the lock is held for the length of a commit, and it is always the last lock
taken. Transactions without an audited act never touch it. A transaction that is rolled back leaves no entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from guanxi.common.clock import Clock

from ..access.actor import Actor
from ..ports import Database
from ..storage.rows import instant_text
from .catalogue import ACTIONS
from .entry import COLUMNS, START, chain_key, detail_text, link, one_text, seal
from .place import place

Outcome = Literal["ok", "refused"]
NOBODY = "nobody"
_INSERT = f"INSERT INTO gx_audit ({', '.join(COLUMNS)}, hash) VALUES ({', '.join('?' * (len(COLUMNS) + 1))})"  # noqa: S608 (fixed names)


class Audit:
    """One per database; threads may share it."""

    def __init__(self, database: Database, clock: Clock, secret: bytes) -> None:
        self.db = database
        self.clock = clock
        self._key = chain_key(secret)
        lock = "" if database.engine == "sqlite" else " FOR UPDATE"
        self._head = database.sql(f"SELECT entries, hash FROM gx_audit_head WHERE id = 1{lock}")  # noqa: S608
        self._insert = database.sql(_INSERT)
        self._move = database.sql("UPDATE gx_audit_head SET entries = ?, hash = ?, seal = ? WHERE id = 1")

    def record(
        self,
        action: str,
        actor: Actor | None = None,
        *,
        object: str = "",
        record_id: int | None = None,
        detail: Mapping[str, Any] | None = None,
        reason: str = "",
        address: str = "",
        outcome: Outcome = "ok",
    ) -> None:
        """Note an act in the caller's transaction when there is one, else in one of its own.

        `action` is a row of the catalogue (ValueError otherwise); `actor` None means nobody was logged in. `detail`
        never holds secrets or values the readers of the trail may not see. What is refused by raising is noted after
        its transaction has ended, or it is rolled back with it.
        """
        if action not in ACTIONS:
            raise ValueError(f"'{action}' is not in the audit trail's catalogue")
        where = place.get()
        values = (
            instant_text(self.clock.now()),
            actor.id if actor else None,
            one_text(actor.name) if actor else NOBODY,
            actor.channel if actor else "",
            action,
            object,
            record_id,
            outcome,
            one_text(reason),
            address or (actor.address if actor else "") or where.address,
            where.request,
            detail_text(detail or {}),
        )
        if self.db.in_write:
            waiting: list[tuple[Any, ...]] = self.db.before_commit(self, self._append)
            waiting.append(values)
        else:
            self.db.retry(lambda: self._alone(values))

    def _alone(self, values: tuple[Any, ...]) -> None:
        with self.db.write():
            self._append([values])

    def _append(self, waiting: list[tuple[Any, ...]]) -> None:
        """Link entries to the chain; inside `write()`."""
        row = self.db.one(self._head)
        if row is None:
            raise RuntimeError("the head of the audit trail is missing")
        entries, last = int(row[0]), str(row[1]) or START
        linked = []
        for values in waiting:
            entries += 1
            numbered = (entries, *values)
            last = link(self._key, last, numbered)
            linked.append((*numbered, last))
        self.db.execute_many(self._insert, linked)
        self.db.execute(self._move, (entries, last, seal(self._key, entries, last)))
