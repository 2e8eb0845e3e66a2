"""A declared rename is followed wherever the old name still stands, with parentheses and meaning kept."""

from __future__ import annotations

from tests.support.project import diagnostics_of, registry_of

OBJECTS = """
kind: object
name: customer
title: name
fields:
  name: {type: text}
  turnover: {type: money, renamed_from: revenue}
  level: {type: choice, options: {gold: {label: Gold, renamed_from: a}, b: B}}
  big: {type: formula, returns: boolean, value: 'not (revenue > 5 or (revenue + 1) * 2 < 3) and level == "a"'}
form: {sections: {main: {fields: [name, revenue]}}}
views: {large: {where: revenue > 1, columns: [name, revenue], sort: [-revenue]}}
---
kind: object
name: deal
title: name
fields:
  name: {type: text}
  customer: {type: reference, to: customer, related: deals}
  double: {type: formula, returns: decimal, value: customer.revenue * 2}
---
kind: role
name: clerk
objects: {customer: {read: all, where: revenue > 3, fields: {revenue: none}}}
---
kind: data
name: rows
object: customer
key: name
rows: [{name: x, revenue: "5"}]
"""


def test_old_names_are_read_as_the_new_ones() -> None:
    registry = registry_of({"all.yaml": OBJECTS})
    customer = registry.objects["customer"]
    big = customer.fields["big"].value
    assert big is not None
    assert big.source == 'not (turnover > 5 or (turnover + 1) * 2 < 3) and level == "gold"'
    assert customer.form.sections[0].fields[:2] == ("name", "turnover")
    view = customer.views["large"]
    assert (view.columns, view.sort) == (("name", "turnover"), (("turnover", True),))
    assert str(view.where) == "turnover > 1"
    assert str(registry.objects["deal"].fields["double"].value) == "customer.turnover * 2"
    grant = registry.roles["clerk"].objects["customer"]
    assert (dict(grant.fields), str(grant.where)) == ({"turnover": "none"}, "turnover > 3")
    assert dict(registry.data["rows"].rows[0]) == {"name": "x", "turnover": "5"}


def test_each_place_is_a_warning() -> None:
    found = diagnostics_of({"all.yaml": OBJECTS})
    assert {(d.code, d.severity) for d in found if d.code == "renamed"} == {("renamed", "warning")}
    assert not [d for d in found if d.severity == "error"]
    assert "all.yaml:11:53" in {str(d.place) for d in found}


def test_an_old_name_that_lives_on_is_not_followed() -> None:
    both = OBJECTS.replace(
        "  name: {type: text}\n  turnover", "  name: {type: text}\n  revenue: {type: money}\n  turnover", 1
    )
    assert "model-rule" in {d.code for d in diagnostics_of({"all.yaml": both})} or "clash" in {
        d.code for d in diagnostics_of({"all.yaml": both})
    }


def test_without_the_declaration_the_old_name_is_an_error() -> None:
    plain = OBJECTS.replace(", renamed_from: revenue", "")
    errors = [d for d in diagnostics_of({"all.yaml": plain}) if d.severity == "error"]
    assert {"expression-name", "unknown-field"} <= {d.code for d in errors}
