"""How a masked value looks: a few styles for text, three stars for everything else.

Of a short text at most half is shown; the e-mail style shows the domain besides, `middle` seven characters of eleven
or more, as mobile numbers are shown everywhere in China. The stars are of fixed number: the length is not told.
"""

from __future__ import annotations

STARS = "****"
HIDDEN = "***"

MASK_STYLES: dict[str, str] = {
    "keep_last_4": "the last four characters: `****1234`",
    "keep_first_1": "the first character: `张****`",
    "middle": "up to three characters in front and four at the end: `138****1234`",
    "email": "the first letter and the domain: `l****@example.com`",
    "all": "nothing: `***`",
    "hidden": "the same as `all`",
}


def mask_text(value: str, style: str) -> str:
    """The masked form of a text; an unknown style shows nothing."""
    shown = len(value) // 2
    if style == "keep_last_4" and shown:
        return STARS + value[-min(4, shown) :]
    if style == "keep_first_1" and shown:
        return value[:1] + STARS
    if style == "email" and "@" in value:
        local, _, domain = value.rpartition("@")
        return f"{local[: len(local) > 1]}{STARS}@{domain}"
    if style == "middle" and shown:
        text = value.removeprefix("+86")
        head, tail = (3, 4) if len(text) >= 11 else (len(text) // 4, len(text) // 4)
        return text[:head] + STARS + text[len(text) - tail :]
    return HIDDEN
