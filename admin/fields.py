"""A metadata field resolved for one language and one role profile: labels as text, options in order, what may be done.

`compile_fields` runs once per compiled view; lists, forms, filters and cells read `FieldView` and never the Registry.
A field that the profile may not see at all is not in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from guanxi.registry import Field, ObjectType

from .texts import translate

Grant = Literal["none", "masked", "read", "edit"]
Family = Literal[
    "text", "number", "date", "datetime", "time", "boolean", "choice", "choices", "reference", "references", "other"
]

FAMILIES: Mapping[str, Family] = {
    "integer": "number",
    "decimal": "number",
    "money": "number",
    "percent": "number",
    "duration": "number",
    "rating": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "choice": "choice",
    "choices": "choices",
    "tags": "choices",
    "reference": "reference",
    "user": "reference",
    "team": "reference",
    "references": "references",
    "address": "other",
    "location": "other",
    "json": "other",
    "file": "other",
    "image": "other",
    "rich_text": "text",
}
TARGETS = {"user": "user", "team": "team"}
SYSTEM_LABELS = {
    "id": "Number",
    "version": "Version",
    "created_at": "Created at",
    "created_by": "Created by",
    "updated_at": "Updated at",
    "updated_by": "Updated by",
    "owner": "Owner",
    "team": "Team",
    "pool": "Pool",
}
RIGHT = frozenset(("integer", "decimal", "money", "percent", "duration"))
NEVER_LISTED = frozenset(("json", "file", "image", "rich_text"))


@dataclass(frozen=True, slots=True)
class OptionView:
    """One choice as text."""

    name: str
    label: str
    color: str


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field as this profile sees it. `shape` is the type that decides how a value looks: a formula's is that
    of its result. `target` is the object a reference points to. `definition` is the metadata behind it.
    """

    name: str
    label: str
    type: str
    shape: str
    family: Family
    grant: Grant
    definition: Field
    options: tuple[OptionView, ...] = ()
    target: str = ""
    currency: str = ""
    scale: int | None = None

    @property
    def writable(self) -> bool:
        """True when a form may offer it."""
        field = self.definition
        if self.grant != "edit" or not field.stored or field.type == "auto_number":
            return False
        return field.read_only is not True and not field.hidden and not field.system

    @property
    def operand(self) -> bool:
        """True when it may be filtered and sorted by: masked values give nothing away."""
        return self.grant in ("read", "edit")

    @property
    def sortable(self) -> bool:
        """True when a list may be ordered by it."""
        return self.operand and self.family not in ("choices", "references", "other") and self.shape != "rich_text"

    @property
    def filterable(self) -> bool:
        """True when the filter builder offers it."""
        return self.operand and self.family != "other"

    @property
    def right(self) -> bool:
        """True for numbers, which stand at the right of a column."""
        return self.shape in RIGHT

    def option(self, name: object) -> OptionView | None:
        """The option of a value."""
        return next((o for o in self.options if o.name == name), None)


def compile_fields(item: ObjectType, grants: Mapping[str, Any], language: str) -> dict[str, FieldView]:
    """Every field of the object that this profile may see, in metadata order, system fields last."""
    ordered = sorted(item.fields.values(), key=lambda f: f.system)
    views: dict[str, FieldView] = {}
    for field in ordered:
        grant = grants.get(field.name, "read" if field.system else "none")
        if grant != "none":
            views[field.name] = _view(item, field, grant, language)
    return views


def _view(item: ObjectType, field: Field, grant: Grant, language: str) -> FieldView:
    shape, target, scale = _shape(field)
    label = field.label.text(language)
    if field.system:
        label = translate(language, SYSTEM_LABELS.get(field.name, label or field.name))
    options = tuple(
        OptionView(o.name, o.label.text(language) or o.name, o.color or "slate") for o in field.options.values()
    )
    if not options and field.type in ("formula", "rollup"):
        options = _borrowed_options(item, field, language)
    return FieldView(
        name=field.name,
        label=label or field.name,
        type=field.type,
        shape=shape,
        family=FAMILIES.get(shape, "text"),
        grant=grant,
        definition=field,
        options=options,
        target=target,
        currency=str(getattr(field.settings, "currency", "") or "CNY") if shape == "money" else "",
        scale=scale,
    )


def _shape(field: Field) -> tuple[str, str, int | None]:
    """The looks, the target object and the scale of a field."""
    scale = getattr(field.settings, "digits", None)
    if field.value is None:
        return field.type, field.target or TARGETS.get(field.type, ""), scale
    returns = getattr(field.settings, "returns", None)
    kind = field.value.type
    if returns in ("money", "percent"):
        return str(returns), "", scale
    return {"choice": "choice", "reference": "reference"}.get(kind.kind, kind.kind), kind.object, kind.scale


def _borrowed_options(item: ObjectType, field: Field, language: str) -> tuple[OptionView, ...]:
    """A formula that answers a choice of its own object shows that choice's labels."""
    if field.value is None or field.value.type.kind != "choice":
        return ()
    source = item.fields.get(field.value.source.strip())
    if source is None:
        return ()
    return tuple(
        OptionView(o.name, o.label.text(language) or o.name, o.color or "slate") for o in source.options.values()
    )
