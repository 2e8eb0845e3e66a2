"""Months, quarters and years: their starts, the one before, and a clock that stands in it."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from guanxi.common.clock import Clock
from guanxi.registry.dashboards import Period

MONTHS: dict[Period, int] = {"month": 1, "quarter": 3, "year": 12}
STARTS: dict[Period, str] = {"month": "start_of_month", "quarter": "start_of_quarter", "year": "start_of_year"}


def start(day: date, period: Period) -> date:
    """The first day of the period that a day lies in."""
    if period == "year":
        return day.replace(month=1, day=1)
    month = day.month if period == "month" else (day.month - 1) // 3 * 3 + 1
    return day.replace(month=month, day=1)


def moved(day: date, months: int) -> date:
    """The first day of the month so many months on (or back)."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def points(today: date, period: Period, count: int) -> list[date]:
    """The first days of the last `count` periods, oldest first, the present one last."""
    last = start(today, period)
    step = MONTHS[period]
    return [moved(last, -step * ahead) for ahead in reversed(range(count))]


class EarlierClock:
    """Stands on the first day of the period before, at noon in the instance's zone: `today()` is a day of it."""

    def __init__(self, clock: Clock, period: Period, zone: ZoneInfo) -> None:
        self.clock = clock
        self.period: Period = period
        self.zone = zone

    def now(self) -> datetime:
        """A moment in the period before."""
        local = self.clock.now().astimezone(self.zone)
        first = moved(start(local.date(), self.period), -MONTHS[self.period])
        return datetime(first.year, first.month, first.day, 12, tzinfo=self.zone)
