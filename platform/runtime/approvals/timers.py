"""What happens when nobody decides: reminders, escalation, automatic decisions, each once.

A schedule looks for tasks whose moment has come. Each is handled in a transaction of its own that holds the instance
first: a timer that comes after a click finds the task closed and does nothing. The platform acts as itself, never in
the name of the person asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, GuanxiError, NotFound
from guanxi.common.labels import Label
from guanxi.registry.approvals import OverdueAct

from ..access.actor import SYSTEM
from ..jobs.kinds import JobKind, Run
from ..jobs.schedules import Schedule
from ..people.absences import Absences
from ..people.organisation import Organisation
from ..records.work import Work
from ..storage.rows import instant_text
from . import acts
from .approvers import Pick, Question
from .clocks import moments
from .engine import Engine
from .notices import tell
from .rows import COUNTED, Task

if TYPE_CHECKING:
    from ..services import Services

TIMERS = "approvals.timers"
CHUNK = 500
TIMED = ("open", "delegated")
HELD_BY = ("open", "waiting", "delegated")


def run_due(services: Services) -> dict[str, int]:
    """Handle every task whose moment has come; returns how many of what happened."""
    counts = {"done": 0, "late": 0, "failed": 0}
    last: tuple[str, int] = ("", 0)
    while found := _due(services, last):
        for task_id, approval_id, _ in found:
            try:
                moved = services.database.retry(partial(_handle, services, approval_id, task_id))
            except GuanxiError:
                counts["failed"] += 1
            else:
                counts["done" if moved else "late"] += 1
        last = (found[-1][2], found[-1][0])
    return counts


def _due(services: Services, after: tuple[str, int]) -> list[tuple[int, int, str]]:
    """(task, approval, moment) of the next tasks that are due, behind `after`."""
    sql = (
        "SELECT t.id, t.approval_id, t.next_at FROM gx_approval_tasks t JOIN gx_approvals a ON a.id = t.approval_id"
        " WHERE t.state IN ('open', 'delegated') AND t.next_at <= ? AND (t.next_at, t.id) > (?, ?)"
        " AND a.state = 'running' ORDER BY t.next_at, t.id LIMIT ?"
    )
    params = (instant_text(services.clock.now()), *after, CHUNK)
    rows = services.database.rows(services.database.sql(sql), params)
    return [(int(row[0]), int(row[1]), str(row[2])) for row in rows]


def _handle(services: Services, approval_id: int, task_id: int) -> bool:
    work = Work(services.records.room, SYSTEM)
    with services.database.write():
        try:
            engine = services.approvals.engine(work, approval_id)
        except (Conflict, NotFound):
            return False
        task = next((one for one in engine.tasks if one.id == task_id), None)
        if task is None or task.state not in TIMED or engine.instance.state != "running" or task.next_at is None:
            return False
        step = engine.step(task.step)
        if step.due is None or task.due_at is None or datetime.fromisoformat(task.next_at) > work.now:
            return False
        planned = moments(step.due, datetime.fromisoformat(task.due_at))
        _, act, _ = planned[task.next_act]
        task.next_act += 1
        task.next_at = instant_text(planned[task.next_act][0]) if task.next_act < len(planned) else None
        engine.store.save_task(task, "next_act", "next_at")
        _do(engine, task, act)
        return True


def _do(engine: Engine, task: Task, act: OverdueAct) -> None:
    if act.act == "remind":
        engine.note("reminded", task=task)
        tell(engine, "remind", [task.user_id, *_named(engine, task, act)], task=task)
    elif act.act == "escalate":
        _escalate(engine, task, act)
    else:
        task.state = "approved" if act.act == "auto_pass" else "rejected"
        task.reason, task.decided_at, task.next_at = "timeout", engine.work.stamp, None
        engine.store.save_task(task, "state", "reason", "decided_at", "next_at")
        engine.cancel([t for t in engine.tasks if t.parent_id == task.id], "timeout")
        engine.note(
            "auto_approved" if act.act == "auto_pass" else "auto_rejected", task=task, detail={"reason": "timeout"}
        )
        acts.counted(engine, task)


def _named(engine: Engine, task: Task, act: OverdueAct) -> list[int]:
    if not act.to:
        return []
    question: Question = engine.question(engine.step(task.step))
    return [pick.user for pick in engine.approvers.resolve(act.to, question)]


def _escalate(engine: Engine, task: Task, act: OverdueAct) -> None:
    """To the people named, else to the nearest active manager of who sat on it, else to the administrators."""
    inside = {t.user_id for t in engine.tasks if t.activation_id == task.activation_id and (t.pending or t.acted)}
    users = _named(engine, task, act)
    if not users:
        chain = engine.approvers.organisation.chains([task.user_id]).get(task.user_id, ())
        manager = next((person.id for person in chain if person.active), None)
        users = [manager] if manager is not None else engine.approvers.admins(engine.flow)
    selves = engine.approvers.oneself(engine.question(engine.step(task.step)))
    users = [user for user in users if user not in inside and user not in selves]
    if not users:
        engine.note("escalation_failed", task=task, detail={"reason": "nobody"})
        return
    detail: Mapping[str, Any] = {"to": users}
    if act.beside and task.part in COUNTED:
        activation = acts.activation_of(engine, task)
        for user in users:
            added = engine.new_task(activation, Pick(user, reason="escalated"), part="beside", place=task.place)
            engine.open(added, None)
    else:
        if task.state == "delegated":
            engine.cancel([t for t in engine.tasks if t.parent_id == task.id], "escalated")
            task.state = "open"
            engine.store.save_task(task, "state")
        task.user_id, task.also, task.reason = users[0], None, "escalated"
        engine.store.save_task(task, "user_id", "also", "reason")
        engine.asked(task)
    engine.note("escalated", task=task, detail=detail)


def hand_over(services: Services, user_id: int) -> int:
    """Open tasks of somebody who was disabled go to who stands in for him; returns how many."""
    sql = (
        "SELECT DISTINCT approval_id FROM gx_approval_tasks WHERE user_id = ?"
        " AND state IN ('open', 'waiting', 'delegated')"
    )
    return _each(services, sql, (user_id,), partial(_replaced, user_id))


def _each(services: Services, sql: str, params: tuple[Any, ...], change: Callable[[Engine], int]) -> int:
    """Carry out `change` on the approvals that `sql` names, each held in a transaction of its own."""

    def one(approval_id: int) -> int:
        work = Work(services.records.room, SYSTEM)
        with services.database.write():
            engine = services.approvals.engine(work, approval_id)
            return change(engine) if engine.instance.active else 0

    moved = 0
    for (approval_id,) in services.database.rows(services.database.sql(sql), params):
        try:
            moved += services.database.retry(partial(one, int(approval_id)))
        except GuanxiError:
            continue  # tried again with the next run; the others go on
    return moved


def _replaced(user_id: int, engine: Engine) -> int:
    moved = 0
    for task in engine.tasks:
        if task.user_id != user_id or task.state not in HELD_BY:
            continue
        stand_ins = [one for one in engine.approvers.instead(user_id, engine.flow) if one != user_id]
        if task.part != "resubmit":
            step = engine.step(task.step)
            stand_ins = engine.approvers.others(stand_ins, engine.question(step)) or engine.approvers.others(
                engine.approvers.admins(engine.flow), engine.question(step)
            )
        moved += _given_to(engine, task, stand_ins, f"inactive:{user_id}")
    return moved


def _given_to(engine: Engine, task: Task, users: Sequence[int], reason: str) -> int:
    """The task goes to the first who does not take part yet; where all do, it falls away and their votes count."""
    inside = {
        t.user_id
        for t in engine.tasks
        if t.activation_id == task.activation_id and t is not task and (t.pending or t.acted)
    }
    user = next((one for one in users if one not in inside), None)
    before = task.user_id
    if user is None:
        if not users or task.part not in COUNTED or engine.instance.state != "running":
            return 0
        engine.cancel([task], reason)
        engine.note("handed_over", task=task, detail={"from": before, "to": None})
        engine.voted(acts.activation_of(engine, task))
        return 1
    if task.state == "delegated":
        engine.cancel([t for t in engine.tasks if t.parent_id == task.id], reason)
        task.state = "open"
    task.user_id, task.also, task.reason = user, None, reason
    engine.store.save_task(task, "user_id", "also", "reason", "state")
    engine.note("handed_over", task=task, detail={"from": before, "to": user})
    if task.state == "open":
        engine.asked(task)
    return 1


def delegations(services: Services) -> int:
    """Delegations that began or ended: un-acted tasks go to the delegate, or return to the person; how many did."""
    moved = 0
    sql = (
        "SELECT DISTINCT approval_id FROM gx_approval_tasks WHERE state IN ('open', 'waiting', 'delegated')"
        " AND (principal IS NOT NULL OR also IS NOT NULL)"
    )
    moved += _each(services, sql, (), _returned)
    for principal in Absences(services.database).principals(services.clock.now()):
        sql = "SELECT DISTINCT approval_id FROM gx_approval_tasks WHERE user_id = ? AND state IN ('open', 'waiting')"
        moved += _each(services, sql, (principal,), partial(_to_delegate, principal))
    return moved


def _returned(engine: Engine) -> int:
    """What a delegate holds although nobody delegates to him any more is the person's own again."""
    moved = 0
    for task in engine.tasks:
        owner = task.principal if task.principal is not None else task.user_id if task.also is not None else None
        if owner is None or task.state not in HELD_BY or task.acted:
            continue
        rule = engine.approvers.absences.delegate_of(owner, engine.work.now, engine.flow.name)
        if rule is not None and rule.delegate in (task.user_id, task.also):
            continue
        before = task.also if task.also is not None else task.user_id
        task.user_id, task.principal, task.also, task.reason = owner, None, None, "delegation_ended"
        engine.store.save_task(task, "user_id", "principal", "also", "reason")
        engine.note("delegation_ended", task=task, detail={"from": before, "to": owner})
        if task.state == "open":
            engine.asked(task)
        moved += 1
    return moved


