"""Working calendars of one published version, as expressions count with them: weekly hours, holidays, make-up days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

import holidays
from chinese_calendar.constants import holidays as chinese_holidays
from chinese_calendar.constants import workdays as chinese_workdays

from guanxi.expressions.calendar import WorkingCalendar
from guanxi.registry.packs import Calendar
from guanxi.registry.registry import Registry

YEARS = range(2000, 2041)


def working_calendars(registry: Registry) -> Mapping[str, WorkingCalendar]:
    """All calendars by name."""
    return {name: working_calendar(found) for name, found in registry.calendars.items()}


def working_calendar(calendar: Calendar) -> WorkingCalendar:
    """The days of a calendar: what its own lists say wins over the country's holidays."""
    off, on = _public(calendar.holidays)
    week = tuple(bool(calendar.hours.get(day)) for day in range(7))
    return WorkingCalendar.build(week, (off - calendar.work) | calendar.off, (on - calendar.off) | calendar.work)


@lru_cache(maxsize=32)
def _public(country: str) -> tuple[frozenset[date], frozenset[date]]:
    """Days off and make-up days of a country; China's as its State Council announced them."""
    if not country:
        return frozenset(), frozenset()
    if country.upper() == "CN":
        known = {day.year for day in chinese_holidays}
        later = holidays.country_holidays("CN", years=[year for year in YEARS if year not in known])
        return frozenset(chinese_holidays) | frozenset(later), frozenset(chinese_workdays)
    try:
        return frozenset(holidays.country_holidays(country.upper(), years=YEARS)), frozenset()
    except NotImplementedError:
        return frozenset(), frozenset()
