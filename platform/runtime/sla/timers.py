"""What happens by itself: every minute rungs that are due are done, and clocks whose rules changed are reckoned.

Due clocks are taken in chunks, oldest first; a chunk's clocks are moved on and their steps carried out in one
transaction, so that a rung is done once, or not at all when a worker dies, and then again by the next. Steps run as the
platform; one that fails is shown in the trace of automations and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from guanxi.common.labels import Label
from guanxi.registry.slas import BREACH, Rung
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.automation import runs
from guanxi.runtime.automation.engine import sentence
from guanxi.runtime.jobs.kinds import JobKind, Run
from guanxi.runtime.jobs.schedules import Schedule
from guanxi.runtime.records.room import Room
from guanxi.runtime.records.steps import run_apart
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_text

from . import store
from .clock import Clock
from .plans import Level, Plans, plans
from .watching import settle

if TYPE_CHECKING:
    from ..services import Services

CHUNK = 200
SWEEP = "sla.sweep"
TRACE = "sla."


def platform_work(room: Room) -> Work:
    """Who acts when time is up: the platform, in the instance's zone and first language."""
    return Work(room, replace(SYSTEM, zone=room.zone, language=room.registry.languages[0], channel="automation"))


# what is due ------------------------------------------------------------------------------------------------------
def fire_due(room: Room, job: Run | None = None) -> int:
    """Do every rung that is due, chunk by chunk; returns how many were done."""
    done = 0
    while True:
        count = room.db.retry(lambda: _chunk(room))
        if not count:
            return done
        done += count
        if job is not None:
            job.progress(done)


def _chunk(room: Room) -> int:
    db, known = room.db, plans(room)
    with db.write():
        where = f"next_at IS NOT NULL AND next_at <= ? ORDER BY next_at, id LIMIT {CHUNK}"
        due = store.select(db, where, (instant_text(room.clock.now()),), lock=True)
        if not due:
            return 0
        work = platform_work(room)
        todo: list[tuple[Clock, Rung]] = []
        for clock in due:
            level = known.levels.get(clock.sla)
            target = level.sla.targets.get(clock.target) if level is not None else None
            rung = clock.next_rung(target.rungs) if target is not None else None
            if level is None or target is None or rung is None:
                clock.next_at = None  # its service level is gone
                continue
            clock.reached(rung, level.time, target.rungs)
            if rung.do:
                todo.append((clock, rung))
        store.update(db, due)
        for name in {clock.object for clock, _ in todo}:
            work.preload(name, [clock.record_id for clock, _ in todo if clock.object == name])
        for clock, rung in todo:
            _carry_out(work, clock, rung)
        return len(due)


def _carry_out(work: Work, clock: Clock, rung: Rung) -> None:
    if work.row(clock.object, clock.record_id) is None:
        return
    plan = work.room.plan(clock.object)
    event = "breach" if rung.key == BREACH else "warning"
    running = runs.begin(work, trace_name(clock.sla, clock.target), clock.object, clock.record_id, event)
    began = perf_counter()
    work.chain.append(running)
    try:
        failed = run_apart(work, plan, clock.record_id, rung.do)
    finally:
        work.chain.pop()
    said = "; ".join(f"{step.verb}: {sentence(error, clock.sla)}" for step, error in failed)
    runs.finish(work, running, "failed" if failed else "done", (perf_counter() - began) * 1000, said)


def trace_name(sla: str, target: str) -> str:
    """What a rung is called in the trace of automations."""
    return f"{TRACE}{sla}.{target}"


# when definitions change ------------------------------------------------------------------------------------------
def reckon_changed(room: Room, job: Run | None = None) -> int:
    """Reckon the running clocks anew of every service level that is not what it was when they were set: its own words,
    its calendar, the data of public holidays. Returns how many clocks were looked at.
    """
    known = plans(room)
    marks = dict(room.db.rows("SELECT sla, mark FROM gx_clock_marks"))
    changed = [name for name, level in known.levels.items() if marks.get(name) != level.mark]
    changed += [name for name in marks if name not in known.levels]
    count = 0
    for name in changed:
        last = 0
        while found := room.db.retry(partial(_reckon, room, known, name, last, skip=name in marks)):
            last, count = found[0], count + found[1]
            if job is not None:
                job.progress(count)
        _remember(room, name, known.levels.get(name))
    return count


def _reckon(room: Room, known: Plans, name: str, last: int, *, skip: bool) -> tuple[int, int] | None:
    """One chunk of open clocks behind a number: (its last number, how many)."""
    db = room.db
    with db.write():
        where = f"sla = ? AND ended_at IS NULL AND id > ? ORDER BY id LIMIT {CHUNK}"
        found = store.select(db, where, (name, last))
        if not found:
            return None
        work = platform_work(room)
        level = known.levels.get(name)
        for clock in found:
            target = level.sla.targets.get(clock.target) if level is not None and level.sla.active else None
            if level is None or target is None:
                clock.cancel(work.now, (level or next(iter(known.levels.values()))).time)
            else:
                limit = level.allowed(target, clock.started_at)
                clock.reckon(level.time, limit, target.rungs, work.now, skip=skip)
        store.update(db, found)
        for object_name in {clock.object for clock in found} & room.registry.objects.keys():
            ids = sorted({clock.record_id for clock in found if clock.object == object_name})
            work.preload(object_name, ids)
            for record_id in ids:
                row = work.row(object_name, record_id)
                if row is not None:
                    settle(work, known, object_name, row)
        return found[-1].id, len(found)


def _remember(room: Room, name: str, level: Level | None) -> None:
    db = room.db
    with db.write():
        if level is None:
            db.execute(db.sql("DELETE FROM gx_clock_marks WHERE sla = ?"), (name,))
            return
        sql = (
            "INSERT INTO gx_clock_marks (sla, mark, at) VALUES (?, ?, ?)"
            " ON CONFLICT (sla) DO UPDATE SET mark = excluded.mark, at = excluded.at"
        )
        db.execute(db.sql(sql), (name, level.mark, instant_text(room.clock.now())))


# in the background ------------------------------------------------------------------------------------------------
def _sweep(services: Services, job: Run) -> Mapping[str, Any]:
    room = services.records.room
    return {"reckoned": reckon_changed(room, job), "done": fire_due(room, job)}


def schedules(services: Services) -> Iterable[Schedule]:
    """A sweep every minute where there are service levels."""
    if services.registry.others.get("sla"):
        yield Schedule("sla.sweep", SWEEP, every=timedelta(minutes=1))


SLA_JOBS: Mapping[str, JobKind] = {
    SWEEP: JobKind(_sweep, Label.of({"en": "Watch service levels", "zh": "监控服务时限"}), lease=timedelta(minutes=10)),
}
