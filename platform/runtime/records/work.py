"""One actor's piece of work: the moment it happens at, rights, and the rows it has read so far.

Made for one call of the service (or one batch) and dropped after it. Rows that expressions reach through references or
lists of children are loaded when they are first asked for and kept until a write may have changed them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from guanxi.common.errors import Conflict, Forbidden, NotFound
from guanxi.common.names import did_you_mean
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.runtime.access import shares
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.grants import ObjectRights
from guanxi.runtime.access.predicate import allows
from guanxi.runtime.people.revision import PEOPLE_OBJECTS
from guanxi.runtime.storage.rows import instant_text

from .environment import environment
from .extensions import Change, Watcher
from .plan import ObjectPlan
from .rights import WriteRights
from .room import Room
from .statements import Statements
from .steps import MOST_STEPS, Runaway, chain
from .store import load, read_links

MOST_ASKED = 400


@dataclass(slots=True)
class Running:
    """A rule that is being carried out: the row of its trace, and the verbs done so far."""

    id: int
    name: str
    steps: dict[str, int]

    def did(self, verb: str) -> None:
        """Count a verb that was carried out."""
        self.steps[verb] = self.steps.get(verb, 0) + 1


class Work:
    """See the module. `trusted` is set while steps of the metadata itself are carried out."""

    __slots__ = (
        "_children",
        "_rows",
        "_shared",
        "actor",
        "chain",
        "db",
        "depth",
        "exempt",
        "held",
        "language",
        "moves",
        "moving",
        "now",
        "outer",
        "room",
        "spent",
        "stamp",
        "trusted",
        "written",
    )

    def __init__(self, room: Room, actor: Actor) -> None:
        self.room = room
        self.db = room.db
        self.actor = actor
        self.now = room.clock.now()
        self.stamp = instant_text(self.now)
        self.language = actor.language
        self.trusted = actor.system
        self.depth = 0
        self.written = 0
        self.exempt: frozenset[str] = frozenset()  # rooms whose own writes these are: they do not stop themselves
        self.held: list[int] = []  # approvals that took a change over
        self.moving: Any = None  # what an act on the owner says of itself, for the gate of ownership
        self.moves: dict[int, Any] = {}  # what the gate decided before a row is stored, until it is
        self.spent = 0
        self.chain: list[Running] = []
        self.outer: Mapping[str, Any] | None = None
        self._rows: dict[tuple[str, int], dict[str, Any] | None] = {}
        self._children: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
        self._shared: dict[tuple[str, int], str] = {}

    # definitions and rights -------------------------------------------------------------------------
    def plan(self, object_name: str) -> ObjectPlan:
        """The plan of an object the actor may know of, else NotFound."""
        if object_name not in self.room.registry.objects or not self.rights(object_name).visible:
            objects = self.room.registry.objects
            known = [name for name in objects if self.rights(name).visible]
            raise NotFound(f"There is no object {object_name!r}.", hint=did_you_mean(object_name, known))
        return self.room.plan(object_name)

    def statements(self, object_name: str) -> Statements:
        """The SQL texts of an object."""
        return self.room.statements(object_name)

    def rights(self, object_name: str) -> ObjectRights:
        """The actor's rights on an object."""
        return self.room.access.rights(self.actor, object_name)

    def write_rights(self, object_name: str) -> WriteRights:
        """The actor's rights field by field."""
        return self.room.write_rights(self.actor, object_name, trusted=self.trusted)

    def may(self, plan: ObjectPlan, operation: str, row: Mapping[str, Any], *, becoming: bool = False) -> bool:
        """Whether the actor's row rules for `operation` hold on a row in Python form. `becoming`: the row is about to
        be written, so that what holds it back are the restrictions on reading it, not those on changing it.
        """
        if self.trusted:
            return True
        rights = self.rights(plan.name)
        if rights.all_rows(operation):
            return True

        def holds(expression: Expression) -> bool:
            return bool(compile_expression(expression)(environment(self, plan.name, row)))

        denied_by = "read" if becoming else operation
        return allows(
            plan.object,
            rights,
            operation,
            self.actor,
            row,
            holds=holds,
            shared=lambda number, edit: self.shared(plan.name, number, edit=edit),
            denied_by=denied_by,
        )

    def shared(self, object_name: str, record_id: int, *, edit: bool) -> bool:
        """Whether the record is shared by hand with the actor now."""
        if not self.actor.shared_as:
            return False
        key = (object_name, record_id)
        found = self._shared.get(key)
        if found is None:
            found = self._shared[key] = shares.access_of(self.db, object_name, record_id, self.actor, self.now)
        return found == "edit" or (found == "read" and not edit)

    def demand(self, plan: ObjectPlan, operation: str, row: Mapping[str, Any]) -> None:
        """Forbidden when the actor sees the record but may not do this with it."""
        if not self.may(plan, operation, row):
            raise Forbidden(f"You may not {operation} this record.")

    # rows -------------------------------------------------------------------------------------------
    def locked(self, plan: ObjectPlan, record_id: int, *, trashed: bool | None = False) -> dict[str, Any]:
        """The row, locked until the transaction ends. NotFound when it is not there (or is in the trash; with
        `trashed` True when it is not; None takes both) or the actor may not see it.
        """
        return self.seen(plan, record_id, trashed=trashed, lock=True)

    def seen(
        self, plan: ObjectPlan, record_id: int, *, trashed: bool | None = False, lock: bool = False
    ) -> dict[str, Any]:
        """Like `locked`, without waiting for or taking a lock unless `lock`."""
        row = load(self, plan, record_id, lock=lock)
        if row is None or (trashed is not None and (row["deleted_at"] is not None) is not trashed):
            raise NotFound("There is no such record.")
        if not self.may(plan, "read", row):
            raise NotFound("There is no such record.")
        return row

    def row(self, object_name: str, record_id: int) -> dict[str, Any] | None:
        """A live row by id for expressions, kept for this piece of work; None when it is gone or in the trash."""
        key = (object_name, record_id)
        if key not in self._rows:
            found = load(self, self.room.plan(object_name), record_id)
            self._rows[key] = found if found is not None and found["deleted_at"] is None else None
        return self._rows[key]

    def hold(self, object_name: str, record_id: int) -> None:
        """Read a row anew and keep it from going away before the transaction ends: it is about to be referred to."""
        if self.db.in_write and self.db.engine == "postgresql" and object_name not in PEOPLE_OBJECTS:
            found = load(self, self.room.plan(object_name), record_id, hold=True)
            self._rows[object_name, record_id] = found if found is not None and found["deleted_at"] is None else None

    def preload(self, object_name: str, ids: Iterable[int]) -> None:
        """Read many live rows at once, to be found by `row`; they are held, as `hold` does."""
        held = self.db.in_write and object_name not in PEOPLE_OBJECTS
        wanted = [i for i in ids if (object_name, i) not in self._rows]
        plan, texts = self.room.plan(object_name), self.statements(object_name)
        for start in range(0, len(wanted), MOST_ASKED):
            part = wanted[start : start + MOST_ASKED]
            marks = ", ".join([texts.mark] * len(part))
            sql = f'{texts.select}"id" IN ({marks}){texts.hold_many if held else ""}'
            found = {row["id"]: row for row in map(texts.read, self.db.rows(sql, part))}
            for record_id in part:
                row = found.get(record_id)
                if row is not None and plan.links:
                    read_links(self, plan, row)
                live = row is not None and row["deleted_at"] is None
                self._rows[object_name, record_id] = row if live else None

    def visible(self, object_name: str, record_id: int, *, trusted: bool = False) -> bool:
        """True when a live record exists that the actor may see."""
        row = self.row(object_name, record_id)
        if object_name == "user" and record_id == self.actor.id:
            return row is not None  # everybody may name themself
        return row is not None and (trusted or self.may(self.room.plan(object_name), "read", row))

    def children(self, object_name: str, field: str, record_id: int) -> Sequence[dict[str, Any]]:
        """The live rows whose `field` refers to the record, by id."""
        key = (object_name, field, record_id)
        found = self._children.get(key)
        if found is None:
            plan, texts = self.room.plan(object_name), self.statements(object_name)
            inner = self.room.referring[object_name, field].split(" WHERE ", 1)[1]
            sql = f'{texts.select}{inner} AND "deleted_at" IS NULL ORDER BY "id"'
            found = [texts.read(row) for row in self.db.rows(sql, (record_id,))]
            if plan.links:
                for row in found:
                    read_links(self, plan, row)
            self._children[key] = found
        return found

    def all_rows(self, object_name: str, most: int) -> Sequence[dict[str, Any]]:
        """The live rows of an object, by id; Conflict when there are more than `most`."""
        plan, texts = self.room.plan(object_name), self.statements(object_name)
        sql = f'{texts.select}"deleted_at" IS NULL ORDER BY "id" LIMIT {most + 1}'
        found = [texts.read(row) for row in self.db.rows(sql)]
        if len(found) > most:
            raise Conflict(f"A step would touch more than {most} records.")
        for row in found if plan.links else ():
            read_links(self, plan, row)
        return found

    # those who take part -----------------------------------------------------------------------------
    def before(self, plan: ObjectPlan, change: Change) -> tuple[Watcher, ...]:
        """Ask everybody who watches the object; returns them, to be told by `after` once the row is stored. Conflict
        when one of them would have the change wait: here it cannot.
        """
        watchers = self.room.watchers.get(plan.name, ())
        for watcher in watchers:
            if watcher.before(self, plan, change):
                raise Conflict("This needs an approval of its own first.", code="running")
        return watchers

    def before_or_wait(self, plan: ObjectPlan, change: Change) -> tuple[Watcher, ...] | None:
        """Like `before`; None when the change was taken over, so that nothing is to be stored now."""
        watchers = self.room.watchers.get(plan.name, ())
        for watcher in watchers:
            if watcher.before(self, plan, change):
                return None
        return watchers

    def after(self, plan: ObjectPlan, change: Change, watchers: tuple[Watcher, ...]) -> None:
        """Tell everybody who watches the object that the write is stored."""
        for watcher in watchers:
            watcher.after(self, plan, change)

    def remember(self, object_name: str, record_id: int, row: dict[str, Any] | None) -> None:
        """A row was written: what was read through lists may have changed."""
        self._rows[object_name, record_id] = row if row is not None and row.get("deleted_at") is None else None
        self._children.clear()
        self.written += 1

    def forget(self) -> None:
        """Something was undone: nothing that was read is sure any more."""
        self._rows.clear()
        self._children.clear()
        self._shared.clear()

    @contextmanager
    def exempted(self, room: str) -> Iterator[None]:
        """Write as a room that watches: its own watcher lets these writes pass."""
        before, self.exempt = self.exempt, self.exempt | {room}
        try:
            yield
        finally:
            self.exempt = before

    def trust(self) -> AbstractContextManager[None]:
        """Carry out what metadata itself says: field rights, row rules and read-only do not hold it."""
        return self.deeper(trusted=True)

    @contextmanager
    def deeper(self, *, trusted: bool) -> Iterator[None]:
        """Writes that follow from a write: as the platform itself when `trusted`, else by the actor's own rights."""
        before, self.trusted = self.trusted, trusted or self.actor.system
        if self.depth == 0:
            self.spent = 0
        self.depth += 1
        try:
            yield
        finally:
            self.trusted = before
            self.depth -= 1

    @contextmanager
    def around(self, row: Mapping[str, Any]) -> Iterator[None]:
        """Steps on records of a list: `outer.x` means this row."""
        before, self.outer = self.outer, row
        try:
            yield
        finally:
            self.outer = before

    def spend(self, plan: ObjectPlan) -> None:
        """Count a step; Runaway when one change has led to too many."""
        self.spent += 1
        if self.spent > MOST_STEPS:
            raise Runaway(f"One change led to more than {MOST_STEPS:,} steps: {chain(self, plan)}.")
