"""Generated forms: sections from metadata, values out in JSON form, the record service's messages at their fields.

A form class is made once per compiled view (`form_class`); what depends on the record's values (shown, required, read
only) is asked of the record service and laid over it as a `FormState`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from wtforms.form import BaseForm

from guanxi.common.errors import FieldError
from guanxi.registry import ObjectType

from .fields import FieldView
from .inputs import UNSUPPORTED, MetaField, plain
from .texts import gettext


class RecordForm(BaseForm):  # type: ignore[misc]
    """All writable fields of one object for one role profile. Field names cannot clash with the form's own attributes
    because fields live in a dictionary, not on the class.
    """

    views: ClassVar[tuple[FieldView, ...]] = ()

    def __init__(self, formdata: Any = None, stored: Mapping[str, Any] | None = None) -> None:
        super().__init__({view.name: MetaField(view=view) for view in self.views})
        self.process(formdata, data=dict(stored or {}))

    def attach(self, errors: Iterable[FieldError]) -> list[str]:
        """Put messages at their fields; answers those that belong to no field of this form."""
        loose: list[str] = []
        for error in errors:
            target = self._fields.get(error.field)
            if target is None:
                loose.append(error.message)
            elif error.message not in target.errors:
                target.errors.append(error.message)
        return loose

    def values(self) -> dict[str, Any]:
        """Field name → JSON-form value of everything submitted."""
        return {name: plain(bound.data) for name, bound in self._fields.items()}

    def changed(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Only the values that differ from the stored ones, so that untouched fields are never written."""
        return {n: v for n, v in self.values().items() if not same(v, plain(stored.get(n)), self[n].view)}

    @property
    def faults(self) -> list[FieldError]:
        """Values that could not be read."""
        return [FieldError(name, "type", text) for name, bound in self._fields.items() for text in bound.process_errors]


def same(a: Any, b: Any, view: FieldView) -> bool:
    """Whether two JSON-form values mean the same: blank is blank, decimals compare as numbers, minutes as instants."""
    blank: tuple[Any, ...] = (None, "", [], {})
    if a in blank or b in blank:
        return (a in blank and b in blank) or (view.type == "boolean" and bool(a) == bool(b))
    if view.type in ("decimal", "money", "percent"):
        from .formats import to_decimal

        return to_decimal(a) == to_decimal(b)
    if view.type == "datetime":
        return str(a)[:16] == str(b)[:16]  # the input shows minutes; seconds stay when it was not touched
    if view.type == "time":
        return str(a)[:5] == str(b)[:5]
    return bool(a == b)


def form_class(fields: Mapping[str, FieldView], *, without: str, also: str = "") -> type[RecordForm]:
    """The form of an object for a role profile: what it may write less the field `without`, and the field `also`."""
    offered = (f for f in fields.values() if (f.writable and f.type not in UNSUPPORTED) or f.name == also)
    views = tuple(f for f in offered if f.name != without)
    return type("CompiledForm", (RecordForm,), {"views": views})


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section with its label as text and the fields that this profile sees."""

    name: str
    label: str
    fields: tuple[FieldView, ...]
    columns: int


def sections_of(item: ObjectType, fields: Mapping[str, FieldView], language: str) -> tuple[SectionView, ...]:
    """The form's sections as metadata has them, without what the profile may not see."""
    found = []
    for section in item.form.sections:
        known = tuple(fields[name] for name in section.fields if name in fields and not fields[name].definition.hidden)
        if known:
            found.append(SectionView(section.name, section.label.text(language), known, section.columns))
    return tuple(found)


def editable_sections(sections: Sequence[SectionView], form: type[RecordForm]) -> tuple[SectionView, ...]:
    """The same with only what the form offers; fields in no section come last."""
    offered = {view.name: view for view in form.views}
    result = [
        SectionView(s.name, s.label, tuple(f for f in s.fields if f.name in offered), s.columns) for s in sections
    ]
    placed = {f.name for s in result for f in s.fields}
    rest = tuple(view for name, view in offered.items() if name not in placed)
    if rest:
        result.append(SectionView("", gettext("More") if placed else "", rest, 2))
    return tuple(s for s in result if s.fields)


@dataclass(frozen=True, slots=True)
class FormState:
    """What a form shows for its present values; names of fields and sections."""

    hidden: frozenset[str] = frozenset()
    hidden_sections: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> FormState:
        """From the record service's answer."""
        return cls(*(frozenset(state.get(k, ())) for k in ("hidden", "hidden_sections", "required", "read_only")))

    def as_dict(self) -> dict[str, list[str]]:
        """JSON for the form's script."""
        return {
            "hidden": sorted(self.hidden),
            "hidden_sections": sorted(self.hidden_sections),
            "required": sorted(self.required),
            "read_only": sorted(self.read_only),
        }


@dataclass(slots=True)
class FormPage:
    """What the form template draws. `conflict` is (label, mine, theirs) per field that both changed."""

    form: RecordForm
    sections: tuple[SectionView, ...]
    state: FormState
    version: int | None = None
    loose: list[str] = field(default_factory=list)
    duplicates: bool = False
    conflict: list[tuple[str, Any, Any]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """True when there is something to show on top."""
        return bool(self.loose or self.duplicates or any(f.errors for f in self.form))
