"""Working calendars of one published version, as expressions count with them: weekly hours, holidays, make-up days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache

from guanxi.expressions.calendar import WorkingCalendar
from guanxi.registry.packs import Calendar
from guanxi.registry.registry import Registry

YEARS = range(2000, 2041)


def working_calendars(registry: Registry) -> Mapping[str, WorkingCalendar]:
    """All calendars by name, each made when it is asked for first: a country's holidays take a while to work out."""
    return _Calendars(registry.calendars)


class _Calendars(Mapping[str, WorkingCalendar]):
    def __init__(self, defined: Mapping[str, Calendar]) -> None:
        self._defined = defined
        self._made: dict[str, WorkingCalendar] = {}

    def __getitem__(self, name: str) -> WorkingCalendar:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = working_calendar(self._defined[name])
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._defined)

    def __len__(self) -> int:
        return len(self._defined)


def working_calendar(calendar: Calendar) -> WorkingCalendar:
    """The days of a calendar: what its own lists say wins over the country's holidays."""
    off, on = _public(calendar.holidays)
    week = tuple(bool(calendar.hours.get(day)) for day in range(7))
    return WorkingCalendar.build(week, (off - calendar.work) | calendar.off, (on - calendar.off) | calendar.work)


def uncovered(registry: Registry, year: int) -> list[str]:
    """Calendars that follow China's holidays in a year that the installed data does not know."""
    names = [name for name, calendar in registry.calendars.items() if calendar.holidays.upper() == "CN"]
    if not names:
        return []
    from chinese_calendar.constants import workdays

    return [] if any(day.year == year for day in workdays) else sorted(names)


@lru_cache(maxsize=32)
def _public(country: str) -> tuple[frozenset[date], frozenset[date]]:
    """Days off and make-up days of a country; China's as its State Council announced them."""
    if not country:
        return frozenset(), frozenset()
    import holidays  # loaded with the first calendar that follows a country

    if country.upper() == "CN":
        from chinese_calendar.constants import holidays as chinese_holidays
        from chinese_calendar.constants import workdays as chinese_workdays

        known = {day.year for day in chinese_holidays}
        later = holidays.country_holidays("CN", years=[year for year in YEARS if year not in known])
        return frozenset(chinese_holidays) | frozenset(later), frozenset(chinese_workdays)
    try:
        return frozenset(holidays.country_holidays(country.upper(), years=YEARS)), frozenset()
    except NotImplementedError:
        return frozenset(), frozenset()
