"""The table `gx_keys`, kept in the transaction of every write of objects that have duplicate rules.

Strong keys are unique among live records; where two writes race, the second waits for the first and is then refused as
a duplicate. Records that had the same key before a rule said so keep it weakly. When the rules or their normal forms
change, the keys of the object are made anew at the next publish, or before the first look if that did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..records.extensions import Change, Watcher
from ..records.plan import ObjectPlan
from . import redirect, specs
from .specs import Source

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work

ADD = (
    "INSERT INTO gx_keys (object, record_id, kind, value, strong, live) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
PART = 1_000
LOSING = frozenset({"merge", "undo_merge"})
Key = tuple[str, str, int]
Refuse = Callable[["Work", ObjectPlan, Mapping[str, Any], str, str], None]


class KeyBook:
    """What a version needs to know of its keys; kept with the room."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.sources = specs.sources(room.registry)
        self.ready: set[str] = set()

    def ensure(self, object_name: str) -> None:
        """See that the object's keys are those of this version; inside `write()` they are made when they are not."""
        own = self.sources.get(object_name)
        if own is None or object_name in self.ready or not self.room.db.in_write:
            return
        db = self.room.db
        row = db.one(db.sql("SELECT spec, version FROM gx_key_specs WHERE object = ?"), (object_name,))
        wanted = specs.fingerprint(self.room.registry, object_name, own)
        if (row is None or row[0] != wanted) and (row is None or row[1] <= self.room.version):
            self._make(object_name, own, wanted)
        db.after_commit(lambda: self.ready.add(object_name))

    def _make(self, object_name: str, own: Sequence[Source], wanted: str) -> None:
        db = self.room.db
        put = (
            "INSERT INTO gx_key_specs (object, spec, version) VALUES (?, ?, ?) ON CONFLICT (object) DO UPDATE SET"
            " spec = excluded.spec, version = excluded.version"
        )
        db.execute(db.sql(put), (object_name, wanted, self.room.version))  # others wait here for the keys
        db.execute(db.sql("DELETE FROM gx_keys WHERE object = ?"), (object_name,))
        texts, last, seen = self.room.statements(object_name), 0, set[int]()
        sql = f'{texts.select}"id" > {texts.mark} ORDER BY "id" LIMIT {PART}'
        merged = "SELECT record_id FROM gx_merged WHERE object = ?"
        gone = {row[0] for row in db.rows(db.sql(merged), (object_name,))}
        while rows := [texts.read(row) for row in db.rows(sql, (last,))]:
            last = rows[-1]["id"]
            made: list[tuple[Any, ...]] = []
            for row in rows:
                live = int(row["deleted_at"] is None)
                for kind, value, strong in () if row["id"] in gone else sorted(keys_of(own, row)):
                    mark = hash((kind, value))
                    first = bool(strong and live) and mark not in seen
                    if first:
                        seen.add(mark)
                    made.append((object_name, row["id"], kind, value, int(first), live))
            db.insert_many("gx_keys", ("object", "record_id", "kind", "value", "strong", "live"), made)


def book(room: Room) -> KeyBook:
    """The room's keys."""
    found = room.shared.get("keys")
    if not isinstance(found, KeyBook):
        found = room.shared["keys"] = KeyBook(room)
    return found


def keys_of(own: Iterable[Source], row: Mapping[str, Any]) -> set[Key]:
    """(kind, value, strong) of everything that identifies a record."""
    return {(source.kind, value, int(source.strong)) for source in own for value in source.values(row)}


class KeyWatcher(Watcher):
    """Keeps the keys of one object."""

    def __init__(self, keys: KeyBook, object_name: str, refuse: Refuse) -> None:
        self.book = keys
        self.own = keys.sources[object_name]
        self.refuse = refuse

    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """See Watcher."""
        self.book.ensure(plan.name)
        old, new = change.old, change.new
        record = change.row["id"]
        if change.action in ("merged", "purge"):
            self._clear(work, plan, record)
        elif new is None:
            sql = "UPDATE gx_keys SET live = 0 WHERE object = ? AND record_id = ?"
            work.db.execute(work.db.sql(sql), (plan.name, record))
        else:
            now = keys_of(self.own, new)
            back = change.action in ("restore", "unmerged")
            if old is not None and not back and keys_of(self.own, old) == now:
                return
            if old is not None:
                self._clear(work, plan, record)
                self._strong_moved(work, plan, old, now)
            self._add(work, plan, new, now, losing=change.action in LOSING, beside=self._master(work, plan, change))

    def after_many(self, work: Work, plan: ObjectPlan, rows: Sequence[dict[str, Any]]) -> None:
        """See Watcher: weak keys go in together."""
        self.book.ensure(plan.name)
        weak = []
        for row in rows:
            found = keys_of(self.own, row)
            weak += [(plan.name, row["id"], kind, value, 0, 1) for kind, value, strong in found if not strong]
            self._add(work, plan, row, {key for key in found if key[2]}, losing=False)
        if weak:
            columns = ("object", "record_id", "kind", "value", "strong", "live")
            work.db.insert_many("gx_keys", columns, weak)

    @staticmethod
    def _master(work: Work, plan: ObjectPlan, change: Change) -> int | None:
        """The record that a loser comes back from: the two may have had one key before they were merged."""
        return redirect.next_of(work.db, plan.name, change.row["id"]) if change.action == "unmerged" else None

    @staticmethod
    def _clear(work: Work, plan: ObjectPlan, record: int) -> None:
        sql = "DELETE FROM gx_keys WHERE object = ? AND record_id = ?"
        work.db.execute(work.db.sql(sql), (plan.name, record))

    @staticmethod
    def _holds(work: Work, plan: ObjectPlan, record: int, kind: str, value: str) -> bool:
        sql = "SELECT 1 FROM gx_keys WHERE object = ? AND kind = ? AND value = ? AND record_id = ? AND strong = 1"
        return work.db.one(work.db.sql(sql), (plan.name, kind, value, record)) is not None

    def _strong_moved(self, work: Work, plan: ObjectPlan, old: Mapping[str, Any], now: set[Key]) -> None:
        """What was judged different is open again when what identifies the record has changed."""
        exact = {source.kind for source in self.own if source.like is None}
        before = {key for key in keys_of(self.own, old) if key[0] in exact}
        if before != {key for key in now if key[0] in exact}:
            sql = "DELETE FROM gx_different WHERE object = ? AND (record_id = ? OR other_id = ?)"
            work.db.execute(work.db.sql(sql), (plan.name, old["id"], old["id"]))

    def _add(
        self,
        work: Work,
        plan: ObjectPlan,
        row: Mapping[str, Any],
        found: set[Key],
        *,
        losing: bool,
        beside: int | None = None,
    ) -> None:
        live, add = int(row.get("deleted_at") is None), work.db.sql(ADD)
        for kind, value, strong in sorted(found):
            done = work.db.execute(add, (plan.name, row["id"], kind, value, strong, live))
            if not done:
                if not losing and not (beside is not None and self._holds(work, plan, beside, kind, value)):
                    self.refuse(work, plan, row, kind, value)
                work.db.execute(add, (plan.name, row["id"], kind, value, 0, live))
