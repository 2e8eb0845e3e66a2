"""Clocks follow their records: they start, stand, stop, run out and are told of, on working time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guanxi.runtime.access.actor import SYSTEM
from tests.runtime.sla.conftest import SHORT, at

LADDER = """---
kind: sla
name: email_reply
object: case
calendar: office
pause: stage == "waiting"
targets:
  resolution:
    hours: 4
    warn:
      - {at: 75%, do: [{post: At 75}]}
      - {at: {minutes_before: 30}, do: [{post: Half an hour}]}
      - {at: 50%, do: [{post: At 50}]}
on_breach: [{post: Over}]
"""


def test_the_short_example_runs_on_working_time(desk: Any) -> None:
    world = desk(SHORT, start="2026-03-06T16:00:00")  # a Friday
    boss = world.user("boss", roles=["lead"])
    li = world.user("li", roles=["agent"], manager=boss.id)
    case = world.case(li)
    assert world.clock_of(case, "first_response").due_at == at("2026-03-09T11:00:00")
    assert world.clock_of(case).due_at == at("2026-03-10T16:00:00")
    assert world.case(li, channel="phone")
    assert world.count("gx_clocks") == 2
    world.to("2026-03-09T10:59:00")
    assert (world.state(case, "first_response"), world.notices()) == ("running", [])
    world.to("2026-03-09T11:00:30")
    assert world.state(case, "first_response") == "breached"
    [(user, text)] = world.notices()
    assert user == boss.id
    assert "Broken" in text
    assert "First response" in text
    world.change(case, stage="done")
    assert (world.state(case, "first_response"), world.state(case)) == ("breached", "met")
    assert world.clock_of(case, "first_response").met_at is not None
    world.to("2026-03-12T11:00:00")
    assert len(world.notices()) == 1


def test_a_pause_moves_the_due_time_by_its_working_time(desk: Any) -> None:
    world = desk(SHORT)
    case = world.case()
    world.change(case, stage="work")
    assert world.state(case, "first_response") == "met"
    world.to("2026-03-02T11:30:00")
    world.change(case, stage="waiting")
    assert (world.state(case), world.clock_of(case).due_at) == ("paused", None)
    world.to("2026-03-03T10:00:00")  # half an hour, the afternoon, one hour: six hours of work
    world.change(case, stage="work")
    assert world.state(case) == "running"
    assert world.clock_of(case).due_at == at("2026-03-04T09:00:00") + timedelta(hours=6) + timedelta(hours=1.5)
    world.change(case, stage="done")
    assert world.state(case) == "met"
    world.to("2026-03-05T09:00:00")
    world.change(case, stage="work")  # reopened: what was left
    assert world.state(case) == "running"
    assert world.clock_of(case).due_at == at("2026-03-06T15:30:00")
    assert world.state(case, "first_response") == "met"


def test_the_ladder_is_climbed_once_in_order(desk: Any) -> None:
    world = desk(LADDER)
    case = world.case()
    world.to("2026-03-02T18:00:00")
    posts = [row[0] for row in world.db.rows("SELECT body FROM gx_posts ORDER BY id")]
    assert [("At 50" in p, "At 75" in p, "Half" in p, "Over" in p).index(True) for p in posts] == [0, 1, 2, 3]
    assert world.fired() == [
        ("sla.email_reply.resolution", event, "done", case) for event in ("warning", "warning", "warning", "breach")
    ]
    world.to("2026-03-05T18:00:00")
    assert len(world.fired()) == 4


def test_warnings_wait_while_the_clock_stands(desk: Any) -> None:
    world = desk(LADDER)
    case = world.case(stage="work")
    world.to("2026-03-02T10:30:00")
    world.change(case, stage="waiting")
    world.to("2026-03-04T09:00:00")
    assert world.fired() == []
    world.change(case, stage="work")
    world.to("2026-03-04T09:29:00")
    assert world.fired() == []
    world.to("2026-03-04T09:31:00")
    assert [row[1] for row in world.fired()] == ["warning"]


def test_a_failing_step_stops_nothing_else_and_is_shown(desk: Any) -> None:
    steps = "on_breach: [{set: {n: -1}}, {set: {note: subject}}, {post: Over}]"
    world = desk(LADDER.replace("on_breach: [{post: Over}]", steps))
    first, second = world.case(), world.case()
    world.to("2026-03-02T18:00:00")
    assert [world.records.get(SYSTEM, "case", i)["note"] for i in (first, second)] == ["Broken", "Broken"]
    sql = "SELECT record_id, error FROM gx_automation_runs WHERE outcome = 'failed' ORDER BY id"
    failed = [tuple(row) for row in world.db.rows(sql)]
    assert [record for record, _ in failed] == [first, second]
    assert all("n is negative" in said for _, said in failed)


def test_late_is_a_breach_even_if_nobody_looked(desk: Any) -> None:
    world = desk(LADDER)
    case = world.case()
    world.clock.at = at("2026-03-02T17:00:00")
    world.change(case, stage="done")
    clock = world.clock_of(case)
    assert (clock.state, clock.breached_at, clock.met_at) == ("breached", at("2026-03-02T14:30:00"), world.clock.at)
    world.due()
    assert [row[1] for row in world.fired()] == ["breach"]


def test_trash_cancels_and_restoring_goes_on(desk: Any) -> None:
    world = desk(SHORT)
    case = world.case()
    world.to("2026-03-02T10:00:00")
    world.records.delete(SYSTEM, "case", case)
    assert world.state(case) == "cancelled"
    world.to("2026-03-03T09:00:00")
    world.records.restore(SYSTEM, "case", case)
    clock = world.clock_of(case)
    assert (clock.state, clock.worked) == ("running", timedelta(hours=1))
    world.records.delete(SYSTEM, "case", case)
    world.records.delete(SYSTEM, "case", case, permanent=True)
    assert world.count("gx_clocks") == 0


def test_a_sterner_level_takes_the_clock_over(desk: Any) -> None:
    stern = (
        SHORT.replace("email_reply", "urgent")
        .replace('channel == "email"', "n == 1")
        .replace("{days: 2}", "{hours: 3}")
    )
    world = desk(SHORT, stern + "priority: 200\n")
    case = world.case()
    world.to("2026-03-02T10:00:00")
    world.change(case, n=1)
    assert world.state(case) == "cancelled"
    clock = world.clock_of(case, sla="urgent")
    assert (clock.started_at, clock.due_at) == (at("2026-03-02T09:00:00"), at("2026-03-02T12:00:00"))
    world.change(case, n=2)
    assert (world.state(case), world.state(case, sla="urgent")) == ("running", "cancelled")
    assert world.clock_of(case).worked == timedelta(hours=1)
    assert world.clock_of(case).due_at == at("2026-03-03T18:00:00")


def test_a_list_that_a_condition_counts_stops_the_clock(desk: Any) -> None:
    first = "targets: {first_response: {minutes: 30, stop: 'any(replies, sent)'}}\n"
    world = desk(f"---\nkind: sla\nname: email_reply\nobject: case\n{first}")
    case = world.case()
    reply = world.records.create(SYSTEM, "reply", {"case": case, "text": "draft"}).id
    assert world.state(case, "first_response") == "running"
    world.records.update(SYSTEM, "reply", reply, {"sent": True})
    assert world.state(case, "first_response") == "met"


def test_start_restart_and_imports(desk: Any) -> None:
    text = """---
