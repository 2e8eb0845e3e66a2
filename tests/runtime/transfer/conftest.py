"""A small shop that files are loaded into, on each engine, and a driver that runs imports in this process."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pytest

from guanxi.runtime.access.actor import Actor
from guanxi.runtime.jobs.store import Job, JobStore
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.transfer.exporter import Exporter, rejected_csv
from guanxi.runtime.transfer.limits import Limits
from guanxi.runtime.transfer.options import ImportOptions
from guanxi.runtime.transfer.service import import_here, undo_here
from guanxi.runtime.transfer.verdicts import refused_cells, report
from tests.support.published import Project, project

SHOP = """
kind: object
name: account
label: {en: Account, zh: 客户}
title: name
fields:
  code: {type: text, unique: true}
  name: {type: text, required: true, length: 60}
---
kind: object
name: item
label: {en: Item, zh: 商品}
plural: {en: Items, zh: 商品}
owned: true
title: name
fields:
  code: {type: text, label: {en: Item code, zh: 编号}, unique: true, required: true}
  name: {type: text, label: {en: Name, zh: 名称}, required: true, length: 40, aliases: [title, 品名]}
  price: {type: money, label: {en: Price, zh: 价格}, min: 0}
  level:
    type: choice
    label: {en: Level, zh: 级别}
    default: low
    options: {high: {label: {en: "High, top", zh: 高}, aliases: [H]}, low: {en: Low, zh: 低}}
  colors: {type: choices, options: {red: {en: Red, zh: 红}, blue: {en: Blue, zh: 蓝}}}
  words: {type: tags}
  note: {type: long_text}
  sold: {type: boolean}
  on_day: {type: date}
  at: {type: datetime}
  place: {type: location}
  extra: {type: json}
  account: {type: reference, to: account, related: items, on_delete: clear}
  parent: {type: reference, to: item, related: parts, on_delete: restrict}
  friends: {type: references, to: account}
  secret: {type: text}
  doubled: {type: formula, returns: decimal, value: price * 2}
rules:
  priced: {check: not sold or filled(price), message: A sold item has a price, fields: [price]}
duplicates:
  same_name: {match: [name], action: warn}
---
kind: role
name: clerk
label: Clerk
objects:
  item:
    {create: true, read: own, update: own, delete: own, export: own, import: true, fields: {secret: none, note: read}}
  account: {read: all}
---
kind: role
name: reader
label: Reader
objects:
  item: {read: all, export: none}
"""
ADMIN = Actor(id=None, name="boss", administrator=True, channel="import")


@dataclass
class Shop:
    project: Project
    store: JobStore

    @property
    def records(self) -> Any:
        return self.project.records

    def load(self, content: str | bytes, object_name: str = "item", *, by: Actor = ADMIN, **asked: Any) -> Job:
        """Import a file's content; `name` is the file's name."""
        name = asked.pop("name", "file.csv")
        limits = asked.pop("limits", Limits())
        data = content.encode() if isinstance(content, str) else content
        options = ImportOptions(**asked)
        return import_here(
            self.project.services,
            self.store,
            by,
            object_name,
            io.BytesIO(data),
            name=name,
            options=options,
            limits=limits,
            worker="test",
        )

    def counts(self, job: Job) -> tuple[int, ...]:
        return tuple(job.result["counts"][name] for name in ("created", "updated", "unchanged", "refused"))

    def verdicts(self, job: Job, verdict: str = "") -> list[dict[str, Any]]:
        return report(self.project.db, job.id, verdict, 0, 500)

    def outcome(self, job: Job) -> list[tuple[int, str, list[tuple[str, str]]]]:
        """Row, verdict and the field and code of each fault."""
        rows = self.verdicts(job)
        return [(r["row"], r["verdict"], [(e["field"], e["code"]) for e in r.get("errors", [])]) for r in rows]

    def rejected(self, job: Job) -> bytes:
        return b"".join(rejected_csv(job.result["header"], refused_cells(self.project.db, job.id)))

    def undo(self, job: Job, by: Actor = ADMIN) -> Job:
        return undo_here(self.project.services, self.store, by, job.id, worker="test")

    def rows(self, object_name: str = "item", **query: Any) -> list[dict[str, Any]]:
        return list(self.records.list(ADMIN, ListQuery(object_name, limit=500, sort=(("id", False),), **query)).data)

    def out(
        self, format_: str, style: str = "", *, by: Actor = ADMIN, object_name: str = "item", **query: Any
    ) -> bytes:
        services = self.project.services
        exporter = Exporter(services.registry, services.records)
        asked = ListQuery(object_name, sort=(("id", False),), **query)
        made = exporter.prepare(by, services.access.of(by), asked, format_=format_, style=style)
        return b"".join(exporter.stream(made))


@pytest.fixture
def shop(database: Handle) -> Shop:
    made = project(database, SHOP)
    return Shop(made, JobStore(database, made.clock))
