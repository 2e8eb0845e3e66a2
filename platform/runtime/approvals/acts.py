"""What a person does with a task: decide, return, hand over, ask others, take back. One function each.

Every act runs with the instance held and reads the task after that, so of two people who click at once the second is
told who was first. Acts judge themselves who may do them; buttons ask `offers`, which asks the same questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guanxi.common.errors import BadRequest, Conflict, FieldError, Forbidden, Invalid
from guanxi.common.names import did_you_mean

from ..records.inputs import record_values
from ..records.update import update
from . import clocks, ending
from .approvers import Pick
from .engine import Engine
from .rows import ADMIN_STEP, COUNTED, Activation, Task
from .starting import chosen_people, comment_of
from .taking_back import take_back

Payload = Mapping[str, Any]
MOST_ADDED = 20
DEEPEST_ADDED = 3


def judged(engine: Engine, task: Task, payload: Payload, allowed: Sequence[str], *, comment: str) -> str:
    """The comment of an act whose payload has only `allowed` keys; `comment` says which acts need one."""
    for key in payload:
        if key not in allowed:
            raise BadRequest(f"This has no key {str(key)[:60]!r}.", hint=did_you_mean(str(key)[:60], allowed))
    step = engine.step(task.step)
    rule = step.comment or engine.flow.comment
    needed = rule == "always" or (rule == "on_reject" and comment == "no") or comment == "must"
    return comment_of(payload.get("comment"), engine.work.language, needed=needed and comment != "free")


def mine(engine: Engine, task: Task) -> None:
    """Conflict when the task is no longer open (naming who was first), Forbidden when it is somebody else's."""
    actor = engine.work.actor.id
    if actor is None or actor not in (task.user_id, task.also):
        raise Forbidden("This task is somebody else's.")
    if engine.instance.state != "running" or task.state != "open":
        raise Conflict(closed_by(engine, task), code="task_closed")


def closed_by(engine: Engine, task: Task) -> str:
    """Why a task is no longer open, naming who was first."""
    activation = next((a for a in engine.activations if a.id == task.activation_id), None)
    decided = task.decided_by
    if decided is None and activation is not None:
        decided = next((t.decided_by for t in engine.of(activation) if t.decided_by is not None), None)
    row = engine.work.row("user", decided) if decided is not None else None
    if row is not None:
        return f"This was handled by {row.get('full_name') or row['name']}."
    return "This task is no longer open."


def activation_of(engine: Engine, task: Task) -> Activation:
    """The activation a task belongs to."""
    return next(a for a in engine.activations if a.id == task.activation_id)


# deciding -------------------------------------------------------------------------------------------------------
def approve(engine: Engine, task: Task, payload: Payload) -> None:
    """{"comment", "values", "approvers"}: agree; `values` are the fields the step lets one change."""
    mine(engine, task)
    comment = judged(engine, task, payload, ("comment", "values", "approvers"), comment="yes")
    saw = ending.fingerprint(engine)
    edits = _edits(engine, task, payload.get("values"), full=True)
    if payload.get("approvers") is not None:
        engine.instance.chosen = chosen_people(
            engine.work,
            engine.flow,
            engine.instance,
            engine.row(),
            payload["approvers"],
            kind="previous_choice",
        )
        engine.store.save(engine.instance, "chosen")
    if task.part == "opinion":
        _opinion(engine, task, "approve", comment)
        return
    waits = [t for t in engine.tasks if t.parent_id == task.id and t.part == "after" and t.pending]
    _decided(engine, task, "held" if waits else "approved", comment, edits)
    engine.note("approved", task=task, by=engine.work.actor.id, comment=comment, detail={**edits, "saw": saw})
    for added in waits:
        engine.open(added, None)
    if not waits:
        counted(engine, task)


def reject(engine: Engine, task: Task, payload: Payload) -> None:
    """{"comment"}: vote against; what that means is the step's rule."""
    mine(engine, task)
    comment = judged(engine, task, payload, ("comment", "values"), comment="no")
    if task.part == "opinion":
        _opinion(engine, task, "reject", comment)
        return
    saw = ending.fingerprint(engine)
    edits = _edits(engine, task, payload.get("values"), full=False)
    _decided(engine, task, "rejected", comment, edits)
    engine.note("rejected", task=task, by=engine.work.actor.id, comment=comment, detail={**edits, "saw": saw})
    counted(engine, task)


