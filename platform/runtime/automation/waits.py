"""`wait`: the rest of a rule's steps is kept as a place in the rule and done later, on the record as it is then.

A row of `gx_automation_waits` says which rule, where in its steps, for which record, until when. The record is read
anew; when it is gone, when `while` no longer holds, or when the rule's steps were changed meanwhile, the rest is left
out, and the trace says so. A row is claimed by deleting it in the transaction of the work itself: done once, or again
from the start when a worker died.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from guanxi.common.errors import Conflict
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.zones import start_of_day, to_instant
from guanxi.registry import Automation, Step
from guanxi.runtime.records.plan import ObjectPlan
from guanxi.runtime.records.room import Room
from guanxi.runtime.records.steps import surroundings
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_text

from . import runs
from .verbs import day_after

CHUNK = 100
Row = Mapping[str, Any]
_INSERT = (
    "INSERT INTO gx_automation_waits (rule, mark, step, object, record_id, run_id, by_id, due_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def keep(work: Work, plan: ObjectPlan, automation: Automation, run_id: int, row: Row, step: Step) -> None:  # noqa: PLR0917
    """Keep the place behind a `wait`."""
    due = until(work, plan, row, step.given)
    params = (
        automation.name,
        automation.mark,
        step.at,
        plan.name,
        row["id"],
        run_id,
        work.actor.id if automation.run_as == "user" else None,
        instant_text(due),
    )
    work.db.execute(work.db.sql(_INSERT), params)


def until(work: Work, plan: ObjectPlan, row: Row, given: Mapping[str, Any]) -> datetime:
    """The moment at which a wait ends; days end at the same local time of day, or at `at`."""
    zone, now = work.room.zone, work.now
    if given.get("until") is not None:
        found = compile_expression(given["until"])(surroundings(work, plan, row))
        if found is None:
            raise Conflict("The moment to wait for is blank.")
        if isinstance(found, datetime):
            return found
        return _at(found, given.get("at", ""), zone) or now
    if "hours" in given or "minutes" in given:
        return now + timedelta(hours=given.get("hours", 0), minutes=given.get("minutes", 0))
    local = now.astimezone(zone)
    day = day_after(work, local.date(), given)
    return _at(day, given.get("at", "") or f"{local:%H:%M:%S.%f}", zone) or now


def _at(day: date, clock: str, zone: Any) -> datetime | None:
    if not clock:
        return start_of_day(day, zone)
    return to_instant(datetime.combine(day, time.fromisoformat(clock)), zone)


def rest(steps: Sequence[Step], at: str) -> list[Step] | None:
    """What follows the step at a place: the steps behind it, then those behind the step around it; None when there is
    no such place.
    """
    for index, step in enumerate(steps):
        if step.at == at:
            return list(steps[index + 1 :])
        if step.verb == "choose":
            for branch in step.given:
                inner = rest(branch.do, at)
                if inner is not None:
                    return [*inner, *steps[index + 1 :]]
    return None


def waiting(steps: Sequence[Step], at: str) -> Step | None:
    """The `wait` at a place."""
    for step in steps:
        if step.at == at:
            return step
        if step.verb == "choose":
            for branch in step.given:
                found = waiting(branch.do, at)
                if found is not None:
                    return found
    return None


# going on ---------------------------------------------------------------------------------------------------------
def continue_waits(room: Room) -> int:
    """Go on with everything whose time has come; returns how many were taken up."""
    done = 0
    while True:
        count = room.db.retry(lambda: _chunk(room))
        if not count:
            return done
        done += count


def _chunk(room: Room) -> int:
    db = room.db
    lock = " FOR UPDATE SKIP LOCKED" if db.engine == "postgresql" else ""
    sql = (
        "SELECT id, rule, mark, step, object, record_id, run_id, by_id FROM gx_automation_waits WHERE due_at <= ?"  # noqa: S608
        f" ORDER BY due_at, id LIMIT {CHUNK}{lock}"
    )
    with db.write():
        rows = db.rows(db.sql(sql), (instant_text(room.clock.now()),))
        for number, *waited in rows:
            db.execute(db.sql("DELETE FROM gx_automation_waits WHERE id = ?"), (number,))
            _go_on(room, *waited)
        return len(rows)


def _go_on(  # noqa: PLR0917
    room: Room, name: str, mark: str, at: str, object_name: str, record_id: int, run_id: int, by_id: int | None
) -> None:
    from .engine import ready, run
    from .timed import rule_actor

    known = room.registry.automations.get(name)
    actor = rule_actor(room) if by_id is None else room.actors.load(by_id)
    work = Work(room, actor or rule_actor(room))
    todo = rest(known.do, at) if known is not None and known.mark == mark and known.active else None
    if known is None or todo is None or object_name not in room.registry.objects:
        _left(work, name, object_name, record_id, run_id, "The rule was changed meanwhile; the rest was left out.")
        return
    plan, step = room.plan(object_name), waiting(known.do, at)
    row = work.row(object_name, record_id)
    if row is None:
        _left(work, name, object_name, record_id, run_id, "The record is gone; the rest was left out.")
    elif actor is None:
        _left(work, name, object_name, record_id, run_id, "The person is no longer active; the rest was left out.")
    elif step is not None and not _still(work, plan, row, step):
        _left(work, name, object_name, record_id, run_id, "'while' no longer holds; the rest was left out.")
    else:
        run(work, plan, ready(known), row, None, "wait", steps=todo, parent=run_id)


def _still(work: Work, plan: ObjectPlan, row: Row, step: Step) -> bool:
    condition = step.given.get("while")
    return condition is None or bool(compile_expression(condition)(surroundings(work, plan, row)))


def _left(work: Work, name: str, object_name: str, record_id: int, parent: int, said: str) -> None:  # noqa: PLR0917
    runs.finish(work, runs.begin(work, name, object_name, record_id, "wait", parent=parent), "left", 0.0, said)
