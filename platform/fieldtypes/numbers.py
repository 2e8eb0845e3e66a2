"""Numbers: integer, decimal, money, percent and rating. Decimals are exact: nothing is ever rounded here.

A decimal is 18 significant digits at most, counted with its scale, so that its scaled integer fits 64 bits. JSON form
is a string; JSON numbers are taken through their shortest text, which loses no digit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from babel.core import get_global
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from guanxi.expressions.types import INTEGER, ValueType

from .base import Coercer, Column, FieldContext, FieldOptions, FieldType
from .cleaning import MAX_INTEGER, range_fault, type_fault
from .typed_numbers import number_from_text

DIGITS = 18
_DECIMAL = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?\Z")
_SAFE = 2**53


def _not_integer() -> Exception:
    return type_fault("This must be a whole number.", "必须是整数。")


def _not_decimal() -> Exception:
    return type_fault("This must be a number.", "必须是数字。")


def _too_large() -> Exception:
    return range_fault("The number has too many digits.", "数字位数过多。")


def bounded(low: Any, high: Any) -> Callable[[Any], Any] | None:
    """A check that raises ValueFault range outside [low, high]; None when there are no bounds."""
    if low is None and high is None:
        return None

    def check(value: Any) -> Any:
        if low is not None and value < low:
            raise range_fault(f"Must be at least {low}.", f"不能小于 {low}。")
        if high is not None and value > high:
            raise range_fault(f"Must be at most {high}.", f"不能大于 {high}。")
        return value

    return check


def integer_coercer(low: int | None, high: int | None) -> Coercer:
    """A whole number within 64 bits and the bounds; 3.0 is the whole number 3, as JSON Schema has it."""
    least = -MAX_INTEGER - 1 if low is None else low
    most = MAX_INTEGER if high is None else high
    check = bounded(low, high)

    def coerce(value: object) -> int | None:
        if type(value) is not int:
            if value is None or (isinstance(value, str) and not value.strip()):
                return None
            if not isinstance(value, float) or not value.is_integer():
                raise _not_integer()
            if abs(value) > _SAFE:
                raise _too_large()
            value = int(value)
        if not least <= value <= most:
            if check is not None and -MAX_INTEGER <= value <= MAX_INTEGER:
                check(value)
            raise _too_large()
        return value

    return coerce


def decimal_coercer(scale: int, low: Decimal | None, high: Decimal | None) -> Coercer:
    """A decimal with `scale` digits after the point. More digits: type; too large or out of bounds: range."""
    quantum = Decimal(1).scaleb(-scale)
    zero = Decimal(0).quantize(quantum)
    top = DIGITS - scale
    check = bounded(low, high)

    def usual(value: object) -> bool:
        """True for a text with exactly `scale` digits after the point and few before: it is in form already."""
        if type(value) is not str or not scale < len(value) < DIGITS or not scale:
            return False
        return value[-scale - 1] == "." and value[0] in "123456789" and value[-1].isdigit()

    def fit(number: Decimal) -> Decimal:
        if not number:
            return zero
        if number.adjusted() >= top:
            raise _too_large()
        exact = number.quantize(quantum)
        if exact != number:
            raise type_fault(f"Use at most {scale} digits after the point.", f"最多 {scale} 位小数。")
        return exact

    def coerce(value: object) -> Decimal | None:
        number = _as_decimal(value)
        if number is None:
            return None
        if not usual(value):
            number = fit(number)
        return number if check is None else check(number)

    return coerce


def _as_decimal(value: object) -> Decimal | None:
    if isinstance(value, str):
        if _DECIMAL.match(value):
            return Decimal(value)
        if not value.strip():
            return None
        if len(value) <= 82 and _DECIMAL.match(value.strip()):
            return Decimal(value.strip())
        raise _not_decimal()
    if value is None:
        return None
    if type(value) is int:
        if not -(10**DIGITS) < value < 10**DIGITS:
            raise _too_large()
        return Decimal(value)
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(float(value)))
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise _not_decimal()


def _exact(value: object) -> object:
    """A bound as YAML gives it (integer, float or text) as a decimal."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    if isinstance(value, str) and not _DECIMAL.match(value):
        raise ValueError("must be a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    return Decimal(str(value))


Bound = Annotated[Decimal, BeforeValidator(_exact, json_schema_input_type=int | float | str)]


class RangeOptions(FieldOptions):
    """Base of options with min and max that must not contradict each other."""

    @model_validator(mode="after")
    def _ordered(self) -> RangeOptions:
        low, high = getattr(self, "min", None), getattr(self, "max", None)
        if low is not None and high is not None and low > high:
            raise ValueError("min is greater than max")
        return self


class IntegerOptions(RangeOptions):
    """Keys of integer."""

    min: int | None = Field(default=None, ge=-MAX_INTEGER - 1, le=MAX_INTEGER, description="Least value allowed.")
    max: int | None = Field(default=None, ge=-MAX_INTEGER - 1, le=MAX_INTEGER, description="Greatest value allowed.")


class Integer(FieldType):
    """Whole number."""

    name = "integer"
    summary = "A whole number within 64 bits."
    widget = "integer"
    Options: ClassVar[type[FieldOptions]] = IntegerOptions
    example: ClassVar[Any] = 120
    typed: ClassVar[tuple[str, ...]] = ("1,200", "１２０", "1.2万", "12.0")

    def column(self, options: Any) -> Column:
        """A 64-bit integer."""
        return Column("integer")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """An integer."""
        return INTEGER

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """A JSON number without a fraction."""
        return integer_coercer(options.min, options.max)

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Thousands separators, full-width digits, 万 and 亿 are understood."""
        return number_from_text(self.coercer(options, context), whole=True)

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """An integer with its bounds."""
        least = -MAX_INTEGER - 1 if options.min is None else options.min
        return {"type": "integer", "minimum": least, "maximum": MAX_INTEGER if options.max is None else options.max}


class DecimalOptions(RangeOptions):
    """Keys of decimal."""

    digits: int = Field(default=4, ge=0, le=10, description="Digits after the point.")
    min: Bound | None = Field(default=None, description="Least value allowed.")
    max: Bound | None = Field(default=None, description="Greatest value allowed.")


class DecimalNumber(FieldType):
    """Exact decimal."""

    name = "decimal"
    summary = "An exact decimal number of at most 18 digits; more digits after the point than asked for are refused."
    widget = "decimal"
    Options: ClassVar[type[FieldOptions]] = DecimalOptions
    example: ClassVar[Any] = "12.5000"
    typed: ClassVar[tuple[str, ...]] = ("1,200.5", "１２.５", "(12.5)", "1.2万")
    signs: ClassVar[str] = ""

    def column(self, options: Any) -> Column:
        """A decimal of the field's scale."""
        return Column("decimal", options.digits)

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """A decimal of the field's scale."""
        return ValueType("decimal", scale=options.digits)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """A text such as "12.50", or a JSON number whose digits fit."""
        return decimal_coercer(options.digits, options.min, options.max)

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Thousands separators, full-width digits, accountants' brackets, 万 and 亿 are understood."""
        return number_from_text(self.coercer(options, context), sign=self.signs)

    def to_json(self, value: Any) -> Any:
        """Plain digits, never an exponent."""
        return format(value, "f")

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string of digits."""
        return {"type": "string", "pattern": _digits_pattern(options.digits), "maxLength": 40}

    def input_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """The string, or a number of no more digits."""
        number: dict[str, Any] = {
            "type": "number",
            "multipleOf": float(f"1e-{options.digits}") if options.digits else 1,
        }
        number["minimum"] = float(options.min) if options.min is not None else -(10 ** (DIGITS - options.digits)) + 1
        number["maximum"] = float(options.max) if options.max is not None else 10 ** (DIGITS - options.digits) - 1
        return {"anyOf": [self.json_schema(options, context), number]}


def _digits_pattern(scale: int) -> str:
    fraction = rf"(\.[0-9]{{1,{scale}}}0*)?" if scale else r"(\.0+)?"
    return rf"^-?0*[0-9]{{1,{DIGITS - scale}}}{fraction}$"


def _known_currency(code: str) -> str:
    if code not in get_global("all_currencies"):
        raise ValueError(f"{code!r} is not an ISO 4217 currency code")
    return code


class MoneyOptions(RangeOptions):
    """Keys of money."""

    currency: Annotated[str, AfterValidator(_known_currency)] | None = Field(
        default=None, max_length=3, description="ISO 4217 code; the instance's currency when absent."
    )
    digits: int = Field(default=2, ge=0, le=10, description="Digits after the point.")
    min: Bound | None = Field(default=None, description="Least value allowed.")
    max: Bound | None = Field(default=None, description="Greatest value allowed.")


class Money(DecimalNumber):
    """Amount."""

    name = "money"
    summary = "An exact amount in one currency."
    widget = "money"
    Options = MoneyOptions
    example: ClassVar[Any] = "1200.50"
    typed = ("¥1,200.50", "1200.5元", "1.2万", "CNY 1200.50")

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Signs and codes of the field's own currency are understood, those of others refused."""
        return number_from_text(self.coercer(options, context), currency=options.currency or context.currency)

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string of digits; the currency stands in the description."""
        return {**super().json_schema(options, context), "description": options.currency or context.currency}


class PercentOptions(RangeOptions):
    """Keys of percent."""

    digits: int = Field(default=2, ge=0, le=10, description="Digits after the point.")
    min: Bound | None = Field(default=None, description="Least value allowed.")
    max: Bound | None = Field(default=None, description="Greatest value allowed.")


class Percent(DecimalNumber):
    """Percentage."""

    name = "percent"
    summary = "A percentage as people see it: 15 means 15 %."
    widget = "percent"
    Options = PercentOptions
    example: ClassVar[Any] = "15.00"
    typed = ("15%", "１５％", "15")
    signs = "%"


class RatingOptions(FieldOptions):
    """Keys of rating."""

    max: int = Field(default=5, ge=2, le=10, description="Most stars.")


class Rating(Integer):
    """Stars."""

    name = "rating"
    summary = "A number of stars, from 1 up; blank means not rated."
    widget = "rating"
    Options = RatingOptions
    can_unique = False
    example: ClassVar[Any] = 4
    typed = ("4", "4.0")

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """From 1 to max."""
        return integer_coercer(1, options.max)

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """An integer from 1 to max."""
        return {"type": "integer", "minimum": 1, "maximum": options.max}