def _decided(engine: Engine, task: Task, state: str, comment: str, edits: Mapping[str, Any]) -> None:
    work = engine.work
    task.state, task.comment, task.acted = state, comment, 1
    task.decided_at, task.decided_by, task.next_at = work.stamp, work.actor.id, None
    if task.also is not None and work.actor.id == task.also:
        task.principal, task.user_id, task.also = task.user_id, task.also, None
    engine.store.save_task(
        task,
        *("state", "comment", "acted", "decided_at", "decided_by", "next_at", "principal", "user_id", "also"),
    )
    if edits:
        task.edits = "yes"
        engine.store.save_task(task, "edits")


def counted(engine: Engine, task: Task) -> None:
    """A vote or the vote of somebody who was added is in: who waited for it goes on."""
    if task.part in COUNTED:
        engine.voted(activation_of(engine, task))
        return
    parent = next(t for t in engine.tasks if t.id == task.parent_id)
    group = [t for t in engine.tasks if t.parent_id == parent.id and t.part == task.part]
    outcome = _group(group, task.mode)
    if outcome == "wait":
        return
    engine.cancel([t for t in group if t.pending], "decided")
    _gate_opened(engine, parent, task.part, outcome)


def _group(group: Sequence[Task], mode: str) -> str:
    states = [t.state for t in group]
    if mode == "any":
        if "approved" in states:
            return "pass"
        return "wait" if any(t.pending for t in group) else "reject"
    if "rejected" in states:
        return "reject"
    return "wait" if any(t.pending for t in group) else "pass"


def _gate_opened(engine: Engine, parent: Task, part: str, outcome: str) -> None:
    """Added signers have agreed or refused: before me, my task opens again; after me, my agreement stands or falls."""
    if outcome == "reject":
        parent.state, parent.reason, parent.decided_at = "rejected", f"{part}_refused", engine.work.stamp
        engine.store.save_task(parent, "state", "reason", "decided_at")
        engine.note("rejected", task=parent, detail={"reason": parent.reason})
        counted(engine, parent)
    elif part == "before":
        engine.open(parent, engine.step(parent.step))
    else:
        parent.state = "approved"
        engine.store.save_task(parent, "state")
        counted(engine, parent)


def _edits(engine: Engine, task: Task, values: Any, *, full: bool) -> dict[str, Any]:
    """Write what the step lets the approver change, in this very transaction; returns what moved."""
    step, work = engine.step(task.step), engine.work
    given = dict(record_values(values or {}))
    errors = [
        FieldError(name, "read_only", "This field cannot be changed in this step.")
        for name in given
        if name not in step.edit or task.part not in COUNTED
    ]
    if errors:
        raise Invalid(errors)
    row = engine.row()
    if full and task.part in COUNTED:
        missing = [name for name in step.required if given.get(name, row.get(name)) in (None, "", ())]
        if missing:
            raise Invalid([FieldError(name, "required", "Fill this in to agree.") for name in missing])
    if not given:
        return {}
    values_now = engine.instance.proposal.get("values") or {}
    before = {name: engine.plan.fields[name].json(row.get(name)) for name in given}
    held = {name: value for name, value in given.items() if name in values_now}
    if held:
        engine.instance.proposal = {**engine.instance.proposal, "values": {**values_now, **held}}
        engine.store.save(engine.instance, "proposal")
    direct = {name: value for name, value in given.items() if name not in held}
    if direct:
        with work.exempted(ending.WATCHER), work.trust():
            update(work, engine.plan, engine.instance.record_id, direct, force=True, note=None)
    return {"edits": {name: {"from": before[name], "to": value} for name, value in given.items()}}


# going back -----------------------------------------------------------------------------------------------------
def send_back(engine: Engine, task: Task, payload: Payload) -> None:
    """{"to": "start" | "previous" | step, "comment"}: one person's command, at once."""
    mine(engine, task)
    if task.part not in COUNTED:
        raise Conflict("Somebody who was asked along cannot return the record.", code="not_allowed")
    comment = judged(engine, task, payload, ("to", "comment"), comment="no")
    to = payload.get("to", "start")
    target = ""
    if to != "start":
        allowed = engine.targets(task.step)
        target = engine.previous(task.step) if to == "previous" else str(to)
        if target not in allowed:
            raise Conflict(
                "The record cannot be returned there.", code="bad_target", hint=did_you_mean(target, allowed)
            )
    _decided(engine, task, "returned", comment, {})
    detail = {"to": target or "start", "saw": ending.fingerprint(engine)}
    engine.note("returned", task=task, by=engine.work.actor.id, comment=comment, detail=detail)
    if target:
        engine.back_to(target, task.step)
        return
    activation = activation_of(engine, task)
    activation.state = "returned"
    engine.store.save_activation(activation, "state")
    ending.to_start(engine, "returned", task.step if task.step != ADMIN_STEP else "")


