"""`kind: segment` → Segment, and the saved list that every segment is on its object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guanxi.expressions.types import BOOLEAN
from guanxi.registry import ObjectType, View
from guanxi.registry.segments import Segment

from ..documents.segment import SegmentDocument
from ..link.context import Context
from ..nodes import Document
from .rules import constant
from .scope import Scope, frozen, label_of


def compile_segment(context: Context, document: Document, model: SegmentDocument) -> Segment | None:
    """One segment; None when its object or condition is wrong."""
    if not context.has("object", model.object):
        names = context.names("object")
        context.unknown("unknown-object", "object", model.object, names, document, ("object",))
        return None
    outline = context.outline_of(model.object)
    if outline is None:
        return None
    scope = Scope(context, document, outline.model, outline)
    where = scope.expression(("where",), model.where, BOOLEAN, sql=True)
    if constant(where) is False:
        scope.error("never-true", "nothing is ever in the segment", ("where",))
    if document.name == "all" or document.name in outline.model.views:
        scope.error("clash", f"'{model.object}' has a view of this name; a segment is one as well", ("name",))
    for key in ("columns", "sort"):
        for index, name in enumerate(getattr(model, key)):
            scope.column((key, index), name.removeprefix("-"))
    if where is None:
        return None
    return Segment(
        name=document.name,
        object=model.object,
        label=label_of(context, document, ("label",), model.label, document.name),
        where=where,
        description=model.description,
        columns=tuple(model.columns),
        sort=tuple((key.removeprefix("-"), key.startswith("-")) for key in model.sort),
        layer=document.layer,
    )


def as_views(objects: Mapping[str, ObjectType], segments: Mapping[str, Segment]) -> dict[str, ObjectType]:
    """The objects with their segments among the saved lists; those without are the very same."""
    found: dict[str, Any] = dict(objects)
    for segment in segments.values():
        item = found.get(segment.object)
        if item is None:
            continue
        view = View(
            name=segment.name,
            label=segment.label,
            where=segment.where,
            columns=segment.columns or item.views["all"].columns,
            sort=segment.sort,
            layer=segment.layer,
        )
        found[segment.object] = replace(item, views=frozen({**item.views, segment.name: view}))
    return found
