"""Whose time a clock runs on: a calendar's working time, or round the clock; and how long a target may take there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from guanxi.expressions.zones import start_of_day, to_instant
from guanxi.registry.slas import Limit

NEVER = timedelta(days=36_500)
Span = tuple[datetime, datetime]


class Time(Protocol):
    """Working time: what `runtime.worktime.WorkTime` has, or `RoundTheClock`."""

    @property
    def zone(self) -> ZoneInfo:
        """Where days begin."""
        ...

    def after(self, start: datetime, left: timedelta) -> datetime | None:
        """The moment at which so much working time has passed."""
        ...

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time between two moments."""
        ...

    def add_days(self, start: datetime, days: int) -> datetime | None:
        """The end of work so many working days on."""
        ...

    def same_time(self, start: datetime, days: int) -> datetime | None:
        """The same time of day so many days on."""
        ...


class RoundTheClock:
    """Every minute counts; days are those of a zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def after(self, start: datetime, left: timedelta) -> datetime | None:
        """See Time."""
        return start.astimezone(UTC) + left

    def between(self, start: datetime, end: datetime) -> timedelta:
        """See Time."""
        return end - start

    def add_days(self, start: datetime, days: int) -> datetime | None:
        """See Time; the end of the day."""
        return start_of_day(start.astimezone(self.zone).date() + timedelta(days=days + 1), self.zone)

    def same_time(self, start: datetime, days: int) -> datetime | None:
        """See Time."""
        local = start.astimezone(self.zone)
        return to_instant(datetime.combine(local.date() + timedelta(days=days), local.time()), self.zone)


def allowed(limit: Limit, start: datetime, time: Time) -> timedelta:
    """The working time that a target may take when it starts at a moment; NEVER when the calendar ends before."""
    if limit.minutes:
        return timedelta(minutes=limit.minutes)
    end = time.add_days(start, limit.working_days) if limit.working_days else time.same_time(start, limit.days)
    return NEVER if end is None else time.between(start, end)


def worked(time: Time, spans: Sequence[Span]) -> timedelta:
    """The working time in some stretches."""
    return sum((max(time.between(begin, end), timedelta()) for begin, end in spans), timedelta())


def moment_of(value: date | datetime, zone: ZoneInfo) -> datetime:
    """A date is the beginning of its day."""
    if isinstance(value, datetime):
        return value
    return start_of_day(value, zone) or datetime.combine(value, time(), UTC)
