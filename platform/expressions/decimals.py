"""Exact arithmetic with stated limits: integers within 64 bits, decimals below 10^38 with at most 20 digits after
the point (rounded half to even). A result outside is blank, here and in both databases.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

from .limits import DECIMAL_SCALE, DECIMAL_SIZE, DIVISION_SCALE, INTEGER_MAX, INTEGER_MIN

Number = int | Decimal

_CONTEXT = Context(prec=150, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999, traps=[])
_QUANTA = tuple(Decimal(1).scaleb(-n) for n in range(DECIMAL_SCALE + 1))
_ZERO = Decimal(0)


def limit_integer(value: int) -> int | None:
    """The value, or None outside 64 bits."""
    return value if INTEGER_MIN <= value <= INTEGER_MAX else None


def limit_decimal(value: Decimal) -> Decimal | None:
    """The value with at most 20 digits after the point, or None at 10^38 and beyond."""
    if int(value.as_tuple().exponent) < -DECIMAL_SCALE:
        value = value.quantize(_QUANTA[DECIMAL_SCALE], context=_CONTEXT)
    return value if -DECIMAL_SIZE < value < DECIMAL_SIZE else None


def _sized(value: Decimal) -> Decimal | None:
    """The value below 10^38; for results that cannot have more digits after the point than what they come from."""
    return value if -DECIMAL_SIZE < value < DECIMAL_SIZE else None


def limit(value: Number) -> Number | None:
    """Whichever of the two limits applies."""
    return limit_integer(value) if isinstance(value, int) else limit_decimal(value)


def half_even(value: Decimal, digits: int) -> Decimal:
    """Rounded to `digits` after the point (negative: before it), ties to the even neighbour."""
    return value.quantize(Decimal(1).scaleb(-digits), context=_CONTEXT)


def add(left: Number, right: Number) -> Number | None:
    """Left + right."""
    if isinstance(left, int) and isinstance(right, int):
        return limit_integer(left + right)
    return _sized(_CONTEXT.add(left, right))


def shifted(value: Number, digits: int) -> Decimal:
    """Value × 10^digits, exact."""
    return _CONTEXT.scaleb(Decimal(value), digits)


def add_exact(left: Decimal, right: Number) -> Decimal:
    """Left + right without a limit, for sums whose total is limited."""
    return _CONTEXT.add(left, right)


def subtract(left: Number, right: Number) -> Number | None:
    """Left - right."""
    if isinstance(left, int) and isinstance(right, int):
        return limit_integer(left - right)
    return _sized(_CONTEXT.subtract(left, right))


def multiply(left: Number, right: Number) -> Number | None:
    """Left * right."""
    if isinstance(left, int) and isinstance(right, int):
        return limit_integer(left * right)
    return limit_decimal(_CONTEXT.multiply(left, right))


def divide(left: Number, right: Number) -> Decimal | None:
    """Left / right as a decimal with ten digits after the point, half to even; blank when right is zero."""
    if not right:
        return None
    # 150 digits separate every possible quotient from a tie it does not hit: rounding twice is rounding once.
    quotient = _CONTEXT.divide(Decimal(left), right).quantize(_QUANTA[DIVISION_SCALE], context=_CONTEXT)
    return quotient if -DECIMAL_SIZE < quotient < DECIMAL_SIZE else None


def _floor_quotient(left: Decimal, right: Decimal) -> Decimal:
    quotient = _CONTEXT.divide_int(left, right)
    rest = _CONTEXT.subtract(left, _CONTEXT.multiply(quotient, right))
    if rest and (rest < 0) != (right < 0):
        quotient = _CONTEXT.subtract(quotient, 1)
    return quotient


def floor_divide(left: Number, right: Number) -> Number | None:
    """Left // right, towards minus infinity; blank when right is zero."""
    if not right:
        return None
    if isinstance(left, int) and isinstance(right, int):
        return limit_integer(left // right)
    return limit_decimal(_floor_quotient(Decimal(left), Decimal(right)))


def modulo(left: Number, right: Number) -> Number | None:
    """Left % right, with the sign of right; blank when right is zero."""
    if not right:
        return None
    if isinstance(left, int) and isinstance(right, int):
        return limit_integer(left % right)
    left, right = Decimal(left), Decimal(right)
    quotient = _floor_quotient(left, right)
    return limit_decimal(_CONTEXT.subtract(left, _CONTEXT.multiply(quotient, right)))


def negate(value: Number) -> Number | None:
    """-value."""
    return limit_integer(-value) if isinstance(value, int) else _CONTEXT.minus(value) or _ZERO


def absolute(value: Number) -> Number | None:
    """The size of a number."""
    return limit_integer(abs(value)) if isinstance(value, int) else _CONTEXT.abs(value)


def round_number(value: Number, digits: int = 0) -> Number | None:
    """Half to even; a whole number when no digits are asked for."""
    if isinstance(value, int):
        return limit_integer(value if digits >= 0 else int(half_even(Decimal(value), digits)))
    rounded = half_even(value, digits)
    return limit_decimal(rounded or _ZERO)


def round_whole(value: Number) -> int | None:
    """The nearest whole number, ties to the even one."""
    return limit_integer(int(half_even(Decimal(value), 0)))


def floor(value: Number) -> int | None:
    """The next whole number below."""
    return limit_integer(int(Decimal(value).to_integral_value(ROUND_FLOOR, context=_CONTEXT)))


def ceiling(value: Number) -> int | None:
    """The next whole number above."""
    return limit_integer(int(Decimal(value).to_integral_value(ROUND_CEILING, context=_CONTEXT)))


def decimal_text(value: Decimal) -> str:
    """Plain digits without needless zeros or exponent."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


OPERATORS = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "//": floor_divide,
    "%": modulo,
}
