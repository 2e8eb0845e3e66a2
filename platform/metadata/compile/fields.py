"""Declared fields, compiled: texts, expressions, defaults, and what a field of this type cannot be."""

from __future__ import annotations

from typing import Any

from guanxi.common.names import did_you_mean
from guanxi.fieldtypes import MASK_STYLES
from guanxi.registry import Field
from guanxi.registry.objects import OnDelete

from ..documents.fields import COMPUTED_TYPES, OPTION_TYPES, PEOPLE_TYPES, FieldPart
from ..link.outline import FieldOutline
from .defaults import default_of
from .option_sets import judge_options
from .scope import Scope
from .stages import with_ends

ON_DELETE: dict[str, OnDelete] = {"reference": "restrict", "references": "clear", "user": "clear", "team": "clear"}


# Keys of a field by how they are compiled; what is not written keeps the default of `registry.Field`.
_AS_WRITTEN = frozenset({"placeholder", "example", "hidden", "unique", "index", "search", "aliases"})
_WORDS = frozenset({"mask", "since_stage", "renamed_from"})
_FLAGS = {"required": False, "read_only": False, "when": True}


def compile_field(scope: Scope, one: FieldOutline) -> Field:
    """One declared field."""
    part, path = one.part, ("fields", one.name)
    _fits(scope, one, path)
    settings, value = one.settings, None
    if part.type in COMPUTED_TYPES:
        made = scope.context.formula(scope.outline, one.name)
        if made is not None:
            settings, value = made.settings, made.info.value
    given = part.model_fields_set
    more: dict[str, Any] = {key: getattr(part, key) for key in given & _AS_WRITTEN}
    for key in given & _FLAGS.keys():
        more[key] = scope.flag((*path, key), getattr(part, key), _FLAGS[key])
    for key in given & _WORDS:
        more[key] = getattr(part, key) or ""
    if "help" in given:
        more["help"] = scope.text((*path, "help"), part.help)
    if "default" in given:
        more["default"] = default_of(scope, one, (*path, "default"))
    if value is not None:
        more["read_only"] = True
    if one.target:
        more |= {"target": one.target, "related": _related(scope, one), "on_delete": _on_delete(part)}
    return Field(
        name=one.name,
        label=scope.label((*path, "label"), part.label, one.name),
        type=part.type,
        settings=settings,
        options=one.options,
        value=value,
        layer=_layer(scope, one.name),
        **more,
    )


def _on_delete(part: FieldPart) -> OnDelete:
    return part.on_delete or ON_DELETE[part.type]  # type: ignore[attr-defined]


def _layer(scope: Scope, name: str) -> str:
    fields: Any = scope.document.node.entries.get("fields")
    key = fields.keys.get(name) if fields is not None else None
    return str(key[0].layer) if key is not None else scope.document.layer


def _related(scope: Scope, one: FieldOutline) -> str:
    if not one.target:
        return ""
    given = one.part.related  # type: ignore[attr-defined]
    if given:
        return str(given)
    if one.part.type in PEOPLE_TYPES:
        return ""
    for found in scope.context.lists_of(one.target):
        if found.object == scope.name and found.field == one.name:
            return found.name
    return ""


_HARMLESS = frozenset({"type", "label", "help", "placeholder", "example", "hidden", "length", "min", "max"})


# what cannot be -------------------------------------------------------------------------------------------------
def _fits(scope: Scope, one: FieldOutline, path: tuple[str, str]) -> None:
    part, kind, given = one.part, one.type, one.part.model_fields_set
    if given <= _HARMLESS:
        return
    refused: list[tuple[str, str]] = []
    computed = part.type in COMPUTED_TYPES
    if part.index and (computed or kind.column(one.settings).kind in ("links", "none")):
        refused.append(("index", "has no column of its own that could be indexed"))
    if part.unique and (computed or not kind.can_unique):
        refused.append(("unique", "cannot be unique"))
    if part.search and not kind.searchable:
        refused.append(("search", "is not text that could be searched"))
    if part.required is not False and not kind.writable:
        refused.append(("required", "is never written, so it cannot be required"))
    if "default" in given and not kind.can_default:
        refused.append(("default", "takes no default"))
    for key, said in refused:
        scope.error("model-rule", f"a field of type {part.type} {said}", (*path, key))
    if part.mask and part.mask not in MASK_STYLES:
        styles = ", ".join(MASK_STYLES)
        hint = did_you_mean(part.mask, MASK_STYLES)
        scope.error("wrong-value", f"unknown mask '{part.mask}'; masks are {styles}", (*path, "mask"), hint=hint)
    if part.since_stage:
        _since_stage(scope, part, path)
    if part.renamed_from and part.renamed_from in scope.outline.fields:
        said = f"renamed from '{part.renamed_from}', but a field of that name still exists"
        scope.error("model-rule", said, (*path, "renamed_from"))
    _links(scope, one, path)


def _since_stage(scope: Scope, part: FieldPart, path: tuple[str, str]) -> None:
    stages = scope.model.stages
    if stages is None:
        scope.error("model-rule", "since_stage needs stages, and the object has none", (*path, "since_stage"))
        return
    field = scope.outline.fields.get(stages.field)
    known = with_ends(stages.path, field.options if field is not None else ())
    if part.since_stage not in known:
        at = (*path, "since_stage")
        scope.context.unknown("unknown-reference", "stage", str(part.since_stage), known, scope.document, at)


def _links(scope: Scope, one: FieldOutline, path: tuple[str, str]) -> None:
    context = scope.context
    if one.part.type in OPTION_TYPES:
        shared = one.part.options  # type: ignore[attr-defined]
        if isinstance(shared, str) and not context.has("options", shared):
            known = context.names("options")
            context.unknown(
                "unknown-reference", "shared list of options", shared, known, scope.document, (*path, "options")
            )
        elif isinstance(shared, dict):
            judge_options(context, scope.document, shared, (*path, "options"))
    elif one.target and not context.has("object", one.target) and "to" in one.part.model_fields_set:
        known = context.names("object")
        context.unknown("unknown-object", "object", one.target, known, scope.document, (*path, "to"))
    if one.target and one.part.required is True and one.part.on_delete == "clear":  # type: ignore[attr-defined]
        said = "a required reference cannot be cleared; use restrict or cascade"
        scope.error("model-rule", said, (*path, "on_delete"))
