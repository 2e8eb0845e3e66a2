"""Filters of a list: from URL parameters to chips and to one safe `where` expression.

A filter is `f.<field>=<operator>:<value>`; `in` and `not_in` take commas, `between` takes `a..b`. Names are from
metadata, values are written as literals of the expression language (`quote_text`): nothing from the URL is code.
A field may be filtered several times; all must hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from .fields import Family, FieldView

PREFIX = "f."
MOST = 20
NUMBER_OPERATORS = ("eq", "ge", "le", "between", "blank", "filled")
OPERATORS: Mapping[Family, tuple[str, ...]] = {
    "text": ("contains", "eq", "starts", "ne", "blank", "filled"),
    "number": NUMBER_OPERATORS,
    "date": ("between", "eq", "ge", "le", "past", "next", "blank", "filled"),
    "datetime": ("between", "eq", "ge", "le", "past", "blank", "filled"),
    "time": ("ge", "le", "blank", "filled"),
    "boolean": ("is",),
    "choice": ("in", "not_in", "blank", "filled"),
    "choices": ("in", "not_in", "blank", "filled"),
    "reference": ("in", "me", "not_in", "blank", "filled"),
    "references": ("in", "not_in", "blank", "filled"),
    "other": (),
}
OPERATOR_TEXTS = {
    "contains": "contains",
    "eq": "is",
    "ne": "is not",
    "starts": "starts with",
    "in": "is any of",
    "not_in": "is none of",
    "ge": "at least",
    "le": "at most",
    "between": "between",
    "past": "in the last days",
    "next": "in the next days",
    "blank": "is empty",
    "filled": "is filled",
    "is": "is",
    "me": "is me",
}
DATE_TEXTS = {"ge": "on or after", "le": "on or before", "eq": "on"}
VALUELESS = frozenset(("blank", "filled", "me"))
_WHOLE = re.compile(r"\d{1,4}\Z")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition as it stands in the URL."""

    field: FieldView
    operator: str
    value: str

    @property
    def text(self) -> str:
        """The URL parameter's value."""
        return f"{self.operator}:{self.value}"


class FilterFault(ValueError):
    """A filter of the URL that cannot be used; the message is the parameter."""


def operator_text(family: Family, operator: str) -> str:
    """The English name of an operator for a family."""
    if family in ("date", "datetime", "time") and operator in DATE_TEXTS:
        return DATE_TEXTS[operator]
    return OPERATOR_TEXTS[operator]


def parse_filters(
    arguments: Iterable[tuple[str, str]], fields: Mapping[str, FieldView], zone: ZoneInfo
) -> list[Filter]:
    """The filters among URL parameters, in order. Raises FilterFault for unknown names or bad values."""
    found: list[Filter] = []
    for key, text in arguments:
        if not key.startswith(PREFIX):
            continue
        field = fields.get(key[len(PREFIX) :])
        operator, _, value = text.partition(":")
        if field is None or not field.filterable or operator not in OPERATORS[field.family]:
            raise FilterFault(f"{key}={text}")
        item = Filter(field, operator, value)
        if len(found) >= MOST or condition(item, zone) is None:
            raise FilterFault(f"{key}={text}")
        found.append(item)
    return found


def where_text(filters: Iterable[Filter], zone: ZoneInfo) -> str:
    """All filters as one expression; "" when there is none."""
    parts = [f"({text})" for item in filters if (text := condition(item, zone))]
    return " and ".join(parts)


def quote_text(value: str) -> str:
    """A text literal of the expression language."""
    return json.dumps(value, ensure_ascii=False)


def condition(item: Filter, zone: ZoneInfo) -> str | None:
    """One filter as an expression, or None when its value does not fit the field."""
    name = item.field.name
    if item.operator == "blank":
        return f"blank({name})"
    if item.operator == "filled":
        return f"filled({name})"
    if item.operator == "me":
        return f"{name} == me"
    if not item.value:
        return None
    return _BUILDERS[item.field.family](item, zone)


def _text(item: Filter, zone: ZoneInfo) -> str | None:
    name, literal = item.field.name, quote_text(item.value)
    forms = {
        "contains": f"contains({name}, {literal})",
        "starts": f"starts_with({name}, {literal})",
        "eq": f"{name} == {literal}",
        "ne": f"{name} != {literal}",
    }
    return forms[item.operator]


