"""Working time: hours and days of a calendar, added to a moment or counted between two.

Weekly hours come from the calendar's definition, days off and make-up days from `calendars`. Everything is reckoned on
the local clock of the calendar's zone, so a day across a change to summer time has the hours people work in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from guanxi.expressions.calendar import WorkingCalendar
from guanxi.registry.packs import Calendar

from .calendars import working_calendar

MOST_DAYS = 3_660
Interval = tuple[datetime, datetime]


@dataclass(frozen=True)
class WorkTime:
    """One calendar's working time. `hours` maps weekday 0 (Monday) to intervals of local time."""

    zone: ZoneInfo
    hours: Mapping[int, tuple[tuple[time, time], ...]]
    days: WorkingCalendar

    @classmethod
    def of(cls, calendar: Calendar) -> WorkTime:
        """From a calendar's definition."""
        return cls(ZoneInfo(calendar.timezone), calendar.hours, working_calendar(calendar))

    def intervals(self, day: date) -> tuple[Interval, ...]:
        """The working intervals of a local day, in UTC. A make-up day has the hours of the first working weekday."""
        if not self.days.is_working(day):
            return ()
        hours = self.hours.get(day.weekday()) or next((h for _, h in sorted(self.hours.items()) if h), ())
        return tuple((self._instant(day, begin), self._instant(day, end)) for begin, end in hours)

    def _instant(self, day: date, at: time) -> datetime:
        if at == time.max:
            return datetime.combine(day + timedelta(days=1), time(), self.zone).astimezone(UTC)
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def _from(self, start: datetime) -> Iterator[Interval]:
        """Working intervals from a moment on, the first one cut to it; at most ten years."""
        day = start.astimezone(self.zone).date()
        for ahead in range(MOST_DAYS):
            for begin, end in self.intervals(day + timedelta(days=ahead)):
                if end > start:
                    yield max(begin, start), end

    def add(self, start: datetime, minutes: int) -> datetime | None:
        """The moment at which so many working minutes have passed since `start`; None when that is never.

        With 0 it is the next working moment.
        """
        return self.after(start, timedelta(minutes=minutes))

    def after(self, start: datetime, left: timedelta) -> datetime | None:
        """The moment at which so much working time has passed since `start`, to the microsecond; None: never."""
        for begin, end in self._from(start.astimezone(UTC)):
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def add_days(self, start: datetime, days: int) -> datetime | None:
        """The end of work on the day on which so many working days have passed since the local day of `start`."""
        day = self.days.add_working_days(start.astimezone(self.zone).date(), days)
        if day is None:
            return None
        found = self.intervals(day)
        return found[-1][1] if found else self._instant(day, time.max)

    def same_time(self, start: datetime, days: int) -> datetime | None:
        """The time of day of `start` (or of the next working moment), so many working days on."""
        begun = self.after(start, timedelta())
        if begun is None:
            return None
        local = begun.astimezone(self.zone)
        day = self.days.add_working_days(local.date(), days)
        return None if day is None else self._instant(day, local.time())

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; negative when `end` comes first."""
        if end < start:
            return -self.between(end, start)
        total = timedelta()
        for begin, until in self._from(start.astimezone(UTC)):
            if begin >= end:
                break
            total += min(until, end) - begin
        return total
