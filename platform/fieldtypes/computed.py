"""Types that a client never writes: auto_number (made by the record service), formula and roll-up (no column).

A formula's own expression is checked elsewhere; here is only what comes out. `returns` may be left out: `resolved`
then fills it from the expression's type.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from guanxi.expressions.types import BLANK, ValueType

from .auto_number import AutoNumberFormat
from .base import Coercer, Column, FieldContext, FieldOptions, FieldType
from .cleaning import PRINTABLE, clean_line
from .flags import Boolean
from .moments import Date, DateTime, Time
from .numbers import DecimalNumber, DecimalOptions, Integer, Money, MoneyOptions, Percent, PercentOptions
from .texts import PlainType, Text, TextOptions


def _lawful_format(text: str) -> str:
    return AutoNumberFormat.parse(text).source


class AutoNumberOptions(FieldOptions):
    """Keys of auto_number."""

    format: Annotated[str, AfterValidator(_lawful_format)] = Field(
        default="{000000}",
        description='Such as "C-{yyyy}-{0000}": day parts {yyyy} {yy} {mm} {dd}, one run of zeros for the counter.',
    )


class AutoNumber(PlainType):
    """Running number."""

    name = "auto_number"
    summary = "A running number given on create; the counter starts again with each period the format shows."
    Options = AutoNumberOptions
    groupable = False
    can_default = False
    writable = False
    example: ClassVar[Any] = "C-2026-0042"

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """Text as it is: for restoring and look-ups; clients cannot write it."""
        return lambda value: clean_line(value, 100)

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string."""
        return {"type": "string", "maxLength": 100, "pattern": PRINTABLE, "readOnly": True}


Returns = Literal["text", "integer", "decimal", "money", "percent", "boolean", "date", "datetime", "time"]
_RESULTS: dict[str, FieldType] = {
    t.name: t for t in (Text(), Integer(), DecimalNumber(), Money(), Percent(), Boolean(), Date(), DateTime(), Time())
}
_BY_KIND: dict[str, Returns] = {
    "text": "text",
    "choice": "text",
    "integer": "integer",
    "decimal": "decimal",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
}


class ComputedOptions(FieldOptions):
    """Keys of formula and rollup besides `value`."""

    returns: Returns | None = Field(default=None, description="Type of the result; the expression's own when absent.")
    digits: int | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Digits after the point of a decimal, money (2) or percent (2) result; else the expression's own.",
    )


class Formula(FieldType):
    """Computed from the record."""

    name = "formula"
    summary = "Computed from the record by an expression; never written, filtered and sorted like any field."
    widget = "computed"
    Options: ClassVar[type[FieldOptions]] = ComputedOptions
    can_default = False
    can_unique = False
    writable = False
    example: ClassVar[Any] = "gold"

    def resolved(self, options: Any, type_: ValueType, shown: int | None = None) -> Any:
        """The options with `returns` and `digits` filled from the expression where they are absent.

        `shown` is how many digits the expression gives, when that is known.

        Raises ValueError when the expression's type cannot be a field's.
        """
        returns = options.returns or _BY_KIND.get(type_.kind)
        if returns is None:
            raise ValueError(f"a computed field cannot hold a value of type {type_}")
        digits = options.digits
        if digits is None and returns in ("decimal", "money", "percent"):
            own = type_.scale if shown is None else shown
            digits = min(10, 4 if own is None else own) if returns == "decimal" else 2
        return options.model_copy(update={"returns": returns, "digits": digits})

    def accepts(self, options: Any, type_: ValueType) -> bool:
        """True when an expression of this type may give what `returns` says (an integer serves as a decimal)."""
        kind = _BY_KIND.get(type_.kind)
        wanted = {"money": "decimal", "percent": "decimal"}.get(options.returns or "", options.returns)
        return type_.kind == "blank" or wanted in (None, kind) or (wanted == "decimal" and kind == "integer")

    def result(self, options: Any) -> tuple[FieldType, Any]:
        """The type of the result and its options; text when nothing is said."""
        kind = options.returns or "text"
        digits = {} if options.digits is None else {"digits": options.digits}
        makers: dict[str, type[FieldOptions]] = {
            "decimal": DecimalOptions,
            "money": MoneyOptions,
            "percent": PercentOptions,
        }
        if kind in makers:
            return _RESULTS[kind], makers[kind](**digits)
        found = _RESULTS[kind]
        return found, TextOptions(length=20_000) if kind == "text" else found.Options()

    def column(self, options: Any) -> Column:
        """None; the kind is "none", the scale the result's."""
        kind, settings = self.result(options)
        return Column("none", kind.column(settings).scale)

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """What `returns` says; blank when it says nothing yet."""
        if options.returns is None:
            return BLANK
        kind, settings = self.result(options)
        return kind.value_type(settings, context)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """That of the result, for values to compare with."""
        kind, settings = self.result(options)
        return kind.coercer(settings, context)

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """That of the result."""
        kind, settings = self.result(options)
        return kind.from_text(settings, context)

    def to_json(self, value: Any) -> Any:
        """By the value's own type."""
        if isinstance(value, datetime):
            return _RESULTS["datetime"].to_json(value)
        if isinstance(value, Decimal):
            return format(value, "f")
        return value.isoformat() if isinstance(value, (date, time)) else value

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """That of the result, read only."""
        if options.returns is None:
            return {"readOnly": True}
        kind, settings = self.result(options)
        return {**kind.json_schema(settings, context), "readOnly": True}


class Rollup(Formula):
    """Computed from children."""

    name = "rollup"
    summary = "Computed from the record's related lists: count, sum, avg, min, max, any, all."
    example: ClassVar[Any] = "120000.00"
