"""The verbs of this room: `task`, `assign` and `post`. Each is one row in `runtime.extensions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import orjson

from guanxi.common.errors import Conflict
from guanxi.runtime.records.actions import assign as give
from guanxi.runtime.records.create import create
from guanxi.runtime.records.plan import ObjectPlan
from guanxi.runtime.records.steps import value
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.names import quoted

from .people import people
from .texts import parts_for, render

TASK = "user_task"
Row = Mapping[str, Any]


def task(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """A task for each of the people, in their language and with nothing in it that they may not read."""
    due = _due(work, plan, row, given.get("due"), old)
    target = work.room.plan(TASK)
    for user in people(given["to"], work, plan, row, old):
        reader = work.room.actors.load(user)
        if reader is None:
            continue
        subject = render(given["subject"], work, plan, row, reader, old).strip()[:300]
        note = render(given["note"], work, plan, row, reader, old) if given.get("note") else None
        made = {"subject": subject or plan.name, "due_on": due, "note": note, "owner": user}
        with work.deeper(trusted=True):
            create(work, target, made | {"about_object": plan.name, "about_id": row["id"]}, force=True)


def _due(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> date | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        found: date | None = value(work, plan, row, given, old)
        return found
    today = work.now.astimezone(work.room.zone).date()
    return day_after(work, today, given)


def day_after(work: Work, start: date, given: Mapping[str, Any]) -> date:
    """The day so many days or working days on."""
    if "working_days" in given:
        calendar = working_calendar(work, given.get("calendar", ""))
        return calendar.add_working_days(start, given["working_days"]) or start
    return start + timedelta(days=given.get("days", 0))


def working_calendar(work: Work, name: str) -> Any:
    """A calendar by name, Monday to Friday without one."""
    from guanxi.expressions.calendar import DEFAULT_CALENDAR

    return work.room.calendars.get(name, DEFAULT_CALENDAR) if name else DEFAULT_CALENDAR


# giving to somebody -----------------------------------------------------------------------------------------------
def assign(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """Give the record to one of the people. Conflict when there is nobody."""
    candidates = people(given["to"], work, plan, row, old)
    if not candidates:
        raise Conflict("There is nobody to give the record to.")
    share = given.get("by", "first")
    if share == "round_robin":
        owner = _next_in_turn(work, plan, given["turn"], candidates)
    elif share == "least_loaded":
        owner = _least_loaded(work, plan, candidates)
    else:
        owner = candidates[0]
    give(work, plan, row["id"], {"owner": owner})


def _next_in_turn(work: Work, plan: ObjectPlan, turn: str, candidates: Sequence[int]) -> int:
    """The person after the one whose turn was last; the place is kept in the database, so it outlives a restart."""
    ring = sorted(candidates)
    key = (plan.name, "owner", f"turn:{turn}"[:200])
    sql = "SELECT value FROM gx_counters WHERE object = ? AND field = ? AND period = ?"
    lock = " FOR UPDATE" if work.db.engine == "postgresql" else ""
    insert = "INSERT INTO gx_counters (object, field, period, value) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING"
    work.db.execute(work.db.sql(insert), key)
    found = work.db.one(work.db.sql(sql + lock), key)
    last = int(found[0]) if found else 0
    chosen = next((user for user in ring if user > last), ring[0])
    update = "UPDATE gx_counters SET value = ? WHERE object = ? AND field = ? AND period = ?"
    work.db.execute(work.db.sql(update), (chosen, *key))
    return chosen


def _least_loaded(work: Work, plan: ObjectPlan, candidates: Sequence[int]) -> int:
    """Who owns the fewest live records of the object; the first named of several."""
    marks = ", ".join("?" * len(candidates))
    table = quoted(work.room.tables[plan.name].name)
    sql = (
        f"SELECT {quoted('owner')}, count(*) FROM {table} WHERE {quoted('owner')} IN ({marks})"  # noqa: S608
        f" AND deleted_at IS NULL GROUP BY {quoted('owner')}"
    )
    owned = {int(user): int(count) for user, count in work.db.rows(work.db.sql(sql), list(candidates))}
    return min(candidates, key=lambda user: owned.get(user, 0))


# the timeline -----------------------------------------------------------------------------------------------------
_POST = "INSERT INTO gx_posts (at, object, record_id, by_id, run_id, body) VALUES (?, ?, ?, ?, ?, ?)"


def post(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """Words on the record's timeline; each reader sees of them what he may (`texts.shown_parts`)."""
    body = orjson.dumps(parts_for(given["text"], work, plan, row, old)).decode()
    run = work.chain[-1].id if work.chain else None
    work.db.execute(work.db.sql(_POST), (work.stamp, plan.name, row["id"], work.actor.id, run, body))
