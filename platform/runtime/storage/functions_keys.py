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
    if not value:
        return ZERO
    mantissa, _, exponent = f"{value:E}".partition("E")
    if mantissa[0] != "-":
        digits = (mantissa[0] + mantissa[2:]).rstrip("0")
        return f"2{int(exponent) + _BIAS:03d}{digits}"
    digits = (mantissa[1] + mantissa[3:]).rstrip("0")
    return f"0{999 - int(exponent) - _BIAS:03d}{digits.translate(_COMPLEMENT)}~"


def encode_scaled(value: int, scale: int) -> str:
    """The key of value / 10^scale."""
    if not value:
        return ZERO
    text = str(value)
    if value > 0:
        return f"2{len(text) - 1 - scale + _BIAS:03d}{text.rstrip('0')}"
    return f"0{1001 - len(text) + scale - _BIAS:03d}{text[1:].rstrip('0').translate(_COMPLEMENT)}~"


def decode(key: str) -> Decimal:
    """The decimal of a key."""
    if key[0] == "2":
        return Decimal(f"{key[4:]}E{int(key[1:4]) - _BIAS - len(key) + 5}")
    if key == ZERO:
        return Decimal(0)
    digits = key[4:-1].translate(_COMPLEMENT)
    return Decimal(f"-{digits}E{1000 - int(key[1:4]) - _BIAS - len(digits)}")
