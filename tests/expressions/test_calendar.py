"""Working days: the pattern, the exceptions, and the published Chinese holidays with their make-up days."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from guanxi.expressions.calendar import WorkingCalendar, public_days
from tests.support.data import data_file

from .model import CALENDARS, days


def test_counting_agrees_with_walking() -> None:
    for calendar in (*CALENDARS.values(), WorkingCalendar(), WorkingCalendar.build((False,) * 6 + (True,))):
        start = date(2024, 4, 20)
        for end in days(date(2024, 4, 1), 60):
            step = 1 if end > start else -1
            walked = 0
            day = start
            while day != end:
                walked += calendar.is_working(day + timedelta(days=1) if step > 0 else day)
                day += timedelta(days=step)
            assert calendar.working_days_between(start, end) == walked * step


def test_adding_working_days() -> None:
    office = CALENDARS["office"]
    assert office.add_working_days(date(2024, 4, 26), 1) == date(2024, 4, 28)  # a Sunday that is worked
    assert office.add_working_days(date(2024, 4, 30), 1) == date(2024, 5, 2)  # over a day off
    assert office.add_working_days(date(2024, 5, 2), -1) == date(2024, 4, 30)
    assert office.add_working_days(date(2024, 5, 4), 0) == date(2024, 5, 4)
    assert WorkingCalendar((False,) * 7).add_working_days(date(2024, 1, 1), 1) is None
    for count in range(1, 30):
        found = office.add_working_days(date(2024, 4, 20), count)
        assert found is not None
        assert office.is_working(found)
        assert office.working_days_between(date(2024, 4, 20), found) == count


@pytest.mark.parametrize(("year", "off", "on"), [(2024, 28, 8), (2025, 28, 5), (2026, 33, 6)])
def test_chinese_holidays_agree_with_the_published_days(year: int, off: int, on: int) -> None:
    published = json.loads(data_file(f"china/holiday_{year}.json").read_text(encoding="utf-8"))["days"]
    free = {date.fromisoformat(d["date"]) for d in published if d["isOffDay"]}
    worked = {date.fromisoformat(d["date"]) for d in published if not d["isOffDay"]}
    assert (len(free), len(worked)) == (off, on)
    found_off, found_on = public_days("CN", range(year - 1, year + 2))
    calendar = WorkingCalendar.build(off=found_off, on=found_on)
    for day in days(date(year, 1, 1), 365 + (year % 4 == 0)):
        expected = day in worked or (day.weekday() < 5 and day not in free)
        assert calendar.is_working(day) == expected, day


def test_other_countries_and_unknown_ones() -> None:
    off, on = public_days("DE", [2024])
    assert date(2024, 12, 25) in off
    assert on == []
    with pytest.raises(ValueError, match="no public holidays"):
        public_days("XX", [2024])
