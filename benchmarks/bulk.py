"""Bulk import of 100,000 rows with every rule on, against raw `executemany` into the same table with the same indexes.

    python -m benchmarks.bulk [--rows 100000] [--postgresql]

Prints rows a second of both, their ratio (the goal is 0.25 or more) and the importer's peak memory beyond the start.
"""

from __future__ import annotations

import argparse
import io
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from guanxi.common.clock import SystemClock
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.jobs.store import JobStore
from guanxi.runtime.storage.database import Handle, open_database
from guanxi.runtime.storage.system import create_platform_tables
from guanxi.runtime.transfer.limits import Limits
from guanxi.runtime.transfer.options import ImportOptions
from guanxi.runtime.transfer.service import import_here
from tests.support.published import Project, project

CUSTOMER = """
kind: object
name: customer
label: Customer
title: name
owned: true
history: all
fields:
  code: {type: text, unique: true, required: true, length: 20}
  name: {type: text, required: true, length: 80, search: true}
  phone: {type: phone, region: CN}
  email: {type: email}
  website: {type: url}
  region: {type: choice, index: true, options: {north: {en: North, zh: 华北}, east: {en: East}, south: {en: South}}}
  level: {type: choice, default: b, options: {a: {label: A}, b: {label: B}, c: {label: C}}}
  industry: {type: text, length: 60, index: true}
  revenue: {type: money, min: 0}
  employees: {type: integer, min: 0}
  discount: {type: percent, min: 0, max: 100}
  active: {type: boolean, default: true}
  since: {type: date}
  last_order_at: {type: datetime}
  rating: {type: rating}
  city: {type: text, length: 60}
  street: {type: text, length: 120}
  postcode: {type: text, length: 12}
  note: {type: long_text}
  tags: {type: tags}
rules:
  reachable: {check: filled(phone) or filled(email), message: Give a phone number or an e-mail address, fields: [phone]}
"""
HEAD = (
    "code,name,phone,email,website,region,level,industry,revenue,employees,discount,active,since,last_order_at,rating,"
    "city,street,postcode,note,tags"
)


def csv_bytes(rows: int) -> bytes:
    out = io.StringIO()
    out.write(HEAD + "\n")
    for n in range(rows):
        out.write(
            f"C{n:07d},Customer {n} 有限公司,138{n:08d},c{n}@example.com,https://example.com/{n},"
            f"{('North', 'East', 'South')[n % 3]},{'ABC'[n % 3]},Industry {n % 50},{n * 7 % 100000}.50,{n % 900},"
            f"{n % 100},{('yes', 'no')[n % 2]},2024-0{n % 9 + 1}-1{n % 9},2026-03-01T08:00:00Z,{n % 5 + 1},"
            f"City {n % 200},Street {n},{100000 + n % 800000},A note about {n},VIP\n"
        )
    return out.getvalue().encode()


def raw_rows(rows: int, db: Handle) -> list[tuple[Any, ...]]:
    at: Any = "2026-03-01T08:00:00.000000Z" if db.engine == "sqlite" else datetime(2026, 3, 1, 8, tzinfo=UTC)
    flag = int if db.engine == "sqlite" else bool
    day: Any = "2024-01-11" if db.engine == "sqlite" else datetime(2024, 1, 11).date()
    scale = 100 if db.engine == "sqlite" else 1
    return [
        (
            1, at, at, f"C{n:07d}", f"Customer {n} 有限公司", f"+86138{n:08d}", f"c{n}@example.com",
            f"https://example.com/{n}", ("north", "east", "south")[n % 3], "abc"[n % 3], f"Industry {n % 50}",
            n * 7 % 100000 * scale, n % 900, n % 100 * scale, flag(n % 2), day, at, n % 5 + 1, f"City {n % 200}",
            f"Street {n}", str(100000 + n % 800000), f"A note about {n}", f"c{n:07d}",
        )
        for n in range(rows)
    ]  # fmt: skip


COLUMNS = (
    "version,created_at,updated_at,code,name,phone,email,website,region,level,industry,revenue,employees,discount,active,"
    "since,last_order_at,rating,city,street,postcode,note,u_code"
).split(",")


def time_raw(db: Handle, rows: int) -> float:
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    sql = db.sql(f'INSERT INTO "o_customer" ({names}) VALUES ({", ".join("?" * len(COLUMNS))})')
    data = raw_rows(rows, db)
    start = time.perf_counter()
    with db.timeout(None), db.write():
        db.execute_many(sql, data)
    return time.perf_counter() - start


def time_import(made: Project, rows: int) -> float:
    content = io.BytesIO(csv_bytes(rows))
    actor = Actor(id=None, name="bench", administrator=True, channel="import")
    store = JobStore(made.db, SystemClock())
    start = time.perf_counter()
    job = import_here(
        made.services, store, actor, "customer", content, name="c.csv", options=ImportOptions(),
        limits=Limits(bytes=2**31), worker="bench",
    )  # fmt: skip
    took = time.perf_counter() - start
    assert job.result["counts"]["created"] == rows, job.result["counts"]
    return took


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def opened(url: str) -> Project:
    db = open_database(url)
    create_platform_tables(db)
    return project(db, CUSTOMER, SystemClock())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--postgresql", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"sqlite:///{Path(folder)}/{name}.db" for name in ("import", "raw")]
        if args.postgresql:
            from tests.support.databases import new_postgres_url

            urls = [new_postgres_url() for _ in range(2)]
        made = opened(urls[0])
        before = memory()
        imported = time_import(made, args.rows)
        peak = memory() - before
        raw = time_raw(opened(urls[1]).db, args.rows)
    size = len(csv_bytes(args.rows)) / 2**20
    print(f"import      {args.rows / imported:10,.0f} rows/s  {imported:6.2f} s")
    print(f"executemany {args.rows / raw:10,.0f} rows/s  {raw:6.2f} s")
    print(f"ratio       {raw / imported:10.3f}  (goal 0.25)")
    print(f"peak memory {peak:10.1f} MB beyond the start, for a file of {size:.1f} MB (held in memory by this program)")


if __name__ == "__main__":
    main()
