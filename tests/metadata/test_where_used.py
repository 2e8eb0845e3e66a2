"""Where a name is used: every mention with its place."""

from __future__ import annotations

from guanxi.metadata.where_used import where_used
from tests.support.definitions import compiled, documents_of

TEXT = """\
kind: options
name: area
options: {north: N, south: S}
---
kind: object
name: customer
fields:
  name: {type: text}
  area: {type: choice, options: area}
  stage: {type: choice, options: {new: New, won: Won}, default: new}
  won_orders: {type: rollup, value: 'count(orders, state == "done")'}
rules:
  r: {check: filled(area) or has_role("sales"), message: M, fields: [area]}
stages: {field: stage, path: {new: {to: [won]}, won: {on_enter: [{set: {area: north}}]}}}
views: {v: {where: 'area == "north"', columns: [name, area], sort: [-area]}}
---
kind: object
name: order
fields:
  customer: {type: reference, to: customer}
  state: {type: choice, options: {open: O, done: D}}
views: {v: {where: 'customer.area == "south"', columns: [customer.name]}}
---
kind: role
name: sales
objects: {customer: {read: all, fields: {area: none}}}
---
kind: app
name: sales
menu: [customer]
roles: [sales]
---
kind: data
name: rows
object: customer
key: name
rows: [{name: A, area: north}]
"""


def places(name: str) -> list[str]:
    found = where_used(documents_of(TEXT), compiled(TEXT), name)
    return [
        f"{one.place.line}:{one.place.column} {one.definition} {one.path}"
        for one in found
        if one.place.file == "m.yaml"
    ]


def test_a_field() -> None:
    assert places("customer.area") == [
        "9:3 object/customer fields.area",
        "13:21 object/customer rules.r.check",
        "13:70 object/customer rules.r.fields.0",
        "14:73 object/customer stages.path.won.on_enter.0.set.area",
        "15:21 object/customer views.v.where",
        "15:55 object/customer views.v.columns.1",
        "15:69 object/customer views.v.sort.0",
        "22:30 object/order views.v.where",
        "26:42 role/sales objects.customer.fields.area",
        "37:18 data/rows rows.0.area",
    ]


def test_an_option_of_a_shared_list_is_used_through_its_fields() -> None:
    assert places("area=north") == [
        "3:11 options/area options.north",
        "14:79 object/customer stages.path.won.on_enter.0.set.area",
        "15:29 object/customer views.v.where",
        "37:24 data/rows rows.0.area",
    ]


def test_an_option_of_a_field() -> None:
    assert places("customer.stage=won") == [
        "10:45 object/customer fields.stage.options.won",
        "14:42 object/customer stages.path.new.to.0",
        "14:49 object/customer stages.path.won",
    ]


def test_objects_roles_and_lists() -> None:
    assert places("customer") == [
        "20:35 object/order fields.customer.to",
        "26:11 role/sales objects.customer",
        "30:8 app/sales menu.0",
        "35:9 data/rows object",
    ]
    assert places("sales") == ["13:40 object/customer rules.r.check", "31:9 app/sales roles.0"]
    assert places("customer.orders") == ["11:44 object/customer fields.won_orders.value"]
    assert places("order.state=done") == [
        "11:61 object/customer fields.won_orders.value",
        "21:44 object/order fields.state.options.done",
    ]
