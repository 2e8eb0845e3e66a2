"""Registry → Shape: the tables, columns, keys and indexes that the definitions ask for.

Indexes are chosen here and nowhere else: references, fields that say `index`, what saved views sort by and boards group
by, ownership, creation and change time with the id (keyset paging), and the trash.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from guanxi.registry.objects import Field, ObjectType
from guanxi.registry.registry import Registry
from guanxi.runtime.search.index import searched_fields
from guanxi.runtime.storage.names import link_table, object_table, plain_index
from guanxi.runtime.storage.tables import OWNED_COLUMNS, column_of, columns_of, uniques_of

from .definitions import digests, plain
from .shapes import FieldShape, IndexShape, ObjectShape, PackShape, Shape, UniqueShape

_UNINDEXED = frozenset({"json", "links", "none"})


def desired(registry: Registry) -> Shape:
    """The shape of everything the registry defines."""
    objects = {name: object_shape(obj) for name, obj in registry.objects.items()}
    packs = {
        name: PackShape(info.version, {key: step.digest for key, step in info.upgrades.items()})
        for name, info in registry.packs.items()
    }
    return Shape(objects, digests(registry), packs)


def object_shape(obj: ObjectType) -> ObjectShape:
    """The shape of one object's table."""
    return ObjectShape(
        obj.name,
        object_table(obj.name),
        _fields(obj),
        {u.name: UniqueShape(u.name, u.column, u.index, u.fields) for u in uniques_of(obj).values()},
        {i.name: i for i in _indexes(obj)},
        tuple(f.name for f in searched_fields(obj)),
        obj.renamed_from,
    )


def _fields(obj: ObjectType) -> dict[str, FieldShape]:
    found: dict[str, FieldShape] = {}
    for column in columns_of(obj).values():
        if column.name in OWNED_COLUMNS and column.system:
            found[column.name] = FieldShape(column.name, "system", column.kind, target=column.target)
        elif not column.system:
            field = obj.fields[column.name]
            found[column.name] = _field(field, column.target, scale=column.scale, many=column.many)
    for field in obj.fields.values():
        if column_of(field).kind == "links":
            found[field.name] = _field(field, field.target, link=link_table(obj.name, field.name))
    return found


def _field(field: Field, target: str, *, scale: int = 0, many: bool = False, link: str = "") -> FieldShape:
    settings = plain(field.settings)
    if isinstance(settings, dict):
        settings.pop("options", None)
    return FieldShape(
        field.name,
        field.type,
        column_of(field).kind,
        scale,
        target,
        many,
        link,
        tuple(field.options),
        field.required is True,
        orjson.dumps(settings, option=orjson.OPT_SORT_KEYS, default=str).decode(),
        field.renamed_from,
    )


def _indexes(obj: ObjectType) -> Iterator[IndexShape]:
    table = object_table(obj.name)
    columns = columns_of(obj)

    def index(*names: str, trash: bool = False) -> IndexShape:
        return IndexShape(plain_index(table, *names), names, trash)

    yield index("created_at", "id")
    yield index("updated_at", "id")
    yield index("deleted_at", trash=True)
    paged = _paged(obj)
    for column in columns.values():
        if column.kind == "reference" and (not column.system or column.name in OWNED_COLUMNS):
            yield index(column.name)
        elif column.name in paged and column.kind not in _UNINDEXED:
            yield index(column.name, "id")
    if obj.owned:
        yield index("pool")


def _paged(obj: ObjectType) -> set[str]:
    """Fields that lists are likely to sort, filter or group by."""
    found = {f.name for f in obj.fields.values() if f.index and not f.system}
    for view in obj.views.values():
        found |= {name for name, _ in view.sort[:1]} | {view.by, view.date}
    if obj.stages:
        found.add(obj.stages.field)
    return found & {f.name for f in obj.fields.values() if not f.system}
