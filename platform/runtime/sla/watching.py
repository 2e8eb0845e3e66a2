"""Writes move clocks: a watcher on just the objects that have service levels, and on the lists their conditions count.

`settle` compares what a record says now with the clocks it has, and moves them in the write's own transaction. A write
that moves no field of which a condition speaks does nothing at all; one that changes no answer reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guanxi.registry.slas import Target
from guanxi.runtime.records.extensions import Change, Watcher
from guanxi.runtime.records.plan import ObjectPlan
from guanxi.runtime.records.room import Room
from guanxi.runtime.records.work import Work

from . import store
from .clock import Clock
from .plans import Level, Plans, Wish, plans

Row = Mapping[str, Any]
Said = tuple[str, tuple[Wish, ...]]


def watchers(room: Room) -> Mapping[str, Watcher]:
    """One watcher for each object with service levels, and for each whose records they count."""
    if not room.registry.others.get("sla"):
        return {}
    known = plans(room)
    parents: dict[str, list[Parent]] = {}
    for name, levels in known.by_object.items():
        uses = {use for level in levels for one in level.sla.expressions for use in one.uses}
        for child, field in sorted({one for level in levels for one in level.sla.children}):
            read = frozenset({field, *(use.field for use in uses if use.object == child)})
            parents.setdefault(child, []).append(Parent(field, name, read))
    names = {*known.by_object, *parents}
    return {name: ClockWatcher(known, name, parents.get(name, ())) for name in names}


@dataclass(frozen=True, slots=True)
class Parent:
    """An object whose conditions count the watched one's records, which refer to it by `field`; `fields` are those of
    which one must move for the count to change.
    """

    field: str
    object: str
    fields: frozenset[str]


class ClockWatcher(Watcher):
    """See the module; for one object."""

    def __init__(self, known: Plans, name: str, parents: Sequence[Parent]) -> None:
        self.plans = known
        self.own = name in known.by_object
        self.fields = known.fields.get(name, frozenset())
        self.parents = parents

    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """See Watcher."""
        for parent in self.parents:
            if not change.changed or not parent.fields.isdisjoint(change.changed):
                self._settle_parents(work, parent, [row for row in (change.old, change.new) if row is not None])
        if not self.own:
            return
        old, new = change.old, change.new
        if old is None and new is not None:
            store.insert(work.db, self._fresh(work, plan, new))
        elif new is None:
            if change.action != "purge":
                settle(work, self.plans, plan.name, change.row, gone=True)
        elif change.action == "restore" or self._moved(work, plan, change):
            settle(work, self.plans, plan.name, new)

    def after_many(self, work: Work, plan: ObjectPlan, rows: Sequence[dict[str, Any]]) -> None:
        """See Watcher: one statement for the clocks of the whole chunk."""
        if self.own:
            store.insert(work.db, [clock for row in rows for clock in self._fresh(work, plan, row)])
        for parent in self.parents:
            self._settle_parents(work, parent, rows)

    def _settle_parents(self, work: Work, parent: Parent, rows: Sequence[Row]) -> None:
        for record_id in sorted({row[parent.field] for row in rows if row.get(parent.field) is not None}):
            settle_record(work, self.plans, parent.object, record_id)

    def _fresh(self, work: Work, plan: ObjectPlan, row: Row) -> list[Clock]:
        level = self.plans.chosen(work, plan.name, row)
        if level is None:
            return []
        return [made for target in level.sla.targets.values() if (made := begin(work, level, target, row))]

    def _moved(self, work: Work, plan: ObjectPlan, change: Change) -> bool:
        if self.fields is None:
            return True
        if self.fields.isdisjoint(change.changed) or change.old is None or change.new is None:
            return False
        return said(work, self.plans, plan.name, change.old) != said(work, self.plans, plan.name, change.new)


def said(work: Work, known: Plans, object_name: str, row: Row) -> Said | None:
    """Which service level applies to a record, and what the record says of each target."""
    level = known.chosen(work, object_name, row)
    if level is None:
        return None
    return level.name, tuple(level.wish(work, target, row) for target in level.sla.targets.values())


def settle_record(work: Work, known: Plans, object_name: str, record_id: int) -> None:
    """Settle a record that was not written itself."""
    row = work.row(object_name, record_id)
    if row is not None:
        settle(work, known, object_name, row)


def settle(work: Work, known: Plans, object_name: str, row: Row, *, gone: bool = False) -> None:
    """Move the clocks of a record to what it says now."""
    have = store.of_record(work.db, object_name, row["id"])
    level = None if gone else known.chosen(work, object_name, row)
    if level is None and not have:
        return
    before = {clock.id: repr(clock) for clock in have}
    fresh: list[Clock] = []
    for clock in have:
        other = known.levels.get(clock.sla)
        if clock.open and (level is None or clock.sla != level.name or clock.target not in level.sla.targets):
            clock.cancel(work.now, (other or level or _some(known)).time)
    if level is not None:
        for target in level.sla.targets.values():
            mine = next((c for c in have if c.sla == level.name and c.target == target.name), None)
            former = _former(have, target, mine)
            if mine is None or (former is not None and mine.state == "cancelled"):
                made = begin(work, level, target, row, former=former, late=True)
                if made is None:
                    continue
                if mine is None:
                    fresh.append(made)
                else:
                    made.id, made.fired = mine.id, mine.fired
                    have[have.index(mine)] = made
            else:
                move(work, level, target, mine, row)
    store.update(work.db, [clock for clock in have if repr(clock) != before[clock.id]])
    store.insert(work.db, fresh)


def _some(known: Plans) -> Level:
    return next(iter(known.levels.values()))


def _former(have: Sequence[Clock], target: Target, mine: Clock | None) -> Clock | None:
    """The clock of another service level that has just handed this target on."""
    others = [c for c in have if c.target == target.name and c is not mine and c.state == "cancelled"]
    latest = max(others, key=lambda c: c.ended_at or c.started_at, default=None)
    if latest is None or (
        mine is not None and (mine.ended_at is None or mine.ended_at >= (latest.ended_at or mine.ended_at))
    ):
        return None
    return latest


def begin(  # noqa: PLR0917
    work: Work, level: Level, target: Target, row: Row, former: Clock | None = None, late: bool = False
) -> Clock | None:
    """A new clock of a record; None when it is done already or does not run yet.

    It runs from what `start` says, else from where the former one did, else from when the record was made (or from now,
    when the record was there before the service level applied).
    """
    wish = level.wish(work, target, row)
    if wish.stopped or wish.waits:
        return None
    usual = work.now if late else row.get("created_at") or work.now
    start = wish.start or (former.started_at if former is not None else usual)
    clock = Clock(level.sla.object, row["id"], level.name, target.name, start, level.allowed(target, start))
    moment = start
    if former is not None and wish.start is None:
        clock.spans = list(former.spans)
        clock.worked = sum((level.time.between(a, b) for a, b in clock.spans), clock.worked)
        moment = work.now
    if wish.paused:
        if start < work.now and former is None:
            clock.run(start, level.time, target.rungs)
        clock.pause(work.now, level.time)
    else:
        clock.run(moment, level.time, target.rungs)
    return clock


def move(work: Work, level: Level, target: Target, clock: Clock, row: Row) -> None:
    """Move one clock to what its record says now."""
    wish, now = level.wish(work, target, row), work.now
    if clock.state == "cancelled":
        if not wish.stopped and not wish.waits:
            _go_on(clock, level, target, wish, now)
    elif not clock.open:
        if wish.stopped or target.restart == "never":
            return
        if target.restart == "reopen":
            start = wish.start if wish.start is not None and wish.start > clock.started_at else now
            clock.renew(start, level.allowed(target, start))
        _go_on(clock, level, target, wish, now)
    elif wish.stopped:
        clock.stop(now, level.time)
    elif wish.waits:
        clock.cancel(now, level.time)
    elif wish.start is not None and wish.start != clock.started_at:
        clock.renew(wish.start, level.allowed(target, wish.start))
        _go_on(clock, level, target, wish, wish.start)
    elif wish.paused and clock.since is not None:
        clock.pause(now, level.time)
    elif not wish.paused and clock.since is None:
        clock.run(max(now, clock.started_at), level.time, target.rungs)


def _go_on(clock: Clock, level: Level, target: Target, wish: Wish, moment: datetime) -> None:
    clock.ended_at = clock.met_at = None
    if wish.paused:
        clock.state = "running"
        clock.pause(moment, level.time)
    else:
        clock.run(max(moment, clock.started_at), level.time, target.rungs)