def _to_delegate(principal: int, engine: Engine) -> int:
    """Tasks that were open when somebody went away go to who acts for him."""
    rule = engine.approvers.absences.delegate_of(principal, engine.work.now, engine.flow.name)
    moved = 0
    for task in engine.tasks:
        mine = task.user_id == principal and task.state in ("open", "waiting") and task.also is None
        if rule is None or not mine or task.part not in COUNTED:
            continue
        question = engine.question(engine.step(task.step))
        inside = {t.user_id for t in engine.tasks if t.activation_id == task.activation_id and (t.pending or t.acted)}
        if rule.delegate in inside or not engine.approvers.others([rule.delegate], question):
            continue
        if rule.mode == "share":
            task.also = rule.delegate
        else:
            task.user_id, task.principal, task.reason = rule.delegate, principal, "delegation"
        engine.store.save_task(task, "user_id", "principal", "also", "reason")
        engine.note("delegation_began", task=task, detail={"from": principal, "to": rule.delegate})
        if task.state == "open":
            engine.asked(task)
        moved += 1
    return moved


def inactive_holders(services: Services) -> list[int]:
    """Inactive people (or people who are gone) with open tasks."""
    sql = "SELECT DISTINCT user_id FROM gx_approval_tasks WHERE state IN ('open', 'waiting', 'delegated')"
    holders = [int(row[0]) for row in services.database.rows(sql)]
    people = Organisation(services.database).people(holders)
    return [user for user in holders if user not in people or not people[user].active]


def _job(services: Services, run: Run) -> Mapping[str, Any]:
    counts = run_due(services)
    counts["handed_over"] = sum(hand_over(services, user) for user in inactive_holders(services))
    counts["delegated"] = delegations(services)
    if counts["failed"]:
        run.log(f"{counts['failed']} overdue tasks could not be handled", "warning")
    return counts


def schedules(services: Services) -> Iterable[Schedule]:
    """Time limits are looked at every minute, where there are flows or approvals that still run."""
    if services.registry.others.get("approval") or services.records.room.watchers:
        yield Schedule(TIMERS, TIMERS, every=timedelta(minutes=1))


APPROVAL_JOBS: Mapping[str, JobKind] = {
    TIMERS: JobKind(_job, Label.of({"en": "Time limits of approvals", "zh": "审批时限"})),
}
