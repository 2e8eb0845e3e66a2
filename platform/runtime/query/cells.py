"""What one field gives in an answer: the node that selects it and the code that makes its JSON form, masked or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peewee

from guanxi.expressions.types import ValueType
from guanxi.fieldtypes import CATALOGUE
from guanxi.fieldtypes.base import ColumnKind
from guanxi.registry.objects import Field
from guanxi.runtime.ports import Engine
from guanxi.runtime.storage.rows import Convert, from_stored
from guanxi.runtime.storage.tables import ObjectTable

from .shape import Shape


def kind_of(type_: ValueType) -> ColumnKind:
    """The column kind whose stored form an expression of this type gives."""
    if type_.kind in ("text", "choice", "blank"):
        return "text"
    if type_.kind in ("choices", "references", "list"):
        return "json"
    return type_.kind


def links_node(table: ObjectTable, field: str, source_id: Any, engine: Engine) -> Any:
    """The ids of a `references` field as one value: an array on PostgreSQL, JSON text on SQLite."""
    link = table.links[field]
    ids = link.table.select(link.c("target")).where(link.c("source") == source_id).order_by(link.c("position"))
    if engine == "postgresql":
        return peewee.fn.ARRAY(ids)
    inner = ids.alias("k")
    return peewee.Select([inner], [peewee.fn.json_group_array(peewee.Column(inner, "target"))])


def put_field(
    shape: Shape,
    field: Field,
    engine: Engine,
    *,
    table: ObjectTable,
    source: Any,
    computed: Callable[[Field], Any],
    masked: bool,
) -> str:
    """Select a field of `source` (an alias of `table`) into `shape`; returns the code of its JSON form."""
    if field.name in table.links:
        name = shape.select(links_node(table, field.name, peewee.Column(source, "id"), engine))
        if masked:
            return _masked(shape, field, name, None)
        return shape.converted(name, from_stored(engine, "json", "json"))
    if field.stored:
        spec = table.columns[field.name]
        name = shape.select(peewee.Column(source, field.name))
        if masked:
            return _masked(shape, field, name, from_stored(engine, "python", spec.kind, spec.scale, many=spec.many))
        return shape.converted(name, from_stored(engine, "json", spec.kind, spec.scale))
    name = shape.select(computed(field))
    return _masked(shape, field, name, None) if masked else shape.converted(name, computed_convert(field, engine))


def computed_convert(field: Field, engine: Engine) -> Convert | None:
    """From what the database computes to the JSON form."""
    return json_of(field.value.type, engine) if field.value is not None else None


def json_of(type_: ValueType, engine: Engine) -> Convert | None:
    """From what the database computes for an expression of this type to the JSON form."""
    raise NotImplementedError


def _masked(shape: Shape, field: Field, name: str, python: Convert | None) -> str:
    """The code of a masked value: masking is the last thing that happens, whatever key the value is put under."""
    kind, style = CATALOGUE.get(field.type), field.mask
    hide = (lambda value: kind.masked(value, style)) if kind is not None and field.stored else (lambda _: "***")
    return shape.converted(name, python, hide)
