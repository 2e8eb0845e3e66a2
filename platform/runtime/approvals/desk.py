"""What screens ask beyond inboxes and acts: every approval for administrators, why a record is locked and for whom it
waits, the rounds of one approval, whom a person may pick for later steps. Reading only, but for copies marked as read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import Forbidden, NotFound
from guanxi.registry.approvals import Flow

from ..access.actor import Actor
from ..records.work import Work
from ..storage.rows import instant_text_json
from .approvers import Approvers, Question
from .definition import RoutingFault
from .rows import ACTIVE, Activation, Instance

if TYPE_CHECKING:
    from .service import ApprovalService

STATES = ("suspended", "running", "returned", "approved", "rejected", "withdrawn", "terminated", "revoked")
MOST = 200


@dataclass(frozen=True, slots=True)
class Lock:
    """What an approval does to its record. `fields`: locked names, None for all; `free` and `open` stay editable
    (`open` for the viewer, when it was returned to him: None for all). `waits`: names of those asked now.
    """

    approval: int
    label: str
    state: str
    since: str
    waits: tuple[str, ...] = ()
    fields: frozenset[str] | None = None
    free: frozenset[str] = frozenset()
    open: frozenset[str] | None = frozenset()

    def editable(self, name: str) -> bool:
        """Whether the viewer may change a field in spite of the approval."""
        if name in self.free or self.open is None or name in self.open:
            return True
        return self.fields is not None and name not in self.fields

    @property
    def complete(self) -> bool:
        """True when the record as a whole cannot be deleted or handed over."""
        return self.fields is None or bool(self.fields)


@dataclass(frozen=True, slots=True)
class Round:
    """One entering of one step: the numbers of its tasks."""

    step: str
    number: int
    cycle: int
    state: str
    at: str
    finished_at: str
    reason: str
    tasks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Picking:
    """A step whose people are picked. `among` lists (id, name) of those who may be; None when it is everybody."""

    step: str
    label: str
    least: int
    most: int
    among: tuple[tuple[int, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One approval in an administrator's list."""

    id: int
    flow: str
    label: str
    object: str
    record: int
    title: str
    state: str
    operation: str
    submitter: str
    at: str
    finished_at: str
    reason: str
    waits: tuple[str, ...] = field(default=())


