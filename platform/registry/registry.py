"""The Registry ties all compiled definitions of one published version together and is the SchemaView of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from guanxi.expressions.schema import FieldInfo, RelatedInfo

from .access import Role
from .objects import ObjectType, OptionSet
from .packs import AppMenu, Calendar, DataSet, MetadataTest, PackInfo
from .steps import Automation

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Registry:
    """Everything published, immutable. `fingerprint` is sha256 over the canonical definitions.

    `others` holds the compiled definitions of kinds that are not attributes here: kind → name → definition.
    `infos` maps object → name → FieldInfo (system fields included); the compiler fills it.
    """

    fingerprint: str
    languages: tuple[str, ...] = ("en", "zh")
    packs: Mapping[str, PackInfo] = field(default_factory=lambda: _NONE)
    objects: Mapping[str, ObjectType] = field(default_factory=lambda: _NONE)
    option_sets: Mapping[str, OptionSet] = field(default_factory=lambda: _NONE)
    roles: Mapping[str, Role] = field(default_factory=lambda: _NONE)
    apps: Mapping[str, AppMenu] = field(default_factory=lambda: _NONE)
    calendars: Mapping[str, Calendar] = field(default_factory=lambda: _NONE)
    data: Mapping[str, DataSet] = field(default_factory=lambda: _NONE)
    tests: Mapping[str, MetadataTest] = field(default_factory=lambda: _NONE)
    automations: Mapping[str, Automation] = field(default_factory=lambda: _NONE)
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _NONE)
    infos: Mapping[str, Mapping[str, FieldInfo]] = field(default_factory=lambda: _NONE)

    # SchemaView -------------------------------------------------------------------------------------
    def field(self, object_name: str, name: str) -> FieldInfo | None:
        """See SchemaView."""
        return self.infos.get(object_name, _NONE).get(name)

    def field_names(self, object_name: str) -> Iterable[str]:
        """See SchemaView."""
        return self.infos.get(object_name, _NONE).keys()

    def related(self, object_name: str, name: str) -> RelatedInfo | None:
        """See SchemaView."""
        found = self.objects[object_name].related.get(name) if object_name in self.objects else None
        return RelatedInfo(found.name, found.object, found.field, found.many) if found else None

    def related_names(self, object_name: str) -> Iterable[str]:
        """See SchemaView."""
        return self.objects[object_name].related.keys() if object_name in self.objects else ()

    def calendar_names(self) -> Iterable[str]:
        """See SchemaView."""
        return self.calendars.keys()
