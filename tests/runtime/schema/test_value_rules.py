"""Rules that records already break are counted in the plan; definitions come from YAML as they do in an instance."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.runtime.schema import explain
from guanxi.runtime.schema.plan import Finding
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.storage.database import Handle
from tests.support.evolution import World
from tests.support.project import registry_of

FIRST = """
kind: object
name: customer
label: {en: Customer, zh: 客户}
title: name
fields:
  name: {type: text, label: Name}
  size: {type: text, label: Size}
  parent: {type: reference, to: customer, label: Parent}
"""
RULES = """
rules:
  big: {check: size > 10, message: Too small}
  named: {check: filled(name), message: Name it}
  family: {check: parent.name != "x", message: Not that family}
"""


@pytest.fixture
def world(database: Handle) -> World:
    made = World(database)
    made.now = registry_of(FIRST)
    made.service.publish(made.now, {"v": FIRST})
    made.put("customer", {"name": "a", "size": "5"}, {"name": None, "size": "50"}, {"name": "c", "size": "7"})
    return made


def changed(extra: str = "") -> Any:
    return registry_of(FIRST.replace("size: {type: text", "size: {type: integer") + RULES + extra)


def test_records_that_break_a_new_rule_are_counted(world: World) -> None:
    plan = world.service.plan(changed(), {"v": "2"})
    found = {f.field: (f.severity, f.count, f.samples) for f in plan.findings if f.code == "rule-broken"}
    assert found == {"big": ("break", 2, (1, 3)), "named": ("break", 1, (2,))}
    assert "2 records of customer break rule big" in explain.text(plan)
    world.service.apply(plan, changed())
    assert world.service.plan(changed(), {"v": "2"}).empty


def test_a_rule_that_was_there_is_not_counted_again(world: World) -> None:
    world.service.publish(changed(), {"v": "2"})
    plan = world.service.plan(changed("icon: star\n"), {"v": "3"})
    assert [f.code for f in plan.findings] == []
    assert [c["definition"] for c in plan.changes] == ["object/customer"]


def test_other_rooms_add_their_findings(world: World) -> None:
    heavy = Finding(
        "approvals-running", "loss", "2 approvals are running", object="customer", count=2, consent="customer"
    )
    service = SchemaService(world.db, world.clock, inspectors=[lambda look: [heavy] if look.total("customer") else []])
    plan = service.plan(changed(), {"v": "2"})
    assert heavy in plan.findings
    assert plan.objections() == (heavy,)
    assert plan.objections(["customer"]) == ()