# other people ---------------------------------------------------------------------------------------------------
def _somebody(engine: Engine, task: Task, user: object) -> int:
    """An active person who can take part: not oneself, not already in this activation, not deciding for himself."""
    if not isinstance(user, int) or isinstance(user, bool):
        raise Invalid([FieldError("user", "required" if user is None else "type", "Name a person.")])
    person = engine.approvers.organisation.people([user]).get(user)
    if person is None or not person.active:
        raise Invalid([FieldError("user", "reference", "There is no such person.")])
    inside = {t.user_id for t in engine.of(activation_of(engine, task)) if t.pending or t.acted}
    if user == engine.work.actor.id or user in inside:
        raise Conflict("This person already takes part in this step.", code="not_allowed")
    policy = engine.step(task.step).self_policy or engine.flow.self_policy
    if policy != "allow" and user in engine.approvers.oneself(engine.question(engine.step(task.step))):
        raise Conflict("Nobody decides on his own behalf.", code="not_allowed")
    return user


def transfer(engine: Engine, task: Task, payload: Payload) -> None:
    """{"user", "comment"}: the task is somebody else's from now on; the time goes on running."""
    mine(engine, task)
    comment = judged(engine, task, payload, ("user", "comment"), comment="free")
    user = _somebody(engine, task, payload.get("user"))
    before = task.user_id
    task.user_id, task.also = user, None
    engine.store.save_task(task, "user_id", "also")
    engine.note("transferred", task=task, by=engine.work.actor.id, comment=comment, detail={"from": before, "to": user})
    engine.asked(task)


def delegate(engine: Engine, task: Task, payload: Payload) -> None:
    """{"user", "comment"}: ask somebody's opinion; the decision stays mine."""
    mine(engine, task)
    comment = judged(engine, task, payload, ("user", "comment"), comment="free")
    if task.part == "opinion":
        raise Conflict("An opinion is not asked on.", code="not_allowed")
    user = _somebody(engine, task, payload.get("user"))
    task.state = "delegated"
    engine.store.save_task(task, "state")
    opinion = engine.new_task(
        activation_of(engine, task), Pick(user, reason="delegated"), part="opinion", parent_id=task.id
    )
    opinion.state, opinion.opened_at = "open", engine.work.stamp
    engine.store.save_task(opinion, "state", "opened_at")
    engine.note("delegated", task=task, by=engine.work.actor.id, comment=comment, detail={"to": user})
    engine.asked(opinion, "opinion")


def _opinion(engine: Engine, task: Task, said: str, comment: str) -> None:
    """A delegate's word goes back to the owner of the task, who decides."""
    _decided(engine, task, "approved" if said == "approve" else "rejected", comment, {})
    parent = next(t for t in engine.tasks if t.id == task.parent_id)
    parent.state = "open"
    engine.store.save_task(parent, "state")
    engine.note("opinion", task=task, by=engine.work.actor.id, comment=comment, detail={"says": said})
    engine.asked(parent)


def pull_back(engine: Engine, task: Task, payload: Payload) -> None:
    """{}: the owner of a delegated task does not wait for the opinion."""
    judged(engine, task, payload, ("comment",), comment="free")
    if engine.work.actor.id not in (task.user_id, task.also):
        raise Forbidden("This task is somebody else's.")
    if task.state != "delegated":
        raise Conflict("This task is not with somebody else.", code="task_closed")
    engine.cancel([t for t in engine.tasks if t.parent_id == task.id and t.part == "opinion"], "pulled_back")
    task.state = "open"
    engine.store.save_task(task, "state")
    engine.note("pulled_back", task=task, by=engine.work.actor.id)


