"""When a date on a record is due, and which dates are due in a span of time: pure, with one rule for every zone.

A rule says so many days (or working days) before or after the record's date, at a time of day, or so many hours from an
instant. Due moments move with the date they come from, so what is due in a span is a span of values: one comparison on
the column, which its index answers.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from guanxi.expressions.calendar import DEFAULT_CALENDAR, WorkingCalendar
from guanxi.expressions.zones import shift_instant, start_of_day, to_instant
from guanxi.registry import DateTrigger

Span = tuple[Any, Any]
"""Values v with low < v <= high: dates, or instants."""
_TICK = timedelta(microseconds=1)


def due(
    trigger: DateTrigger, value: date | datetime | None, zone: tzinfo, calendar: WorkingCalendar
) -> datetime | None:
    """The moment that a record's value gives; None without a value or outside of the calendar."""
    if value is None:
        return None
    if isinstance(value, datetime):
        if not trigger.at:
            return shift_instant(value + timedelta(hours=trigger.hours), zone, days=trigger.days)
        value = value.astimezone(zone).date()
    day = due_day(trigger, value, calendar)
    return None if day is None else at_clock(day, trigger.at, zone)


def due_day(trigger: DateTrigger, day: date, calendar: WorkingCalendar) -> date | None:
    """The day on which a date is due."""
    if trigger.working_days:
        return calendar.add_working_days(day, trigger.working_days)
    try:
        return day + timedelta(days=trigger.days)
    except OverflowError:
        return None


def at_clock(day: date, clock: str, zone: tzinfo) -> datetime | None:
    """A local time of a day; a skipped time is read with the offset before the change."""
    return to_instant(datetime.combine(day, time.fromisoformat(clock or "00:00")), zone)


def span(
    trigger: DateTrigger, after: datetime, until: datetime, zone: tzinfo, calendar: WorkingCalendar
) -> Span | None:
    """The values whose moment lies after `after` and not after `until`; None when there are none."""
    if trigger.kind == "datetime" and not trigger.at:
        back = -trigger.days
        hours = timedelta(hours=trigger.hours)
        low, high = shift_instant(after, zone, days=back), shift_instant(until, zone, days=back)
        return None if low is None or high is None else (low - hours, high - hours)
    days = _days(trigger, after, until, zone)
    values = _values(trigger, days, calendar)
    if values is None:
        return None
    if trigger.kind == "date":
        return values[0] - timedelta(days=1), values[1]
    low, high = start_of_day(values[0], zone), start_of_day(values[1] + timedelta(days=1), zone)
    return None if low is None or high is None else (low - _TICK, high - _TICK)


def _days(trigger: DateTrigger, after: datetime, until: datetime, zone: tzinfo) -> tuple[date, date]:
    """First and last day whose moment (at the trigger's time of day) lies in the span; last < first for none."""
    first, last = after.astimezone(zone).date(), until.astimezone(zone).date()
    moment = at_clock(first, trigger.at, zone)
    if moment is not None and moment <= after:
        first += timedelta(days=1)
    moment = at_clock(last, trigger.at, zone)
    if moment is not None and moment > until:
        last -= timedelta(days=1)
    return first, last


def _values(trigger: DateTrigger, days: tuple[date, date], calendar: WorkingCalendar) -> tuple[date, date] | None:
    """The first and last date of records that is due on one of the days. Due days follow their dates in order, so the
    dates between two that are due are due too.
    """
    first, last = days
    if last < first:
        return None
    if not trigger.working_days:
        back = timedelta(days=trigger.days)
        return first - back, last - back
    far = timedelta(days=abs(trigger.working_days) * 3 + 60)
    low = _search(first - far, first + far, lambda day: (due_day(trigger, day, calendar) or day) >= first)
    high = _search(last - far, last + far, lambda day: (due_day(trigger, day, calendar) or day) > last)
    return (low, high - timedelta(days=1)) if low < high else None


def _search(low: date, high: date, holds: Any) -> date:
    """The first day from which on something holds."""
    start, end = low.toordinal(), high.toordinal()
    while start < end:
        middle = (start + end) // 2
        start, end = (start, middle) if holds(date.fromordinal(middle)) else (middle + 1, end)
    return date.fromordinal(start)


def calendar_of(trigger: DateTrigger, calendars: Any) -> WorkingCalendar:
    """The calendar of a trigger, Monday to Friday without one."""
    found: WorkingCalendar = calendars.get(trigger.calendar, DEFAULT_CALENDAR) if trigger.calendar else DEFAULT_CALENDAR
    return found
