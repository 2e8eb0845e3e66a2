"""Packs, navigation, seed rows, calendars and metadata tests, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from types import MappingProxyType
from typing import Any

from guanxi.common.diagnostics import Place
from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression


@dataclass(frozen=True, slots=True)
class PackBackfill:
    """Values that records of an object get in an upgrade, where the condition holds (None: everywhere)."""

    object: str
    values: Mapping[str, Expression]
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class PackUpgrade:
    """What an upgrade does that starts from, or passes, a version of the pack.

    `renamed` maps paths (object, or object and field, or these and option) to new last names; `digest` tells the same
    step again.
    """

    version: str
    renamed: tuple[tuple[tuple[str, ...], str], ...] = ()
    backfill: tuple[PackBackfill, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class PackInfo:
    """An installed pack; `requires` maps pack name to a version range as written."""

    name: str
    version: str
    label: Label
    description: Label = Label()
    icon: str = "package"
    requires: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    upgrades: Mapping[str, PackUpgrade] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class AppMenu:
    """Navigation: entries are object names (or `kind:name` for later kinds); empty roles means everyone."""

    name: str
    label: Label
    menu: tuple[str, ...]
    roles: tuple[str, ...] = ()
    icon: str = "layout-grid"
    layer: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working time in one zone. `hours` maps weekday 0 (Monday) to intervals; `off` and `work` override days.

    `work` are make-up days (a weekend day that is worked); they use the hours of the first working weekday.
    `holidays` is a country code whose public holidays count off (China with make-up days), or "".
    """

    name: str
    timezone: str
    hours: Mapping[int, tuple[tuple[time, time], ...]]
    holidays: str = ""
    off: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()
    label: Label = Label()
    layer: str = ""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Rows to upsert by `key` (a natural key); references in rows are written as the target's natural key.

    `sample` rows are loaded only when somebody asks for sample data. Values are in JSON form.
    """

    name: str
    object: str
    key: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    sample: bool = False
    layer: str = ""
    place: Place = Place("")


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a step must be refused; what is blank may be anything. `rule` names a rule of the object."""

    code: str = ""
    field: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class MetadataStep:
    """One step of a test. `record` is a name in the test, `actor` a log-in name ("" is an administrator), `values` are
    in JSON form with expressions for moments, `condition` what must hold, `more` the verb's other keys.
    """

    verb: str
    object: str = ""
    record: str = ""
    actor: str = ""
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    condition: Expression | None = None
    refused: Refusal | None = None
    more: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    place: Place = Place("")


@dataclass(frozen=True, slots=True)
class MetadataTest:
    """A test in metadata: records to make, things to do, what must then hold (run by the app).

    `at` is an ISO instant, local when it has no zone, or "".
    """

    name: str
    given: Mapping[str, Mapping[str, Mapping[str, Any]]]
    when: tuple[MetadataStep, ...]
    then: tuple[MetadataStep, ...]
    at: str = ""
    users: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    layer: str = ""
    place: Place = Place("")
