"""A small sales house behind the HTTP API, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instances import House, make_house

SALES = """
kind: options
name: region
options: {north: {en: North, zh: 华北}, east: {en: East, zh: 华东}}
---
kind: object
name: customer
label: {en: Customer, zh: 客户}
title: name
owned: true
access: private
fields:
  name: {type: text, required: true, length: 60, search: true}
  code: {type: text, unique: true, length: 20}
  phone: {type: phone, region: CN, mask: keep_last_4, search: true}
  region: {type: choice, options: region}
  level: {type: choice, options: {a: A, b: B}, default: b}
  credit: {type: money, min: 0}
  secret_note: {type: text}
  won: {type: rollup, value: 'sum(deals.amount, stage == "won")'}
  tier: {type: formula, returns: text, value: '"gold" if won > 1000 else "standard"'}
rules:
  credit_needs_code:
    check: blank(credit) or filled(code)
    message: {en: A credit line needs a code, zh: 授信需要客户编码}
    fields: [credit]
views:
  north: {label: North, where: region == "north", columns: [name, level], sort: [-name]}
---
kind: object
name: deal
label: {en: Deal, zh: 商机}
title: name
owned: true
access: private
concurrency: strict
fields:
  name: {type: text, required: true, search: true}
  customer: {type: reference, to: customer, related: deals, on_delete: restrict}
  amount: {type: money}
  stage: {type: choice, options: {open: Open, offer: Offer, won: Won, lost: Lost}, default: open}
  closed_on: {type: date}
stages:
  field: stage
  path:
    open: {to: [offer, lost]}
    offer: {to: [won, lost], needs: [amount]}
    won: {on_enter: [{set: {closed_on: today()}}]}
    lost: {}
actions:
  give_up: {label: Give up, when: stage == "open", do: [{set: {stage: lost}}]}
---
kind: role
name: sales
label: Sales
includes: [employee]
objects:
  customer: {create: true, read: own, update: own, delete: own, restore: own, history: own,
             fields: {secret_note: none, phone: masked}}
  deal: {create: true, read: own, update: own, delete: own}
actions: [deal.give_up]
"""


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    made = make_house(tmp_path / "instance", database_url, {"sales.yaml": SALES})
    made.person("li", "sales")
    made.person("wang", "sales")
    yield made
    made.close()
