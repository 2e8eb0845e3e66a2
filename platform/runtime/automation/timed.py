"""Rules of time: what is due is written down set by set, then done record by record, and can stop anywhere between.

A slot of a schedule, or a sweep over the dates of records, puts one row per record into `gx_automation_due` by one
statement; its key (rule, record, due moment) sees to it that a record comes once for one moment, however often a sweep
runs and however long nobody ran. Rows are then worked off in chunks: the record is read anew, the date and the
condition are asked again, the rule runs, the row is marked done, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from guanxi.common.labels import Label
from guanxi.registry import Automation, DateTrigger, Step
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.access.binds import Moment, bind_all
from guanxi.runtime.access.expression_sql import SqlScope
from guanxi.runtime.jobs.kinds import JobKind, Run
from guanxi.runtime.jobs.schedules import Schedule
from guanxi.runtime.records.environment import environment
from guanxi.runtime.records.room import Room
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.rows import instant_from_text, instant_text, to_stored

from . import runs
from .engine import Rule, fire, ready
from .moments import calendar_of, span
from .waits import continue_waits

if TYPE_CHECKING:
    from ..services import Services

CHUNK = 200
LOOK_BACK = timedelta(days=1)
SLOT = "automation.slot"
SWEEP = "automation.sweep"
PRUNE = "automation.prune"


def rule_actor(room: Room) -> Actor:
    """Who acts for a rule of time: the platform, in the instance's zone and first language."""
    return replace(SYSTEM, zone=room.zone, language=room.registry.languages[0], channel="automation")


# what is due ------------------------------------------------------------------------------------------------------
def note_slot(room: Room, automation: Automation, due: datetime) -> int:
    """Write down every record for which a schedule's slot has come; returns how many are new."""
    return _note(room, automation, f"'{instant_text(due)}'", "", [], {})


def note_dates(room: Room, automation: Automation, since: datetime, now: datetime) -> int:
    """Write down every record whose date makes it due after `since` and not after `now`."""
    trigger = automation.date
    if trigger is None:
        return 0
    found = span(trigger, since, now, room.zone, calendar_of(trigger, room.calendars))
    if found is None:
        return 0
    stored = to_stored(room.db.engine, trigger.kind)
    column = f"t.{quoted(trigger.field)}"
    condition = f" AND {column} > {room.mark} AND {column} <= {room.mark}"
    return _note(room, automation, _value_text(room, trigger), condition, [stored(found[0]), stored(found[1])], {})


def _value_text(room: Room, trigger: DateTrigger) -> str:
    """SQL of the due key: the record's value and how the moment is told from it."""
    column = f"t.{quoted(trigger.field)}"
    if room.db.engine == "postgresql":
        if trigger.kind == "date":
            column = f"to_char({column}, 'YYYY-MM-DD')"
        else:
            column = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    return f"{column} || '{_told(trigger)}'"


def _told(trigger: DateTrigger) -> str:
    return f" {trigger.days}d {trigger.working_days}w {trigger.hours}h {trigger.at}".rstrip()


def due_key(trigger: DateTrigger, value: Any) -> str:
    """The same key for a value in Python form; "" for a blank."""
    if value is None:
        return ""
    return (instant_text(value) if isinstance(value, datetime) else value.isoformat()) + _told(trigger)


def _note(  # noqa: PLR0917
    room: Room, automation: Automation, due: str, condition: str, more: list[Any], args: Mapping[str, Any]
) -> int:
    db, name = room.db, automation.object
    scope = SqlScope(db.engine, name, "t", database=db.peewee)
    when, params = "", []  # type: tuple[str, list[Any]]
    if automation.when is not None:
        found = scope.condition_sql(automation.when)
        when, params = f" AND ({found.text})", list(found.params)
    joins = scope.joins()
    cast = "::text" if db.engine == "postgresql" else ""
    mark = room.mark + cast
    sql = (
        "INSERT INTO gx_automation_due (rule, object, record_id, due, at)"  # noqa: S608 (names from the registry)
        f' SELECT {mark}, {mark}, t."id", {due}, {mark} FROM {quoted(room.tables[name].name)} AS t {joins.text}'
        f' WHERE t."deleted_at" IS NULL{condition}{when} ON CONFLICT DO NOTHING'
    )
    now = room.clock.now()
    env = environment(Work(room, rule_actor(room)), name, {})
    moment = Moment(rule_actor(room), now, db.engine, {"env": env, "calendars": room.calendars, **args})
    bound = bind_all([*joins.params, *more, *params], moment)
    with db.write():
        return db.execute(sql, [automation.name, name, instant_text(now), *bound])


def sweep_dates(room: Room) -> int:
    """Write down what became due since the last sweep, of every rule that follows a date."""
    now = room.clock.now()
    count = 0
    for automation in room.registry.automations.values():
        if automation.date is not None and automation.active:
            with room.db.write():
                since = _since(room, automation, now)
                count += note_dates(room, automation, since, now)
    return count


