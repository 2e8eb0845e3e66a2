"""Folding and refusing text: the one place that says when two texts are "the same"."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

_SPACE = re.compile(r"\s+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def fold(text: str) -> str:
    """The form in which unique text compares and search looks: NFKC, case folded, white space collapsed."""
    if text.isascii():
        return " ".join(text.lower().split())
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def text_fault(text: str) -> str:
    """Why `text` can never be stored (NUL, lone surrogate), as a sentence; "" when it can."""
    if "\x00" in text:
        return "the text contains a NUL character"
    if _SURROGATE.search(text):
        return "the text contains half a surrogate pair"
    return ""


def described(value: object) -> str:
    """What a person wrote, in YAML's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int | float | Decimal):
        return f"the number {value}"
    return f"'{value}'" if len(str(value)) <= 60 else "a long text"


def is_language(code: str) -> bool:
    """True for `en`, `zh`, `zh_CN`, `zh-Hans`."""
    head, *rest = code.replace("-", "_").split("_")
    return (
        2 <= len(head) <= 3
        and head.isascii()
        and head.islower()
        and head.isalpha()
        and all(2 <= len(r) <= 8 and r.isascii() and r.isalnum() for r in rest)
    )
