"""Rules of time: schedules, dates and waits, with a set clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from guanxi.expressions.calendar import DEFAULT_CALENDAR
from guanxi.registry import DateTrigger
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.automation.moments import due, span
from guanxi.runtime.automation.timed import sweep_dates, work_off
from guanxi.runtime.jobs.work import run_due
from tests.runtime.automation.conftest import rule, runs

BERLIN = ZoneInfo("Europe/Berlin")
REMIND = rule("remind", 'on: {date: close_on, offset_days: -3, at: "09:00"}\nwhen: stage == "open"\ndo: [{post: soon}]')


@pytest.mark.parametrize(
    "trigger",
    [
        DateTrigger("d", "date", days=-3, at="09:00"),
        DateTrigger("d", "date", working_days=-2, at="02:30"),
        DateTrigger("d", "date", working_days=3, at="00:00"),
        DateTrigger("d", "datetime", hours=-5),
        DateTrigger("d", "datetime", days=1, at="08:00"),
    ],
)
@pytest.mark.parametrize("zone", [BERLIN, ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")])
def test_what_is_due_in_a_span_is_what_the_moments_say(trigger: DateTrigger, zone: ZoneInfo) -> None:
    """Over both changes of the clock, hour by hour: the span of values and the moment of each value agree."""
    for month in (3, 10):
        values: list[Any] = [date(2026, month, day) for day in range(20, 32)]
        if trigger.kind == "datetime":
            values = [datetime(2026, month, v.day, h, 30, tzinfo=UTC) for v in values for h in (0, 1, 7, 23)]
        for hour in range(0, 24 * 9, 5):
            after = datetime(2026, month, 22, tzinfo=UTC).timestamp() + hour * 3600
            begin, end = datetime.fromtimestamp(after, UTC), datetime.fromtimestamp(after + 7 * 3600, UTC)
            found = span(trigger, begin, end, zone, DEFAULT_CALENDAR)
            expected = [v for v in values if begin < (due(trigger, v, zone, DEFAULT_CALENDAR) or begin) <= end]
            assert [v for v in values if found is not None and found[0] < v <= found[1]] == expected


def test_a_reminder_comes_once_at_its_hour_and_not_for_what_changed(sales: Any) -> None:
    world = sales(REMIND)
    run_due(world.services)
    keep = world.records.create(SYSTEM, "deal", {"name": "keep", "close_on": "2026-03-05"}).id
    world.records.create(SYSTEM, "deal", {"name": "won", "close_on": "2026-03-05", "stage": "won"})
    moved = world.records.create(SYSTEM, "deal", {"name": "moved", "close_on": "2026-03-05"}).id
    world.records.update(SYSTEM, "deal", moved, {"close_on": "2026-03-20"})
    world.clock.advance(hours=24)
    run_due(world.services)
    assert runs(world) == []
    world.clock.advance(hours=1)
    run_due(world.services)
    assert runs(world, "rule", "record_id") == [("remind", keep)]
    for _ in range(3):
        world.clock.advance(hours=1)
        run_due(world.services)
    assert len(runs(world)) == 1
    world.clock.advance(days=30)
    run_due(world.services)
    assert runs(world, "rule", "record_id") == [("remind", keep), ("remind", moved)]


def test_a_date_written_late_within_a_day_is_made_up_for_and_older_ones_are_not(sales: Any) -> None:
    world = sales(REMIND)
    world.clock.advance(days=5)
    run_due(world.services)
    world.clock.advance(minutes=1)
    run_due(world.services)
    now = world.clock.now().date()
    late = world.records.create(SYSTEM, "deal", {"close_on": now.replace(day=now.day + 2).isoformat()}).id
    world.records.create(SYSTEM, "deal", {"close_on": now.isoformat()})
    world.clock.advance(minutes=1)
    run_due(world.services)
    assert runs(world, "record_id") == [(late,)]


def test_ten_thousand_due_are_written_down_by_one_statement_and_go_on_where_they_stopped(sales: Any) -> None:
    world = sales(rule("many", "on: {date: close_on}\ndo: [{post: due}]"))
    admin = world.user("admin", ["administrator"])
    world.records.bulk_create(admin, "deal", [{"name": str(i), "close_on": "2026-03-03"} for i in range(1_000)])
    world.clock.advance(days=3)
    room = world.records.room
    statements: list[str] = []
    execute = room.db.execute
    room.db.execute = lambda sql, params=(): statements.append(sql) or execute(sql, params)  # type: ignore[func-returns-value]
    try:
        assert sweep_dates(room) == 1_000
    finally:
        del room.db.execute
    assert len([sql for sql in statements if "gx_automation" in sql]) <= 3
    from guanxi.runtime.automation import timed

    assert room.db.retry(lambda: timed._chunk(room)) == timed.CHUNK
    assert work_off(room) == 1_000 - timed.CHUNK
    assert world.db.rows("SELECT count(*), count(DISTINCT record_id) FROM gx_automation_runs")[0] == (1_000, 1_000)
    assert sweep_dates(room) == 0


def test_a_schedule_runs_for_every_record_that_meets_it_and_once_after_a_long_stop(sales: Any) -> None:
    world = sales(
        rule("nightly", 'on: {schedule: "0 2 * * *"}\nwhen: amount > 10\ndo: [{set: {n: "coalesce(n, 0) + 1"}}]')
    )
    run_due(world.services)
    ids = [world.records.create(SYSTEM, "deal", {"amount": str(a)}).id for a in (5, 20)]
    world.clock.advance(days=7)
    run_due(world.services)
    run_due(world.services)
    assert [world.records.get(SYSTEM, "deal", i)["n"] for i in ids] == [None, 1]
    assert runs(world) == [("nightly", "schedule", "done")]


WAIT = rule(
    "chase",
    """on: create
do:
  - choose:
      big: {when: amount > 10, do: [{wait: {days: 2, while: stage == "open"}}, {post: inner}]}
      other: {do: [{post: small}]}
  - wait: {hours: 1}
  - post: last
""",
)


def test_the_rest_is_done_later_on_the_record_as_it_is_then(sales: Any) -> None:
    world = sales(WAIT)
    run_due(world.services)
    big, left = (world.records.create(SYSTEM, "deal", {"amount": "20"}).id for _ in range(2))
    small = world.records.create(SYSTEM, "deal", {"amount": "1"}).id
    posts = "SELECT record_id, body FROM gx_posts ORDER BY id"
    assert [row[0] for row in world.db.rows(posts)] == [small]
    world.records.update(SYSTEM, "deal", left, {"stage": "lost"})
    world.clock.advance(days=2)
    run_due(world.services)
    world.clock.advance(hours=2)
    run_due(world.services)
    assert [(n, "inner" in b, "last" in b) for n, b in world.db.rows(posts)] == [
        (small, False, False),
        (small, False, True),
        (big, True, False),
        (big, False, True),
    ]
    assert ("chase", "wait", "left") in runs(world)
    assert world.count("gx_automation_waits") == 0


def test_a_wait_dies_with_its_record(sales: Any) -> None:
    world = sales(WAIT)
    run_due(world.services)
    gone = world.records.create(SYSTEM, "deal", {"amount": "20"}).id
    world.records.delete(SYSTEM, "deal", gone)
    world.clock.advance(days=3)
    run_due(world.services)
    assert runs(world)[-1] == ("chase", "wait", "left")