def _range(item: Filter, literal: Callable[[str], str | None]) -> str | None:
    name = item.field.name
    if item.operator == "between":
        low_text, _, high_text = item.value.partition("..")
        low, high = (literal(low_text) if low_text else None), (literal(high_text) if high_text else None)
        if (low_text and low is None) or (high_text and high is None) or (low is None and high is None):
            return None
        parts = [f"{name} >= {low}" if low else "", f"{name} <= {high}" if high else ""]
        return " and ".join(p for p in parts if p)
    value = literal(item.value)
    sign = {"eq": "==", "ge": ">=", "le": "<="}[item.operator]
    return None if value is None else f"{name} {sign} {value}"


def _decimal_literal(text: str) -> str | None:
    try:
        number = Decimal(text.replace(",", "").strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > 18:
        return None
    plain = f"{number:f}"
    return f"({plain})" if number < 0 else plain


def _number(item: Filter, zone: ZoneInfo) -> str | None:
    return _range(item, _decimal_literal)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _date(item: Filter, zone: ZoneInfo) -> str | None:
    name = item.field.name
    if item.operator in ("past", "next"):
        if not _WHOLE.match(item.value):
            return None
        if item.operator == "past":
            return f"{name} >= add_days(today(), -{int(item.value)}) and {name} <= today()"
        return f"{name} >= today() and {name} <= add_days(today(), {int(item.value)})"
    return _range(item, lambda text: f'date("{day.isoformat()}")' if (day := _day(text)) else None)


def _midnight(day: date, zone: ZoneInfo) -> str:
    at = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))
    return f'datetime("{at:%Y-%m-%dT%H:%M:%SZ}")'


def _datetime(item: Filter, zone: ZoneInfo) -> str | None:
    """Days are whole days of the person's time zone."""
    name = item.field.name
    if item.operator == "past":
        return f"days_since({name}) <= {int(item.value)}" if _WHOLE.match(item.value) else None
    low_text, _, high_text = item.value.partition("..")
    if item.operator != "between":
        low_text, high_text = ("", item.value) if item.operator == "le" else (item.value, "")
        high_text = item.value if item.operator == "eq" else high_text
    low, high = _day(low_text) if low_text else None, _day(high_text) if high_text else None
    if (low_text and low is None) or (high_text and high is None) or not (low or high):
        return None
    try:
        parts = [
            f"{name} >= {_midnight(low, zone)}" if low else "",
            f"{name} < {_midnight(high + timedelta(days=1), zone)}" if high else "",
        ]
    except OverflowError:
        return None
    return " and ".join(p for p in parts if p)


def _time(item: Filter, zone: ZoneInfo) -> str | None:
    match = re.match(r"([01]\d|2[0-3]):([0-5]\d)\Z", item.value)
    return _range(item, quote_text_time) if match else None


def quote_text_time(text: str) -> str:
    """A time of day as a literal."""
    return quote_text(f"{text}:00" if len(text) == 5 else text)


def _boolean(item: Filter, zone: ZoneInfo) -> str | None:
    if item.value not in ("true", "false"):
        return None
    return f"{item.field.name} == {item.value}"


def _options(item: Filter) -> list[str] | None:
    values = [v for v in item.value.split(",") if v]
    known = {o.name for o in item.field.options}
    if not values or (known and any(v not in known for v in values)):
        return None
    return [quote_text(v) for v in values]


def _choice(item: Filter, zone: ZoneInfo) -> str | None:
    values = _options(item)
    if values is None:
        return None
    sign = "in" if item.operator == "in" else "not in"
    return f"{item.field.name} {sign} [{', '.join(values)}]"


def _choices(item: Filter, zone: ZoneInfo) -> str | None:
    values = _options(item)
    if values is None:
        return None
    return _membership(item, values)


def _ids(item: Filter) -> list[str] | None:
    values = [v for v in item.value.split(",") if v]
    if not values or not all(v.isascii() and v.isdigit() and len(v) < 19 for v in values):
        return None
    return [str(int(v)) for v in values]


def _reference(item: Filter, zone: ZoneInfo) -> str | None:
    values = _ids(item)
    if values is None:
        return None
    sign = "in" if item.operator == "in" else "not in"
    return f"{item.field.name} {sign} [{', '.join(values)}]"


def _references(item: Filter, zone: ZoneInfo) -> str | None:
    values = _ids(item)
    return None if values is None else _membership(item, values)


def _membership(item: Filter, values: list[str]) -> str:
    joined = " or ".join(f"{value} in {item.field.name}" for value in values)
    return joined if item.operator == "in" else f"not ({joined})"


_BUILDERS: dict[Family, Callable[[Filter, ZoneInfo], str | None]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "boolean": _boolean,
    "choice": _choice,
    "choices": _choices,
    "reference": _reference,
    "references": _references,
    "other": lambda _item, _zone: None,
}