def add_signer(engine: Engine, task: Task, payload: Payload) -> None:
    """{"users", "where": before | after | beside, "sign": any | all, "comment"}: more people sign."""
    mine(engine, task)
    comment = judged(engine, task, payload, ("users", "where", "sign", "comment"), comment="free")
    where, sign = payload.get("where", "before"), payload.get("sign", "all")
    if where not in ("before", "after", "beside") or sign not in ("any", "all"):
        field = "where" if where not in ("before", "after", "beside") else "sign"
        raise Invalid([FieldError(field, "choice", "before, after or beside; any or all.")])
    step = engine.step(task.step)
    if where == "beside" and (step.sign.mode not in ("all", "percent", "count") or task.part not in COUNTED):
        raise Conflict("Where one signature is enough, nobody is added beside.", code="not_allowed")
    if task.part not in COUNTED:
        raise Conflict("Somebody who was added does not add others.", code="not_allowed")
    users = payload.get("users")
    if not isinstance(users, list) or not users or len(users) > MOST_ADDED or len(set(map(str, users))) != len(users):
        raise Invalid([FieldError("users", "required", f"Name 1 to {MOST_ADDED} people, each once.")])
    people = [_somebody(engine, task, user) for user in users]
    activation = activation_of(engine, task)
    added = [
        engine.new_task(
            activation,
            Pick(user, reason="added"),
            part=where,
            parent_id=None if where == "beside" else task.id,
            mode=sign,
            added_by=engine.work.actor.id,
            place=task.place,
        )
        for user in people
    ]
    if where == "before":
        task.state = "waiting"
        clocks.pause(engine, task)
        engine.store.save_task(task, "state")
    if where != "after":
        for one in added:
            engine.open(one, step if where == "beside" else None)
    detail = {"users": people, "where": where, "sign": sign}
    engine.note("signers_added", task=task, by=engine.work.actor.id, comment=comment, detail=detail)


def remove_signer(engine: Engine, task: Task, payload: Payload) -> None:
    """{"user", "comment"}: take somebody out who was added and has not decided; by who added him."""
    comment = judged(engine, task, payload, ("user", "comment"), comment="free")
    user, actor = payload.get("user", task.user_id), engine.work.actor
    inside = engine.of(activation_of(engine, task))
    found = next((t for t in inside if t.user_id == user and t.added_by is not None and t.pending), None)
    if found is None:
        raise Conflict("This person was not added, or has decided.", code="not_allowed")
    if actor.id != found.added_by and not actor.administrator:
        raise Forbidden("Somebody else added this person.")
    if found.part in COUNTED and not [
        t for t in inside if t.part in COUNTED and t is not found and t.state != "cancelled"
    ]:
        raise Conflict("The last one who decides stays.", code="not_allowed")
    engine.cancel([found], "removed")
    engine.note("signer_removed", task=found, by=actor.id, comment=comment)
    group = [t for t in inside if t.parent_id == found.parent_id and t.part == found.part and t.parent_id is not None]
    if found.part in COUNTED:
        engine.voted(activation_of(engine, found))
    elif not any(t.pending for t in group):
        outcome = "reject" if any(t.state == "rejected" for t in group) else "pass"
        _gate_opened(engine, next(t for t in engine.tasks if t.id == found.parent_id), found.part, outcome)


def _take_back(engine: Engine, task: Task, payload: Payload) -> None:
    """{}: undo one's own agreement while nobody after it has decided."""
    judged(engine, task, payload, ("comment",), comment="free")
    take_back(engine, task)


def comment(engine: Engine, task: Task, payload: Payload) -> None:
    """{"comment"}: say something without deciding."""
    said = judged(engine, task, payload, ("comment",), comment="must")
    engine.note("comment", task=task, by=engine.work.actor.id, comment=said)


@dataclass(frozen=True, slots=True)
class Act:
    """One act on a task: how it is carried out, and whether it needs the open task of the person."""

    run: Callable[[Engine, Task, Payload], None]
    own: bool = True


ACTS: Mapping[str, Act] = {
    "approve": Act(approve),
    "reject": Act(reject),
    "return": Act(send_back),
    "transfer": Act(transfer),
    "delegate": Act(delegate),
    "add_signer": Act(add_signer),
    "remove_signer": Act(remove_signer, own=False),
    "take_back": Act(_take_back, own=False),
    "pull_back": Act(pull_back, own=False),
    "comment": Act(comment, own=False),
}
