"""Shared first steps of every coercer: refuse what can never be stored, trim, fold, say no in two languages.

Texts on one line are trimmed and inner line breaks and tabs become one space; control characters, NUL and lone
surrogates are refused. Typed text (`typed_text`) is folded by NFKC besides, so that full-width digits and signs count.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from .base import Coercer, ValueFault

_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_BREAKS = re.compile("[\t\n\r\x85\u2028\u2029]+")

# The same set for JSON Schema (surrogates cannot travel in UTF-8).
PRINTABLE = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"
MAX_INTEGER = 2**63 - 1


def type_fault(message: str, message_zh: str) -> ValueFault:
    """A value of the wrong type or form."""
    return ValueFault("type", message, message_zh)


def range_fault(message: str, message_zh: str) -> ValueFault:
    """A number, date or instant out of range."""
    return ValueFault("range", message, message_zh)


def too_long(limit: int) -> ValueFault:
    """A text above its limit."""
    return ValueFault("length", f"Use at most {limit} characters.", f"最多 {limit} 个字符。")


def too_short(limit: int) -> ValueFault:
    """A text below its least length."""
    return ValueFault("length", f"Use at least {limit} characters.", f"至少 {limit} 个字符。")


def not_text() -> ValueFault:
    """Something else where a text is wanted."""
    return type_fault("This must be text.", "必须是文本。")


def refuse_control(text: str) -> None:
    """Raise for NUL, control characters other than tab and line break, and lone surrogates."""
    if not text.isprintable() and _REFUSED.search(text):
        raise type_fault("The text contains characters that cannot be stored.", "文本包含无法保存的字符。")


def clean_line(value: object, limit: int) -> str | None:
    """One line of text, trimmed; None for a blank. Raises ValueFault type or length."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise not_text()
    text = value.strip()
    if not text:
        return None
    if not text.isprintable():
        refuse_control(text)
        text = " ".join(filter(None, (part.strip() for part in _BREAKS.split(text))))
    if len(text) > limit:
        raise too_long(limit)
    return text


def clean_lines(value: object, limit: int) -> str | None:
    """Text of many lines, kept as written but for line ends, which become LF. Raises ValueFault type or length."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise not_text()
    if not value or value.isspace():
        return None
    if not value.isprintable():
        refuse_control(value)
        if "\r" in value:
            value = value.replace("\r\n", "\n").replace("\r", "\n")
    if len(value) > limit:
        raise too_long(limit)
    return value


def typed_text(value: object, limit: int = 4000) -> str | None:
    """What a person typed, trimmed and folded by NFKC (full-width digits, signs and spaces become plain)."""
    text = clean_line(value, limit)
    return text if text is None or text.isascii() else unicodedata.normalize("NFKC", text).strip() or None


def cell_text(value: object) -> object:
    """A spreadsheet's number, date or flag as the text it shows (138001.0 → "138001"); others as they are."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, (int, Decimal, date, datetime, time)):
        return str(value) if not isinstance(value, int) or abs(value) <= MAX_INTEGER else value
    return value


def from_cell(coerce: Coercer) -> Coercer:
    """`coerce` for text types, taking a spreadsheet's numbers as text."""

    def read(value: object) -> Any:
        return coerce(value if isinstance(value, str) else cell_text(value))

    return read
