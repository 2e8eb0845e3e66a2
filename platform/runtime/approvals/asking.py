"""Whom a step asks because of what happened before: the same people again, and not those who have agreed already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guanxi.registry.approvals import Step

from .approvers import Pick, unique

if TYPE_CHECKING:
    from .engine import Engine


def asked_again(engine: Engine, step: Step) -> list[Pick] | None:
    """A step that is entered again in the same cycle asks the same people, new ones only for the inactive."""
    earlier = [a for a in engine.activations if a.step == step.name and a.cycle == engine.instance.cycle]
    if not earlier or not any(a.state in ("returned", "superseded", "cancelled") for a in earlier):
        return None
    asked = [t for t in engine.tasks if t.activation_id == earlier[-1].id and t.part == "vote"]
    if not asked:
        return None
    people = engine.approvers.organisation.people([t.user_id for t in asked])
    kept: list[Pick] = []
    for task in asked:
        active = task.user_id in people and people[task.user_id].active
        users = [task.user_id] if active else engine.approvers.instead(task.user_id, engine.flow)
        kept += [Pick(user, task.weight, task.principal, task.also, "again") for user in users]
    return unique(kept)


def agreed_before(engine: Engine, step: Step) -> frozenset[int]:
    """People whose agreement in this cycle still counts: in the step just before, or in any."""
    policy = step.repeat or engine.flow.repeat
    if policy == "each" or step.always_ask or step.required or engine.returned_to == step.name:
        return frozenset()
    done = [a for a in engine.activations if a.cycle == engine.instance.cycle and a.state == "passed"]
    if policy == "adjacent":
        with_people = [a for a in done if any(t.activation_id == a.id and t.acted for t in engine.tasks)]
        done = with_people[-1:]
    ids = {a.id for a in done}
    material = engine.instance.material_at
    return frozenset(
        t.user_id
        for t in engine.tasks
        if t.activation_id in ids and t.acted and t.state == "approved" and (t.decided_at or "") > material
    )