def _since(room: Room, automation: Automation, now: datetime) -> datetime:
    """From when on moments count for a rule: the last sweep less a day (a record written late comes late, not never),
    but never before the rule was published. Moves the place on to `now`.
    """
    db = room.db
    told = f"{automation.date}"
    known = db.one(db.sql("SELECT trigger_text, since, at FROM gx_automation_clock WHERE rule = ?"), (automation.name,))
    if known is None or known[0] != told:
        begun = instant_text(published_at(room) or now)
        upsert = (
            "INSERT INTO gx_automation_clock (rule, trigger_text, since, at) VALUES (?, ?, ?, ?) ON CONFLICT (rule)"
            " DO UPDATE SET trigger_text = excluded.trigger_text, since = excluded.since, at = excluded.at"
        )
        db.execute(db.sql(upsert), (automation.name, told, begun, instant_text(now)))
        return instant_from_text(begun)
    update = "UPDATE gx_automation_clock SET at = ? WHERE rule = ?"
    db.execute(db.sql(update), (instant_text(now), automation.name))
    return max(instant_from_text(known[1]), instant_from_text(known[2]) - LOOK_BACK)


def published_at(room: Room) -> datetime | None:
    """When this version was published."""
    row = room.db.one(room.db.sql("SELECT at FROM gx_versions WHERE number = ?"), (room.version,))
    return datetime.fromisoformat(row[0]) if row else None


# doing it ---------------------------------------------------------------------------------------------------------
def work_off(room: Room, run_of: Run | None = None) -> int:
    """Do everything that is written down, chunk by chunk; returns how many rows were taken up."""
    done = 0
    while True:
        count = room.db.retry(lambda: _chunk(room))
        if not count:
            return done
        done += count
        if run_of is not None:
            run_of.progress(done)


def _chunk(room: Room) -> int:
    db = room.db
    lock = " FOR UPDATE SKIP LOCKED" if db.engine == "postgresql" else ""
    sql = (
        f"SELECT id, rule, record_id, due FROM gx_automation_due WHERE done_at IS NULL ORDER BY id LIMIT {CHUNK}{lock}"  # noqa: S608
    )
    with db.write():
        rows = db.rows(sql)
        if not rows:
            return 0
        work = Work(room, rule_actor(room))
        rules: dict[str, Rule | None] = {}
        for _, name, _, _ in rows:
            if name not in rules:
                known = room.registry.automations.get(name)
                rules[name] = ready(known) if known is not None and known.active else None
        for name, rule in rules.items():
            if rule is not None:
                work.preload(rule.automation.object, [row[2] for row in rows if row[1] == name])
        for _, name, record_id, due in rows:
            rule = rules[name]
            if rule is not None:
                _one(work, rule, record_id, due)
        update = "UPDATE gx_automation_due SET done_at = ? WHERE id = ?"
        db.execute_many(db.sql(update), [(work.stamp, row[0]) for row in rows])
        return len(rows)


def _one(work: Work, rule: Rule, record_id: int, due: str) -> None:
    """Run a rule for a record that is still what it was when it was written down."""
    automation = rule.automation
    plan = work.room.plan(automation.object)
    row = work.row(plan.name, record_id)
    if row is None:
        return
    trigger = automation.date
    if trigger is not None and due_key(trigger, row.get(trigger.field)) != due:
        return
    fire(work, plan, rule, row, None, "date" if trigger is not None else "schedule")


# in the background ------------------------------------------------------------------------------------------------
def _slot(services: Services, job: Run) -> Mapping[str, Any]:
    room = services.records.room
    automation = room.registry.automations.get(str(job.params.get("rule")))
    if automation is None or not automation.active or not automation.schedule:
        return {"noted": 0, "done": 0}
    noted = note_slot(room, automation, datetime.fromisoformat(str(job.params["due"])))
    return {"noted": noted, "done": work_off(room, job)}


def _sweep(services: Services, job: Run) -> Mapping[str, Any]:
    room = services.records.room
    noted = sweep_dates(room)
    return {"noted": noted, "done": work_off(room, job), "continued": continue_waits(room)}


def _prune(services: Services, _: Run) -> Mapping[str, Any]:
    return {"removed": runs.prune(services.database, services.clock.now())}


def schedules(services: Services) -> Iterable[Schedule]:
    """A schedule for each rule that has one; a sweep every minute where dates or waits need it; tidying at night."""
    rules = [rule for rule in services.registry.automations.values() if rule.active]
    for rule in rules:
        if rule.schedule:
            yield Schedule(f"automation.{rule.name}", SLOT, {"rule": rule.name}, cron=rule.schedule)
    if any(rule.date is not None or _waits(rule.do) for rule in rules):
        yield Schedule("automation.sweep", SWEEP, every=timedelta(minutes=1))
    yield Schedule("automation.prune", PRUNE, cron="40 3 * * *")


def _waits(steps: Sequence[Step]) -> bool:
    return any(
        step.verb == "wait" or (step.verb == "choose" and any(_waits(branch.do) for branch in step.given))
        for step in steps
    )


AUTOMATION_JOBS: Mapping[str, JobKind] = {
    SLOT: JobKind(_slot, Label.of({"en": "Run a scheduled rule", "zh": "执行定时规则"}), lease=timedelta(minutes=10)),
    SWEEP: JobKind(
        _sweep, Label.of({"en": "Run rules that are due", "zh": "执行到期规则"}), lease=timedelta(minutes=10)
    ),
    PRUNE: JobKind(_prune, Label.of({"en": "Tidy the trace of rules", "zh": "清理规则记录"})),
}
