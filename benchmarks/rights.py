"""Row rules at work: a list of 50 with filters and a sort for people of different roles, against an administrator's
and against hand-written SQL with the same conditions.

`python -m benchmarks.rights [sqlite|postgresql] [rows]`: one million records of 2,000 people in a tree of 200 teams,
10,000 shares by hand. Prints microseconds (median of several), ratios, and where a statement reads the whole table.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from guanxi.common.clock import FixedClock
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.storage.database import Handle, open_database
from guanxi.runtime.storage.rows import instant_text
from guanxi.runtime.storage.system import create_platform_tables
from tests.support.databases import new_postgres_url
from tests.support.published import START, Project, project

ROWS, PEOPLE, TEAMS, SHARES = 1_000_000, 2_000, 200, 10_000
REGIONS, LEVELS = ("north", "east", "south", "west"), ("a", "b", "c")
FIELDS = ("id", "version", "name", "region", "level", "revenue", "owner", "team", "updated_at")
METADATA = """
kind: object
name: customer
title: name
owned: true
access: private
fields:
  name: {type: text}
  region: {type: choice, options: {north: N, east: E, south: S, west: W}, index: true}
  level: {type: choice, options: {a: A, b: B, c: C}}
  revenue: {type: money, index: true}
  city: {type: text, index: true}
