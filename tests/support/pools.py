"""A small sales office with pools, published on both engines: claim, return, wait, look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guanxi.common.errors import GuanxiError
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

BASE = """
kind: object
name: customer
label: Customer
title: name
owned: true
access: private
fields:
  name: {type: text, required: true, search: true}
  phone: {type: text, search: true}
  revenue: {type: integer}
  region: {type: choice, options: {north: North, south: South, west: West}, default: north}
  level: {type: choice, options: {a: A, b: B}, default: b}
  stage: {type: choice, options: {open: Open, won: Won}, default: open}
  language: {type: text}
  last_deal_at: {type: datetime}
stages: {field: stage, path: {open: {to: [won]}, won: {to: []}}}
---
kind: object
name: activity
label: Activity
title: note
access: edit
fields:
  note: {type: text}
  type: {type: choice, options: {call: Call, visit: Visit, memo: Memo}, default: call}
  done_at: {type: datetime}
  customer: {type: reference, to: customer, related: activities, on_delete: cascade}
---
kind: object
name: deal
label: Deal
title: name
owned: true
access: edit
fields:
  name: {type: text}
  state: {type: choice, options: {open: Open, won: Won}, default: open}
  customer: {type: reference, to: customer, related: deals, on_delete: cascade}
stages: {field: state, path: {open: {to: [won]}, won: {to: []}}}
---
kind: role
name: sales
includes: [employee]
objects:
  customer: {create: true, read: own, update: own}
  deal: {create: true, read: all, update: own, assign: own}
---
kind: role
name: manager
includes: [employee]
objects:
  customer: {create: true, read: all, update: all, assign: all, import: true}
  deal: {create: true, read: all, update: all, assign: all}
---
"""

NORTH = """
kind: pool
name: north
object: customer
holds: region == "north"
priority: 10
members: [{role: sales}]
managers: [{user: boss}]
visible: [name, region, level, stage]
"""


def north(more: str = "") -> str:
    """The pool of the north with more keys."""
    return NORTH + more


@dataclass
class Shop:
    """The project and its people: root (administrator), boss (manager of the pool north, above all), ann, bob, cat
    (sales), dan (a manager who belongs to no pool).
    """

    project: Project
    people: dict[str, Actor]

    def __getattr__(self, name: str) -> Actor:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def records(self) -> Any:
        return self.project.records

    @property
    def services(self) -> Any:
        return self.project.services

    def id(self, name: str) -> int:
        found = self.people[name].id
        assert found is not None
        return found

    def customer(self, owner: str | None = None, **values: Any) -> int:
        """A customer of somebody, or one without an owner."""
        given = {"name": "C", **values, "owner": self.id(owner) if owner else None}
        return int(self.records.create(SYSTEM, "customer", given).id)

    def read(self, number: int, who: Actor = SYSTEM) -> dict[str, Any]:
        return dict(self.records.get(who, "customer", number))

    def owner(self, number: int) -> str | None:
        """Log-in name of the owner."""
        found = self.read(number)["owner"]
        names = {actor.id: name for name, actor in self.people.items()}
        return names.get(found) if found is not None else None

    def act(self, who: str, number: int, action: str, **payload: Any) -> dict[str, Any]:
        return dict(self.records.act(self.people[who], "customer", number, action, payload))

    def refused(self, who: str, number: int, action: str = "claim", **payload: Any) -> str:
        """The code an act is refused with; "" when it is not."""
        try:
            self.act(who, number, action, **payload)
        except GuanxiError as error:
            codes = [one.code for one in getattr(error, "errors", ())]
            return codes[0] if codes else error.code
        return ""

    def wait(self, **span: float) -> None:
        self.project.clock.advance(**span)

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return self.project.db.rows(self.project.db.sql(sql), params)

    def due(self, number: int) -> str | None:
        found = self.rows("SELECT due_on FROM gx_ownership WHERE object = 'customer' AND record_id = ?", number)
        return found[0][0] if found else None


def shop(database: Handle, more: str = "", **names: Any) -> Shop:
    """Publish the office with further definitions."""
    made = Shop(project(database, BASE + more), {})
    for name, roles in {"root": ["administrator"], "boss": ["manager"], "dan": ["manager"]}.items():
        made.people[name] = made.project.user(name, roles=roles)
    team = made.project.team("north_sales")
    for name in ("ann", "bob", "cat"):
        made.people[name] = made.project.user(name, roles=["sales"], manager=made.id("boss"), team=team, **names)
    return made
