"""Expressions inside SQL, the door: scopes, results, parameters, cost.

scope = SqlScope("sqlite", "customer", "t", guard=guard)
where, name = scope.condition(expression), scope.value(formula)
query = peewee.Select([scope.source()], [name]).where(where)        # text built once per published version
params = bind_params(params_of_the_text, env)                       # for every request
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from guanxi.expressions import tree as t
from guanxi.expressions.decimals import decimal_text, shifted
from guanxi.expressions.env import Env
from guanxi.expressions.expression import Expression
from guanxi.expressions.types import ValueType
from guanxi.runtime.storage.functions_keys import decode
from guanxi.runtime.storage.rows import instant_json

from .actor import SYSTEM
from .binds import Moment, bind_all
from .expression_sql_children import measure
from .expression_sql_parts import Sql
from .expression_sql_scope import Guard, SqlScope, node
from .expression_sql_terms import compile_value, ready

__all__ = ["Cost", "Guard", "Sql", "SqlScope", "bind_params", "cost", "measure_node", "result_converter"]


def bind_params(params: Sequence[Any], env: Env, engine: str) -> list[Any]:
    """The parameters of a statement for one caller: markers read, everything else as it stands."""
    return bind_all(params, Moment(SYSTEM, env.now, engine, {"env": env}))


def measure_node(function: str, expression: Expression | None, scope: SqlScope) -> Any:
    """A peewee node of an aggregate over the rows of a group: count, sum, avg, min, max; read it with
    `result_converter(measure_type(…))`. `count` without an expression counts rows.
    """
    if expression is None:
        return node(Sql("count(*)"))
    frame = scope.frame()
    return node(ready(measure(function, compile_value(expression.tree, frame), frame), frame))


def result_converter(kind: ValueType, engine: str, form: str = "python") -> Callable[[Any], Any]:
    """From what a driver gives for a computed value to its Python form, or its JSON form (`form="json"`).

    A decimal with a declared scale is written with that many digits when it has no more.
    """
    python = _PYTHON.get(kind.kind, _same) if engine == "sqlite" else _POSTGRES.get(kind.kind, _same)
    if kind.kind == "decimal" and engine == "sqlite":
        python = _key_reader(kind.scale or 0)
    json = _decimal_json(kind.scale) if kind.kind == "decimal" else _JSON.get(kind.kind, _same)

    def convert(value: Any) -> Any:
        if value is None:
            return None
        found = python(value)
        return json(found) if form == "json" else found

    return convert


def _same(value: Any) -> Any:
    return value


def _key_reader(scale: int) -> Callable[[Any], Any]:
    return lambda value: decode(value) if isinstance(value, str) else shifted(value, -scale)


def _decimal_json(scale: int | None) -> Callable[[Decimal], str]:
    def write(value: Decimal) -> str:
        text = decimal_text(value)
        digits = len(text.partition(".")[2])
        return format(value, f".{scale}f") if scale is not None and digits <= scale else text

    return write


_PYTHON: dict[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
}
_POSTGRES: dict[str, Callable[[Any], Any]] = {"datetime": lambda value: value.astimezone(UTC)}
_JSON: dict[str, Callable[[Any], Any]] = {
    "date": date.isoformat,
    "datetime": instant_json,
    "time": lambda value: value.isoformat(timespec="seconds"),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What an expression asks of the database: joins of paths, sub-queries over lists, parts in all."""

    joins: int
    queries: int
    parts: int


def cost(expression: Expression) -> Cost:
    """The cost of an expression with its formulas, for limiting what comes from outside."""
    joins: set[t.RowTerm] = set()
    queries = parts = 0
    for term in t.walk(expression.tree):
        parts += 1
        row = term.row if isinstance(term, t.FieldTerm | t.Inline) else None
        if isinstance(term, t.Aggregate):
            queries += 1
            row = term.source.row
        while isinstance(row, t.Hop):
            joins.add(row)
            row = row.base
    return Cost(len(joins), queries, parts)
