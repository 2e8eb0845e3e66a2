"""ObjectType → physical table: which columns, link tables and unique keys an object has, as `peewee.Table`s.

The one place that says how definitions map to columns; the schema room makes what is described here, the query and
record rooms read it. No model classes: publishing a version builds a new `Tables` value and drops the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import peewee

from guanxi.common.text import fold
from guanxi.fieldtypes.base import Column as NeutralColumn
from guanxi.fieldtypes.base import ColumnKind, FieldContext
from guanxi.registry.objects import Field, ObjectType
from guanxi.registry.registry import Registry

from .names import link_table, object_table, unique_column, unique_index
from .rows import Cell, instant_text

ROW_COLUMNS: Mapping[str, NeutralColumn] = MappingProxyType(
    {
        "id": NeutralColumn("integer"),
        "version": NeutralColumn("integer"),
        "created_at": NeutralColumn("datetime"),
        "created_by": NeutralColumn("reference"),
        "updated_at": NeutralColumn("datetime"),
        "updated_by": NeutralColumn("reference"),
        "deleted_at": NeutralColumn("datetime"),
        "deleted_by": NeutralColumn("reference"),
    }
)
OWNED_COLUMNS: Mapping[str, NeutralColumn] = MappingProxyType(
    {"owner": NeutralColumn("reference"), "team": NeutralColumn("reference"), "pool": NeutralColumn("text")}
)
# Who made a row is a fact that outlives the person's record: no foreign key. Ownership is a live reference.
SYSTEM_TARGETS: Mapping[str, str] = MappingProxyType({"owner": "user", "team": "team"})


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column: `target` is the object a foreign key points to, `many` says that the Python form is a tuple."""

    name: str
    kind: ColumnKind
    scale: int = 0
    target: str = ""
    many: bool = False
    system: bool = False

    def cell(self, key: str = "") -> Cell:
        """Its place in a row, under `key` (its own name by default)."""
        return Cell(key or self.name, self.kind, self.scale, self.many)


@dataclass(frozen=True, slots=True)
class UniqueSpec:
    """A unique key: its shadow column, its partial index over live rows, and the fields it reads."""

    name: str
    column: str
    index: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkTable:
    """The link table of a `references` field: source and target ids and the position in the list."""

    object: str
    field: str
    target: str
    name: str
    table: Any

    def c(self, column: str) -> Any:
        """source, target or position."""
        return peewee.Column(self.table, column)


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """An object's table. Columns are in creation order: the platform's, the owner's, the fields'."""

    object: str
    name: str
    table: Any
    columns: Mapping[str, ColumnSpec]
    uniques: Mapping[str, UniqueSpec]
    links: Mapping[str, LinkTable]

    def c(self, column: str, source: Any = None) -> Any:
        """A column node on this table, or on `source` (an alias of it)."""
        return peewee.Column(self.table if source is None else source, column)

    def alias(self, name: str) -> Any:
        """The table again under another name."""
        return self.table.alias(name)

    def cells(self, names: Iterable[str]) -> list[Cell]:
        """The row places of some columns, in the order given."""
        return [self.columns[name].cell() for name in names]


def column_of(field: Field) -> NeutralColumn:
    """The neutral column of a field; kind `none` when it is computed."""
    from guanxi.fieldtypes import CATALOGUE

    if field.system and field.name in ROW_COLUMNS:
        return ROW_COLUMNS[field.name]
    if field.system and field.name in OWNED_COLUMNS:
        return OWNED_COLUMNS[field.name]
    return NeutralColumn("none") if not field.stored else CATALOGUE[field.type].column(field.settings)


def context_of(field: Field) -> FieldContext:
    """What the field's type may know of it."""
    return FieldContext(field.name, frozenset(field.options), field.target)


def columns_of(obj: ObjectType) -> dict[str, ColumnSpec]:
    """All columns of an object's table, shadow columns of unique keys excepted."""
    from guanxi.fieldtypes import CATALOGUE

    fixed = dict(ROW_COLUMNS) | (dict(OWNED_COLUMNS) if obj.owned else {})
    found = {
        name: ColumnSpec(name, c.kind, c.scale, SYSTEM_TARGETS.get(name, ""), system=True) for name, c in fixed.items()
    }
    for field in obj.fields.values():
        column = column_of(field)
        if field.name in found or column.kind in ("none", "links"):
            continue
        many = column.kind == "json" and (
            CATALOGUE[field.type].value_type(field.settings, context_of(field)).kind == "choices"
        )
        found[field.name] = ColumnSpec(field.name, column.kind, column.scale, field.target, many)
    return found


def uniques_of(obj: ObjectType) -> dict[str, UniqueSpec]:
    """Unique keys by name: a field that says `unique` makes one under its own name."""
    keys: dict[str, tuple[str, ...]] = {f.name: (f.name,) for f in obj.fields.values() if f.unique and f.stored}
    keys |= {key.name: key.fields for key in obj.unique.values()}
    return {
        name: UniqueSpec(name, unique_column(name), unique_index(obj.name, name), fields)
        for name, fields in keys.items()
    }


def unique_value(parts: Iterable[Any]) -> str | None:
    """What a shadow column holds for the Python values of the key's fields; None (never clashes) when one is blank."""
    texts = []
    for part in parts:
        if part is None or part == "":
            return None
        texts.append(_key_text(part))
    return "\x1f".join(texts)


def _key_text(value: Any) -> str:
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, bool | int):
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, tuple):
        return "\x1e".join(_key_text(v) for v in value)
    return str(value)


class Tables(Mapping[str, ObjectTable]):
    """The tables of one Registry by object name, bound to a peewee database that renders their SQL."""

    def __init__(self, registry: Registry, database: Any) -> None:
        """`database` is `Handle.peewee`."""
        self._tables = {name: _build(obj, database) for name, obj in registry.objects.items()}

    def __getitem__(self, name: str) -> ObjectTable:
        return self._tables[name]

    def __iter__(self) -> Any:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def _build(obj: ObjectType, database: Any) -> ObjectTable:
    links = {
        f.name: LinkTable(obj.name, f.name, f.target, name, peewee.Table(name, _database=database))
        for f in obj.fields.values()
        if column_of(f).kind == "links" and (name := link_table(obj.name, f.name))
    }
    name = object_table(obj.name)
    table = peewee.Table(name, _database=database)
    return ObjectTable(obj.name, name, table, columns_of(obj), uniques_of(obj), links)
