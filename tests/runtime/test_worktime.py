"""Working time across nights, weekends, holidays with make-up days, and changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from guanxi.registry.packs import Calendar
from guanxi.runtime.worktime import WorkTime

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
HOURS = ((time(9), time(12)), (time(13, 30), time(18)))
OFFICE = WorkTime.of(Calendar("office", "Asia/Shanghai", dict.fromkeys(range(5), HOURS), holidays="CN"))
ROUND = WorkTime.of(Calendar("round", "America/New_York", dict.fromkeys(range(7), ((time(0), time.max),))))


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def test_over_lunch_night_and_weekend() -> None:
    assert OFFICE.add(local("2026-03-02T11:00"), 120) == local("2026-03-02T14:30")
    assert OFFICE.add(local("2026-03-06T17:00"), 120) == local("2026-03-09T10:00")
    assert OFFICE.add(local("2026-03-02T07:00"), 60) == local("2026-03-02T10:00")
    assert OFFICE.add(local("2026-03-02T12:30"), 0) == local("2026-03-02T13:30")


def test_holidays_and_make_up_days() -> None:
    # National Day 2026: off from 1 to 7 October; Sunday 20 September and Saturday 10 October are worked.
    assert OFFICE.add(local("2026-09-30T17:00"), 120) == local("2026-10-08T10:00")
    assert OFFICE.intervals(date(2026, 10, 10)) != ()
    assert OFFICE.add(local("2026-10-09T17:00"), 120) == local("2026-10-10T10:00")


def test_working_days_end_with_the_day() -> None:
    assert OFFICE.add_days(local("2026-03-05T10:00"), 2) == local("2026-03-09T18:00")


def test_the_clock_changes() -> None:
    # 8 March 2026 has 23 hours in New York, 1 November has 25.
    assert ROUND.between(local("2026-03-08T00:00", NEW_YORK), local("2026-03-09T00:00", NEW_YORK)) == timedelta(
        hours=23
    )
    assert ROUND.between(local("2026-11-01T00:00", NEW_YORK), local("2026-11-02T00:00", NEW_YORK)) == timedelta(
        hours=25
    )


def test_a_calendar_that_never_works_answers_nothing() -> None:
    none = WorkTime.of(Calendar("none", "UTC", {}))
    assert none.add(datetime(2026, 1, 1, tzinfo=UTC), 1) is None


@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)), st.integers(1, 6_000))
def test_what_is_added_is_what_lies_between(start: datetime, minutes: int) -> None:
    begin = start.replace(tzinfo=UTC)
    end = OFFICE.add(begin, minutes)
    assert end is not None
    assert OFFICE.between(begin, end) == timedelta(minutes=minutes)
