"""Approvals as channels see them: inboxes, one approval in full, acts. Each act is one transaction that holds the
instance first, so that decisions on one approval happen one after another whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guanxi.common.errors import BadRequest, Conflict, FieldError, Forbidden, GuanxiError, Invalid, NotFound
from guanxi.common.names import did_you_mean
from guanxi.registry.approvals import Flow

from ..access.actor import Actor
from ..records.inputs import record_id, record_values
from ..records.room import Room
from ..records.store import load
from ..records.work import Work
from . import simulating, views
from .acts import ACTS
from .bpmn import to_bpmn
from .definition import RoutingFault
from .engine import Engine
from .locks import definitions_of
from .rows import Instance
from .store import Store
from .whole import WHOLE

MOST_BATCH = 200
BATCH_ACTS = ("approve", "reject")
FREEING = ("terminate", "withdraw", "comment")
"""Acts that are possible although the definition no longer fits what is published."""
Payload = Mapping[str, Any]


class ApprovalService:
    """One per published version; `services.approvals`."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.db = room.db
        self.store = Store(room.db)
        self.definitions = definitions_of(room)

    # acts -------------------------------------------------------------------------------------------
    def act(self, actor: Actor, task_id: int, act: str, payload: Payload) -> dict[str, Any]:
        """One act on a task (see `acts`); answers the approval as it is then. NotFound for a task one may not know."""
        known = ACTS.get(act)
        if known is None:
            raise NotFound(f"There is no act {act[:60]!r}.", hint=did_you_mean(act[:60], ACTS))
        number = record_id(task_id)
        approval = self.store.approval_of(number)
        if approval is None:
            raise NotFound("There is no such task.")

        def run(engine: Engine) -> None:
            task = next((one for one in engine.tasks if one.id == number), None)
            if task is None:
                raise NotFound("There is no such task.")
            self._concerned(engine, actor)
            known.run(engine, task, record_values(payload))

        return self._held(actor, approval, run)

    def act_on(self, actor: Actor, approval_id: int, act: str, payload: Payload) -> dict[str, Any]:
        """One act on a whole approval (see `whole`)."""
        known = WHOLE.get(act)
        if known is None:
            raise NotFound(f"There is no act {act[:60]!r}.", hint=did_you_mean(act[:60], WHOLE))

        def run(engine: Engine) -> None:
            self._concerned(engine, actor)
            known(engine, record_values(payload))

        return self._held(actor, record_id(approval_id), run, faulty=act in FREEING)

    def batch(self, actor: Actor, tasks: Sequence[Any], act: str, comment: str = "") -> list[dict[str, Any]]:
        """The same act on many tasks, each in a transaction and with an answer of its own."""
        if act not in BATCH_ACTS:
            raise BadRequest("Tasks can be approved or rejected together.", hint=did_you_mean(act[:60], BATCH_ACTS))
        if len(tasks) > MOST_BATCH:
            raise BadRequest(f"At most {MOST_BATCH} tasks at once.", code="limit")
        if act == "reject" and not comment:
            raise Invalid([FieldError("comment", "required", "Say why.")])
        return [self._one_of_batch(actor, task, act, comment) for task in tasks]

    def _one_of_batch(self, actor: Actor, task: Any, act: str, comment: str) -> dict[str, Any]:
        try:
            number = record_id(task)
            self._may_batch(number)
            found = self.act(actor, number, act, {"comment": comment} if comment else {})
        except GuanxiError as error:
            faults = [one.as_dict() for one in error.errors] if isinstance(error, Invalid) else []
            return {
                "task": task,
                "status": error.status,
                "errors": faults or [{"field": "", "code": error.code, "message": error.detail}],
            }
        return {"task": number, "status": 200, "state": found["state"]}

    def _may_batch(self, task_id: int) -> None:
        approval = self.store.approval_of(task_id)
        instance = self.store.instance(approval) if approval is not None else None
        if instance is None:
            raise NotFound("There is no such task.")
        flow = self.definitions.of(instance.flow, instance.object, instance.definition)
        task = next((one for one in self.store.tasks(instance.id) if one.id == task_id), None)
        step = flow.step(task.step) if task is not None else None
        if not flow.batch or (step is not None and (step.no_batch or step.required)):
            raise Conflict("This one must be looked at by itself.", code="not_allowed")

    def _held(
        self, actor: Actor, approval_id: int, run: Callable[[Engine], None], *, faulty: bool = False
    ) -> dict[str, Any]:
        def once() -> dict[str, Any]:
            work = Work(self.room, actor)
            with self.db.write():
                engine = self.engine(work, approval_id, faulty=faulty)
                run(engine)
                return views.whole(work, engine)

        return self.db.retry(once)

    def flow_of(self, instance: Instance) -> Flow:
        """The flow of an instance, as far as it can still be read."""
        try:
            return self.definitions.of(instance.flow, instance.object, instance.definition)
        except RoutingFault:
            return views.faulty_flow(instance)

    def engine(self, work: Work, approval_id: int, *, faulty: bool = False) -> Engine:
        """The instance, held inside `write()`, ready to move. The record is locked before it, as every write of the
        record does, so that a decision and a change never wait for each other.
        """
        known = self.store.place_of(approval_id)
        if known is not None and known[0] in self.room.registry.objects:
            load(work, self.room.plan(known[0]), known[1], lock=True)
        instance = self.store.lock(approval_id)
        try:
            flow = self.definitions.of(instance.flow, instance.object, instance.definition)
        except RoutingFault as fault:
            if not faulty:
                raise Conflict(f"The approval's definition no longer fits: {fault}.", code="not_allowed") from fault
            flow = views.faulty_flow(instance)
        return Engine(work, self.store, instance, flow)

    def _concerned(self, engine: Engine, actor: Actor) -> None:
        """NotFound for somebody who may not know of the approval."""
        if not views.concerned(engine.work, engine, actor):
            raise NotFound("There is no such approval.")

    # reading ----------------------------------------------------------------------------------------
    def inbox(self, actor: Actor, box: str, *, limit: int = 50, after: str = "", **filters: str) -> dict[str, Any]:
        """One page of a box: todo, done, mine, cc; newest first, {"data", "next", "counts"?}."""
        if actor.id is None:
            raise Forbidden("Only people have an inbox.")
        return views.inbox(self.room, actor, box, limit=limit, after=after, filters=filters)

    def counts(self, actor: Actor) -> dict[str, int]:
        """How much is in each box that counts: {"todo", "cc"}."""
        return views.counts(self.db, actor)

    def show(self, actor: Actor, approval_id: int) -> dict[str, Any]:
        """One approval in full, as far as the actor may see it."""
        work = Work(self.room, actor)
        with self.db.read():
            instance = self.store.instance(record_id(approval_id))
            if instance is None:
                raise NotFound("There is no such approval.")
            engine = Engine(work, self.store, instance, self.flow_of(instance))
            self._concerned(engine, actor)
            return views.whole(work, engine)

    def bpmn(self, actor: Actor, name: str) -> str:
        """A published flow as BPMN 2.0; NotFound for who may not know of its object."""
        flow = simulating.known_flow(self.room, name)
        Work(self.room, actor).plan(flow.object)
        return to_bpmn(flow, actor.language)

    def preview(self, actor: Actor, object_name: str, number: int, name: str | None = None) -> dict[str, Any]:
        """What submitting a record would lead to (see `simulating`)."""
        return simulating.preview(self.room, actor, object_name, number, name)

    def simulate(self, actor: Actor, name: str, **given: Any) -> dict[str, Any]:
        """A flow on a record or on values, without doing anything (see `simulating`)."""
        return simulating.simulate(self.room, actor, name, **given)

    def replay(self, actor: Actor, name: str, since: str = "90d") -> dict[str, Any]:
        """A flow on what went through it lately (see `simulating`)."""
        return simulating.replay(self.room, actor, name, since=simulating.days(since))

    def of_record(self, actor: Actor, object_name: str, number: int) -> list[dict[str, Any]]:
        """The approvals of a record that the actor may read, newest first, in short."""
        work = Work(self.room, actor)
        plan = work.plan(object_name)
        with self.db.read():
            work.seen(plan, record_id(number), trashed=None)
            return [views.short(work, one) for one in self.store.of_record(object_name, number)]
