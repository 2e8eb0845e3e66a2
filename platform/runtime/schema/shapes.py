"""What the tables of one version are, as plain frozen values: what was applied is kept as JSON in gx_current.

A Shape knows enough of each field (type, settings, options, required) to plan the next version without compiling the
old one again, and a digest of every definition to say what changed. Nothing here touches a database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from guanxi.fieldtypes.base import ColumnKind

Digests = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field that has a column or (kind `links`, `link` names it) a link table."""

    name: str
    type: str
    kind: ColumnKind
    scale: int = 0
    target: str = ""
    many: bool = False
    link: str = ""
    options: tuple[str, ...] = ()
    required: bool = False
    settings: str = ""
    renamed_from: str = ""

    @property
    def column(self) -> tuple[Any, ...]:
        """What must be equal for two fields to share a column as it is."""
        return (self.kind, self.scale, self.target, self.many)


@dataclass(frozen=True, slots=True)
class UniqueShape:
    """A unique key: its shadow column, its index, the fields it reads."""

    name: str
    column: str
    index: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexShape:
    """A plain index; `trash` is partial over deleted rows."""

    name: str
    columns: tuple[str, ...]
    trash: bool = False


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """One object's table; `searched` are the fields in its search table."""

    name: str
    table: str
    fields: Mapping[str, FieldShape]
    uniques: Mapping[str, UniqueShape]
    indexes: Mapping[str, IndexShape]
    searched: tuple[str, ...] = ()
    renamed_from: str = ""


@dataclass(frozen=True, slots=True)
class PackShape:
    """A pack as it is published: its version, and version → digest of each upgrade step that it carries."""

    version: str
    steps: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """All tables, per definition (`object/customer`) the digest of each of its parts, and the packs: name → version and
    the digests of its upgrade steps.
    """

    objects: Mapping[str, ObjectShape] = field(default_factory=dict)
    definitions: Digests = field(default_factory=dict)
    packs: Mapping[str, PackShape] = field(default_factory=dict)

    def to_json(self) -> str:
        """Canonical JSON text."""
        return orjson.dumps(self, option=orjson.OPT_SORT_KEYS).decode()

    @property
    def fingerprint(self) -> str:
        """sha256 of the canonical text."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Shape:
        """What `to_json` wrote."""
        data = orjson.loads(text) if text else {}
        objects = {name: _object(one) for name, one in data.get("objects", {}).items()}
        packs = {name: PackShape(**one) for name, one in data.get("packs", {}).items()}
        return cls(objects, data.get("definitions", {}), packs)


def _object(data: dict[str, Any]) -> ObjectShape:
    return ObjectShape(
        data["name"],
        data["table"],
        {n: FieldShape(**{**f, "options": tuple(f["options"])}) for n, f in data["fields"].items()},
        {n: UniqueShape(**{**u, "fields": tuple(u["fields"])}) for n, u in data["uniques"].items()},
        {n: IndexShape(**{**i, "columns": tuple(i["columns"])}) for n, i in data["indexes"].items()},
        tuple(data["searched"]),
        data["renamed_from"],
    )


def field_json(shape: FieldShape) -> str:
    """A field's shape as kept beside a column that was set aside."""
    return orjson.dumps(asdict(shape), option=orjson.OPT_SORT_KEYS).decode()


def field_from_json(text: str) -> FieldShape:
    """What `field_json` wrote."""
    data = orjson.loads(text)
    return FieldShape(**{**data, "options": tuple(data["options"])})


def renamed(shape: ObjectShape, name: str, table: str, fields: Mapping[str, str]) -> ObjectShape:
    """The same object under new names; `fields` maps old field names to new ones, absent ones stay."""
    new = {fields.get(n, n): replace(f, name=fields.get(n, n)) for n, f in shape.fields.items()}
    return replace(shape, name=name, table=table, fields=new)
