"""Service levels of one published version, ready to be asked: conditions as functions, calendars as working time.

Made once per version and only read. `Level.same` tells from the names of the fields that moved whether a write can
matter at all.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from guanxi.expressions import tree as t
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import BudgetExceeded
from guanxi.registry.packs import Calendar
from guanxi.registry.slas import Sla, Target
from guanxi.runtime.records.environment import environment
from guanxi.runtime.records.plan import Closure
from guanxi.runtime.records.room import Room
from guanxi.runtime.records.work import Work
from guanxi.runtime.worktime import WorkTime

from .times import RoundTheClock, Time, allowed, moment_of

log = logging.getLogger("guanxi.sla")
Row = Mapping[str, Any]
KIND = "sla"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a record says of one target now: it stands, it is done, and from when it runs (None: as usual)."""

    paused: bool
    stopped: bool
    start: datetime | None
    waits: bool = False


@dataclass(frozen=True)
class Level:
    """One service level, ready."""

    sla: Sla
    time: Time
    holds: Closure | None
    closures: Mapping[str, tuple[Closure | None, Closure, Closure | None]]
    mark: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.sla.name

    def applies(self, work: Work, row: Row) -> bool:
        """Whether the service level is the record's business."""
        return self.holds is None or bool(_ask(self.holds, work, self.sla, row))

    def wish(self, work: Work, target: Target, row: Row) -> Wish:
        """What the record says of a target now."""
        start, stop, pause = self.closures[target.name]
        begun = _ask(start, work, self.sla, row) if start is not None else None
        return Wish(
            paused=pause is not None and bool(_ask(pause, work, self.sla, row)),
            stopped=bool(_ask(stop, work, self.sla, row)),
            start=moment_of(begun, self.time.zone) if begun is not None else None,
            waits=start is not None and begun is None,
        )

    def allowed(self, target: Target, start: datetime) -> timedelta:
        """The working time that a target has."""
        return allowed(target.limit, start, self.time)


@dataclass(frozen=True)
class Plans:
    """All service levels of a version; `by_object` holds the active ones in the order in which they are asked."""

    levels: Mapping[str, Level]
    by_object: Mapping[str, tuple[Level, ...]]
    fields: Mapping[str, frozenset[str] | None]

    def chosen(self, work: Work, object_name: str, row: Row) -> Level | None:
        """The service level that applies to a record: the first that holds."""
        return next((level for level in self.by_object.get(object_name, ()) if level.applies(work, row)), None)


def plans(room: Room) -> Plans:
    """The service levels of the room's version."""
    known: Plans | None = room.shared.get(KIND)
    if known is None:
        known = room.shared[KIND] = _plans(room)
    return known


def _plans(room: Room) -> Plans:
    slas: Iterable[Sla] = room.registry.others.get(KIND, {}).values()
    levels = {sla.name: _level(room, sla) for sla in slas}
    by_object: dict[str, tuple[Level, ...]] = {}
    for level in sorted(levels.values(), key=lambda one: (-one.sla.priority, one.name)):
        if level.sla.active:
            by_object[level.sla.object] = (*by_object.get(level.sla.object, ()), level)
    return Plans(levels, by_object, {name: _fields(many) for name, many in by_object.items()})


def _level(room: Room, sla: Sla) -> Level:
    calendar = room.registry.calendars.get(sla.calendar)
    time: Time = WorkTime.of(calendar) if calendar is not None else RoundTheClock(room.zone)
    return Level(
        sla,
        time,
        _closure(sla.when),
        {
            name: (_closure(target.start), compile_expression(target.stop), _closure(target.pause))
            for name, target in sla.targets.items()
        },
        _mark(sla, calendar, str(room.zone)),
    )


def _closure(expression: Expression | None) -> Closure | None:
    return compile_expression(expression) if expression is not None else None


def _ask(closure: Closure, work: Work, sla: Sla, row: Row) -> Any:
    """A condition that needs too much does not hold: it must not keep people from saving."""
    try:
        return closure(environment(work, sla.object, row))
    except BudgetExceeded as error:
        log.warning("the service level %s cannot be asked: %s", sla.name, error)
        return None


# what matters -----------------------------------------------------------------------------------------------------
def _fields(levels: Iterable[Level]) -> frozenset[str] | None:
    """The fields of which one must move for anything to change; None when other records or time have a say."""
    found: set[str] = set()
    for level in levels:
        for expression in level.sla.expressions:
            if expression.volatile or any(
                isinstance(x, t.Aggregate | t.Hop | t.CallerTerm) for x in _terms(expression)
            ):
                return None
            if any(use.object != level.sla.object for use in expression.uses):
                return None
            found |= expression.own | {use.field for use in expression.uses}
    return frozenset(found)


def _terms(expression: Expression) -> Iterable[Any]:
    return t.walk(expression.tree)


# what a clock was reckoned by -------------------------------------------------------------------------------------
def _mark(sla: Sla, calendar: Calendar | None, zone: str) -> str:
    told: list[Any] = [sla.mark, sla.active, zone]
    if calendar is not None:
        hours = [(day, calendar.hours[day]) for day in sorted(calendar.hours)]
        told += [calendar.timezone, hours, calendar.holidays, sorted(calendar.off), sorted(calendar.work)]
        told += [holiday_data()] if calendar.holidays else []
    return hashlib.sha256(repr(told).encode()).hexdigest()[:20]


@lru_cache(maxsize=1)
def holiday_data() -> str:
    """Which data of public holidays are installed."""
    found = []
    for name in ("chinesecalendar", "holidays"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(name)
    return ", ".join(found)
