"""Folding and refusing text: the one place that says when two texts are "the same"."""

from __future__ import annotations

import re
import unicodedata

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