class ApprovalDesk:
    """Reads for screens; `service` is `services.approvals`."""

    def __init__(self, service: ApprovalService) -> None:
        self.service = service
        self.room, self.db, self.store = service.room, service.db, service.store

    def now(self) -> datetime:
        """The instance's time."""
        return self.room.clock.now()

    # lists ------------------------------------------------------------------------------------------
    def all(
        self, actor: Actor, *, flow: str = "", state: str = "", object: str = "", before: int = 0, limit: int = 50
    ) -> list[Line]:
        """Every approval, suspended ones first where no state is asked for, then newest first; administrators only.

        `before` is the number of the last one seen; with it the suspended ones do not come again.
        """
        if not actor.administrator:
            raise Forbidden("Only administrators see every approval.")
        given = {"flow": flow, "state": state, "object": object}
        conditions = [f"{name} = ?" for name, value in given.items() if value]
        params: list[Any] = [value for value in given.values() if value]
        limit = max(1, min(limit, MOST))
        found: list[Instance] = []
        if not state and not before:
            found = self._list([*conditions, "state = ?"], [*params, "suspended"], MOST)
        if not state:
            conditions, params = [*conditions, "state <> ?"], [*params, "suspended"]
        if before:
            conditions, params = [*conditions, "id < ?"], [*params, before]
        found += self._list(conditions, params, limit)
        waits = self._waiting([one.id for one in found if one.active])
        people = self.names({one.submitted_by for one in found if one.submitted_by is not None})
        return [self._line(one, actor, waits, people) for one in found]

    def _list(self, conditions: Sequence[str], params: Sequence[Any], limit: int) -> list[Instance]:
        return self.store._instances(" AND ".join(conditions) or "1 = 1", params, f" ORDER BY id DESC LIMIT {limit}")

    def _line(
        self, one: Instance, actor: Actor, waits: Mapping[int, tuple[str, ...]], people: Mapping[int, str]
    ) -> Line:
        return Line(
            id=one.id,
            flow=one.flow,
            label=self.label(one.flow, actor.language),
            object=one.object,
            record=one.record_id,
            title=one.title,
            state=one.state,
            operation=one.operation,
            submitter=people.get(one.submitted_by or 0, ""),
            at=instant_text_json(one.at),
            finished_at=instant_text_json(one.finished_at) if one.finished_at else "",
            reason=one.reason,
            waits=waits.get(one.id, ()),
        )

    def label(self, flow: str, language: str) -> str:
        """What a flow is called now; its name when it is no longer published."""
        known = self.room.registry.others.get("approval", {}).get(flow)
        return known.label.text(language) if known is not None else flow

    def names(self, users: set[int]) -> dict[int, str]:
        """What people are called; whoever takes part in an approval is known by name to those who see it."""
        if not users:
            return {}
        marks = ", ".join("?" * len(users))
        sql = f"SELECT id, full_name, name FROM o_user WHERE id IN ({marks})"  # noqa: S608
        return {int(row[0]): str(row[1] or row[2]) for row in self.db.rows(self.db.sql(sql), sorted(users))}

    def called(self, log_ins: Sequence[str]) -> list[str]:
        """What people are called, by log-in name; the log-in name where there is nobody."""
        marks = ", ".join("?" * len(log_ins))
        sql = f"SELECT name, full_name FROM o_user WHERE deleted_at IS NULL AND name IN ({marks})"  # noqa: S608
        known = {str(row[0]): str(row[1] or row[0]) for row in self.db.rows(self.db.sql(sql), log_ins)} if marks else {}
        return [known.get(name, name) for name in log_ins]

    def _waiting(self, approvals: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Names of those whose turn it is, by approval."""
        if not approvals:
            return {}
        marks = ", ".join("?" * len(approvals))
        sql = (
            "SELECT approval_id, user_id FROM gx_approval_tasks WHERE state = 'open'"  # noqa: S608
            f" AND approval_id IN ({marks}) ORDER BY id"
        )
        rows = self.db.rows(self.db.sql(sql), approvals)
        people = self.names({int(row[1]) for row in rows})
        found: dict[int, dict[str, None]] = {}
        for row in rows:
            found.setdefault(int(row[0]), {})[people.get(int(row[1]), f"#{row[1]}")] = None
        return {number: tuple(names) for number, names in found.items()}

    # a record ---------------------------------------------------------------------------------------
    def watched(self, object_name: str) -> bool:
        """Whether approvals can have to do with records of an object at all; costs nothing."""
        flows: Mapping[str, Flow] = self.room.registry.others.get("approval", {})
        return any(flow.object == object_name for flow in flows.values())

    def lock(self, actor: Actor, object_name: str, record: int) -> Lock | None:
        """What locks a record that the actor may read; None when nothing does."""
        if not self.watched(object_name):
            return None
        with self.db.read():
            found = self.store.locked(object_name, record)
            instance = self.store.instance(found[0]) if found is not None else None
            if found is None or instance is None:
                return None
            waits = self._waiting([instance.id]).get(instance.id, ())
        kept = orjson.loads(found[2])
        if not kept or (not instance.active and kept.get("fields") == []):
            return None
        mine = instance.state == "returned" and actor.id is not None and actor.id == instance.submitted_by
        reopened = kept.get("open")
        return Lock(
            approval=instance.id,
            label=self.label(instance.flow, actor.language),
            state=instance.state,
            since=instant_text_json(instance.finished_at or instance.at),
            waits=waits,
            fields=None if kept.get("fields") is None else frozenset(kept["fields"]),
            free=frozenset(kept.get("free") or ()),
            open=frozenset() if not mine else None if reopened is None else frozenset(reopened),
        )

    def waiting(self, approval: int) -> tuple[str, ...]:
        """Names of those whose turn it is."""
        return self._waiting([approval]).get(approval, ())

    # one approval -----------------------------------------------------------------------------------
    def flow(self, approval: int) -> Flow | None:
        """The flow an approval goes by, as it was when it began; None when that no longer fits what is published."""
        instance = self.store.instance(approval)
        if instance is None:
            raise NotFound("There is no such approval.")
        try:
            return self.service.definitions.of(instance.flow, instance.object, instance.definition)
        except RoutingFault:
            return None

    def rounds(self, approval: int) -> list[Round]:
        """Every entering of every step, oldest first."""
        mine: dict[int, list[int]] = {}
        for task in self.store.tasks(approval):
            mine.setdefault(task.activation_id, []).append(task.id)
        return [self._round(one, mine.get(one.id, ())) for one in self.store.activations(approval)]

    @staticmethod
    def _round(one: Activation, tasks: Sequence[int]) -> Round:
        ended = instant_text_json(one.finished_at) if one.finished_at else ""
        return Round(
            one.step, one.round, one.cycle, one.state, instant_text_json(one.at), ended, one.reason, tuple(tasks)
        )

    def pickings(self, actor: Actor, flow: Flow, record: int, *, kind: str = "submitter_choice") -> list[Picking]:
        """Steps of a flow whose people the submitter (or, `previous_choice`, an approver) picks."""
        asked = [(step, who) for step in flow.all_steps() for who in step.who if who.kind == kind]
        if not asked:
            return []
        work = Work(self.room, actor)
        found = []
        with self.db.read():
            row = work.row(flow.object, record) or {}
            for step, who in asked:
                among = None
                if who.among:
                    question = Question(flow, step, row, actor.id, {}, work.now)
                    users = [pick.user for pick in Approvers(work).resolve(who.among, question)]
                    people = self.names(set(users))
                    among = tuple((user, people[user]) for user in users if user in people)
                found.append(Picking(step.name, step.label.text(actor.language), who.least, who.most, among))
        return found

    def read(self, actor: Actor, approval: int) -> None:
        """A copy counts as read once its reader has looked."""
        sql = "SELECT 1 FROM gx_approval_copies WHERE approval_id = ? AND user_id = ? AND read_at IS NULL"
        if self.db.one(self.db.sql(sql), (approval, actor.id)) is None:
            return
        work = Work(self.room, actor)
        update = "UPDATE gx_approval_copies SET read_at = ? WHERE approval_id = ? AND user_id = ? AND read_at IS NULL"
        with self.db.write():
            self.db.execute(self.db.sql(update), (work.stamp, approval, actor.id))


def is_active(state: str) -> bool:
    """Whether an approval in this state can still move."""
    return state in ACTIVE
