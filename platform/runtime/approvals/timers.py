"""What happens when nobody decides: reminders, escalation, automatic decisions, each once.

A schedule looks for tasks whose moment has come. Each is handled in a transaction of its own that holds the instance
first: a timer that comes after a click finds the task closed and does nothing. The platform acts as itself, never in
the name of the person asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, GuanxiError, NotFound
from guanxi.common.labels import Label
from guanxi.registry.approvals import OverdueAct

from ..access.actor import SYSTEM
from ..jobs.kinds import JobKind, Run
from ..jobs.schedules import Schedule
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


def run_due(services: Services) -> dict[str, int]:
    """Handle every task whose moment has come; returns how many of what happened."""
    counts = {"done": 0, "late": 0, "failed": 0}
    done: set[int] = set()
    while True:
        found = [task for task in _due(services) if task[0] not in done]
        if not found:
            return counts
        for task_id, approval_id in found:
            done.add(task_id)
            try:
                moved = services.database.retry(partial(_handle, services, approval_id, task_id))
            except GuanxiError:
                counts["failed"] += 1
            else:
                counts["done" if moved else "late"] += 1


def _due(services: Services) -> list[tuple[int, int]]:
    sql = (
        "SELECT id, approval_id FROM gx_approval_tasks WHERE state = 'open' AND next_at IS NOT NULL AND next_at <= ?"
        " ORDER BY next_at LIMIT ?"
    )
    rows = services.database.rows(services.database.sql(sql), (instant_text(services.clock.now()), CHUNK))
    return [(int(row[0]), int(row[1])) for row in rows]


def _handle(services: Services, approval_id: int, task_id: int) -> bool:
    work = Work(services.records.room, SYSTEM)
    with services.database.write():
        try:
            engine = services.approvals.engine(work, approval_id)
        except (Conflict, NotFound):
            return False
        task = next((one for one in engine.tasks if one.id == task_id), None)
        if task is None or task.state != "open" or engine.instance.state != "running" or task.next_at is None:
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
            engine.open(engine.new_task(activation, Pick(user, reason="escalated"), place=task.place), None)
    else:
        task.user_id, task.also, task.reason = users[0], None, "escalated"
        engine.store.save_task(task, "user_id", "also", "reason")
        engine.asked(task)
    engine.note("escalated", task=task, detail=detail)


def hand_over(services: Services, user_id: int) -> int:
    """Open tasks of somebody who was disabled go to who stands in for him; returns how many."""
    sql = "SELECT DISTINCT approval_id FROM gx_approval_tasks WHERE user_id = ? AND state IN ('open', 'waiting')"
    moved = 0
    for (approval_id,) in services.database.rows(services.database.sql(sql), (user_id,)):
        moved += services.database.retry(partial(_hand_over, services, int(approval_id), user_id))
    return moved


def _hand_over(services: Services, approval_id: int, user_id: int) -> int:
    work = Work(services.records.room, SYSTEM)
    moved = 0
    with services.database.write():
        try:
            engine = services.approvals.engine(work, approval_id)
        except Conflict:
            return 0
        for task in engine.tasks:
            if task.user_id != user_id or task.state not in ("open", "waiting") or not engine.instance.active:
                continue
            users = [one for one in engine.approvers.instead(user_id, engine.flow) if one != user_id]
            if not users:
                continue
            task.user_id, task.reason = users[0], f"inactive:{user_id}"
            engine.store.save_task(task, "user_id", "reason")
            engine.note("handed_over", task=task, detail={"from": user_id, "to": users[0]})
            if task.state == "open":
                engine.asked(task)
            moved += 1
    return moved


def inactive_holders(services: Services) -> list[int]:
    """Inactive people (or people who are gone) with open tasks."""
    sql = "SELECT DISTINCT user_id FROM gx_approval_tasks WHERE state IN ('open', 'waiting')"
    holders = [int(row[0]) for row in services.database.rows(sql)]
    people = Organisation(services.database).people(holders)
    return [user for user in holders if user not in people or not people[user].active]


def _job(services: Services, run: Run) -> Mapping[str, Any]:
    counts = run_due(services)
    counts["handed_over"] = sum(hand_over(services, user) for user in inactive_holders(services))
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
