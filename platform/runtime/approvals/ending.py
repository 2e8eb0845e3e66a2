"""How an approval comes to an end, and what it does to the record then: apply, drop, return, unlock.

What the approval itself writes goes through the record service like every other write, with rules and unique keys on;
only the lock it set itself is lifted for it. A refusal there takes the whole click back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from ..automation.engine import happened
from ..records.create import team_of
from ..records.extensions import Change
from ..records.remove import delete
from ..records.steps import run_steps
from ..records.update import save, update
from . import sight
from .notices import tell
from .rows import Task

if TYPE_CHECKING:
    from .engine import Engine

WATCHER = "approval"


def approve(engine: Engine) -> None:
    """The last step has passed: what was held back is done now, unless the record moved on meanwhile."""
    instance = engine.instance
    if not _base_holds(engine):
        to_start(engine, "conflict")
        return
    finish(engine, "approved", keep_lock=engine.flow.keep_lock)
    _apply(engine)
    event(engine, "approved")
    engine.copy(engine.flow.cc, "", at="end")
    tell(engine, "approved", [instance.submitted_by] if instance.submitted_by else [])


def reject(engine: Engine) -> None:
    """A step was refused for good."""
    finish(engine, "rejected")
    event(engine, "rejected")
    engine.copy(engine.flow.cc, "", at="end")
    submitter = engine.instance.submitted_by
    tell(engine, "rejected", [submitter] if submitter else [])


def stop(engine: Engine, state: str, reason: str = "") -> None:
    """Withdrawn by the submitter or ended by an administrator."""
    finish(engine, state, reason=reason)
    event(engine, state)


def finish(engine: Engine, state: str, *, reason: str = "", keep_lock: bool = False) -> None:
    """The instance ends: nobody is asked any more, the record is free again."""
    work, instance = engine.work, engine.instance
    close_all(engine, "ended")
    instance.state, instance.finished_at, instance.reason = state, work.stamp, reason
    if not keep_lock:
        instance.locked = {}
    instance.snapshot = instance.snapshot or seen(engine)
    engine.store.save(instance, "state", "finished_at", "reason", "locked", "snapshot")
    sight.end(work, instance)
    engine.note(state, detail={"reason": reason} if reason else None)


def seen(engine: Engine) -> dict[str, Any]:
    """The record as those who take part see it, with what the proposal would change: {"at", "version", "values"}."""
    instance = engine.instance
    if instance.object not in engine.work.room.registry.objects:
        return {}
    row = engine.row()
    if "id" not in row:
        return {}
    fields = engine.plan.fields
    values = {name: fields[name].json(row.get(name)) for name in fields if row.get(name) is not None}
    return {"at": engine.work.stamp, "version": row.get("version"), "values": values}


def fingerprint(engine: Engine) -> str:
    """A hash of what is seen, kept with every decision."""
    values = seen(engine).get("values") or {}
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def close_all(engine: Engine, reason: str) -> None:
    """Cancel every open task and activation."""
    engine.cancel(engine.tasks, reason)
    for activation in engine.activations:
        if activation.state == "active":
            activation.state, activation.finished_at = "cancelled", engine.work.stamp
            engine.store.save_activation(activation, "state", "finished_at")


def to_start(engine: Engine, reason: str, step: str = "") -> None:
    """Back to the submitter, who changes the record and submits again, or withdraws. `step` sent it back: with the
    others that were open then, it is where a flow that resumes goes on.
    """
    work, instance = engine.work, engine.instance
    others = [a.step for a in engine.activations if a.state == "active" and a.step != step]
    close_all(engine, "returned")
    instance.state, instance.reason = "returned", reason
    instance.locked = {**instance.locked, "open": _open_fields(engine)}
    instance.position = {**instance.position, "resume": [step, *others] if step else []}
    if reason == "conflict":
        instance.proposal = {**instance.proposal, "base": _base_now(engine)}
    engine.store.save(instance, "state", "reason", "locked", "position", "proposal")
    if instance.submitted_by is not None:
        task = Task(0, instance.id, 0, "start", instance.submitted_by, "open", work.stamp, part="resubmit")
        task.opened_at = work.stamp
        engine.tasks.append(engine.store.add_task(task))
    engine.note("returned", detail={"reason": reason})
    event(engine, "returned")
    tell(engine, "returned", [instance.submitted_by] if instance.submitted_by else [])


def _base_now(engine: Engine) -> dict[str, Any]:
    """What the proposal would change as it is now: submitting again proposes a change of these values."""
    row = engine.work.row(engine.instance.object, engine.instance.record_id) or {}
    fields = engine.plan.fields
    base: Mapping[str, Any] = engine.instance.proposal.get("base") or {}
    return {name: fields[name].json(row.get(name)) if name in fields else row.get(name) for name in base}


def _open_fields(engine: Engine) -> list[str] | None:
    """What the submitter may change of a returned record; None is everything."""
    names = engine.flow.editable_on_return
    return list(names) if names is not None else None


def event(engine: Engine, name: str) -> None:
    """Carry out what the definition lists for an event, and tell the rules that wait for it; both with the lock lifted.
    A record that is gone has nothing done to it.
    """
    carry_out(engine, engine.flow.on.get(name, ()))
    instance, work = engine.instance, engine.work
    row = work.row(instance.object, instance.record_id)
    if row is not None:
        with work.exempted(WATCHER):
            happened(work, engine.plan, row, name)


def carry_out(engine: Engine, steps: Sequence[Any]) -> None:
    """Carry out what the definition lists, with the lock lifted for it."""
    instance, work = engine.instance, engine.work
    if not steps or work.row(instance.object, instance.record_id) is None:
        return
    with work.exempted(WATCHER):
        run_steps(work, engine.plan, instance.record_id, steps)


# applying what was held back ------------------------------------------------------------------------------------
def _base_holds(engine: Engine) -> bool:
    """True while the fields of the proposal still have the values it was made from."""
    base: Mapping[str, Any] = engine.instance.proposal.get("base") or {}
    if not base:
        return True
    row = engine.work.row(engine.instance.object, engine.instance.record_id)
    if row is None:
        return False
    fields = engine.plan.fields
    return all(
        (fields[name].json(row.get(name)) if name in fields else row.get(name)) == value for name, value in base.items()
    )


def _apply(engine: Engine) -> None:
    work, instance, plan = engine.work, engine.instance, engine.plan
    proposal, record = instance.proposal, instance.record_id
    if instance.operation in ("create", "submit") or work.row(instance.object, record) is None:
        return
    with work.exempted(WATCHER), work.trust():
        if instance.operation == "delete":
            delete(work, plan, record)
        elif instance.operation == "transfer":
            _transfer(engine, proposal)
        elif proposal.get("values"):
            action = "move_stage" if instance.operation == "stage" else "update"
            update(work, plan, record, proposal["values"], action=action, force=True, note=_note(engine))


def _note(engine: Engine) -> dict[str, Any]:
    """What history says beside the values."""
    return {"approval": {"from": None, "to": engine.instance.id}}


def _transfer(engine: Engine, proposal: Mapping[str, Any]) -> None:
    """The record changes hands; whatever watches owners is asked like at any other time."""
    work, plan = engine.work, engine.plan
    old = work.locked(plan, engine.instance.record_id)
    owner = proposal.get("owner")
    new = {**old, "owner": owner, "team": team_of(work, owner)}
    changed = [name for name in ("owner", "team") if new[name] != old[name]]
    note = {name: {"from": old[name], "to": new[name]} for name in changed} | _note(engine)
    if changed:
        save(work, plan, old, new, changed, rights=work.write_rights(plan.name), action="assign", note=note)


def proposal_of(change: Change, engine_fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a change would do, in JSON form, with the values it was made from."""
    old, new = change.old or {}, change.new or {}
    if change.action in ("assign", "transfer", "claim"):
        return {"owner": new.get("owner"), "base": {"owner": old.get("owner")}}
    names = [name for name in change.changed if name in engine_fields]
    return {
        "values": {name: engine_fields[name].json(new.get(name)) for name in names},
        "base": {name: engine_fields[name].json(old.get(name)) for name in names},
    }
