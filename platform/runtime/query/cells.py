"""What one field gives in an answer: the node that selects it and the code that makes its JSON form, masked or not."""

from __future__ import annotations

from typing import Any

import peewee

from guanxi.fieldtypes import CATALOGUE
from guanxi.registry.objects import Field
from guanxi.runtime.ports import Engine
from guanxi.runtime.storage.rows import Convert, from_stored
from guanxi.runtime.storage.tables import ObjectTable

from .frame import Frame, Parent
from .shape import Shape
from .values import decimal_text


def links_node(table: ObjectTable, field: str, source_id: Any, engine: Engine) -> Any:
    """The ids of a `references` field as one value: an array on PostgreSQL, JSON text on SQLite."""
    link = table.links[field]
    ids = link.table.select(link.c("target")).where(link.c("source") == source_id).order_by(link.c("position"))
    if engine == "postgresql":
        return peewee.fn.ARRAY(ids)
    inner = ids.alias("k")
    return peewee.Select([inner], [peewee.fn.json_group_array(peewee.Column(inner, "target"))])


def put_field(shape: Shape, field: Field, frame: Frame, parent: Parent, *, masked: bool) -> str:
    """Select a field of `parent` into `shape`; returns the code of its JSON form. In rows that wait in a pool it is
    masked for whoever does not manage that pool.
    """
    pools = frozenset() if masked else frame.hidden(parent.object.name).get(field.name, frozenset())
    plain = _put(shape, field, frame, parent, masked=masked)
    if not pools:
        return plain
    flag = shape.once(("closed", parent.alias, pools), lambda: frame.closed(parent, pools))
    return f"({_put(shape, field, frame, parent, masked=True)} if {flag} else {plain})"


def _put(shape: Shape, field: Field, frame: Frame, parent: Parent, *, masked: bool) -> str:
    table, engine = parent.table, frame.engine
    style = frame.reader.on(parent.object.name).masks.get(field.name, field.mask) if masked else ""
    if field.name in table.links:
        shape.costly = True
        name = shape.select(links_node(table, field.name, parent.column("id"), engine))
        if masked:
            return _masked(shape, field, style, name)
        return shape.converted(name, from_stored(engine, "json", "json"))
    if field.stored:
        spec = table.columns[field.name]
        name = shape.select(parent.column(field.name))
        if masked:
            return _masked(
                shape, field, style, name, from_stored(engine, "python", spec.kind, spec.scale, many=spec.many)
            )
        return shape.converted(name, from_stored(engine, "json", spec.kind, spec.scale))
    assert field.value is not None  # noqa: S101 (what is not stored is computed)
    value = frame.value(field.value, parent)
    shape.costly = True
    name = shape.select(value.node)
    if masked:
        return _masked(shape, field, style, name)
    digits = computed_digits(field)
    fixed = decimal_text(digits) if digits is not None and value.scale is None else value.to_json(engine)
    return shape.converted(name, fixed)


def computed_digits(field: Field) -> int | None:
    """The digits after the point that a computed field promises; None when it is no decimal."""
    kind = CATALOGUE.get(field.type)
    if kind is None or field.value is None or field.value.type.kind not in ("decimal", "integer"):
        return None
    returns = getattr(field.settings, "returns", None)
    return kind.column(field.settings).scale if returns in ("decimal", "money", "percent") else None


def _masked(shape: Shape, field: Field, style: str, name: str, python: Convert | None = None) -> str:
    """The code of a masked value: masking is the last thing that happens, whatever key the value is put under."""
    kind = CATALOGUE.get(field.type)
    hide = (lambda value: kind.masked(value, style)) if kind is not None and field.stored else (lambda _: "***")
    return shape.converted(name, python, hide)
