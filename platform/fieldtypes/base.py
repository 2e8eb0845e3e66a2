"""The contract of a field type and the neutral column kinds it maps to.

A field type is one class in one catalogue (`fieldtypes.CATALOGUE`): the options its YAML takes, how outside values
become Python values (see `expressions.types` for the forms) and JSON again, its column, its widget. Pure: no
database, no request, no language; what needs other definitions (options, targets) arrives as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from guanxi.expressions.types import ValueType

from .masks import HIDDEN, mask_text

ColumnKind = Literal[
    "text",  # code-point collated text
    "integer",  # 64 bit
    "decimal",  # exact, with a scale
    "boolean",
    "date",
    "datetime",  # instant, UTC
    "time",
    "json",
    "reference",  # 64-bit id with a foreign key
    "links",  # no column: a link table
    "none",  # no column: computed
]


@dataclass(frozen=True, slots=True)
class Column:
    """A neutral column: its kind and, for decimals, the number of digits after the point."""

    kind: ColumnKind
    scale: int = 0


class FieldOptions(BaseModel):
    """Base of every type's own YAML keys: unknown keys refused, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ValueFault(Exception):
    """An outside value that does not fit: a code of `errors.RECORD_CODES` and a sentence per language."""

    def __init__(self, code: str, message: str, message_zh: str = "") -> None:
        self.code = code
        self.message = message
        self.message_zh = message_zh or message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class FieldContext:
    """What a type may know of the field besides its own options.

    `zone` is the IANA zone in which a typed date and time without an offset is read (`from_text` only).
    """

    name: str
    option_names: frozenset[str] = frozenset()
    target: str = ""
    currency: str = "CNY"
    zone: str = "UTC"


Coercer = Callable[[object], Any]


class FieldType:
    """One type. Subclass, set the class variables, override what differs, add the class to the catalogue.

    `example` is a value in JSON form, `typed` shows texts that `from_text` understands; both serve the reference and
    the API's examples. `mask_style` is used where the field names none. `target` is the built-in object that a
    reference type always points to, or "". The flags say what screens and generated parts may offer; what an
    expression may do with a field follows from its value type alone.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    example: ClassVar[Any] = ""
    typed: ClassVar[tuple[str, ...]] = ()
    mask_style: ClassVar[str] = "all"
    target: ClassVar[str] = ""
    widget: ClassVar[str] = "text"
    Options: ClassVar[type[FieldOptions]] = FieldOptions
    sortable: ClassVar[bool] = True
    filterable: ClassVar[bool] = True
    groupable: ClassVar[bool] = True
    searchable: ClassVar[bool] = False
    can_default: ClassVar[bool] = True
    can_unique: ClassVar[bool] = True
    writable: ClassVar[bool] = True

    def column(self, options: Any) -> Column:
        """The neutral column of a field with these options."""
        raise NotImplementedError(self.name)

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """The static type in expressions."""
        raise NotImplementedError(self.name)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """A compiled function from a JSON value (or a value already in Python form) to the Python form.

        None stays None, "" and all-blank text become None. Raises ValueFault with code type, length, range or
        choice; never anything else, whatever the input.
        """
        raise NotImplementedError(self.name)

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Like `coercer`, from what a person types or a spreadsheet cell holds (str): more forgiving
        (thousands separators, 是/否, yes/no, 2026/3/1, Chinese date forms, ¥ signs), never ambiguous.
        """
        return self.coercer(options, context)

    def to_json(self, value: Any) -> Any:
        """The JSON form of a Python value: decimals and times as strings, dates ISO, instants with Z."""
        return value

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """JSON Schema (2020-12) of the JSON form, without null."""
        raise NotImplementedError(self.name)

    def input_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """JSON Schema of what a client may send: the JSON form and whatever else `coercer` takes, without null."""
        return self.json_schema(options, context)

    def search_text(self, value: Any) -> str:
        """The plain text of a value that is not None, for the search index."""
        return str(value)

    def masked(self, value: Any, style: str) -> Any:
        """What somebody with the grant `masked` gets for a value that is not None; `style` of MASK_STYLES or ""."""
        return mask_text(value, style or self.mask_style) if isinstance(value, str) else HIDDEN
