"""Values as HTML: one renderer per column, chosen once, called per row.

`renderer(field, formats)` answers a function from a JSON-form value to safe markup. Whatever can be built before
the first row (badges, link prefixes) is built here; data is always escaped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from .fields import FieldView
from .formats import Formats, to_decimal
from .icons import use
from .texts import translate

Renderer = Callable[[Any], Markup]
DASH = Markup('<span class="mut">—</span>')
COLORS = frozenset(("green", "red", "amber", "blue", "slate", "violet", "teal", "pink"))
LONG_TEXT = 160


def color_class(color: str) -> str:
    """A palette name that the style sheet knows."""
    return color if color in COLORS else "slate"


def initials(name: str) -> str:
    """One sign for Chinese names, two letters for others."""
    if not name:
        return "?"
    if ord(name[0]) > 0x2E80:
        return name[0]
    return "".join(part[0] for part in name.split()[:2]).upper()


@lru_cache(maxsize=4096)
def avatar(name: str, key: int = 0) -> Markup:
    """A round mark with a person's initials."""
    return Markup('<span class="av av{}" aria-hidden="true">{}</span>').format(key % 8, initials(name))


@lru_cache(maxsize=4096)
def badge(label: str, color: str) -> Markup:
    """A coloured word."""
    return Markup('<span class="badge b-{}">{}</span>').format(color_class(color), label)


def renderer(field: FieldView, formats: Formats, *, links: bool = True) -> Renderer:
    """The function that draws this field's values. Without `links` nothing in it can be clicked."""
    make = _MAKERS.get(field.shape, _text)
    inner = _masked() if field.grant == "masked" else make(field, formats, links)

    def draw(value: Any) -> Markup:
        if value is None or value in ("", []):
            return DASH
        return inner(value)

    return draw


def _num(text: str) -> Markup:
    """A figure or a date, in digits of one width."""
    return Markup(f'<span class="num">{escape(text)}</span>')  # noqa: S704


def _masked() -> Renderer:
    return lambda value: Markup('<span class="masked num">{}</span>').format(value if isinstance(value, str) else "***")


def _text(field: FieldView, formats: Formats, links: bool) -> Renderer:
    return lambda value: escape(value) if isinstance(value, str) else escape(str(value))


def _long_text(field: FieldView, formats: Formats, links: bool) -> Renderer:
    if links:
        return lambda value: Markup('<span class="para">{}</span>').format(value)

    def short(value: Any) -> Markup:
        text = str(value)
        return escape(text if len(text) <= LONG_TEXT else text[:LONG_TEXT] + "…")

    return short


def _rich_text(field: FieldView, formats: Formats, links: bool) -> Renderer:
    import nh3

    def draw(value: Any) -> Markup:
        clean = nh3.clean(str(value), link_rel="noopener noreferrer")
        return Markup('<div class="rich">{}</div>').format(Markup(clean))  # noqa: S704

    return draw


def _number(field: FieldView, formats: Formats, links: bool) -> Renderer:
    return lambda value: _num(formats.number(value, field.scale))


def _money(field: FieldView, formats: Formats, links: bool) -> Renderer:
    return lambda value: _num(formats.money(value, field.currency))


def _percent(field: FieldView, formats: Formats, links: bool) -> Renderer:
    @lru_cache(maxsize=1024)
    def draw(value: Any) -> Markup:
        number = to_decimal(value)
        width = 0.0 if number is None else min(max(float(number), 0.0), 100.0) * 0.44
        return Markup(
            '<span class="pct"><svg class="pbar" width="44" height="6" aria-hidden="true">'
            '<rect class="track" width="44" height="6" rx="3"/>'
            '<rect class="fill" width="{:.1f}" height="6" rx="3"/></svg><span class="num">{}%</span></span>'
        ).format(width, formats.number(value, field.scale))

    return draw


def _duration(field: FieldView, formats: Formats, links: bool) -> Renderer:
    def draw(value: Any) -> Markup:
        seconds = to_decimal(value)
        if seconds is None:
            return escape(str(value))
        minutes = int(seconds) // 60
        text = f"{minutes // 60}:{minutes % 60:02d}"
        return Markup('<span class="num">{}</span>').format(text)

    return draw


def _boolean(field: FieldView, formats: Formats, links: bool) -> Renderer:
    language = "zh" if formats.chinese else "en"
    yes = Markup('<span class="yes">{}<span class="vh">{}</span></span>').format(
        use("check"), translate(language, "Yes")
    )
    no = Markup('<span class="mut">{}</span>').format(translate(language, "No"))
    return lambda value: yes if value else no


def _date(field: FieldView, formats: Formats, links: bool) -> Renderer:
    return lambda value: _num(formats.day(str(value)))


def _datetime(field: FieldView, formats: Formats, links: bool) -> Renderer:
    return lambda value: Markup('<time class="num" datetime="{}">{}</time>').format(value, formats.instant(str(value)))


def _time(field: FieldView, formats: Formats, links: bool) -> Renderer:
    return lambda value: _num(formats.clock(str(value)))


