"""Tiles: their figures equal what their viewer's own lists count, and what is behind a figure is that very list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from guanxi.common.clock import FixedClock
from guanxi.common.diagnostics import DefinitionError
from guanxi.common.errors import NotFound
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import AggregateQuery
from guanxi.runtime.storage.database import Handle
from tests.support.project import registry_of
from tests.support.published import project

OBJECTS = """
kind: object
name: deal
label: Deal
title: name
owned: true
fields:
  name: {type: text}
  amount: {type: money}
  stage: {type: choice, options: {open: {en: Open, zh: 进行中}, won: {en: Won, zh: 赢单}, lost: {en: Lost, zh: 输单}}}
  closed_on: {type: date}
  secret: {type: text}
---
kind: role
name: sales
includes: [employee]
objects: {deal: {create: true, read: own, fields: {secret: none}}}
---
kind: role
name: manager
includes: [employee]
objects: {deal: {create: true, read: all}}
---
"""
BOARD = """
kind: dashboard
name: sales
label: {en: Sales, zh: 销售}
roles: [sales, manager]
tiles:
  pipeline: {as: funnel, object: deal, group: stage, measure: sum(amount)}
  won:
    as: number
    object: deal
    measure: sum(amount)
    where: stage == "won" and closed_on >= start_of_month(today())
    compare: previous_month
  months: {as: trend, object: deal, measure: count(), date: closed_on}
  people: {as: ranking, object: deal, group: owner, measure: sum(amount), limit: 3}
  goal: {as: target, object: deal, measure: sum(amount), where: stage == "won", target: "100"}
  hidden: {as: bar, object: deal, group: secret}
  latest: {as: list, object: deal, columns: [name, amount], sort: [-amount], limit: 2}
"""


class House:
    def __init__(self, database: Handle) -> None:
        self.project = project(database, OBJECTS + BOARD, FixedClock(datetime(2026, 3, 15, 8, tzinfo=UTC)))
        self.li = self.project.user("li", roles=["sales"])
        self.wang = self.project.user("wang", roles=["sales"])
        self.boss = self.project.user("boss", roles=["manager"])
        rows = [
            (self.li, "a", "10", "won", "2026-03-02"),
            (self.li, "b", "20", "won", "2026-02-10"),
            (self.li, "c", "5", "open", None),
            (self.wang, "d", "40", "won", "2026-03-31"),
            (self.wang, "e", "7", "lost", "2026-01-05"),
        ]
        for who, name, amount, stage, day in rows:
            values = {"name": name, "amount": amount, "stage": stage, "closed_on": day}
            self.project.records.create(who, "deal", values)

    def tiles(self, who: Any) -> dict[str, Any]:
        shown = self.project.services.dashboards.show(who, "sales")
        return {tile["name"]: tile for tile in shown["tiles"]}


@pytest.fixture
def house(database: Handle) -> House:
    return House(database)


def test_figures_are_the_viewers_own(house: House) -> None:
    tiles = house.tiles(house.boss)
    assert [(row["key"], row["value"]) for row in tiles["pipeline"]["rows"]] == [
        ("open", "5.00"),
        ("won", "70.00"),
        ("lost", "7.00"),
    ]
    assert (tiles["won"]["value"], tiles["won"]["previous"]) == ("50.00", "20.00")
    own = house.tiles(house.li)
    assert (own["won"]["value"], own["won"]["previous"]) == ("10.00", "20.00")
    assert [row["value"] for row in own["pipeline"]["rows"]] == ["5.00", "30.00"]
    assert [(row["label"], row["value"]) for row in tiles["people"]["rows"]] == [("wang", "47.00"), ("li", "35.00")]
    assert (tiles["goal"]["value"], tiles["goal"]["target"]) == ("70.00", 100)
    assert [row["name"] for row in tiles["latest"]["rows"]] == ["d", "b"]


def test_a_trend_has_every_month(house: House) -> None:
    rows = house.tiles(house.boss)["months"]["rows"]
    assert len(rows) == 12
    assert [(row["label"], row["value"]) for row in rows[-3:]] == [("2026-01", 1), ("2026-02", 1), ("2026-03", 2)]
    assert rows[0]["value"] == 0


def test_a_tile_over_what_one_may_not_read_is_not_there(house: House) -> None:
    assert "hidden" in house.tiles(house.boss)
    assert "hidden" not in house.tiles(house.li)


def test_behind_each_figure_is_that_very_list(house: House) -> None:
    reader = house.project.services.reader
    for name, tile in house.tiles(house.boss).items():
        for row in tile.get("rows", ()) if tile["as"] != "list" else ():
            again = reader.aggregate(
                house.boss, AggregateQuery("deal", measures=(tile["measure"],), where=row["where"])
            )
            assert (again[0][tile["measure"]] or 0) == row["value"], name


def test_it_is_for_its_roles(house: House) -> None:
    stranger = house.project.user("stranger")
    service = house.project.services.dashboards
    assert service.list(stranger) == []
    with pytest.raises(NotFound):
        service.show(stranger, "sales")
    assert [one["name"] for one in service.list(house.li)] == ["sales"]
    assert service.show(SYSTEM, "sales")["name"] == "sales"


@pytest.mark.parametrize(
    ("tile", "says"),
    [
        ("{object: dael}", "unknown object 'dael' (did you mean 'deal'?)"),
        ("{as: funnle, object: deal}", "did you mean 'funnel'"),
        ("{as: bar, object: deal}", "'group' is missing"),
        ("{object: deal, measure: total(amount)}", "a measure is count()"),
        ("{object: deal, measure: sum(name)}", "sum needs a number"),
        ("{object: deal, measure: sum(amonut)}", "amonut"),
        ("{object: deal, where: amount >}", "tiles.x.where"),
        ("{object: deal, compare: previous_month}", "'date' is missing"),
        ("{object: deal, as: trend, date: name}", "'name' is not a date"),
        ("{object: deal, as: list, view: mien}", "unknown view"),
        ("{object: deal, as: list, columns: [nam]}", "did you mean 'name'"),
        ("{object: deal, as: target}", "'target' is missing"),
    ],
)
def test_faults(tile: str, says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        registry_of(OBJECTS + f"kind: dashboard\nname: d\ntiles:\n  x: {tile}\n")
    assert any(says in str(one) for one in caught.value.diagnostics), caught.value.diagnostics
