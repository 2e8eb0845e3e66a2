"""Expression functions on SQLite connections: the Python implementations between readers and writers of stored forms.

Stored forms: integers and booleans as INTEGER, dates and instants as text, computed decimals as keys
(`functions_keys`). A NULL argument gives NULL where the function is strict.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from guanxi.expressions import decimals
from guanxi.expressions.calendar import WorkingCalendar
from guanxi.expressions.casing import fold
from guanxi.expressions.functions import FUNCTIONS, Function
from guanxi.expressions.limits import DIVISION_SCALE
from guanxi.expressions.zones import zone_of

from .functions_keys import decode, encode, encode_scaled
from .rows import instant_text

Reader = Callable[[Any], Any]


def _number(value: Any) -> Any:
    return decode(value) if isinstance(value, str) else value


@lru_cache(maxsize=256)
def calendar_from_text(text: str) -> WorkingCalendar:
    """A calendar from the text form that statements bind."""
    week, off, on = json.loads(text)
    return WorkingCalendar(
        tuple(c == "1" for c in week), tuple(map(date.fromisoformat, off)), tuple(map(date.fromisoformat, on))
    )


def calendar_text(calendar: WorkingCalendar) -> str:
    """The text form of a calendar."""
    week = "".join("1" if works else "0" for works in calendar.week)
    return json.dumps([week, [d.isoformat() for d in calendar.off], [d.isoformat() for d in calendar.on]])


_READERS: dict[str, Reader | None] = {
    "text": None,
    "any": None,
    "integer": None,
    "boolean": None,
    "number": _number,
    "decimal": _number,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "zone": zone_of,
    "calendar": calendar_from_text,
}


def _stored(value: Any) -> Any:
    if isinstance(value, Decimal):
        return encode(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _wrapped(function: Function) -> Callable[..., Any]:
    codes, python, strict = function.arguments, function.python, function.strict
    readers = [_READERS[code] for code in codes]
    last = readers[-1]

    def call(*values: Any) -> Any:
        read: list[Any] = []
        for index, value in enumerate(values):
            if value is None:
                if strict:
                    return None
                read.append(None)
                continue
            reader = readers[index] if index < len(readers) else last
            read.append(reader(value) if reader is not None else value)
        return _stored(python(*read))

    return call


def _operator(name: str) -> Callable[[Any, Any], Any]:
    operator = decimals.OPERATORS[name]

    def call(left: Any, right: Any) -> Any:
        if left is None or right is None:
            return None
        return _stored(operator(_number(left), _number(right)))

    return call


def _scaled(value: Any, scale: int) -> Any:
    """A stored decimal or an integer as a key."""
    return None if value is None else encode_scaled(value, scale)


def _quotient(left: Any, left_scale: int, right: Any, right_scale: int) -> Any:
    """`/` of two scaled integers: ten digits after the point, half to even."""
    if left is None or not right:
        return None
    shift = DIVISION_SCALE + right_scale - left_scale
    left, right = (left * 10**shift, right) if shift >= 0 else (left, right * 10**-shift)
    if right < 0:
        left, right = -left, -right
    quotient, rest = divmod(left, right)
    if 2 * rest > right or (2 * rest == right and quotient % 2):
        quotient += 1
    return encode_scaled(quotient, DIVISION_SCALE)


def _wide(high: Any, low: Any, scale: int) -> Any:
    """The sum of scaled integers, handed over as the sums of their upper and lower 32 bits."""
    value = decimals.limit_decimal(decimals.shifted(((high or 0) << 32) + (low or 0), -scale))
    return None if value is None else encode(value)


def _wide_integer(high: Any, low: Any) -> Any:
    return decimals.limit_integer(((high or 0) << 32) + (low or 0))


def _negate(value: Any) -> Any:
    return None if value is None else _stored(decimals.negate(_number(value)))


def _fold(value: Any) -> Any:
    return None if value is None else fold(str(value))


class KeySum:
    """`gx_sum(key)`: the exact sum of decimal keys; zero for none."""

    def __init__(self) -> None:
        self.total = Decimal(0)

    def step(self, value: Any) -> None:
        """Take one in."""
        if value is not None:
            self.total = decimals.add_exact(self.total, _number(value))

    def finalize(self) -> Any:
        """The key of the sum, or None when it is too large."""
        found = decimals.limit_decimal(self.total)
        return None if found is None else encode(found)


class IntegerSum:
    """`gx_sum_integer(n)`: the sum of integers within 64 bits, else None; zero for none."""

    def __init__(self) -> None:
        self.total = 0

    def step(self, value: Any) -> None:
        """Take one in."""
        self.total += value or 0

    def finalize(self) -> Any:
        """The sum."""
        return decimals.limit_integer(self.total)


class KeyMean(KeySum):
    """`gx_mean(key)`: the mean, rounded as `/` does; None for none."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def step(self, value: Any) -> None:
        """Take one in."""
        super().step(value)
        self.count += value is not None

    def finalize(self) -> Any:
        """The key of the mean."""
        return _stored(decimals.divide(self.total, self.count)) if self.count else None


_NAMES = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "//": "floor_divide", "%": "modulo"}


@lru_cache(maxsize=1)
def _functions() -> list[tuple[str, int, Callable[..., Any]]]:
    found: list[tuple[str, int, Callable[..., Any]]] = []
    for function in FUNCTIONS.values():
        if not function.sqlite:
            found.append(
                (function.sqlite_name, -1 if function.variadic else len(function.arguments), _wrapped(function))
            )
    found += [(f"gx_{name}", 2, _operator(sign)) for sign, name in _NAMES.items()]
    found += [
        ("gx_dec", 2, _scaled),
        ("gx_quotient", 4, _quotient),
        ("gx_wide", 3, _wide),
        ("gx_wide_integer", 2, _wide_integer),
        ("gx_negate", 1, _negate),
        ("gx_fold", 1, _fold),
    ]
    return found


def register_sqlite(conn: sqlite3.Connection) -> None:
    """Make the functions known to a connection; a few dozen registrations, well under a millisecond."""
    for name, count, function in _functions():
        conn.create_function(name, count, function, deterministic=True)
    conn.create_aggregate("gx_sum", 1, KeySum)
    conn.create_aggregate("gx_sum_integer", 1, IntegerSum)
    conn.create_aggregate("gx_mean", 1, KeyMean)