def _choice(field: FieldView, formats: Formats, links: bool) -> Renderer:
    known = {option.name: badge(option.label, option.color) for option in field.options}
    return lambda value: known.get(value) or badge(str(value), "slate")


def _choices(field: FieldView, formats: Formats, links: bool) -> Renderer:
    one = _choice(field, formats, links)

    def draw(values: Any) -> Markup:
        items = values if isinstance(values, list | tuple) else [values]
        return Markup('<span class="tags">{}</span>').format(Markup("").join(one(v) for v in items))

    return draw


def reference_text(value: Any) -> tuple[int | None, str]:
    """Id and title of a reference value: an id, or `{"id", "title", …}` when it was expanded."""
    if isinstance(value, dict):
        found = value.get("id")
        return found, str(value.get("title") or f"#{found}")
    return (value, f"#{value}") if isinstance(value, int) else (None, str(value))


def _reference(field: FieldView, formats: Formats, links: bool) -> Renderer:
    person = field.target == "user"
    prefix = f"/o/{field.target}/"

    @lru_cache(maxsize=4096)
    def drawn(key: int | None, title: str, known: bool) -> Markup:
        if person:
            return Markup('<span class="who">{}<span class="tr">{}</span></span>').format(
                avatar(title, key or 0), title
            )
        if not links or key is None or not known:
            return escape(title)
        return Markup('<a class="lk" href="{}{}/">{}</a>').format(prefix, key, title)

    return lambda value: drawn(*reference_text(value), isinstance(value, dict))


def _references(field: FieldView, formats: Formats, links: bool) -> Renderer:
    one = _reference(field, formats, links)

    def draw(values: Any) -> Markup:
        items = values if isinstance(values, list | tuple) else [values]
        return Markup('<span class="tags">{}</span>').format(Markup(", ").join(one(v) for v in items))

    return draw


def _link(scheme: str) -> Callable[[FieldView, Formats, bool], Renderer]:
    def make(field: FieldView, formats: Formats, links: bool) -> Renderer:
        if not links:
            return _text(field, formats, links)
        return lambda value: Markup('<a class="lk num" href="{}{}">{}</a>').format(
            scheme, quote(str(value), safe="@+"), value
        )

    return make


def _url(field: FieldView, formats: Formats, links: bool) -> Renderer:
    def draw(value: Any) -> Markup:
        text = str(value)
        if not links or not text.lower().startswith(("http://", "https://")):
            return escape(text)
        shown = text.split("://", 1)[1].rstrip("/")
        return Markup('<a class="lk" href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(text, shown)

    return draw


def _rating(field: FieldView, formats: Formats, links: bool) -> Renderer:
    most = int(getattr(field.definition.settings, "max", 0) or 5)

    def draw(value: Any) -> Markup:
        number = max(0, min(int(value), most))
        stars = Markup("").join(use("star", 14, "on" if i < number else "off") for i in range(most))
        return Markup('<span class="stars">{}<span class="vh">{} / {}</span></span>').format(stars, number, most)

    return draw


def _color(field: FieldView, formats: Formats, links: bool) -> Renderer:
    return lambda value: Markup(
        '<span class="who"><svg width="14" height="14" aria-hidden="true">'
        '<rect width="14" height="14" rx="4" fill="{}"/></svg>{}</span>'
    ).format(value, value)


def _address(field: FieldView, formats: Formats, links: bool) -> Renderer:
    order = ("country", "province", "city", "district", "street", "postal_code")

    def draw(value: Any) -> Markup:
        if not isinstance(value, dict):
            return escape(str(value))
        keys = order if formats.chinese else tuple(reversed(order))
        known = [str(value[k]) for k in keys if value.get(k)]
        extra = [str(v) for k, v in value.items() if k not in order and v]
        return escape((" " if formats.chinese else ", ").join(known + extra))

    return draw


def _location(field: FieldView, formats: Formats, links: bool) -> Renderer:
    def draw(value: Any) -> Markup:
        if isinstance(value, dict):
            return Markup('<span class="num">{}</span>').format(", ".join(str(v) for v in value.values()))
        return escape(str(value))

    return draw


def _json(field: FieldView, formats: Formats, links: bool) -> Renderer:
    return lambda value: Markup('<code class="json">{}</code>').format(json.dumps(value, ensure_ascii=False))


_MAKERS: dict[str, Callable[[FieldView, Formats, bool], Renderer]] = {
    "long_text": _long_text,
    "rich_text": _rich_text,
    "integer": _number,
    "decimal": _number,
    "money": _money,
    "percent": _percent,
    "duration": _duration,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "choice": _choice,
    "choices": _choices,
    "tags": _choices,
    "reference": _reference,
    "user": _reference,
    "team": _reference,
    "references": _references,
    "email": _link("mailto:"),
    "phone": _link("tel:"),
    "url": _url,
    "rating": _rating,
    "color": _color,
    "address": _address,
    "location": _location,
    "json": _json,
}
