"""What a file says again and again is read once, and never taken for something that only looks equal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from guanxi.fieldtypes import ValueFault
from guanxi.runtime.records.plan import FieldPlan, compile_object
from guanxi.runtime.storage.tables import columns_of
from tests.support.project import registry_of

YAML = """
kind: object
name: thing
title: name
fields:
  name: {type: text}
  count: {type: integer}
  done: {type: boolean}
  price: {type: decimal}
  day: {type: date}
  tags: {type: tags}
"""


@pytest.fixture(scope="module")
def fields() -> Mapping[str, FieldPlan]:
    found = registry_of(YAML).objects["thing"]
    return compile_object(found, columns_of(found)).fields


def test_equal_values_of_other_types_are_told_apart(fields: Mapping[str, FieldPlan]) -> None:
    read = fields["count"].typed_once
    assert read("1") == 1
    assert read(1) == 1
    with pytest.raises(ValueFault):
        read(True)
    price = fields["price"].typed_once
    assert price("1.50") == Decimal("1.5") == price("1.50")


def test_faults_are_told_each_time(fields: Mapping[str, FieldPlan]) -> None:
    read = fields["day"].typed_once
    for _ in range(2):
        with pytest.raises(ValueFault):
            read("not a day")


def test_lists_are_never_recalled(fields: Mapping[str, FieldPlan]) -> None:
    assert fields["tags"].recalled is None
    assert fields["name"].recalled is None
