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
from guanxi.runtime.records.steps import surroundings
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_text

from .verbs import day_after

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
