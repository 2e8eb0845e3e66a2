"""Microseconds of the expression language: reading, checking, evaluating on a record, and filtering rows in SQLite.

PYTHONPATH=.links:. python benchmarks/expressions.py
"""

from __future__ import annotations

import random
import sqlite3
import timeit
from collections.abc import Callable
from datetime import timedelta

from guanxi.expressions.check import check
from guanxi.expressions.evaluate import compile_expression
from guanxi.runtime.access.expression_sql import SqlScope, bind_params
from guanxi.runtime.access.expression_sql_parts import fill
from guanxi.runtime.storage.functions import register_sqlite
from tests.expressions.model import build_world, model, moment

FIVE = 'stage != "lost" and amount >= 1 and owner == me and qty > -100000 and (open or filled(note))'
TEXTS = {
    "five terms": FIVE,
    "days": 'stage != "lost" and amount >= 100 and days_since(seen_at) > 15',
    "path": 'account.owner.region == me.region and account.level in ["won", "new"]',
    "formula": "net > 100",
    "list": "count(lines, price > 1) >= 1",
}
ROWS = 100_000
STAGES = ("new", "won", "lost")


def microseconds(work: Callable[[], object], number: int) -> float:
    """The best of three runs, per call."""
    return min(timeit.repeat(work, number=number, repeat=3)) / number * 1e6


def main() -> None:
    """Print one line per measurement."""
    world = build_world(3)
    row = dict(world.rows["deal"][1], stage="new", qty=5, open=True)
    user = world.rows["user"][1]
    row["owner"], row["amount"] = 1, row["amount"] or 100
    print(f"check, five terms           {microseconds(lambda: check(FIVE, model(), 'deal'), 300):8.1f} µs")
    for name, text in TEXTS.items():
        run = compile_expression(check(text, model(), "deal"))
        env = world.env(row, me=user, now=moment("2024-05-17T03:00:00"))
        print(f"evaluate, {name:16}  {microseconds(lambda run=run, env=env: run(env), 20_000):8.2f} µs")  # type: ignore[misc]
    filters()


def filters() -> None:
    """Time a full scan of a table in SQLite with each condition."""
    connection = sqlite3.connect(":memory:")
    register_sqlite(connection)
    rng, now = random.Random(1), moment("2024-05-17T03:00:00")
    connection.execute(
        "CREATE TABLE o_deal (id INTEGER PRIMARY KEY, stage TEXT, amount INTEGER, rate INTEGER, qty INTEGER, "
        "name TEXT, seen_at TEXT)"
    )
    seen = [(now - timedelta(days=n)).isoformat()[:19] + ".000000Z" for n in range(60)]
    rows = [
        (
            i,
            rng.choice(["new", "won", "lost"]),
            rng.randrange(10**8),
            rng.randrange(10**8),
            rng.randrange(100),
            f"Acme {i}",
            rng.choice(seen),
        )
        for i in range(ROWS)
    ]
    connection.executemany("INSERT INTO o_deal VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    world = build_world(3)
    env = world.env(None, me=world.rows["user"][1], now=now)
    for text in (
        'stage != "lost" and amount >= 100000', TEXTS["days"], "qty * 2 > 50", "amount * qty > 1000.5",
        "net > 100000", 'contains(name, "acme 99")', "year(seen_at) == 2024", "working_days_since(seen_at) > 15",
    ):  # fmt: skip
        scope = SqlScope("sqlite", "deal")
        query = fill("SELECT count(*) FROM {0} WHERE {1}", *_parts(scope, text))
        params = bind_params(query.params, env, "sqlite")
        taken = microseconds(lambda q=query, p=params: connection.execute(q.text, p).fetchone(), 1)  # type: ignore[misc]
        print(f"scan of {ROWS:,} rows  {taken / 1000:8.1f} ms  {text}")


def _parts(scope: SqlScope, text: str):  # type: ignore[no-untyped-def]
    condition = scope.condition_sql(check(text, model(), "deal"))
    return scope.source_sql(), condition


if __name__ == "__main__":
    main()
