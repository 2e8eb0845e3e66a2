"""The contract of the function table: every entry's examples hold in Python, SQLite and PostgreSQL, and the page says so."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from guanxi.expressions.check import check
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.expressions.functions import ENTRIES, FUNCTIONS
from guanxi.expressions.reference import reference_markdown
from guanxi.runtime.access.expression_sql import SqlScope, bind_params, result_converter
from tests.support.databases import postgres_server

from .model import model, moment, open_store

EXAMPLES = [(text, value) for entry in ENTRIES.values() for text, value in entry.examples]
PEOPLE_AND_CHANGE = {e.name for e in ENTRIES.values() if e.group in ("people", "children", "change")}
WITHOUT_EXAMPLE = PEOPLE_AND_CHANGE | {"today", "now", "days_since", "hours_since", "working_days_since"}


def env() -> Env:
    return Env({}, now=moment("2024-05-17T03:00:00"), zone=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(("text", "value"), EXAMPLES)
def test_example_in_python(text: str, value: Any) -> None:
    found = evaluate(check(text, model(), "deal"), env())
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_examples_in_sql(engine: str) -> None:
    store = open_store(engine, "" if engine == "sqlite" else postgres_server())
    for text, value in EXAMPLES:
        expression = check(text, model(), "deal")
        for fold in (False, True):
            part = SqlScope(engine, "deal", fold=fold).value_sql(expression)
            (row,) = store.rows(f"SELECT {part.text}", bind_params(part.params, env(), engine))
            found = result_converter(expression.type, engine)(row[0])
            assert found == value, (text, fold, part)
            assert isinstance(found, Decimal) == isinstance(value, Decimal), text


def test_every_plain_function_has_an_example() -> None:
    assert {name for name, entry in ENTRIES.items() if not entry.examples} == WITHOUT_EXAMPLE


def test_every_implementation_is_reachable_or_internal() -> None:
    used = {function.name for entry in ENTRIES.values() for _, function in entry.functions}
    assert set(FUNCTIONS) - used == {
        "to_decimal", "round_whole", "same", "join_texts", "number_text", "date_text", "working_border", "hours_between",
    } - used  # fmt: skip


def test_the_page_is_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "expressions.md"
    assert page.read_text(encoding="utf-8") == reference_markdown()
    for name in ENTRIES:
        assert f"`{name}(" in reference_markdown()
