"""What people see of clocks: under their rights, narrowed by a word, with what is left in working time."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.common.errors import BadRequest, NotFound
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import ListQuery
from tests.runtime.sla.conftest import SHORT


def ids(world: Any, who: Any, word: str) -> list[int]:
    """The cases that a list narrowed by a word shows."""
    return [row["id"] for row in world.records.list(who, ListQuery("case", clock=word, sort=(("id", False),))).data]


def test_lights_and_what_is_left(desk: Any) -> None:
    world = desk(SHORT)
    li = world.user("li", roles=["agent"])
    case = world.case(li)
    first, second = world.services.clocks.of_record(li, "case", case)
    assert (first["target"], first["light"], first["left_minutes"], first["percent"]) == (
        "first_response",
        "green",
        240,
        0,
    )
    assert (second["allowed_minutes"], second["due_at"]) == (900, "2026-03-03T10:00:00Z")
    world.to("2026-03-02T13:40:00")
    first, _ = world.services.clocks.of_record(li, "case", case)
    assert (first["light"], first["left_minutes"], first["percent"]) == ("amber", 50, 79)
    world.to("2026-03-02T15:00:30")
    first, second = world.services.clocks.of_record(li, "case", case)
    assert (first["light"], first["left_minutes"], second["light"]) == ("red", -31, "green")
    world.change(case, stage="work")
    world.change(case, stage="waiting")
    shown = {one["target"]: one for one in world.services.clocks.of_record(li, "case", case)}
    assert (shown["resolution"]["light"], shown["resolution"]["due_at"]) == ("grey", None)
    assert (shown["first_response"]["state"], shown["first_response"]["light"]) == ("breached", "red")


def test_lists_are_narrowed_by_clocks_and_rights(desk: Any) -> None:
    world = desk(SHORT)
    li, wang = world.user("li", roles=["agent"]), world.user("wang", roles=["agent"])
    lead = world.user("lead", roles=["lead"])
    mine, other, call = world.case(li), world.case(wang), world.case(li, channel="phone")
    assert ids(world, li, "running") == [mine]
    assert ids(world, lead, "open") == [mine, other]
    assert ids(world, lead, "due_today") == [mine, other]
    world.to("2026-03-02T17:00:00")
    assert (ids(world, li, "overdue"), ids(world, lead, "breached")) == ([mine], [mine, other])
    world.change(other, stage="done")
    assert (ids(world, lead, "overdue"), ids(world, lead, "met")) == ([mine], [other])
    listed = world.services.clocks.listed
    assert [one["record"] for one in listed(li, "overdue").data] == [mine]
    page = listed(lead, "open", limit=1)
    assert [one["target"] for one in page.data] == ["first_response"]
    assert [one["target"] for one in listed(lead, "open", limit=5, after=page.next).data] == ["resolution"]
    assert world.services.clocks.counts(lead) == {"overdue": 1, "due_today": 0}
    with pytest.raises(NotFound):
        world.services.clocks.of_record(wang, "case", mine)
    with pytest.raises(BadRequest, match="clock"):
        listed(li, "overdeu")
    assert world.services.clocks.of_record(SYSTEM, "case", call) == []
