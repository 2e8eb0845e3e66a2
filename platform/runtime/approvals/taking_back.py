"""Taking back one's own agreement: what followed it is undone, and the same person is asked again.

Possible while the approval runs and nobody has decided after it; what the decision wrote is put back where nobody
changed it since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from guanxi.common.errors import Conflict, Forbidden

from ..records.update import update
from . import clocks, ending
from .approvers import Pick
from .rows import ADMIN_STEP, COUNTED, Activation, Task
from .tree import Position, following

if TYPE_CHECKING:
    from .engine import Engine


def take_back(engine: Engine, task: Task) -> None:
    """Undo the actor's agreement while nobody after it has decided; Conflict otherwise."""
    work = engine.work
    if task.decided_by is None or task.decided_by != work.actor.id:
        raise Forbidden("This decision is somebody else's.")
    activation = next(a for a in engine.activations if a.id == task.activation_id)
    later = _later(engine, task, activation)
    decided = any(t.acted for a in later for t in engine.of(a)) or _next_in_line(engine, task, acted=True)
    standing = task.state in ("approved", "held") and task.part in COUNTED
    if engine.instance.state != "running" or not standing or decided:
        raise Conflict("This can no longer be taken back.", code="not_allowed")
    _in_window(engine, task)
    if activation.state != "active":
        _reopen(engine, activation, later)
    for other in _next_in_line(engine, task):
        other.state = "waiting"
        clocks.pause(engine, other)
        engine.store.save_task(other, "state")
    task.state, task.reason, task.acted = "cancelled", "taken_back", 0
    engine.store.save_task(task, "state", "reason", "acted")
    engine.cancel([t for t in engine.tasks if t.parent_id == task.id], "taken_back")
    engine.note("taken_back", task=task, by=work.actor.id)
    _restore_edits(engine, task)
    again = engine.new_task(
        activation, Pick(task.user_id, task.weight, task.principal, task.also, "taken_back"), place=task.place
    )
    engine.open(again, engine.step(task.step))


def _later(engine: Engine, task: Task, activation: Activation) -> list[Activation]:
    """What was entered because this step had passed; steps of sibling branches are not."""
    if task.step == ADMIN_STEP or activation.state == "active":
        return []
    names = following(engine.flow, task.step, Position.of(engine.position.as_json())) | {ADMIN_STEP}
    states = ("active", "passed", "rejected")
    return [a for a in engine.activations if a.id > activation.id and a.state in states and a.step in names]


def _next_in_line(engine: Engine, task: Task, *, acted: bool = False) -> list[Task]:
    """Where people sign in order: those after this one in the same activation who have their turn, or had it."""
    if engine.step(task.step).sign.mode != "in_order" or task.part not in COUNTED:
        return []
    behind = [t for t in engine.tasks if t.activation_id == task.activation_id and t.place > task.place]
    return [t for t in behind if (t.acted if acted else t.state == "open")]


def _reopen(engine: Engine, activation: Activation, later: Sequence[Activation]) -> None:
    """The step is open again, what followed it is not; those who were no longer needed are asked again."""
    for one in later:
        one.state = "cancelled"
        engine.store.save_activation(one, "state")
        engine.cancel(engine.of(one), "taken_back")
    if activation.step != ADMIN_STEP:
        following(engine.flow, activation.step, engine.position)
        engine.instance.position = {**engine.instance.position, **engine.position.as_json()}
        engine.store.save(engine.instance, "position")
    activation.state, activation.finished_at = "active", None
    engine.store.save_activation(activation, "state", "finished_at")
    for other in engine.of(activation):
        if other.state == "cancelled" and other.reason == "decided":
            other.state, other.reason = ("open" if other.opened_at else "waiting"), ""
            engine.store.save_task(other, "state", "reason")


def _in_window(engine: Engine, task: Task) -> None:
    minutes = engine.flow.take_back_minutes
    if not minutes or not task.decided_at:
        return
    if engine.work.now - datetime.fromisoformat(task.decided_at) > timedelta(minutes=minutes):
        raise Conflict("The time to take it back is over.", code="not_allowed")


def _restore_edits(engine: Engine, task: Task) -> None:
    """Fields that the decision wrote get their values back where nobody changed them since."""
    if not task.edits:
        return
    entry = next(
        (
            e
            for e in reversed(engine.store.story(engine.instance.id))
            if e["task_id"] == task.id and e["detail"].get("edits")
        ),
        None,
    )
    if entry is None:
        return
    row = engine.row()
    back = {
        name: moved["from"]
        for name, moved in entry["detail"]["edits"].items()
        if name in engine.plan.fields and engine.plan.fields[name].json(row.get(name)) == moved["to"]
    }
    if back:
        with engine.work.exempted(ending.WATCHER), engine.work.trust():
            update(engine.work, engine.plan, engine.instance.record_id, back, force=True)
