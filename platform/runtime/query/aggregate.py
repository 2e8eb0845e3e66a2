"""AggregateQuery → a statement of groups and measures, every operand through the same gate as a filter.

A group key is any expression on the object (`region`, `account.level`, `start_of_month(closed_on)`), a measure is
`count()`
or `count sum avg min max` of one. The answer's keys are the texts that asked. Blank groups are null.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

import peewee

from guanxi.common.errors import BadRequest
from guanxi.common.names import did_you_mean
from guanxi.expressions.types import DECIMAL, INTEGER, ValueType
from guanxi.runtime.access.binds import argument, bound
from guanxi.runtime.access.gate import visible_object
from guanxi.runtime.access.grants import Grants

from .frame import Frame, ReadModel
from .order import SortKey
from .planner import Planner, ReadShape
from .request import Row
from .shape import RowsFunction, Shape
from .values import Value

MOST_GROUPS = 1_000
MOST_OPERANDS = 10
FUNCTIONS = ("count", "sum", "avg", "min", "max")
_CALL = re.compile(r"\s*([a-z_]+)\s*\((.*)\)\s*\Z", re.DOTALL)
_GROUPABLE = frozenset({"text", "choice", "integer", "decimal", "boolean", "date", "datetime", "time", "reference"})
_ORDERED = frozenset({"text", "choice", "integer", "decimal", "date", "datetime", "time"})


class AggregateShape(NamedTuple):
    """All of a query that shapes its statement."""

    object: str
    group: tuple[str, ...]
    measures: tuple[str, ...]
    where: str = ""
    view: str = ""
    sort: tuple[tuple[str, bool], ...] = ()
    words: int = 0


@dataclass(frozen=True, slots=True)
class AggregatePlan:
    """A statement of groups; its last parameter is how many rows are read."""

    sql: str
    params: tuple[Any, ...]
    rows: RowsFunction
    grouped: bool

    @staticmethod
    def at_most(limit: int) -> int:
        """How many rows to read so that "too many" can be told from "all"."""
        return max(1, min(limit, MOST_GROUPS)) + 1

    def answer(self, found: Sequence[tuple[Any, ...]], limit: int) -> list[Row]:
        """The rows in JSON form; BadRequest when there are more groups than can be answered."""
        most = min(limit, MOST_GROUPS)
        if len(found) > most and limit >= MOST_GROUPS:
            raise BadRequest(f"There are more than {MOST_GROUPS:,} groups: narrow 'where'.", code="too_many_groups")
        return self.rows(found[:most])


class Aggregator:
    """Builds aggregate plans for one published version."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model
        self._planner = Planner(model)

    def plan(self, grants: Grants, ask: AggregateShape) -> AggregatePlan:
        """The plan of a query for a reader's profile; BadRequest for what does not exist for them."""
        object_type = visible_object(grants, ask.object)
        frame = Frame(self.model, object_type, grants)
        if len(ask.group) > MOST_OPERANDS or len(ask.measures) > MOST_OPERANDS:
            raise BadRequest(f"At most {MOST_OPERANDS} groups and measures are answered.", code="bad_request")
        shape = Shape()
        known: dict[str, Any] = {}
        groups = {text: self._group(shape, frame, text, known) for text in ask.group}
        for text in ask.measures or ("count()",):
            self._measure(shape, frame, text, known)
        conditions = self._planner.conditions(
            frame, grants.on(ask.object), ReadShape(ask.object, where=ask.where, view=ask.view, words=ask.words)
        )
        query = frame.select(shape.nodes).where(reduce(operator.and_, conditions))
        if groups:
            query = query.group_by(*groups.values())
        keys = [_sort(known, text, down) for text, down in ask.sort]
        keys += [SortKey(text, place, descending=False) for text, place in groups.items()]
        query = query.order_by(*(key.ordering(self.model.engine) for key in keys)).limit(bound(argument("limit")))
        sql, params = self.model.sql(query)
        return AggregatePlan(sql, params, shape.rows(), bool(groups))

    def _group(self, shape: Shape, frame: Frame, text: str, known: dict[str, Any]) -> Any:
        value = frame.value(frame.outside(text, "group"), outside=True)
        if value.type.kind not in _GROUPABLE:
            raise BadRequest(f"{text!r} cannot be grouped by.", code="bad_group")
        self._put(shape, text, value, known)
        return known[text]

    def _put(self, shape: Shape, text: str, value: Value, known: dict[str, Any]) -> None:
        if text not in known:
            shape.put(text, shape.converted(shape.select(value.node), value.to_json(self.model.engine)))
            # By its place: an expression with parameters, written twice, is not the same to PostgreSQL.
            known[text] = peewee.SQL(str(len(shape.nodes)))

    def _measure(self, shape: Shape, frame: Frame, text: str, known: dict[str, Any]) -> None:
        found = _CALL.match(text)
        if found is None or found[1] not in FUNCTIONS:
            hint = did_you_mean(found[1] if found else text, FUNCTIONS)
            message = f"{text!r} is not a measure: count(), or count sum avg min max of a field."
            raise BadRequest(message, code="bad_measure", hint=hint)
        function, inner = found[1], found[2].strip()
        if not inner and function != "count":
            raise BadRequest(f"{text!r} needs a field.", code="bad_measure")
        expression = frame.outside(inner, "measure") if inner else None
        type_ = _measured(function, expression.type if expression else None, text)
        self._put(shape, text, Value(frame.measure(function, expression), type_), known)


def _measured(function: str, of: ValueType | None, text: str) -> ValueType:
    """The type of a measure; BadRequest when the values cannot be measured so."""
    if function == "count" and (of is None or of.kind not in ("references", "list")):
        return INTEGER
    assert of is not None  # noqa: S101 (only count() goes without)
    if function in ("sum", "avg") and of.kind not in ("integer", "decimal"):
        raise BadRequest(f"{text!r} needs a number.", code="bad_measure")
    if of.kind not in _ORDERED:
        raise BadRequest(f"{text!r} needs values with an order.", code="bad_measure")
    return replace(DECIMAL, scale=of.scale) if function == "avg" else of


def _sort(known: dict[str, Any], text: str, descending: bool) -> SortKey:
    if text not in known:
        raise BadRequest(
            f"Groups are sorted by a group or a measure, not {text!r}.",
            code="unknown_field",
            hint=did_you_mean(text, known),
        )
    return SortKey(text, known[text], descending)
