"""Icons of the pip package `lucide`: drawn as `<use>` of symbols that the page itself carries once.

`icon()` notes each name in the request, `sprite()` at the page's end writes only the symbols that were used: no extra
request, no repeated paths. Names come from metadata too, so an unknown one becomes a plain box.
"""

from __future__ import annotations

import re
from functools import lru_cache

import lucide
from flask import g, request
from markupsafe import Markup, escape

FALLBACK = "box"
FRAGMENTS = (
    "records.related_view",
    "records.history_view",
    "records.sharing_view",
    "records.approvals_view",
    "notifications.panel",
)
ALWAYS = ("check", "x", "star", "chevron-down", "circle-alert", "inbox")  # prebuilt cells and scripts draw these
_NAME = re.compile(r"[a-z0-9-]{1,48}\Z")
_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.S)


@lru_cache(maxsize=1024)
def symbol(name: str) -> Markup | None:
    """The `<symbol>` of an icon, or None when there is none of this name."""
    if not _NAME.match(name):
        return None
    try:
        drawn = lucide._render_icon(name, None)
    except lucide.IconDoesNotExist:
        return None
    inner = _INNER.search(str(drawn))
    body = re.sub(r"\s+", " ", inner.group(1)).replace("> <", "><").strip() if inner else ""
    return Markup('<symbol id="i-{}" viewBox="0 0 24 24">{}</symbol>').format(name, Markup(body))  # noqa: S704


@lru_cache(maxsize=2048)
def use(name: str, size: int = 16, extra: str = "") -> Markup:
    """The `<svg><use>` element; decorative, so hidden from assistive technology."""
    classes = f"i {escape(extra)}".strip()
    return Markup(  # noqa: S704
        f'<svg class="{classes}" width="{size}" height="{size}" aria-hidden="true" focusable="false">'
        f'<use href="#i-{name}"/></svg>'
    )


def icon(name: str, size: int = 16, extra: str = "") -> Markup:
    """An icon for a template; remembered for the sprite."""
    known = name if symbol(name) is not None else FALLBACK
    used: dict[str, None] | None = g.get("icons")
    if used is None:
        used = g.icons = dict.fromkeys(ALWAYS)
    used[known] = None
    return use(known, size, extra)


def sprite() -> Markup:
    """All symbols this page used."""
    names = g.get("icons") or dict.fromkeys(ALWAYS)
    return Markup(  # noqa: S704
        '<svg class="sprite" width="0" height="0" aria-hidden="true">'
        + "".join(str(symbol(n) or "") for n in names)
        + "</svg>"
    )


def fragment_sprite() -> Markup:
    """The symbols of a piece of page that a script loads; nothing when the piece stands in a whole page."""
    return sprite() if request.endpoint in FRAGMENTS else Markup("")
