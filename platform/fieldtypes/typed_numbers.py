"""Numbers as people type them and spreadsheets show them: ¥1,234.50, (1,234.50), １２, 15%, 1.2万, 1E+05.

Only forms with one meaning are read: a comma is a thousands separator and must stand where one can (1,234 but not
1,23), and a currency sign must be the field's own.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Any

from .base import Coercer
from .cleaning import type_fault, typed_text

_NUMBER = re.compile(
    r"(?P<minus>[-+]?)(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,40})?(?P<fraction>\.[0-9]{0,40})?"
    r"(?:[eE](?P<power>[+-]?[0-9]{1,2}))?(?P<unit>[万亿]?)\Z"
)
# What machines write and most people type: the same number without looking for signs, units and separators.
_PLAIN = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?\Z")
_UNITS = {"": 0, "万": 4, "亿": 8}
_MINUS = str.maketrans("−–", "--")
_LOOSE_SPACE = re.compile(r"(?<![0-9]) +| +(?![0-9])")
_WIDE = Context(prec=120)  # the default context would round a long number here
# Words and signs that may stand before or after an amount; ¥ serves both CNY and JPY.
_SIGNS = {
    "CNY": ("¥", "人民币", "RMB", "元整", "元"),
    "JPY": ("¥", "円", "日元"),
    "USD": ("US$", "$", "美元"),
    "HKD": ("HK$", "$", "港币", "港元"),
    "TWD": ("NT$", "$", "新台币"),
    "SGD": ("S$", "$"),
    "AUD": ("A$", "$"),
    "CAD": ("C$", "$"),
    "EUR": ("€", "欧元"),
    "GBP": ("£", "英镑"),
    "KRW": ("₩",),
    "INR": ("₹",),
}


def _bare(text: str, marks: tuple[str, ...]) -> str:
    """Without one mark in front and one behind."""
    upper = text.upper()
    for mark in marks:
        if upper.startswith(mark):
            text = text[len(mark) :]
            break
    upper = text.upper()
    for mark in marks:
        if upper.endswith(mark) and mark:
            return text[: -len(mark)]
    return text


def read_number(text: str, marks: tuple[str, ...] = ()) -> Decimal:
    """The one number a folded text means. Raises ValueFault type."""
    compact = _LOOSE_SPACE.sub("", text.translate(_MINUS))
    negative = compact.startswith("(") and compact.endswith(")")
    compact = compact[1:-1] if negative else compact
    signed = compact[:1] in "+-" and bool(compact)
    compact = (compact[0] if signed else "") + _bare(compact[signed:], marks)
    found = _NUMBER.match(compact)
    if found is None or not (found["whole"] or len(found["fraction"] or "") > 1) or (negative and found["minus"]):
        raise type_fault("This is not a number that can be read.", "无法识别为数字。")
    digits = (found["whole"] or "0").replace(",", "") + (found["fraction"] or "").rstrip(".")
    number = Decimal(digits).scaleb(int(found["power"] or 0) + _UNITS[found["unit"]], _WIDE)
    return number.copy_negate() if negative or found["minus"] == "-" else number


def number_from_text(coerce: Coercer, *, whole: bool = False, sign: str = "", currency: str = "") -> Coercer:
    """A reader of typed numbers in front of a strict coercer; values that are not text go straight through."""
    marks = (sign,) if sign else (*_SIGNS.get(currency, ()), currency) if currency else ()

    def read(value: object) -> Any:
        if not isinstance(value, str):
            return coerce(value)
        if _PLAIN.match(value):
            number = Decimal(value)
        else:
            text = typed_text(value, 200)
            if text is None:
                return None
            number = read_number(text, marks)
        return coerce(_whole(number) if whole else number)

    return read


def _whole(number: Decimal) -> int:
    if number.adjusted() > 30 or number != number.to_integral_value():
        raise type_fault("This must be a whole number.", "必须是整数。")
    return int(number)
