"""When tasks are due, and when what follows is to happen. Times are reckoned once, when a task opens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from guanxi.registry.approvals import Due, OverdueAct

from ..storage.rows import instant_text
from ..worktime import WorkTime
from .definition import RoutingFault
from .rows import Task

if TYPE_CHECKING:
    from .engine import Engine


def start(engine: Engine, task: Task, due: Due) -> None:
    """Set the due time and the first moment at which something happens."""
    moment = due_at(engine, due, engine.work.now)
    task.due_at = instant_text(moment)
    task.next_act = 0
    task.next_at = instant_text(moments(due, moment)[0][0]) if due.then else None


def pause(engine: Engine, task: Task) -> None:
    """The clock stands still: while the approval is suspended, or others must sign before."""
    if task.pending and task.due_at is not None and task.paused_at is None:
        task.paused_at = engine.work.stamp
        engine.store.save_task(task, "paused_at")


def go_on(engine: Engine, task: Task) -> None:
    """The clock runs again: what was left of the time is left now."""
    if task.paused_at is None or task.due_at is None:
        return
    paused, due_before = datetime.fromisoformat(task.paused_at), datetime.fromisoformat(task.due_at)
    step = engine.step(task.step)
    moment = due_before + (engine.work.now - paused)
    calendar = engine.work.room.registry.calendars.get(step.due.calendar) if step.due and step.due.calendar else None
    if calendar is not None and paused < due_before:
        time = WorkTime.of(calendar)
        left = time.between(paused, due_before)
        moment = time.add(engine.work.now, int(left.total_seconds() // 60)) or moment
    task.due_at, task.paused_at = instant_text(moment), None
    if task.next_at is not None and step.due is not None:
        planned = moments(step.due, moment)
        task.next_at = instant_text(planned[task.next_act][0]) if task.next_act < len(planned) else None
    engine.store.save_task(task, "due_at", "next_at", "paused_at")


def due_at(engine: Engine, due: Due, now: datetime) -> datetime:
    """The moment a task is due that opens now."""
    if not due.calendar:
        return _plain_working_days(now + timedelta(minutes=due.minutes, days=due.days), due.working_days)
    calendar = engine.work.room.registry.calendars.get(due.calendar)
    if calendar is None:
        raise RoutingFault(f"the calendar '{due.calendar}' is no longer defined")
    time = WorkTime.of(calendar)
    moment = now + timedelta(days=due.days)
    found = time.add_days(moment, due.working_days) if due.working_days else moment
    if found is not None and due.minutes:
        found = time.add(found, due.minutes)
    if found is None:
        raise RoutingFault(f"the calendar '{due.calendar}' has no working time")
    return found


def _plain_working_days(moment: datetime, days: int) -> datetime:
    """Monday to Friday, where no calendar says otherwise."""
    while days:
        moment += timedelta(days=1)
        if moment.weekday() < 5:
            days -= 1
    return moment


def moments(due: Due, at: datetime) -> list[tuple[datetime, OverdueAct, int]]:
    """Everything that happens to a task due `at` that nobody decides: moment, act, which repetition."""
    found = []
    for act in due.then:
        first = at + timedelta(hours=act.after_hours)
        times = act.times if act.act == "remind" else 1
        found += [(first + timedelta(hours=act.every_hours * n), act, n) for n in range(times)]
    return sorted(found, key=lambda one: one[0])
