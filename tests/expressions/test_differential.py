"""One text, three executors, one answer: drawn expressions on drawn rows in Python, SQLite and PostgreSQL.

Each is compared row by row, as a value and as a WHERE condition and its negation. `GUANXI_DIFFERENTIAL=2000` draws
more, with a fresh seed.
"""

from __future__ import annotations

import os
import random
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from guanxi.expressions.check import check
from guanxi.expressions.evaluate import evaluate
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import ExpressionErrors
from guanxi.runtime.access.expression_sql import SqlScope, bind_params, result_converter
from guanxi.runtime.access.expression_sql_parts import fill
from tests.support.databases import postgres_server

from .draw import Draw
from .model import MOMENTS, ZONES, Store, World, build_world, model, moment, open_store

LONG = int(os.environ.get("GUANXI_DIFFERENTIAL", "0"))
KINDS = ["boolean", "boolean", "boolean", "text", "integer", "decimal", "date", "datetime"]
WORLDS = 3
NOWS = [m for m in MOMENTS if not m.startswith(("0001", "9999"))]


@lru_cache(maxsize=1)
def stores() -> list[tuple[World, list[Store]]]:
    base = random.randrange(10**6) if LONG else 0
    found = []
    for seed in range(WORLDS):
        world = build_world(base + seed)
        opened = [open_store("sqlite"), open_store("postgresql", postgres_server())]
        opened[1].connection.execute(f"CREATE SCHEMA IF NOT EXISTS w{seed}")
        opened[1].connection.execute(f"SET search_path = w{seed}, public")
        for store in opened:
            store.load(world)
        found.append((world, opened))
    return found


def caller(world: World, rng: random.Random) -> dict[str, Any]:
    user = world.rows["user"][rng.randint(1, 5)]
    return {
        "me": user,
        "roles": frozenset({"sales", "a"}),
        "teams": frozenset({1, 3}),
        "reports": frozenset({2, 3}),
        "now": moment(rng.choice(NOWS)),
        "zone": ZoneInfo(rng.choice(ZONES)),
    }


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return isinstance(a, Decimal) and isinstance(b, Decimal) and a == b
    return type(a) is type(b) and a == b


def compare(expression: Expression, world: World, stores: list[Store], who: dict[str, Any], fold: bool) -> None:
    rows = world.rows[expression.object]
    expected = {i: evaluate(expression, world.env(row, **who)) for i, row in rows.items()}
    env = world.env(None, **who)
    for store in stores:
        scope = SqlScope(store.engine, expression.object, "t", fold=fold)
        value = scope.value_sql(expression)
        query = fill('SELECT "t"."id", {0} FROM {1}', value, scope.source_sql())
        convert = result_converter(expression.type, store.engine)
        found = {i: convert(v) for i, v in store.rows(query.text, bind_params(query.params, env, store.engine))}
        for i, want in expected.items():
            assert same(found[i], want), (store.engine, str(expression), rows[i], found[i], want, who, query)
        if expression.type.kind == "boolean":
            compare_filters(expression, store, {i for i, v in expected.items() if v}, set(rows), env, fold)


def compare_filters(
    expression: Expression, store: Store, yes: set[int], everyone: set[int], env: Any, fold: bool
) -> None:
    for text, want in ((expression.source, yes), (f"not ({expression.source})", everyone - yes)):
        asked = check(text, model(), expression.object)
        scope = SqlScope(store.engine, expression.object, "t", fold=fold)
        condition = scope.condition_sql(asked)
        query = fill('SELECT "t"."id" FROM {0} WHERE {1}', scope.source_sql(), condition)
        found = {i for (i,) in store.rows(query.text, bind_params(query.params, env, store.engine))}
        assert found == want, (store.engine, text, found ^ want, query)


@settings(
    max_examples=LONG or 1200,
    deadline=None,
    database=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
@given(
    seed=st.integers(0, 2**40),
    kind=st.sampled_from(KINDS),
    depth=st.integers(1, 3),
    object_name=st.sampled_from(["deal", "account", "line"]),
    fold=st.sampled_from([True, True, True, False]),
)
def test_three_executors_agree(seed: int, kind: str, depth: int, object_name: str, fold: bool) -> None:
    rng = random.Random(seed)
    world, opened = stores()[seed % WORLDS]
    text = Draw(rng, object_name).value(kind, depth)
    try:
        expression = check(text, model(), object_name)
    except ExpressionErrors as errors:
        # The one thing that is drawn and refused: an order asked of a written None.
        assert all("a blank has no order" in f.message for f in errors.faults), (text, errors)
        reject()
    compare(expression, world, opened, caller(world, rng), fold)
