"""`kind: data` → DataSet: rows whose fields exist and whose values fit.

A reference is written as the other record's natural key: the value of its unique field, its key in a data set, or its
title. A text in a date or datetime field may be an expression (`add_days(today(), -3)`), which is evaluated when the
rows are loaded; so sample data stays near today. `owner` and `team` take a log-in name and a team's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.expressions.types import ValueType
from guanxi.fieldtypes.base import ValueFault
from guanxi.registry import DataSet

from ..documents.base import described
from ..documents.data import DataDocument
from ..documents.fields import COMPUTED_TYPES
from ..link.context import Context
from ..link.outline import FieldOutline, Outline
from ..nodes import Document, Path
from .scope import frozen

_REFERENCES = frozenset({"reference", "user", "team"})
_PEOPLE = {"owner": "user", "team": "team"}


def compile_data(context: Context, document: Document, model: DataDocument) -> DataSet | None:
    """The compiled rows, from memory when the document and the object are unchanged."""
    if not context.has("object", model.object):
        context.unknown("unknown-object", "object", model.object, context.names("object"), document, ("object",))
        return None
    return context.made(document, "data", lambda: _compile(context, document, model))


def _compile(context: Context, document: Document, model: DataDocument) -> DataSet | None:
    outline = context.outline_of(model.object)
    if outline is None:
        return None
    for index, name in enumerate(model.key):
        if not _usable(outline, name):
            path: Path = ("key", index) if len(model.key) > 1 else ("key",)
            context.unknown("unknown-field", f"field of {outline.name}", name, outline.fields, document, path)
    keys: dict[tuple[str, ...], int] = {}
    rows: list[Mapping[str, Any]] = []
    for index, row in enumerate(model.rows):
        rows.append(_row(context, document, outline, index, row))
        _key(context, document, model, index, keys)
    return DataSet(
        name=document.name,
        object=model.object,
        key=tuple(model.key),
        rows=tuple(rows),
        sample=model.sample,
        layer=document.layer,
        place=document.place,
    )


def _usable(outline: Outline, name: str) -> bool:
    one = outline.fields.get(name)
    return one is not None and one.part.type not in COMPUTED_TYPES


def _key(
    context: Context, document: Document, model: DataDocument, index: int, keys: dict[tuple[str, ...], int]
) -> None:
    row = model.rows[index]
    missing = [name for name in model.key if row.get(name) in (None, "")]
    if missing:
        said = f"the row has no '{missing[0]}', which tells it again"
        context.error("bad-data", said, document, ("rows", index))
        return
    other = keys.setdefault(tuple(str(row[name]) for name in model.key), index)
    if other != index:
        said = f"row {other + 1} has the same key"
        context.error("bad-data", said, document, ("rows", index))


def _row(
    context: Context, document: Document, outline: Outline, index: int, row: Mapping[str, Any]
) -> Mapping[str, Any]:
    made: dict[str, Any] = {}
    for name, value in row.items():
        path: Path = ("rows", index, name)
        one = outline.fields.get(name)
        if one is not None:
            made[name] = input_value(context, document, path, outline, one, value)
        elif name in _PEOPLE and name in outline.infos:
            made[name] = _key_of(context, document, path, value)
        elif name in outline.infos:
            said = f"'{name}' is kept by the platform and cannot be given"
            context.error("bad-data", said, document, path, key=True)
        else:
            known = context.field_names(outline.name)
            context.unknown("unknown-field", f"field of {outline.name}", name, known, document, path, key=True)
    return frozen(made)


def input_value(  # noqa: PLR0917
    context: Context, document: Document, path: Path, outline: Outline, one: FieldOutline, value: Any
) -> Any:
    """A value as it is given to the record: references as keys, moments perhaps as expressions; notes what is wrong."""
    kind = one.part.type
    if kind in COMPUTED_TYPES:
        context.error("bad-data", f"a field of type {kind} cannot be given", document, path, key=True)
        return None
    if value is None:
        return None
    if kind in _REFERENCES:
        return _key_of(context, document, path, value)
    if kind == "references":
        many = value if isinstance(value, list) else [value]
        return tuple(_key_of(context, document, path, part) for part in many)
    try:
        one.type.coercer(one.settings, one.context)(value)
    except ValueFault as fault:
        wanted = one.type.value_type(one.settings, one.context)
        if isinstance(value, str) and "(" in value and wanted.kind in ("date", "datetime", "time"):
            return _moment(context, document, path, outline, wanted, value)
        context.error("bad-data", f"the value does not fit the field: {fault.message}", document, path)
    return value


def _moment(context: Context, document: Document, path: Path, outline: Outline, wanted: ValueType, value: str) -> Any:  # noqa: PLR0917
    return context.expression(document, path, value, outline.name, expect=wanted) or value


def _key_of(context: Context, document: Document, path: Path, value: Any) -> Any:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    if isinstance(value, dict) and value:
        return frozen(value)
    said = f"a reference is written as the other record's key, not {described(value)}"
    context.error("bad-data", said, document, path)
    return None
