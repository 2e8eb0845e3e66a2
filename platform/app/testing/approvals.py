"""The verbs of a test that are about approvals: submitting, deciding, going back, and where one waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guanxi.common.errors import Conflict
from guanxi.registry import MetadataStep
from guanxi.runtime.access.actor import SYSTEM

from .world import World

PAYLOAD = ("comment", "values", "to", "where", "sign")


def submit(world: World, step: MetadataStep) -> None:
    """Submit the record as a person."""
    kind, number = world.record(step.record, step.place)
    payload = {key: step.more[key] for key in ("approval", "comment") if key in step.more}
    if "approvers" in step.more:
        payload["approvers"] = _people_by_step(world, step.more["approvers"])
    world.services.records.act(world.actor(step.actor), kind, number, "submit", payload)


def _task_act(name: str) -> Callable[[World, MetadataStep], None]:
    def run(world: World, step: MetadataStep) -> None:
        actor, approval = world.actor(step.actor), _approval(world, step)
        shown = world.services.approvals.show(SYSTEM, approval)
        own = [t for t in shown["tasks"] if actor.id in (t["user"]["id"], (t["beside"] or {}).get("id"))]
        task = next((t["id"] for t in own if t["state"] == "open"), None)
        if task is None:
            raise Conflict(f"{step.actor or 'The administrator'} is not asked now.", code="task_closed")
        world.services.approvals.act(actor, task, name, _payload(world, step))

    return run


def _withdraw(world: World, step: MetadataStep) -> None:
    approval = _approval(world, step)
    world.services.approvals.act_on(world.actor(step.actor), approval, "withdraw", _payload(world, step))


def _payload(world: World, step: MetadataStep) -> dict[str, Any]:
    found: dict[str, Any] = {key: step.more[key] for key in PAYLOAD if key in step.more}
    if step.values:
        found["values"] = dict(world.values(step.object, step.values) or {})
    if "user" in step.more:
        found["user"] = world.person(str(step.more["user"]))
    if "users" in step.more:
        found["users"] = [world.person(str(name)) for name in step.more["users"]]
    if "approvers" in step.more:
        found["approvers"] = _people_by_step(world, step.more["approvers"])
    return found


def _people_by_step(world: World, given: Mapping[str, Any]) -> dict[str, list[int]]:
    return {name: [world.person(str(one)) for one in people] for name, people in given.items()}


def _approval(world: World, step: MetadataStep) -> int:
    """The newest approval of the record, of the flow that is named if one is. Conflict when there is none."""
    kind, number = world.record(step.record, step.place)
    wanted = step.more.get("approval")
    for found in world.services.approvals.of_record(SYSTEM, kind, number):
        if wanted in (None, found["approval"]):
            return int(found["id"])
    raise Conflict("No approval of this record was ever started.", code="no_flow")


def waiting_on(world: World, step: MetadataStep) -> str:
    """What is not as the test says, or ""."""
    shown = world.services.approvals.show(SYSTEM, _approval(world, step))
    wanted = step.more["is"]
    steps = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    people = {task["user"]["id"] for task in shown["tasks"] if task["state"] == "open"}
    state = step.more.get("state", shown["state"])
    right = sorted(steps) == sorted(shown["waiting_on"]) and state == shown["state"]
    if "people" in step.more:
        right = right and people == {world.person(str(name)) for name in step.more["people"]}
    if right:
        return ""
    titles = sorted(task["user"]["title"] for task in shown["tasks"] if task["state"] == "open")
    return f"seen: {shown['state']}, waiting on {', '.join(shown['waiting_on']) or 'nothing'} ({', '.join(titles)})"


def claim(step: MetadataStep) -> str:
    """What the test says, in a sentence."""
    wanted = step.more["is"]
    names = ", ".join(wanted) if isinstance(wanted, list | tuple) else str(wanted)
    more = f", {step.more['state']}" if "state" in step.more else ""
    return f"the approval of {step.record} must wait on {names or 'nothing'}{more}"


DO: Mapping[str, Callable[[World, MetadataStep], None]] = {
    "submit": submit,
    **{name: _task_act(name) for name in ("approve", "reject", "return", "transfer", "add_signer")},
    "withdraw": _withdraw,
}
