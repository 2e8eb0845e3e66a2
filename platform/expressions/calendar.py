"""Working days: a weekly pattern, days off against it, working days against it.

Pure values. Counting between two dates is constant time for the pattern and a binary search for the exceptions, so
that the databases can do the same with two sorted arrays.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

MONDAY_TO_FRIDAY = (True, True, True, True, True, False, False)
_LAST = date.max.toordinal()


@dataclass(frozen=True)
class WorkingCalendar:
    """`week` says per weekday (Monday first) whether one works; `off` are days that would be worked but are not,
    `on` days that would not but are. Both sorted, without days that agree with the pattern.
    """

    week: tuple[bool, ...] = MONDAY_TO_FRIDAY
    off: tuple[date, ...] = ()
    on: tuple[date, ...] = ()

    @classmethod
    def build(
        cls, week: Iterable[bool] = MONDAY_TO_FRIDAY, off: Iterable[date] = (), on: Iterable[date] = ()
    ) -> WorkingCalendar:
        """From days in any order; a day both off and on is on."""
        pattern, working = tuple(week), set(on)
        if len(pattern) != 7:
            raise ValueError("a week has seven days")
        return cls(
            pattern,
            tuple(sorted({d for d in off if pattern[d.weekday()]} - working)),
            tuple(sorted(d for d in working if not pattern[d.weekday()])),
        )

    def is_working(self, day: date) -> bool:
        """Whether one works on that day."""
        return self._up_to(day.toordinal()) - self._up_to(day.toordinal() - 1) == 1

    def _up_to(self, ordinal: int) -> int:
        """Working days from 0001-01-01 (a Monday) up to and including the day."""
        weeks, rest = divmod(ordinal, 7)
        count = weeks * sum(self.week) + sum(self.week[:rest])
        if ordinal < 1:
            return count
        day = date.fromordinal(ordinal)
        return count - bisect_right(self.off, day) + bisect_right(self.on, day)

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` comes first."""
        return self._up_to(end.toordinal()) - self._up_to(start.toordinal())

    def first_day_reaching(self, end: date, left: int) -> date:
        """The first day D such that at most `left` working days lie after D up to `end`; clamped to the calendar."""
        wanted = self._up_to(end.toordinal()) - left
        low, high = 1, _LAST
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._up_to(middle) >= wanted else (middle + 1, high)
        return date.fromordinal(low)

    def add_working_days(self, start: date, days: int) -> date | None:
        """The day on which `days` working days have passed since `start` (negative: the other way).

        Zero gives `start` itself. None when the calendar has no working day or the result leaves years 1 to 9999.
        """
        if days == 0:
            return start
        step = 1 if days > 0 else -1
        wanted = self._up_to(start.toordinal()) + days if step > 0 else self._up_to(start.toordinal() - 1) + days
        low, high = (start.toordinal(), _LAST) if step > 0 else (0, start.toordinal() - 1)
        if step > 0:
            while low < high:  # the first day up to which `wanted` working days have passed
                middle = (low + high) // 2
                low, high = (low, middle) if self._up_to(middle) >= wanted else (middle + 1, high)
            return date.fromordinal(low) if self._up_to(low) >= wanted else None
        while low < high:  # the first day after which `wanted` have passed, then the next working day
            middle = (low + high) // 2
            low, high = (low, middle) if self._up_to(middle) >= wanted + 1 else (middle + 1, high)
        return date.fromordinal(low) if low >= 1 and self._up_to(low) == wanted + 1 else None


DEFAULT_CALENDAR = WorkingCalendar()


def public_days(country: str, years: Iterable[int]) -> tuple[list[date], list[date]]:
    """(days off, working days against the week) of a country's public calendar.

    "CN" knows the make-up days of the published years (chinese-calendar); every other ISO 3166 code is answered by
    `holidays`, which knows days off only. Years without data add nothing. Raises ValueError for an unknown country.
    """
    off: list[date] = []
    on: list[date] = []
    if country.upper() == "CN":
        import chinese_calendar

        for year in years:
            day = date(year, 1, 1)
            while day.year == year:
                try:
                    working = chinese_calendar.is_workday(day)
                except NotImplementedError:
                    break
                if working != (day.weekday() < 5):
                    (on if working else off).append(day)
                if day == date.max:
                    break
                day += timedelta(days=1)
        return off, on
    import holidays

    try:
        found = holidays.country_holidays(country.upper(), years=list(years))
    except NotImplementedError:
        raise ValueError(f"no public holidays are known for '{country}'") from None
    return sorted(found), on
