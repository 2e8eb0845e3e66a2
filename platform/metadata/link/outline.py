"""The outline of an object: its fields with their types, options and targets, before any expression is read.

Depends on the object's own document and the shared option sets it names, so it is kept as long as both are unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from guanxi.common.labels import Label, title_case
from guanxi.expressions.schema import FieldInfo
from guanxi.fieldtypes import CATALOGUE
from guanxi.fieldtypes.base import FieldContext, FieldType
from guanxi.registry import Option, OptionSet

from ..documents.fields import COMPUTED_TYPES, OPTION_TYPES, PEOPLE_TYPES, REFERENCE_TYPES, FieldPart
from ..documents.object import ObjectDocument
from ..documents.options import OptionPart
from ..nodes import Document
from .system_fields import INFOS, names

NO_OPTIONS: Mapping[str, Option] = MappingProxyType({})


@dataclass(slots=True)
class FieldOutline:
    """A declared field, resolved as far as its own document and the option sets go."""

    name: str
    part: FieldPart
    type: FieldType
    settings: Any
    context: FieldContext
    options: Mapping[str, Option] = field(default_factory=lambda: NO_OPTIONS)
    target: str = ""


@dataclass(slots=True)
class Outline:
    """One object: `infos` holds every name usable in expressions except the computed fields."""

    document: Document
    model: ObjectDocument
    currency: str
    fields: dict[str, FieldOutline] = field(default_factory=dict)
    infos: dict[str, FieldInfo] = field(default_factory=dict)
    computed: tuple[str, ...] = ()
    references: tuple[FieldOutline, ...] = ()
    sets: dict[str, OptionSet | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The object's name."""
        return self.document.name


_OPTION_KEYS: dict[str, frozenset[str]] = {}
_SETTINGS: dict[tuple[str, tuple[tuple[str, Any], ...]], Any] = {}


def settings_of(part: FieldPart) -> Any:
    """The options value of the field's type; equal ones are one value."""
    model = CATALOGUE[part.type].Options
    keys = _OPTION_KEYS.get(part.type)
    if keys is None:
        keys = _OPTION_KEYS[part.type] = frozenset(model.model_fields)
    given = tuple((key, getattr(part, key)) for key in part.model_fields_set & keys)
    try:
        known = _SETTINGS.get((part.type, given))
    except TypeError:
        return _construct(model, part)
    if known is None:
        known = _SETTINGS[part.type, given] = _construct(model, part)
    return known


def _construct(model: Any, part: FieldPart) -> Any:
    return model.model_construct(**{key: getattr(part, key) for key in model.model_fields})


def options_of(parts: Mapping[str, OptionPart]) -> Mapping[str, Option]:
    """Compiled options in order."""
    return MappingProxyType(
        {
            name: Option(
                name, part.label or Label.of(title_case(name)), part.color or "", part.renamed_from or "", part.aliases
            )
            for name, part in parts.items()
        }
    )


def outline(document: Document, model: ObjectDocument, sets: Mapping[str, OptionSet], currency: str) -> Outline:
    """The outline of one object's judged document."""
    made = Outline(document, model, currency)
    computed: list[str] = []
    references: list[FieldOutline] = []
    for name, part in model.fields.items():
        one = _field(name, part, made, sets)
        made.fields[name] = one
        if part.type in COMPUTED_TYPES:
            computed.append(name)
            continue
        made.infos[name] = FieldInfo(name, one.type.value_type(one.settings, one.context), money=part.type == "money")
        if one.target:
            references.append(one)
    made.infos.update({name: INFOS[name] for name in names(model.owned) if name not in made.infos})
    made.computed, made.references = tuple(computed), tuple(references)
    return made


def _field(name: str, part: FieldPart, owner: Outline, sets: Mapping[str, OptionSet]) -> FieldOutline:
    kind, options, target = part.type, NO_OPTIONS, ""
    if kind in OPTION_TYPES:
        given = part.options  # type: ignore[attr-defined]
        if isinstance(given, str):
            shared = owner.sets[given] = sets.get(given)
            options = shared.options if shared is not None else NO_OPTIONS
        else:
            options = options_of(given)
    elif kind in REFERENCE_TYPES:
        target = part.to  # type: ignore[attr-defined]
    elif kind in PEOPLE_TYPES:
        target = PEOPLE_TYPES[kind]
    context = FieldContext(name, frozenset(options), target, owner.currency)
    return FieldOutline(name, part, CATALOGUE[kind], settings_of(part), context, options, target)
