"""Names that would meet in the database, and renamings of what still exists."""

from __future__ import annotations

from typing import Any

from ..documents.fields import COMPUTED_TYPES
from ..link.context import Context
from ..link.outline import Outline
from ..nodes import Path


def physical_clashes(context: Context, _: dict[str, dict[str, Any]]) -> None:
    """Two link tables of one name; a field that is called like the shadow column of a unique key."""
    tables: dict[str, tuple[str, str]] = {}
    for name, outline in context.outlines.items():
        _shadow_columns(context, outline)
        for one in outline.references:
            if one.part.type != "references":
                continue
            other = tables.setdefault(f"{name}_{one.name}", (name, one.name))
            if other != (name, one.name):
                said = f"the link table would be that of {other[0]}.{other[1]}; give the field another name"
                context.error("clash", said, outline.document, ("fields", one.name), key=True)


def _shadow_columns(context: Context, outline: Outline) -> None:
    keys = {*outline.model.unique, *(name for name, one in outline.fields.items() if one.part.unique)}
    for key in keys:
        field = outline.fields.get(f"u_{key}")
        if field is not None and field.part.type not in COMPUTED_TYPES:
            said = f"the unique key '{key}' needs a column of this name; give the field another name"
            context.error("clash", said, outline.document, ("fields", field.name), key=True)


def renamed_from_existing(context: Context, _: dict[str, dict[str, Any]]) -> None:
    """`renamed_from` of a definition or unique key names something that still exists."""
    for kind, models in context.models.items():
        for document, model in models.values():
            former = getattr(model, "renamed_from", None) if "renamed_from" in model.model_fields_set else None
            if former in models:
                said = f"renamed from '{former}', but {kind} '{former}' still exists"
                context.error("model-rule", said, document, ("renamed_from",))
    for outline in context.outlines.values():
        _claimed_twice(context, outline)
        for name, key in outline.model.unique.items():
            if key.renamed_from in outline.model.unique:
                path: Path = ("unique", name, "renamed_from")
                said = f"renamed from '{key.renamed_from}', but a key of that name still exists"
                context.error("model-rule", said, outline.document, path)


def _claimed_twice(context: Context, outline: Outline) -> None:
    """Two fields, or two options, that say they were one and the same before."""
    claims: dict[str, str] = {}
    for name, one in outline.fields.items():
        former = one.part.renamed_from
        if former and claims.setdefault(former, name) != name:
            said = f"'{claims[former]}' says already that it was called '{former}'"
            context.error("clash", said, outline.document, ("fields", name, "renamed_from"))
