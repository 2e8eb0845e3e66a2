"""Form inputs: how each field type is drawn, and how what a browser sends becomes a JSON-form value.

`MetaField` is the one WTForms field of the generated forms. Parsing uses the field type's `from_text` (what a person
types), so a form understands "1.2万" and full-width digits like an import does; whether the value is lawful is judged
by the record service alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import escape
from wtforms import Field
from wtforms.utils import unset_value

from guanxi.fieldtypes import CATALOGUE, FieldContext, ValueFault

from .cells import reference_text
from .fields import FieldView
from .formats import Formats, formats, symbol
from .texts import gettext
from .visit import current_visit

ADDRESS_PARTS = ("country", "province", "city", "district", "street", "postal_code")
LOCATION_PARTS = ("latitude", "longitude")
UNSUPPORTED = frozenset(("file", "image"))
WIDGETS: Mapping[str, str] = {
    "long_text": "area",
    "rich_text": "area",
    "json": "area",
    "boolean": "switch",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "choice": "select",
    "choices": "checks",
    "tags": "tags",
    "reference": "lookup",
    "user": "lookup",
    "team": "lookup",
    "references": "lookups",
    "address": "group",
    "location": "group",
    "integer": "number",
    "decimal": "number",
    "money": "number",
    "percent": "number",
    "rating": "rating",
    "email": "email",
    "phone": "tel",
    "url": "url",
}
WIDE = frozenset(("area", "group", "checks", "lookups"))
PART_TEXTS = {
    "country": "Country",
    "province": "Province",
    "city": "City",
    "district": "District",
    "street": "Street",
    "postal_code": "Postal code",
    "latitude": "Latitude",
    "longitude": "Longitude",
}


def widget_of(field: FieldView) -> str:
    """The input that a form draws for a field."""
    return WIDGETS.get(field.type, "text")


def parts_of(field: FieldView) -> tuple[str, ...]:
    """The parts of a value that needs several inputs."""
    return {"address": ADDRESS_PARTS, "location": LOCATION_PARTS}.get(field.type, ())


def coercer(field: FieldView, zone: str) -> Callable[[object], Any]:
    """From typed text to the Python form, in a time zone."""
    context = FieldContext(
        name=field.name,
        option_names=frozenset(o.name for o in field.options),
        target=field.target,
        currency=field.currency or "CNY",
        zone=zone,
    )
    return CATALOGUE[field.type].from_text(field.definition.settings, context)


class MetaField(Field):  # type: ignore[misc]
    """One metadata field on a form. `data` is the JSON form (None when blank), `given` the submitted texts."""

    def __init__(self, *, view: FieldView, **options: Any) -> None:
        super().__init__(label=view.label, **options)
        self.view = view
        self.widget_name = widget_of(view)
        self.parts = parts_of(view)
        self.given: list[str] | None = None
        self.given_parts: dict[str, str] = {}
        self.shown_title = ""

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:  # noqa: ARG002
        """Take the stored value, then what was submitted."""
        self.process_errors = []
        self.object_data = self.data = None if data is unset_value else data
        self.errors: list[str] = []
        if formdata is None:
            return
        if self.parts:
            self.given_parts = {part: formdata.get(f"{self.name}.{part}", "").strip() for part in self.parts}
            self.given = [v for v in self.given_parts.values() if v]
        else:
            self.given = [v.strip() if self.widget_name != "area" else v for v in formdata.getlist(self.name)]
            self.shown_title = formdata.get(f"{self.name}.title", "")
        try:
            self.data = self._parse()
        except ValueFault as found:
            self.data = None
            self.process_errors.append(found.message_zh if current_visit().language == "zh" else found.message)

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:  # noqa: ARG002
        """Only what could not be read is a fault here; the record service judges the rest."""
        self.errors = list(self.process_errors)
        return not self.errors

    def _parse(self) -> Any:
        given = [v for v in self.given or [] if v]
        if self.widget_name == "switch":
            return bool(given)
        if not given:
            return None
        coerce = coercer(self.view, current_visit().person.zone.key)
        value = coerce(self._outside(given))
        return CATALOGUE[self.view.type].to_json(value)

    def _outside(self, given: list[str]) -> Any:
        """The submitted texts in the shape the field type reads."""
        if self.parts:
            return {k: v for k, v in self.given_parts.items() if v}
        if self.widget_name in ("checks", "lookups"):
            return [_number(v) for v in given] if self.widget_name == "lookups" else given
        if self.widget_name == "lookup":
            return _number(given[0])
        if self.widget_name == "tags":
            return [t for text in given for t in (p.strip() for p in text.replace("，", ",").split(",")) if t]
        if self.view.type == "json":
            try:
                return json.loads(given[0])
            except ValueError as fault:
                raise ValueFault("type", "This is not JSON.", "不是有效的 JSON。") from fault
        return given[0]

    # what the template reads -----------------------------------------------------------------------------
    def _formats(self) -> Formats:
        visit = current_visit()
        return formats(visit.locale, visit.person.zone.key)

    @property
    def text(self) -> str:
        """The value for a one-line input or a text area."""
        if self.given is not None and not self.parts:
            return self.given[0] if self.given else ""
        return _as_text(self.data, self.view, self._formats())

    @property
    def chosen(self) -> set[str]:
        """Names of chosen options."""
        if self.given is not None:
            return set(self.given)
        values = self.data if isinstance(self.data, list | tuple) else [self.data]
        return {str(v) for v in values if v is not None}

    @property
    def checked(self) -> bool:
        """State of a switch."""
        return bool(self.data)

    def part(self, name: str) -> str:
        """The text of one part of a group."""
        if self.given is not None:
            return self.given_parts.get(name, "")
        value = self.data.get(name) if isinstance(self.data, dict) else None
        return "" if value is None else str(value)

    def part_label(self, name: str) -> str:
        """The label of one part of a group."""
        return gettext(PART_TEXTS[name])

    @property
    def references(self) -> list[tuple[int, str]]:
        """Id and title of what a lookup holds."""
        values = self.data if isinstance(self.data, list) else [self.data]
        found = [reference_text(v) for v in values if v is not None]
        shown = [(key, self.shown_title if self.shown_title and len(found) == 1 else title) for key, title in found]
        return [(key, title) for key, title in shown if key is not None]

    @property
    def before(self) -> str:
        """A sign in front of the input."""
        return symbol(self.view.currency, current_visit().locale) if self.view.type == "money" else ""

    @property
    def after(self) -> str:
        """A sign behind the input."""
        return "%" if self.view.type == "percent" else ""

    @property
    def input_mode(self) -> str:
        """Which keyboard a phone shows."""
        return "numeric" if self.view.type == "integer" else "decimal"

    @property
    def wide(self) -> bool:
        """True when the input takes the whole width of a section."""
        return self.widget_name in WIDE

    @property
    def most(self) -> int:
        """Greatest number of characters, 0 for no limit; the highest rating."""
        settings = self.view.definition.settings
        return int(getattr(settings, "max" if self.view.type == "rating" else "length", 0) or 0)


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def _as_text(value: Any, view: FieldView, shown: Formats) -> str:
    if value is None:
        return ""
    if view.type == "datetime":
        return shown.local_input(str(value))
    if view.type == "time":
        return str(value)[:5]
    if view.type in ("decimal", "money", "percent"):
        text = str(value)
        return text.rstrip("0").rstrip(".") if "." in text else text
    if view.type == "json":
        return json.dumps(value, ensure_ascii=False, indent=1)
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return str(value)


def plain(value: Any) -> Any:
    """A JSON-form value with expanded references put back to ids, to compare and to send."""
    if isinstance(value, dict) and "id" in value:
        return value["id"]
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def error_text(messages: Sequence[str]) -> str:
    """Messages of one field in one line, escaped."""
    return str(escape(" ".join(messages)))
