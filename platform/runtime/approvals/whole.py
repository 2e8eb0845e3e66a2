"""What is done with a whole approval: resubmit, withdraw, urge, revoke, and what administrators do to free one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from guanxi.common.errors import BadRequest, Conflict, FieldError, Forbidden, Invalid
from guanxi.common.names import did_you_mean

from . import clocks, ending
from .engine import FAULTS, Engine
from .locks import lock_of
from .notices import tell
from .rows import ADMIN_STEP, COUNTED, Task
from .starting import chosen_people, comment_of
from .tree import Position, Walk

Payload = Mapping[str, Any]
MOST_TOLD = 50


def _given(engine: Engine, payload: Payload, allowed: tuple[str, ...], *, comment: bool = False) -> str:
    for key in payload:
        if key not in allowed:
            raise BadRequest(f"This has no key {str(key)[:60]!r}.", hint=did_you_mean(str(key)[:60], allowed))
    return comment_of(payload.get("comment"), engine.work.language, needed=comment)


def _submitter(engine: Engine) -> int:
    actor = engine.work.actor.id
    if actor is None or actor != engine.instance.submitted_by:
        raise Forbidden("Only the submitter may do this.")
    return actor


def _administrator(engine: Engine) -> None:
    actor = engine.work.actor
    if not actor.administrator and actor.id not in engine.approvers.admins(engine.flow):
        raise Forbidden("Only an administrator of the approval may do this.")


# the submitter --------------------------------------------------------------------------------------------------
def resubmit(engine: Engine, payload: Payload) -> None:
    """{"comment", "approvers"}: a returned approval goes on, from the start or from the step that returned it."""
    comment = _given(engine, payload, ("comment", "approvers"))
    actor = _submitter(engine)
    instance, flow = engine.instance, engine.flow
    if instance.state != "returned":
        raise Conflict("The approval was not returned to you.", code="not_allowed")
    if payload.get("approvers") is not None:
        instance.chosen = chosen_people(engine.work, flow, instance, engine.row(), payload["approvers"])
    step, why = _resume_step(engine)
    others = [one for one in _left(engine)[1:] if engine.flow.step(one) is not None]
    _supersede(engine, keep=step)
    engine.cancel([t for t in engine.tasks if t.part == "resubmit"], "resubmitted")
    instance.state, instance.reason = "running", ""
    instance.locked = lock_of(flow)
    if not step:
        instance.cycle += 1
        engine.position = Position()
        instance.position = {}
    engine.store.save(instance, "state", "reason", "locked", "cycle", "position", "chosen")
    detail = {"how": "resume" if step else "restart", "step": step} | ({"why": why} if why else {})
    engine.note("resubmitted", by=actor, comment=comment, detail=detail)
    if step:
        engine.returned_to = step
        engine.kept = _agreed_there(engine, step)
        engine.resume("go_to", step, *others)
    else:
        engine.resume("begin")


def _left(engine: Engine) -> list[str]:
    """The steps that were open when it was returned; the one that returned it first."""
    left = engine.instance.position.get("resume") or []
    return [left] if isinstance(left, str) else list(left)


def _agreed_there(engine: Engine, step: str) -> frozenset[int]:
    """With `only_unapproved`: people who had agreed in the step before somebody else sent it back."""
    if engine.flow.resubmit_to != "only_unapproved":
        return frozenset()
    mine = [a for a in engine.activations if a.step == step and a.cycle == engine.instance.cycle]
    asked = [t for t in engine.tasks if mine and t.activation_id == mine[-1].id]
    return frozenset(t.user_id for t in asked if t.acted and t.state == "approved" and t.part in COUNTED)


def _resume_step(engine: Engine) -> tuple[str, str]:
    """The step to go on at, and why it is not possible when the flow would want it: the way must be the same still."""
    target = next(iter(_left(engine)), "")
    if engine.flow.resubmit != "resume" or not target:
        return "", ""
    done = [a for a in engine.activations if a.cycle == engine.instance.cycle and a.state == "passed"]
    last = max((a.finished_at or "" for a in done), default="")
    if engine.instance.material_at > last > "":
        return "", "material"
    passed = {a.step for a in done}
    met: list[str] = []

    def enter(step: Any) -> Any:
        met.append(step.name)
        return "passed" if step.name != target else "waits"

    try:
        Walk(engine.flow, Position(), enter, engine.holds).begin()
    except FAULTS:
        return "", "route"
    before = met[: met.index(target)] if target in met else []
    humans = [name for name in before if engine.step(name).kind == "approve"]
    if target not in met or not set(humans) <= passed or not passed - {target} <= set(met):
        return "", "route"
    return target, ""


def _supersede(engine: Engine, keep: str) -> None:
    """A new cycle begins: what was agreed stays to be seen and no longer counts; resuming keeps it."""
    for activation in engine.activations:
        if activation.state == "passed" and not keep:
            activation.state = "superseded"
            engine.store.save_activation(activation, "state")


def withdraw(engine: Engine, payload: Payload) -> None:
    """{"comment"}: the submitter takes it back, as far as the flow lets him."""
    comment = _given(engine, payload, ("comment",))
    actor = _submitter(engine)
    if engine.instance.state not in ("running", "returned", "suspended"):
        raise Conflict("The approval is over.", code="not_allowed")
    policy = engine.flow.withdraw
    decided = engine.decided()
    if engine.instance.state == "running" and (policy == "never" or (policy == "before_first_decision" and decided)):
        raise Conflict("The approval can no longer be withdrawn.", code="not_allowed")
    engine.note("withdraw", by=actor, comment=comment)
    ending.stop(engine, "withdrawn", comment)


def urge(engine: Engine, payload: Payload) -> None:
    """{"comment"}: ask those whose turn it is to decide; by whoever takes part, not too often."""
    comment = _given(engine, payload, ("comment",))
    work, instance = engine.work, engine.instance
    if instance.state != "running":
        raise Conflict("Nobody is asked now.", code="not_allowed")
    people = {instance.submitted_by, *(t.user_id for t in engine.tasks)}
    if work.actor.id not in people and not work.actor.administrator:
        raise Forbidden("Only those who take part may urge.")
    urged = [datetime.fromisoformat(e["at"]) for e in engine.store.story(instance.id) if e["act"] == "urged"]
    soon = [at for at in urged if work.now - at < timedelta(minutes=engine.flow.urge_minutes)]
    today = [at for at in urged if work.now - at < timedelta(days=1)]
    if soon or len(today) >= engine.flow.urge_per_day:
        raise Conflict("They were urged a short while ago.", code="too_soon")
    engine.note("urged", by=work.actor.id, comment=comment)
    asked = [user for t in engine.tasks if t.state == "open" for user in (t.user_id, t.also) if user is not None]
    tell(engine, "urge", asked)


def revoke(engine: Engine, payload: Payload) -> None:
    """{"comment"}: an approval that was given is void again; the definition says what follows."""
    comment = _given(engine, payload, ("comment",), comment=True)
    _administrator(engine)
    if engine.instance.state != "approved":
        raise Conflict("Only what was approved can be revoked.", code="not_allowed")
    if engine.store.active_of(engine.instance.object, engine.instance.record_id) is not None:
        raise Conflict("Another approval of the record is running.", code="running")
    engine.note("revoke", by=engine.work.actor.id, comment=comment)
    _audited(engine, "approval_revoked", comment)
    ending.stop(engine, "revoked", comment)


# administrators -------------------------------------------------------------------------------------------------
def terminate(engine: Engine, payload: Payload) -> None:
    """{"comment"}: end it without a decision."""
    comment = _given(engine, payload, ("comment",), comment=True)
    _administrator(engine)
    if not engine.instance.active:
        raise Conflict("The approval is over.", code="not_allowed")
    engine.note("terminate", by=engine.work.actor.id, comment=comment)
    _audited(engine, "approval_terminated", comment)
    ending.stop(engine, "terminated", comment)


def retry(engine: Engine, payload: Payload) -> None:
    """{}: a suspended approval tries again what failed."""
    _given(engine, payload, ("comment",))
    _administrator(engine)
    if engine.instance.state != "suspended":
        raise Conflict("The approval is not suspended.", code="not_allowed")
    fault = engine.instance.position.get("fault") or {"move": "begin", "steps": []}
    steps = list(fault["steps"])
    engine.instance.state, engine.instance.reason = "running", ""
    engine.store.save(engine.instance, "state", "reason")
    for task in engine.tasks:
        clocks.go_on(engine, task)
    engine.note("retried", by=engine.work.actor.id)
    _audited(engine, "approval_retried")
    if steps == [ADMIN_STEP]:
        ending.approve(engine)
    else:
        engine.resume(fault["move"], *steps)


def reassign(engine: Engine, payload: Payload) -> None:
    """{"task", "user", "comment"}: an administrator hands an open task to somebody else."""
    comment = _given(engine, payload, ("task", "user", "comment"))
    _administrator(engine)
    task = next((t for t in engine.tasks if t.id == payload.get("task") and t.state == "open"), None)
    if task is None:
        raise Conflict("There is no such open task.", code="task_closed")
    user = payload.get("user")
    person = engine.approvers.organisation.people([user]).get(user) if isinstance(user, int) else None
    if person is None or not person.active:
        raise Invalid([FieldError("user", "reference", "There is no such person.")])
    if not engine.approvers.others([person.id], engine.question(engine.step(task.step))):
        raise Conflict("Nobody decides on his own behalf.", code="not_allowed")
    if any(
        t.user_id == person.id and (t.pending or t.acted)
        for t in engine.tasks
        if t.id != task.id and t.activation_id == task.activation_id
    ):
        raise Conflict("This person already takes part in this step.", code="not_allowed")
    before = task.user_id
    _hand_over(engine, task, person.id)
    detail = {"from": before, "to": person.id}
    engine.note("reassigned", task=task, by=engine.work.actor.id, comment=comment, detail=detail)
    _audited(engine, "approval_reassigned", comment, detail)


def _audited(engine: Engine, action: str, reason: str = "", detail: Mapping[str, Any] | None = None) -> None:
    """What administrators do to approvals stands in the audit trail too."""
    instance, room = engine.instance, engine.work.room
    about = {"approval": instance.id, "flow": instance.flow, **(detail or {})}
    room.audit.record(
        action, engine.work.actor, object=instance.object, record_id=instance.record_id, detail=about, reason=reason
    )


def _hand_over(engine: Engine, task: Task, user: int) -> None:
    task.user_id, task.also = user, None
    engine.store.save_task(task, "user_id", "also")
    engine.asked(task)


def comment(engine: Engine, payload: Payload) -> None:
    """{"comment"}: say something without deciding; by whoever takes part."""
    said = _given(engine, payload, ("comment",), comment=True)
    actor = engine.work.actor
    people = {engine.instance.submitted_by, *(t.user_id for t in engine.tasks)}
    if actor.id not in people and not actor.administrator:
        raise Forbidden("Only those who take part may comment.")
    engine.note("comment", by=actor.id, comment=said)


def copy(engine: Engine, payload: Payload) -> None:
    """{"users", "comment"}: let more people know; by whoever takes part."""
    said = _given(engine, payload, ("users", "comment"))
    actor = engine.work.actor
    people = {engine.instance.submitted_by, *(t.user_id for t in engine.tasks)}
    if actor.id not in people and not actor.administrator:
        raise Forbidden("Only those who take part may let others know.")
    users = payload.get("users")
    if not isinstance(users, list) or not users or len(users) > MOST_TOLD:
        raise Invalid([FieldError("users", "required", f"Name 1 to {MOST_TOLD} people.")])
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in users):
        raise Invalid([FieldError("users", "type", "People are named by their ids.")])
    known = engine.approvers.organisation.people(users)
    if any(one not in known or not known[one].active for one in users):
        raise Invalid([FieldError("users", "reference", "There is no such person.")])
    new = engine.store.copy(engine.instance, users, at=engine.work.stamp)
    engine.note("copied", by=actor.id, comment=said, detail={"users": new})
    tell(engine, "copy", new)


def read(engine: Engine, payload: Payload) -> None:
    """{}: whoever was told has looked at it."""
    _given(engine, payload, ())
    engine.store.read(engine.instance, engine.work.actor.id, at=engine.work.stamp)


WHOLE: Mapping[str, Callable[[Engine, Payload], None]] = {
    "resubmit": resubmit,
    "withdraw": withdraw,
    "urge": urge,
    "revoke": revoke,
    "terminate": terminate,
    "retry": retry,
    "reassign": reassign,
    "comment": comment,
    "copy": copy,
    "read": read,
}
