"""A value in a statement: its node, its type, and how the database hands it over.

A stored decimal on SQLite is an integer times 10^scale, a computed one a sortable key (`storage.functions_keys`): both
are exact, and both engines answer the same JSON text.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from guanxi.expressions.types import ValueType
from guanxi.fieldtypes.base import ColumnKind
from guanxi.runtime.access.expression_sql import result_converter
from guanxi.runtime.ports import Engine
from guanxi.runtime.storage.functions_keys import decode
from guanxi.runtime.storage.rows import Convert, from_stored


@dataclass(frozen=True, slots=True)
class Value:
    """`scale` is the column's number of decimals when the node is the stored form of a decimal, else None."""

    node: Any
    type: ValueType
    scale: int | None = None

    def to_json(self, engine: Engine) -> Convert | None:
        """From what the database hands over to the JSON form; None when it stays as it is."""
        kind = kind_of(self.type)
        if kind != "decimal":
            return from_stored(engine, "json", kind)
        if self.scale is not None:
            return from_stored(engine, "json", "decimal", self.scale)
        return result_converter(self.type, engine, "json")


def kind_of(type_: ValueType) -> ColumnKind:
    """The column kind whose stored form an expression of this type gives."""
    if type_.kind in ("text", "choice", "blank"):
        return "text"
    if type_.kind in ("choices", "references", "list"):
        return "json"
    return cast(ColumnKind, type_.kind)


def decimal_text(digits: int) -> Convert:
    """A computed decimal as JSON text with exactly `digits` after the point, ties to the even neighbour."""
    pattern = f".{digits}f"
    return lambda value: format(decode(value) if isinstance(value, str) else Decimal(value), pattern)
