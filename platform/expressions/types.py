"""The static types of the expression language and the Python values they stand for.

| kind | Python value |
| --- | --- |
| text, choice | str (a choice is its option's name) |
| integer | int within 64 bits |
| decimal | decimal.Decimal |
| boolean | bool |
| date | datetime.date |
| datetime | aware datetime.datetime in UTC |
| time | datetime.time |
| choices | tuple[str, ...] (option names or tags, in order, no repeats) |
| reference | int, the id of a record of `object` |
| references | tuple[int, ...] |
| json | dict, list, str, number or bool (only blank/filled apply) |
| list | a tuple of literals of type `element` |
| blank | None; every kind may be None at run time |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text",
    "choice",
    "integer",
    "decimal",
    "boolean",
    "date",
    "datetime",
    "time",
    "choices",
    "reference",
    "references",
    "json",
    "list",
    "blank",
]


@dataclass(frozen=True, slots=True)
class ValueType:
    """A static type; `scale` is the number of decimals of a stored decimal column, else None."""

    kind: Kind
    object: str = ""
    options: frozenset[str] | None = None
    element: ValueType | None = None
    scale: int | None = None

    def __str__(self) -> str:
        return f"{self.kind} to {self.object}" if self.object else self.kind


TEXT = ValueType("text")
INTEGER = ValueType("integer")
DECIMAL = ValueType("decimal")
BOOLEAN = ValueType("boolean")
DATE = ValueType("date")
DATETIME = ValueType("datetime")
TIME = ValueType("time")
JSON = ValueType("json")
BLANK = ValueType("blank")
