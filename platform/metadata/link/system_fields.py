"""The fields that the platform gives every object, as compiled fields and as names in expressions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from guanxi.common.labels import Label
from guanxi.common.names import OWNER_FIELDS, SYSTEM_FIELDS
from guanxi.expressions.schema import FieldInfo
from guanxi.expressions.types import DATETIME, INTEGER, TEXT, ValueType
from guanxi.fieldtypes import CATALOGUE
from guanxi.registry import Field

_USER = ValueType("reference", "user")
_TEAM = ValueType("reference", "team")

_ROWS: tuple[tuple[str, str, ValueType, str, str, str, bool], ...] = (
    ("id", "integer", INTEGER, "Id", "编号", "", True),
    ("version", "integer", INTEGER, "Version", "版本", "", True),
    ("created_at", "datetime", DATETIME, "Created at", "创建时间", "", False),
    ("created_by", "user", _USER, "Created by", "创建人", "user", False),
    ("updated_at", "datetime", DATETIME, "Updated at", "更新时间", "", False),
    ("updated_by", "user", _USER, "Updated by", "更新人", "user", False),
    ("owner", "user", _USER, "Owner", "负责人", "user", False),
    ("team", "team", _TEAM, "Team", "团队", "team", False),
    ("pool", "text", TEXT, "Pool", "公海", "", True),
)
_INDEXED = frozenset({"owner", "team", "pool", "updated_at", "created_at"})


def _field(row: tuple[str, str, ValueType, str, str, str, bool]) -> Field:
    name, type_name, _, en, zh, target, hidden = row
    return Field(
        name=name,
        label=Label((("en", en), ("zh", zh))),
        type=type_name,
        settings=CATALOGUE[type_name].Options(),
        read_only=True,
        hidden=hidden,
        index=name in _INDEXED,
        target=target,
        layer="platform",
        system=True,
    )


FIELDS: Mapping[str, Field] = MappingProxyType({row[0]: _field(row) for row in _ROWS})
INFOS: Mapping[str, FieldInfo] = MappingProxyType({name: FieldInfo(name, value) for name, _, value, *_ in _ROWS})


def names(owned: bool) -> tuple[str, ...]:
    """The system fields of an object, in the order they are shown."""
    return (*OWNER_FIELDS, *SYSTEM_FIELDS) if owned else SYSTEM_FIELDS
