"""The workload of the performance table: `customer` with about 20 typed fields and three times as many `activity` rows.

`make_guanxi` builds an instance's folder through the product's own doors (publish, bulk writing); `make_hand` fills the
tables of the hand-written endpoints with the same values and the same indexes. Sellers of one team, one of whom asks.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from guanxi.app.accounts import Accounts
from guanxi.app.factory import create_app
from guanxi.app.instance import Instance
from guanxi.runtime.access.actor import SYSTEM

from .read import name as person_or_company

SELLERS = 10
CITIES = 200
METADATA = """
kind: object
name: customer
label: Customer
title: name
owned: true
access: private
fields:
  name: {type: text, required: true, length: 120, search: true}
  phone: {type: phone, region: CN}
  email: {type: email}
  level: {type: choice, options: {a: A, b: B}, default: b}
  city: {type: text, index: true}
  street: {type: text}
  website: {type: url}
  revenue: {type: money, min: 0}
  employees: {type: integer}
  discount: {type: percent}
  active: {type: boolean, default: true}
  founded: {type: date}
  seen_at: {type: datetime}
  score: {type: decimal}
  source: {type: text}
  note: {type: long_text}
  industry: {type: text, index: true}
  rating: {type: rating}
  secret: {type: text}
rules:
  reachable: {check: filled(phone) or filled(email), message: Give a phone or an e-mail}
---
kind: object
name: activity
label: Activity
title: subject
owned: true
access: private
fields:
  subject: {type: text, required: true, length: 120}
  customer: {type: reference, to: customer, related: activities}
  kind: {type: choice, options: {call: Call, visit: Visit, mail: Mail}}
  at: {type: datetime, index: true}
  minutes: {type: integer}
---
kind: role
name: sales
label: Sales
includes: [employee]
objects:
  customer: {create: true, read: team, update: team, delete: own, import: true, fields: {secret: none}}
  activity: {create: true, read: team, update: team, delete: own}
"""
CUSTOMER = [
    "name", "phone", "email", "level", "city", "street", "website", "revenue", "employees", "discount", "active",
    "founded", "seen_at", "score", "source", "note", "industry", "rating", "secret",
]  # fmt: skip
ACTIVITY = ["subject", "customer", "kind", "at", "minutes"]
START = datetime(2026, 1, 1, tzinfo=UTC)


def customer(number: int) -> dict[str, Any]:
    """One customer as a client sends it; the same for the same number."""
    pick = random.Random(number)
    return {
        "name": person_or_company(number),
        "phone": f"138{number % 10**8:08d}",
        "email": f"a{number}@example.com",
        "level": "a" if pick.random() < 0.4 else "b",
        "city": f"city {pick.randrange(CITIES)}",
        "street": f"Nanjing Road {number}",
        "website": "https://example.com/",
        "revenue": f"{pick.randrange(10**7)}.{pick.randrange(100):02}",
        "employees": pick.randrange(500),
        "discount": "5",
        "active": True,
        "founded": (date(2000, 1, 1) + timedelta(days=pick.randrange(9000))).isoformat(),
        "seen_at": _instant(START + timedelta(seconds=pick.randrange(10**7))),
        "score": "1.25",
        "source": "fair",
        "note": "met at the fair",
        "industry": f"i{pick.randrange(40)}",
        "rating": 3,
        "secret": "s",
    }


def activity(number: int, customers: int) -> dict[str, Any]:
    """One activity of some customer."""
    pick = random.Random(-number)
    return {
        "subject": f"Call number {number}",
        "customer": pick.randrange(customers) + 1,
        "kind": ("call", "visit", "mail")[number % 3],
        "at": _instant(START + timedelta(seconds=pick.randrange(10**7))),
        "minutes": pick.randrange(120),
    }


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def customers(rows: int) -> Iterator[dict[str, Any]]:
    """The customers, owned by the sellers in turn."""
    return (customer(n) | {"owner": n % SELLERS + 1, "team": 1} for n in range(1, rows + 1))


def activities(rows: int) -> Iterator[dict[str, Any]]:
    """Three activities for each customer, more or less."""
    return (activity(n, rows) | {"owner": n % SELLERS + 1, "team": 1} for n in range(1, rows * 3 + 1))


def make_guanxi(folder: Path, database: str, rows: int) -> str:
    """A published instance in `folder` with the workload in it; the bearer token of a seller."""
    (folder / "metadata").mkdir(parents=True)
    settings = {"name": "Bench", "database": database, "limits": {"requests_per_minute": 10_000_000}}
    (folder / "guanxi.yaml").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "metadata" / "bench.yaml").write_text(METADATA, encoding="utf-8")
    instance = Instance.open(folder)
    app = create_app(instance)
    host = app.extensions["guanxi_host"]
    host.publisher.apply(SYSTEM, None, (), "", "bench")
    services = host.services()
    accounts = Accounts(instance, services)
    first, _ = accounts.add("seller1", password="correct horse", roles=["sales"], team="One")
    for number in range(2, SELLERS + 1):
        accounts.add(f"seller{number}", password="correct horse", roles=["sales"], team="One")
    token = accounts.tokens.issue(first, name="bench", days=1)[0]
    shift = first - 1
    made = services.records.bulk_create(
        SYSTEM, "customer", (c | {"owner": c["owner"] + shift} for c in customers(rows))
    )
    more = services.records.bulk_create(
        SYSTEM, "activity", (a | {"owner": a["owner"] + shift} for a in activities(rows))
    )
    if made.errors or more.errors:
        raise RuntimeError(f"the workload was refused: {made.errors or more.errors}")
    instance.database.analyze()
    instance.close()
    return token
