"""A small company with flows, published on both engines: submit, decide, look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

BASE = """
kind: object
name: quote
label: Quote
title: name
owned: true
access: edit
fields:
  name: {type: text, required: true}
  discount: {type: percent, default: 0}
  amount: {type: money, default: 0}
  notes: {type: text}
  terms: {type: text}
  reviewer: {type: user}
  stage: {type: choice, options: {draft: Draft, sent: Sent, won: Won}, default: draft}
rules:
  sane: {check: amount < 1000000, message: Too much}
stages: {field: stage, path: {draft: {to: [sent]}, sent: {to: [won, draft]}, won: {to: []}}}
---
kind: object
name: line
label: Line
title: name
access: edit
fields:
  name: {type: text}
  quote: {type: reference, to: quote, related: lines, on_delete: cascade}
---
kind: role
name: sales
includes: [employee]
objects: {quote: {create: true, read: all, update: all, delete: all, assign: all}}
---
kind: role
name: finance
includes: [employee]
---
kind: role
name: legal
includes: [employee]
---
kind: role
name: board
includes: [employee]
---
"""


@dataclass
class Office:
    """The project and its people: admin, boss, chief (boss's manager), li (sales, under boss), and whoever is named."""

    project: Project
    people: dict[str, Actor]

    def __getattr__(self, name: str) -> Actor:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    def id(self, name: str) -> int:
        found = self.people[name].id
        assert found is not None
        return found

    def add(self, name: str, *roles: str, **more: Any) -> Actor:
        self.people[name] = self.project.user(name, roles=list(roles), **more)
        return self.people[name]

    @property
    def approvals(self) -> Any:
        return self.project.services.approvals

    def quote(self, by: str = "li", **values: Any) -> int:
        actor = self.people[by]
        return int(self.project.records.create(actor, "quote", {"name": "Q", **values}).id)

    def submit(self, quote: int, by: str = "li", **payload: Any) -> dict[str, Any]:
        return dict(self.project.records.act(self.people[by], "quote", quote, "submit", payload))

    def show(self, approval: int) -> dict[str, Any]:
        return dict(self.approvals.show(SYSTEM, approval))

    def task(self, approval: int, who: str, state: str = "open") -> int:
        """The newest task of a person in a state."""
        own = [t for t in self.show(approval)["tasks"] if t["user"]["id"] == self.id(who) and t["state"] == state]
        assert own, (who, state, [(t["user"]["title"], t["state"]) for t in self.show(approval)["tasks"]])
        return int(own[-1]["id"])

    def act(self, approval: int, who: str, act: str, **payload: Any) -> dict[str, Any]:
        return dict(self.approvals.act(self.people[who], self.task(approval, who), act, payload))

    def open(self, approval: int) -> list[str]:
        """Log-in names of those asked now, in order."""
        names = {actor.id: name for name, actor in self.people.items()}
        return [names.get(t["user"]["id"], "?") for t in self.show(approval)["tasks"] if t["state"] == "open"]

    def state(self, approval: int) -> str:
        return str(self.show(approval)["state"])

    def read(self, quote: int) -> dict[str, Any]:
        return dict(self.project.records.get(SYSTEM, "quote", quote))


class Builder:
    """Publishes flows and makes the people."""

    def __init__(self, database: Handle) -> None:
        self.database = database

    def __call__(self, flows: str) -> Office:
        made = project(self.database, BASE + flows)
        office = Office(made, {})
        office.add("root", "administrator")
        office.add("chief", "employee")
        office.add("boss", "employee", manager=office.id("chief"))
        office.add("li", "sales", manager=office.id("boss"))
        office.add("wang", "sales", manager=office.id("boss"))
        office.add("fin1", "finance", manager=office.id("chief"))
        office.add("fin2", "finance", manager=office.id("chief"))
        office.add("law", "legal", manager=office.id("chief"))
        for number in range(1, 5):
            office.add(f"b{number}", "board")
        return office


def flow(steps: str, more: str = "") -> str:
    """One flow named f on quotes."""
    return f"kind: approval\nname: f\nobject: quote\n{more}\nsteps:\n{steps}\n"
