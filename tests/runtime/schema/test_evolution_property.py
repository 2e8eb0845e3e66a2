"""Random pairs of versions: nothing is lost that the plan did not name, and going back brings every value home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guanxi.runtime.storage.database import Handle, open_database
from guanxi.runtime.storage.system import create_platform_tables
from tests.support.databases import ENGINES, drop_postgres, new_postgres_url
from tests.support.evolution import World

OPTIONS = ("a", "b", "c")
TYPES: dict[str, Any] = {
    "text": (lambda _: {"type": "text"}, ["x", "12", "007", " 3.50", "a", "yes", "张三"]),
    "integer": (lambda _: {"type": "integer"}, [0, 7, -12, 2**40]),
    "decimal": (lambda _: {"type": "decimal", "digits": 2}, [Decimal("1.50"), Decimal("-0.01"), Decimal(7)]),
    "boolean": (lambda _: {"type": "boolean"}, [True, False]),
    "choice": (lambda names: {"type": "choice", "options": dict.fromkeys(names)}, list(OPTIONS)),
    "choices": (lambda names: {"type": "choices", "options": dict.fromkeys(names)}, [("a",), ("b", "c"), ("c",)]),
}
NAMES = ("f", "g", "h")


@st.composite
def versions(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]], dict[str, str]]:
    """Two versions of one object, records of the first, and which old field each new one continues."""
    chosen = {n: draw(st.sampled_from(sorted(TYPES))) for n in draw(st.sets(st.sampled_from(NAMES), min_size=1))}
    old = {n: TYPES[t][0](OPTIONS) for n, t in chosen.items()}
    records = draw(
        st.lists(
            st.fixed_dictionaries({n: st.one_of(st.none(), st.sampled_from(TYPES[t][1])) for n, t in chosen.items()}),
            max_size=4,
        )
    )
    new: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name in old:
        fate = draw(st.sampled_from(["keep", "retype", "options", "rename", "drop"]))
        if fate == "drop":
            continue
        target = f"{name}_new" if fate == "rename" else name
        kind = draw(st.sampled_from(sorted(TYPES))) if fate == "retype" else chosen[name]
        names = OPTIONS[: draw(st.integers(1, 3))] if fate == "options" else OPTIONS
        new[target] = {**TYPES[kind][0](names), **({"renamed_from": name} if fate == "rename" else {})}
        origin[target] = name
    if draw(st.booleans()) or not new:
        new["added"] = {"type": "text"}
    return old, new, records, origin


@contextmanager
def fresh(engine: str) -> Iterator[Handle]:
    """A new database."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            db = open_database(f"sqlite:///{Path(folder)}/t.db")
            create_platform_tables(db)
            yield db
            db.close()
        return
    url = new_postgres_url()
    db = open_database(url)
    yield db
    db.close()
    drop_postgres(url)


@pytest.mark.parametrize("engine", ENGINES)
@settings(
    max_examples=int(os.environ.get("GUANXI_EVOLUTIONS", "15")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
@given(case=versions())
def test_nothing_is_lost_that_was_not_named_and_rollback_brings_it_back(engine: str, case: Any) -> None:
    old, new, records, origin = case
    with fresh(engine) as db:
        world = World(db)
        world.publish({"thing": old})
        if records:
            world.put("thing", *records)
        before = {f: [row[0] for row in world.all("thing", f)] for f in old}
        plan = world.plan({"thing": new})
        named = {(f.field, i) for f in plan.findings if f.severity == "loss" for i in f.samples}
        world.apply(plan, [f.consent for f in plan.findings])
        for field, source in origin.items():
            values = [row[0] for row in world.all("thing", field)]
            for number, (was, now) in enumerate(zip(before[source], values, strict=True), start=1):
                if was is not None and (field, number) not in named:
                    assert now is not None, (field, was)
                if old[source]["type"] == new[field]["type"] and (field, number) not in named:
                    assert now == was
        for source in set(old) - set(origin.values()):
            filled = {i for i, was in enumerate(before[source], start=1) if was is not None}
            assert filled == {i for f, i in named if f == source}
        back = world.service.plan_rollback(1)
        world.apply(back, [f.consent for f in back.findings])
        assert {f: [row[0] for row in world.all("thing", f)] for f in old} == before
        again = world.service.plan_rollback(1)
        assert again.empty
