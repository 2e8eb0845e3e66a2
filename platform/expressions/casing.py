"""Case of text, defined per code point so that Python and both databases agree.

`lower` and `upper` map one character to one character (İ → i, ß stays ß); `fold` is full Unicode case folding
(ß → ss), used wherever case is ignored. The tables add what newer Unicode versions brought, so that every Python
version gives the answers of Unicode 16.
"""

from __future__ import annotations

from functools import lru_cache

_GARAY = {0x10D50 + n: 0x10D70 + n for n in range(22)}
_LATIN_16 = {0xA7CB: 0x0264, 0xA7CC: 0xA7CD, 0xA7DA: 0xA7DB, 0xA7DC: 0x019B, 0x1C89: 0x1C8A}
_LOWER = {**_GARAY, **_LATIN_16}
_UPPER = {lower: upper for upper, lower in _LOWER.items()}
# Characters whose full upper case has several characters, but which have a single title-case form.
_TITLED = "ᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾳῃῳ"


@lru_cache(maxsize=1)
def _upper_safe() -> dict[int, str]:
    several = {ord(c): c for c in map(chr, range(0x80, 0x20000)) if len(c.upper()) > 1}
    return several | {ord(c): c.title() for c in _TITLED}


def lower(text: str) -> str:
    """Small letters, character by character."""
    if text.isascii():
        return text.lower()
    return text.replace("Σ", "σ").replace("İ", "i").lower().translate(_LOWER)


def upper(text: str) -> str:
    """Capital letters, character by character."""
    if text.isascii():
        return text.upper()
    safe = _upper_safe()
    return "".join(safe[code] if (code := ord(c)) in safe else c.upper() for c in text).translate(_UPPER)


def fold(text: str) -> str:
    """The form in which two texts that differ only by case are equal."""
    return text.lower() if text.isascii() else text.casefold().translate(_LOWER)
