"""Clocks as values: pauses, changed calendars, zones and daylight saving, make-up days; whatever happens adds up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guanxi.registry.packs import Calendar
from guanxi.registry.slas import BREACH, Limit, Rung
from guanxi.runtime.services import build_services
from guanxi.runtime.sla import timers
from guanxi.runtime.sla.clock import Clock
from guanxi.runtime.sla.times import RoundTheClock, allowed
from guanxi.runtime.worktime import WorkTime
from tests.runtime.sla.conftest import DESK, SHORT, at
from tests.support.project import diagnostics_of, registry_of

DAY = ((time(9), time(12)), (time(13, 30), time(18)))
WEEK = dict.fromkeys(range(5), DAY)
OFFICE = WorkTime.of(Calendar("office", "Asia/Shanghai", WEEK, holidays="CN"))
NIGHT = WorkTime.of(
    Calendar("night", "America/New_York", dict.fromkeys(range(7), ((time(0), time(6)), (time(22), time.max))))
)
BREACHING = (Rung(BREACH, (), percent=100),)


@settings(max_examples=150, deadline=None)
@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(lambda d: d.replace(tzinfo=UTC)),
    st.lists(st.integers(1, 5_000), min_size=1, max_size=8),
    st.sampled_from([OFFICE, NIGHT, RoundTheClock(ZoneInfo("Europe/Berlin"))]),
    st.integers(1, 6_000),
)
def test_running_and_standing_add_up_to_working_time(
    start: datetime, steps: list[int], clock_time: Any, limit: int
) -> None:
    clock = Clock("case", 1, "s", "t", start, timedelta(minutes=limit))
    clock.run(start, clock_time, BREACHING)
    now, stood = start, timedelta()
    for number, minutes in enumerate(steps):
        until = now + timedelta(minutes=minutes)
        if number % 2:
            stood += clock_time.between(now, until)
            clock.run(until, clock_time, BREACHING)
        else:
            clock.pause(until, clock_time)
        now = until
    assert clock.elapsed(now, clock_time) + stood == clock_time.between(start, now)
    if clock.since is not None and clock.breached_at is None:
        assert clock_time.between(start, clock.due_at) == timedelta(minutes=limit) + stood
    worked = clock.worked
    clock.reckon(clock_time, clock.allowed, BREACHING, now)
    assert clock.worked == worked


def test_days_holidays_and_make_up_days() -> None:
    friday = at("2026-02-13T16:00:00")  # before the Spring Festival: the 14th is worked, the 15th to the 23rd are free
    assert OFFICE.after(friday, timedelta(hours=4)) == at("2026-02-14T11:00:00")
    limit = allowed(Limit(days=2), friday, OFFICE)
    assert OFFICE.after(friday, limit) == at("2026-02-24T16:00:00")
    assert OFFICE.after(friday, allowed(Limit(working_days=1), friday, OFFICE)) == at("2026-02-14T18:00:00")
    saturday = at("2026-03-07T10:00:00")
    assert OFFICE.after(saturday, allowed(Limit(days=1), saturday, OFFICE)) == at("2026-03-09T18:00:00")


def test_across_midnight_and_daylight_saving() -> None:
    zone = ZoneInfo("America/New_York")
    before = datetime(2026, 3, 7, 23, tzinfo=zone).astimezone(UTC)  # the night in which 2 o'clock is missing
    assert NIGHT.after(before, timedelta(hours=4)) == datetime(2026, 3, 8, 4, tzinfo=zone).astimezone(UTC)
    plain = RoundTheClock(zone)
    assert plain.after(before, allowed(Limit(days=1), before, plain)) == datetime(
        2026, 3, 8, 23, tzinfo=zone
    ).astimezone(UTC)
    assert allowed(Limit(days=1), before, plain) == timedelta(hours=23)


def test_a_changed_calendar_moves_running_clocks(desk: Any) -> None:
    world = desk(SHORT)
    case, done = world.case(), world.case()
    world.change(done, stage="done")
    world.to("2026-03-02T10:00:00")
    text = (DESK + SHORT).replace('"09:00-12:00", "13:30-18:00"', '"09:00-11:00", "13:30-18:00"')
    services = build_services(registry_of(text), world.db, clock=world.clock, version=1)
    assert timers.reckon_changed(services.records.room) == 2
    assert timers.reckon_changed(services.records.room) == 0
    assert world.clock_of(case, "first_response").due_at == at("2026-03-02T15:30:00")
    gone = DESK + SHORT.replace('channel == "email"', 'channel == "phone"')
    services = build_services(registry_of(gone), world.db, clock=world.clock, version=1)
    timers.reckon_changed(services.records.room)
    assert (world.state(case), world.state(done)) == ("cancelled", "met")


def test_a_worker_that_dies_in_a_chunk_leaves_it_to_the_next(desk: Any, monkeypatch: Any) -> None:
    world = desk(SHORT.replace("on_breach: [{notify: {to: owner.manager}}]", "on_breach: [{post: Over}]"))
    for _ in range(5):
        world.case()
    world.clock.at = at("2026-03-02T15:00:00")
    carry, seen = timers._carry_out, []

    def die(*given: Any) -> None:
        seen.append(given)
        if len(seen) == 3:
            raise KeyboardInterrupt
        carry(*given)

    monkeypatch.setattr(timers, "_carry_out", die)
    with pytest.raises(KeyboardInterrupt):
        timers.fire_due(world.services.records.room)
    assert world.fired() == []
    monkeypatch.setattr(timers, "_carry_out", carry)
    assert timers.fire_due(world.services.records.room) == 5
    assert (len(world.fired()), world.count("gx_posts")) == (5, 5)


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("targets: {resolution: {hours: 2, days: 1}}", "wrong-value", "hours"),
        ("targets: {resolution: {}}", "missing-key", "how long"),
        ("targets: {other: {hours: 2}}", "missing-key", "stop"),
        ("targets: {resolution: {working_days: 2}}", "model-rule", "calendar"),
        ("calendar: offic\ntargets: {resolution: {hours: 2}}", "unknown-reference", "office"),
        ("when: stage == 'don'\ntargets: {resolution: {hours: 2}}", "expression-name", "done"),
        ("pause: now() > created_at\ntargets: {resolution: {hours: 2}}", "model-rule", "time passes"),
        ("targets: {resolution: {hours: 2, warn: [{at: 120%}]}}", "wrong-value", "99"),
        ("warn: [{at: 50%}]\ntargets: {resolution: {hours: 2}}", "model-rule", "on_warning"),
        ("targets: {resolution: {hours: 2, stop: 'false'}}", "never-true", "never stop"),
        ("targets: {resolution: {hours: 2}}\non_breach: [{wait: {days: 1}}]", "model-rule", "wait"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(text: str, code: str, word: str) -> None:
    found = diagnostics_of(f"{DESK}---\nkind: sla\nname: s\nobject: case\n{text}\n")
    errors = [one for one in found if one.severity == "error"]
    assert errors, "nothing was found"
    assert code in {one.code for one in errors}, [str(one) for one in errors]
    assert any(word in str(one) for one in errors), [str(one) for one in errors]
    assert all(one.place.line > DESK.count("\n") for one in errors)


def test_a_clock_keeps_what_it_was_told() -> None:
    clock = Clock("case", 1, "s", "t", at("2026-03-02T09:00:00"), timedelta(hours=1))
    clock.run(clock.started_at, OFFICE, BREACHING)
    late = replace(clock, spans=list(clock.spans), fired=list(clock.fired))
    late.stop(at("2026-03-02T11:00:00"), OFFICE)
    assert (late.state, late.next_at) == ("breached", at("2026-03-02T10:00:00"))
    clock.stop(at("2026-03-02T09:59:00"), OFFICE)
    assert (clock.state, clock.next_at, clock.left(clock.met_at, OFFICE)) == ("met", None, timedelta(minutes=1))
