"""A segment is a saved list of its object; its faults are told at their lines."""

from __future__ import annotations

import pytest

from guanxi.common.diagnostics import DefinitionError
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.storage.database import Handle
from tests.support.project import registry_of
from tests.support.published import project

BASE = """
kind: object
name: customer
title: name
fields: {name: {type: text}, tier: {type: text}, last_order_at: {type: datetime}}
views: {mine: {where: tier == "x"}}
---
"""


def test_a_segment_lists_its_records(database: Handle) -> None:
    made = project(
        database,
        BASE
        + "kind: segment\nname: sleeping_gold\nlabel: {en: Sleeping gold, zh: 沉睡金牌}\nobject: customer\n"
        + 'where: tier == "gold" and days_since(last_order_at) > 180\n',
    )
    for name, tier, at in (
        ("a", "gold", "2025-01-01T00:00:00Z"),
        ("b", "gold", "2026-02-20T00:00:00Z"),
        ("c", "tin", "2025-01-01T00:00:00Z"),
    ):
        made.records.create(SYSTEM, "customer", {"name": name, "tier": tier, "last_order_at": at})
    found = made.records.list(SYSTEM, ListQuery("customer", view="sleeping_gold"))
    assert [row["name"] for row in found.data] == ["a"]
    assert made.services.registry.objects["customer"].views["sleeping_gold"].label.text("zh") == "沉睡金牌"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: s\nobject: custmer\nwhere: tier == 1\n", "did you mean 'customer'"),
        ("name: s\nobject: customer\nwhere: teir == 'x'\n", "where: unknown name 'teir'"),
        ("name: s\nobject: customer\nwhere: false\n", "nothing is ever in the segment"),
        ("name: mine\nobject: customer\nwhere: filled(tier)\n", "has a view of this name"),
        ("name: s\nobject: customer\n", "'where' is missing"),
        ("name: s\nobject: customer\nwhere: filled(tier)\ncolumns: [nam]\n", "did you mean 'name'"),
    ],
)
def test_faults(text: str, says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        registry_of(BASE + "kind: segment\n" + text)
    assert any(says in str(one) for one in caught.value.diagnostics), caught.value.diagnostics
