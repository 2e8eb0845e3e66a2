"""A small sales project with rules of every kind, on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

SALES = """
kind: object
name: account
owned: true
access: private
fields:
  name: {type: text}
  tier: {type: choice, options: {gold: {en: Gold, zh: 金牌}, basic: {en: Basic, zh: 普通}}}
  secret: {type: text}
---
kind: object
name: deal
owned: true
access: private
fields:
  name: {type: text}
  amount: {type: money, currency: CNY}
  close_on: {type: date}
  call_at: {type: datetime}
  n: {type: integer}
  locked: {type: text}
  stage: {type: choice, options: {open: Open, won: Won, lost: Lost}, default: open}
  account: {type: reference, to: account}
stages: {field: stage, path: {open: {to: [won, lost]}, won: {to: [open]}, lost: {to: [open]}}}
rules:
  positive: {check: 'coalesce(n, 0) >= 0', message: n is negative}
---
kind: role
name: sales
includes: [employee]
objects:
  deal: {create: true, read: own, update: own, delete: own, history: own, fields: {locked: read}}
  account: {read: own, fields: {secret: none}}
---
kind: role
name: boss
includes: [sales]
objects:
  deal: {read: all, update: all, assign: all, history: all}
  account: {create: true, read: all, update: all, fields: {secret: read, "*": edit}}
"""
RULE = "---\nkind: automation\nname: {name}\nobject: {object}\n{text}\n"


def rule(name: str, text: str, owner: str = "deal") -> str:
    """One rule as YAML."""
    return RULE.format(name=name, object=owner, text=text.strip())


def runs(world: Project, *columns: str) -> list[tuple[Any, ...]]:
    """The trace, oldest first."""
    wanted = ", ".join(columns or ("rule", "event", "outcome"))
    return [tuple(row) for row in world.db.rows(f"SELECT {wanted} FROM gx_automation_runs ORDER BY id")]


@pytest.fixture
def sales(database: Handle) -> Any:
    """A project with further rules."""

    def make(*rules: str) -> Project:
        return project(database, SALES + "".join(rules))

    return make
