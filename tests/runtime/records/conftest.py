"""A small house of objects, published on both engines, with people in it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from guanxi.runtime.access.actor import Actor
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

HOUSE = """
kind: object
name: customer
label: {en: Customer, zh: 客户}
plural: {en: Customers, zh: 客户}
title: name
owned: true
fields:
  name: {type: text, required: true, length: 40, search: true}
  code: {type: auto_number, format: "C-{yyyy}-{0000}"}
  phone: {type: phone, region: CN, search: true, unique: true}
  email: {type: email}
  region: {type: choice, options: {north: {en: North, zh: 华北}, east: {en: East, zh: 华东}}, default: north}
  tags: {type: tags}
  revenue: {type: money, min: 0}
  discount: {type: percent, required: revenue >= 1000, read_only: closed}
  closed: {type: boolean}
  note: {type: long_text, when: region == "east"}
  due: {type: date, default: 'add_days(today(), 7)'}
  seen_at: {type: datetime}
  secret: {type: text}
  extra: {type: json, schema: {type: object, properties: {rooms: {type: integer}}}}
  parent: {type: reference, to: customer, related: branches, on_delete: restrict}
  products: {type: references, to: product, related: customers}
  net: {type: formula, value: 'revenue * (100 - discount) / 100'}
  last_seen: {type: datetime, read_only: true}
unique:
  name_in_region: [name, region]
rules:
  reachable:
    check: filled(phone) or filled(email) or region != "east"
    message: {en: Give a phone or an e-mail, zh: 请填写电话或邮箱}
    fields: [phone, email]
  own_parent:
    check: blank(parent) or parent != id
    message: {en: Not its own parent}
actions:
  close:
    label: Close
    when: not closed
    do: [{set: {closed: true, note: '"closed by " + me.name'}}, {create: {object: product, values: {name: 'name'}}}]
---
kind: object
name: product
label: {en: Product, zh: 产品}
title: name
access: edit
fields:
  name: {type: text, required: true}
---
kind: object
name: contact
label: Contact
title: name
owned: true
fields:
  name: {type: text, required: true}
  customer: {type: reference, to: customer, related: contacts, on_delete: cascade, required: true}
  buddy: {type: reference, to: contact, related: buddies, on_delete: clear}
---
kind: object
name: deal
label: Deal
title: name
owned: true
concurrency: strict
fields:
  name: {type: text, required: true}
  amount: {type: money}
  need: {type: text, since_stage: offer}
  reason: {type: text}
  customer: {type: reference, to: customer, related: deals}
  stage: {type: choice, options: {new: New, offer: Offer, won: Won, lost: Lost}}
stages:
  field: stage
  path:
    new: {to: [offer, lost]}
    offer: {to: [won, lost], when: amount > 0}
    won: {needs: [customer], on_enter: [{set: {reason: '"well done"'}}]}
    lost: {needs: [reason], to: [new]}
---
kind: object
name: lead
label: Lead
title: name
owned: true
fields:
  name: {type: company_name, required: true, search: true}
  phone: {type: phone, region: CN}
  city: {type: text}
duplicates:
  same_phone: {match: [phone], action: block}
  like_name: {match: [{field: name, by: company_name}], action: warn, score: 0.85}
---
kind: role
name: sales
includes: [employee]
objects:
  customer: {create: true, read: team, update: own, delete: own,
             fields: {secret: none, revenue: read}}
  product: {create: true, read: all, update: all}
  contact: {create: true, read: own, update: own, delete: own}
  deal: {create: true, read: own, update: own}
  lead: {create: true, read: own, update: own}
actions: [customer.close]
---
kind: role
name: northern
objects:
  customer: {create: true, read: all, update: all, assign: all, delete: all, where: region == "north"}
---
kind: role
name: lookout
objects:
  customer: {read: all}
"""


@dataclass
class House:
    """The project and the people who live in it."""

    project: Project
    admin: Actor
    li: Actor
    wang: Actor
    chen: Actor
    watcher: Actor

    @property
    def records(self):
        return self.project.records


@pytest.fixture
def house(database: Handle) -> House:
    """Li and Wang sell in one team, Chen in another looks after the north, the watcher only looks."""
    made = project(database, HOUSE, listen=("customer",))
    one, two = made.team("One"), made.team("Two")
    admin = made.user("admin", ["administrator"])
    li, wang = made.user("li", ["sales"], team=one), made.user("wang", ["sales"], team=one)
    chen = made.user("chen", ["northern", "employee"], team=two)
    return House(made, admin, li, wang, chen, made.user("watcher", ["lookout"], team=two))
