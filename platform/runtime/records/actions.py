"""Named actions on a record: `move_stage`, `assign`, and the buttons an object declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound
from guanxi.common.names import did_you_mean
from guanxi.common.text import text_fault
from guanxi.expressions.evaluate import compile_expression

from .create import team_of
from .environment import environment
from .extensions import RecordAction
from .holders import lock_people, manages
from .inputs import record_id, record_values
from .messages import fault, named, text
from .plan import ObjectPlan
from .steps import run_steps
from .update import save, update

if TYPE_CHECKING:
    from .room import Room
    from .work import Work

LONGEST_REASON = 2_000


def act(work: Work, plan: ObjectPlan, number: int, action: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """Carry out one action inside `write()`; returns its own answer, None when that is the record.

    NotFound for a name the object does not offer.
    """
    payload = record_values(payload)
    own = next((known for known in of_object(work.room, plan) if known.name == action), None)
    if own is not None:
        return own.run(work, plan, number, payload)
    if action not in plan.object.actions:
        raise NotFound(f"There is no action {action[:60]!r}.", hint=did_you_mean(action, offered(work.room, plan)))
    declared(work, plan, number, action, payload)
    return None


def of_object(room: Room, plan: ObjectPlan) -> list[RecordAction]:
    """The actions an object has by its nature, not by declaration."""
    return [known for known in (*OWN_ACTIONS, *room.extensions.actions) if known.applies(room, plan)]


def offered(room: Room, plan: ObjectPlan) -> list[str]:
    """Names of the object's actions."""
    return [*(known.name for known in of_object(room, plan)), *plan.object.actions]


def _only(payload: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in payload:
        if name not in known:
            raise BadRequest(f"The action has no key {str(name)[:60]!r}.", hint=did_you_mean(str(name)[:60], known))


def move_stage(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> None:
    """{"to": stage, "values": {…}, "version": n}: the stage and values it needs, in one change."""
    _only(payload, ("to", "values", "version"))
    stages = plan.stages
    to = payload.get("to")
    if stages is None or not isinstance(to, str):
        raise Invalid([fault("to", "required", "required", work.language)])
    values = dict(record_values(payload.get("values") or {}))
    if stages.field in values:
        raise BadRequest(f"Give the stage as 'to', not as {stages.field!r} in 'values'.")
    if to not in stages.path:
        raise Invalid([fault(stages.field, "stage", "stage_unknown", work.language, name=to[:60])])
    values[stages.field] = to
    update(work, plan, number, values, version=payload.get("version"), action="move_stage")


def assign(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> None:
    """{"owner": user id, "reason": text}: the record and its team change hands; needs the right `assign`."""
    _only(payload, ("owner", "reason"))
    reason = payload.get("reason") or ""
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON or text_fault(reason):
        raise Invalid([fault("reason", "type", "type", work.language)])
    try:
        owner = record_id(payload.get("owner"))
    except NotFound as error:
        code = "required" if payload.get("owner") is None else "type"
        raise Invalid([fault("owner", code, code, work.language)]) from error
    lock_people(work, [owner])
    old = work.locked(plan, number)
    if not manages(work.actor, old):
        work.demand(plan, "assign", old)
    user = work.row("user", owner)
    if user is None or user.get("active") is False or not work.visible("user", owner):
        label = named(work.room.registry.objects["user"].label, "user", work.language)
        raise Invalid([fault("owner", "reference", "reference", work.language, object=label, id=owner)])
    new = {**old, "owner": owner, "team": team_of(work, owner)}
    changed = [name for name in ("owner", "team") if new[name] != old[name]]
    if not changed:
        return
    note = {name: {"from": old[name], "to": new[name]} for name in changed}
    if reason:
        note.setdefault("owner", {"from": old["owner"], "to": owner})["reason"] = reason
    save(work, plan, old, new, changed, rights=work.write_rights(plan.name), action="assign", note=note)


def declared(work: Work, plan: ObjectPlan, number: int, name: str, payload: Mapping[str, Any]) -> None:
    """An action of the metadata: granted to a role by name, offered while its condition holds."""
    _only(payload, ())
    action = plan.object.actions[name]
    row = work.locked(plan, number)
    if not may_act(work, plan, name):
        raise Forbidden("You may not do this.")
    if action.when is not None and not compile_expression(action.when)(environment(work, plan.name, row)):
        raise Conflict(text("action_now", work.language))
    run_steps(work, plan, number, action.do)


def may_act(work: Work, plan: ObjectPlan, name: str) -> bool:
    """True when a role of the actor names the action."""
    return work.actor.unrestricted or name in work.rights(plan.name).actions


def action_states(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What can be done with a record now: declared actions with `enabled`, and what the object has by its nature."""
    states: dict[str, dict[str, Any]] = {}
    for name, action in plan.object.actions.items():
        if may_act(work, plan, name):
            env = environment(work, plan.name, row)
            states[name] = {"enabled": action.when is None or bool(compile_expression(action.when)(env))}
    for known in of_object(work.room, plan):
        state = known.state(work, plan, row)
        if state is not None:
            states[known.name] = state
    return states


def _stages_ahead(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> dict[str, Any] | None:
    stages = plan.stages
    if stages is None or not work.may(plan, "update", row) or not work.write_rights(plan.name).editable(stages.field):
        return None
    stage = stages.path.get(row.get(stages.field, ""))
    return {"to": list(stage.to) if stage is not None else list(stages.path)}


def _may_assign(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> dict[str, Any] | None:
    return {} if work.may(plan, "assign", row) else None


OWN_ACTIONS = (
    RecordAction("move_stage", lambda _, plan: plan.stages is not None, _stages_ahead, move_stage),
    RecordAction("assign", lambda _, plan: plan.owned, _may_assign, assign),
)
