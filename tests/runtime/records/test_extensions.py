"""Rooms that take part in writes: asked before, told after, inside the write's transaction, in every channel."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.common.errors import Conflict, NotFound
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.records.extensions import Change, Extensions, RecordAction, Watcher
from guanxi.runtime.services import build_services
from tests.support.published import Project


class Ledger(Watcher):
    """Writes down what it is told and refuses what carries a word."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, tuple[str, ...]]] = []

    def before(self, work: Any, plan: Any, change: Change) -> None:
        if change.row.get("note") == "forbidden" or change.row.get("name") == "forbidden":
            raise Conflict("Not this one.", code="locked")

    def after(self, work: Any, plan: Any, change: Change) -> None:
        self.told.append((plan.name, change.action, tuple(change.changed)))
        if change.action == "create" and plan.name == "customer":
            with work.trust():
                from guanxi.runtime.records.create import create

                create(work, work.room.plan("product"), {"name": "gift"})


@pytest.fixture
def watched(house: Any) -> tuple[Any, Ledger]:
    """The house with a ledger on customers and products."""
    ledger = Ledger()
    services = house.project.services
    wave = RecordAction(
        "wave", lambda _, plan: plan.name == "product", lambda *_: {"at": "noon"}, lambda w, p, n, given: {"waved": n}
    )
    kept = Extensions(watchers=[lambda _: {"customer": ledger, "product": ledger}], actions=[wave])
    again = build_services(services.registry, services.database, clock=services.clock, version=1, extensions=kept)
    return Project(again, services.clock), ledger


def test_told_of_every_write(watched: tuple[Any, Ledger]) -> None:
    project, ledger = watched
    saved = project.records.create(SYSTEM, "customer", {"name": "Ada"})
    project.records.update(SYSTEM, "customer", saved.id, {"name": "Bea"})
    project.records.update(SYSTEM, "customer", saved.id, {"name": "Bea"})
    project.records.delete(SYSTEM, "customer", saved.id)
    project.records.restore(SYSTEM, "customer", saved.id)
    project.records.delete(SYSTEM, "customer", saved.id, permanent=True)
    customers = [(action, changed) for name, action, changed in ledger.told if name == "customer"]
    assert [action for action, _ in customers] == ["create", "update", "delete", "restore", "purge"]
    assert customers[1][1] == ("name",)
    assert project.count("o_product") == 1


def test_a_refusal_leaves_nothing(watched: tuple[Any, Ledger]) -> None:
    project, ledger = watched
    before = project.dump()
    with pytest.raises(Conflict) as caught:
        project.records.create(SYSTEM, "customer", {"name": "forbidden"})
    assert caught.value.code == "locked"
    assert project.dump() == before
    assert ledger.told == []


def test_bulk_refuses_a_row_and_keeps_the_others(watched: tuple[Any, Ledger]) -> None:
    project, ledger = watched
    rows = [{"name": "one"}, {"name": "forbidden"}, {"name": "two"}]
    result = project.records.bulk_create(SYSTEM, "customer", rows)
    assert [found is None for found in result.ids] == [False, True, False]
    assert [error.code for error in result.errors[1]] == ["locked"]
    assert [name for name, action, _ in ledger.told if action == "create"].count("customer") == 2
    assert project.count("o_product") == 2


def test_an_action_answers_for_itself(watched: tuple[Any, Ledger]) -> None:
    project, _ = watched
    product = project.records.create(SYSTEM, "product", {"name": "tea"})
    assert project.records.act(SYSTEM, "product", product.id, "wave", {}) == {"waved": product.id}
    assert project.records.permissions(SYSTEM, "product", product.id)["actions"] == {"wave": {"at": "noon"}}
    customer = project.records.create(SYSTEM, "customer", {"name": "Cleo"})
    with pytest.raises(NotFound):
        project.records.act(SYSTEM, "customer", customer.id, "wave", {})