kind: sla
name: email_reply
object: case
restart: reopen
targets: {resolution: {hours: 2, start: promised_at}}
"""
    world = desk(text)
    case = world.case()
    assert world.state(case) == ""
    world.change(case, promised_at="2026-03-02T05:00:00Z")
    assert world.clock_of(case).due_at == at("2026-03-02T15:00:00")
    world.change(case, promised_at="2026-03-02T06:00:00Z")
    assert world.clock_of(case).due_at == at("2026-03-02T16:00:00")
    world.to("2026-03-02T15:00:00")
    world.change(case, stage="done")
    assert world.state(case) == "met"
    world.to("2026-03-03T15:00:00")
    world.change(case, stage="work")
    assert world.clock_of(case).due_at == at("2026-03-03T17:00:00")
    assert world.fired() == []


@pytest.mark.parametrize("moved", ["note", "n"])
def test_what_no_condition_reads_asks_nothing(desk: Any, moved: str, monkeypatch: Any) -> None:
    from guanxi.runtime.sla import watching

    world = desk(SHORT)
    case = world.case()
    monkeypatch.setattr(watching, "settle", lambda *_, **__: pytest.fail("asked"))
    world.change(case, **{moved: 3 if moved == "n" else "x"})
    world.change(case, subject="Other")