"""
ROLE = "---\nkind: role\nname: {0}\nincludes: [employee]\nobjects: {{customer: {{read: {1}}}}}\n"
ROLES = {
    "own": "own",
    "team": "team",
    "team_tree": "team_tree",
    "managed": "managed",
    "own_where": "{scope: own, where: 'level != \"c\"'}",
    "rare_where": "{scope: all, where: 'city == \"city 7\"'}",
    "wide_where": "{scope: all, where: 'level != \"c\"'}",
}
SHARED = """---
kind: share
name: key_accounts
object: customer
where: city == "city 7"
with: {role: own_shared}
"""
COLUMNS = ("id", "version", "created_at", "updated_at", "owner", "team", "name", "region", "level", "revenue", "city")


def definitions() -> str:
    """The YAML of the house."""
    roles = {**ROLES, "own_shared": "own"}
    return METADATA + "".join(ROLE.format(name, read) for name, read in roles.items()) + SHARED


def fill(house: Project, rows: int) -> None:
    """People, teams (a tree of degree six), customers and shares; the same for the same number of rows."""
    db, pick = house.db, random.Random(7)
    records = house.records
    for number in range(1, TEAMS + 1):
        parent = {"parent": (number - 2) // 6 + 1} if number > 1 else {}
        records.create(SYSTEM, "team", {"name": f"team {number}", **parent})
    people = ({"name": f"person{n}", "team": n % TEAMS + 1} for n in range(1, PEOPLE + 1))
    records.bulk_create(SYSTEM, "user", people)
    with db.timeout(None), db.write():
        manager = db.sql("UPDATE o_user SET manager = id / 10 WHERE id >= 10")
        db.execute(manager)
        db.insert_many("o_customer", COLUMNS, customers(db.engine, rows, pick))
        now = instant_text(START)
        shared = (
            (
                "customer",
                pick.randint(1, rows),
                f"u{pick.randint(1, 500)}",
                "read",
                "9999-12-31T00:00:00.000000Z",
                now,
                "",
            )
            for _ in range(SHARES)
        )
        unique = list({one[1:3]: one for one in shared}.values())
        db.insert_many("gx_shares", ("object", "record_id", "principal", "access", "until", "at", "reason"), unique)
    db.execute("ANALYZE")


def customers(engine: str, rows: int, pick: random.Random) -> Iterator[tuple[Any, ...]]:
    """Rows of the table, owners spread over all people."""
    for number in range(1, rows + 1):
        owner = pick.randint(1, PEOPLE)
        at: Any = START - timedelta(seconds=pick.randrange(10**7))
        money: Any = pick.randrange(10**9)
        at, money = (instant_text(at), money) if engine == "sqlite" else (at, money / 100)
        values = (
            f"customer {number}",
            pick.choice(REGIONS),
            pick.choice(LEVELS),
            money,
            f"city {pick.randrange(1000)}",
        )
        yield (number, 1, at, at, owner, owner % TEAMS + 1, *values)


# hand-written ---------------------------------------------------------------------------------------------------
def by_hand(db: Handle, actor: Actor, role: str) -> tuple[str, list[Any]]:
    """The condition that one would write for this role, and its values."""

    def among(column: str, values: Any) -> tuple[str, list[Any]]:
        listed = sorted(values)
        if db.engine == "postgresql":
            return f"{column} = ANY(?)", [listed]
        return f"{column} IN ({', '.join('?' * len(listed))})", listed

    own, mine = "t.owner = ?", [actor.id]
    if role in ("team", "team_tree"):
        sql, values = among("t.team", actor.teams | {actor.team} if role == "team" else actor.team_tree | actor.teams)
        return f"({own} OR {sql})", [*mine, *values]
    if role == "managed":
        sql, values = among("t.owner", actor.reports)
        return f"({own} OR {sql})", [*mine, *values]
    if role == "own_shared":
        shared = (
            "SELECT record_id FROM gx_shares WHERE object = 'customer' AND principal = ? AND until > ?",
            [f"u{actor.id}", instant_text(START)],
        )
        of = f"t.id = ANY(ARRAY({shared[0]}))" if db.engine == "postgresql" else f"t.id IN ({shared[0]})"
        return f"({own} OR {of} OR t.city = 'city 7')", [*mine, *shared[1]]
    plain = {
        "own": (own, mine),
        "own_where": (f"({own} AND t.level <> 'c')", mine),
        "rare_where": ("t.city = 'city 7'", []),
        "wide_where": ("t.level <> 'c'", []),
    }
    return plain.get(role, ("1 = 1", []))


def statement(db: Handle, rule: str, sort: str) -> str:
    """The whole list, as one would write it."""
    columns = ", ".join(f't."{name}"' for name in FIELDS)
    order = f"t.{sort} DESC{' NULLS LAST' if db.engine == 'postgresql' and sort == 'revenue' else ''}, t.id DESC"
    return db.sql(
        f"SELECT {columns} FROM o_customer t WHERE t.deleted_at IS NULL AND {rule}"
        f" AND t.region = 'north' AND t.level = 'a' ORDER BY {order} LIMIT 51"
    )


# measuring --------------------------------------------------------------------------------------------------------
def median(work: Callable[[], Any], times: int = 7) -> float:
    """The median time of a call after a first one, in microseconds."""
    work()
    found = []
    for _ in range(times):
        start = perf_counter()
        work()
        found.append(perf_counter() - start)
    return statistics.median(found) * 1e6


class Listening:
    """Keeps the last statement that a reader ran."""

    def __init__(self, db: Handle) -> None:
        self.db = db
        self.last: tuple[str, Any] = ("", ())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.db, name)

    def rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        """Run and remember."""
        self.last = (sql, params)
        return self.db.rows(sql, params)


def shape(db: Handle, sql: str, params: Any) -> str:
    """How the engine goes about the customers: the lines of its plan that touch their table."""
    word = "EXPLAIN QUERY PLAN " if db.engine == "sqlite" else "EXPLAIN "
    lines = [str(row[-1]).strip() for row in db.rows(word + sql, params)]
    told = [line.split("(cost")[0].strip("-> ") for line in lines if "o_customer" in line or " t" in line[:12]]
    return "; ".join(told)[:110]


def run(house: Project) -> None:
    """Measure and print."""
    reader = house.services.reader
    listening = Listening(house.db)
    admin = replace(house.actor(5), administrator=True)
    for sort in ("updated_at", "revenue"):
        asked = ListQuery(
            "customer", where='region == "north" and level == "a"', sort=((sort, True),), fields=FIELDS, limit=50
        )
        print(f"\nsorted by {sort}, newest or largest first")
        whole = 0.0
        for role in ("administrator", *ROLES, "own_shared"):
            actor = admin if role == "administrator" else acting(house, role)
            rule, values = by_hand(house.db, actor, role)
            text = statement(house.db, rule, sort)
            mine = median(partial(reader.list, actor, asked))
            hand = median(partial(house.db.rows, text, values))
            whole = whole or mine
            reader.database = listening
            found = len(reader.list(actor, asked).data)
            reader.database = house.db
            plan = shape(house.db, *listening.last)
            print(f"{role:14} {found:3} rows  guanxi {mine:9.0f} µs  by hand {hand:9.0f} µs  ({hand / mine:4.2f} of it)"
                  f"  administrator {whole / mine:6.2f}x   {plan}", flush=True)  # fmt: skip


def acting(house: Project, role: str) -> Actor:
    """Person 20 (a manager of some, of a team with teams below) with one role."""
    actor = house.actor(20)
    shared = frozenset({f"u{actor.id}"}) if role == "own_shared" else frozenset()
    return replace(actor, roles=frozenset({role, "employee"}), shared_as=shared)


def main() -> None:
    """Build the house and measure."""
    engine = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'rights.db'}" if engine == "sqlite" else new_postgres_url()
        db = open_database(url)
        create_platform_tables(db)
        house = project(db, definitions(), FixedClock(datetime(2026, 3, 1, 8, tzinfo=UTC)))
        start = perf_counter()
        fill(house, rows)
        print(f"{engine}, {rows:,} customers, {PEOPLE:,} people, {TEAMS} teams, {SHARES:,} shares:"
              f" {perf_counter() - start:.0f} s to fill")  # fmt: skip
        run(house)
        db.close()


if __name__ == "__main__":
    main()
