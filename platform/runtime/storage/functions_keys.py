"""Computed decimals on SQLite: exact text whose order as bytes is the order of the numbers.

SQLite has no exact decimals, so a computed one travels as a key: sign, exponent, digits; negative numbers with every
digit complemented. Equal numbers have equal keys, so that comparing, sorting, grouping, min and max need no function.
"""

from __future__ import annotations

from decimal import Decimal

_COMPLEMENT = str.maketrans("0123456789", "9876543210")
_BIAS = 500
ZERO = "1"


def encode(value: Decimal) -> str:
    """The key of a decimal."""
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return ZERO
    power = len(text) + int(exponent) + _BIAS
    text = text.rstrip("0")
    if not sign:
        return f"2{power:03d}{text}"
    return f"0{999 - power:03d}{text.translate(_COMPLEMENT)}~"


def decode(key: str) -> Decimal:
    """The decimal of a key."""
    kind = key[0]
    if kind == ZERO:
        return Decimal(0)
    if kind == "2":
        return Decimal((0, tuple(map(int, key[4:])), int(key[1:4]) - _BIAS - len(key) + 4))
    digits = key[4:-1].translate(_COMPLEMENT)
    return Decimal((1, tuple(map(int, digits)), 999 - int(key[1:4]) - _BIAS - len(digits)))
