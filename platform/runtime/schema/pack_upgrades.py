"""Which upgrade steps of packs a publication does, and what they give each record.

A step stands under a version. It is done when the version that is published now starts with that version (1.1 stands
for every 1.1.x) or lies before it, and the new one does not; a step that the published pack carried already is never
done again. So a pack may keep all its steps: from whatever version an instance comes, it gets what it lacks, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from packaging.version import InvalidVersion, Version

from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.faults import BudgetExceeded
from guanxi.fieldtypes import CATALOGUE
from guanxi.fieldtypes.base import ValueFault
from guanxi.registry.objects import ObjectType
from guanxi.registry.packs import PackBackfill, PackInfo
from guanxi.registry.registry import Registry
from guanxi.runtime.storage.tables import context_of

from .shapes import PackShape, Shape

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Due:
    """One backfill that a publication does; pack, step and index find it in the registry again."""

    pack: str
    step: str
    index: int
    backfill: PackBackfill


def due_steps(old: Shape, registry: Registry) -> list[tuple[str, str]]:
    """(pack, version of the step), in the order in which they are done."""
    found: list[tuple[str, str]] = []
    for name, info in registry.packs.items():
        before = old.packs.get(name)
        if before is not None and info.upgrades:
            found += [(name, key) for key in _due(info, before)]
    return found


def _due(info: PackInfo, before: PackShape) -> list[str]:
    try:
        was, now = Version(before.version), Version(info.version)
        keys = sorted(info.upgrades, key=Version)
    except InvalidVersion:
        return []
    if now <= was:
        return []
    return [k for k in keys if before.steps.get(k) != info.upgrades[k].digest and _on_the_way(Version(k), was, now)]


def _on_the_way(key: Version, was: Version, now: Version) -> bool:
    return was.release[: len(key.release)] == key.release or was < key <= now


def renames_of(registry: Registry, steps: Iterable[tuple[str, str]]) -> list[tuple[tuple[str, ...], str]]:
    """(old path, new last name) of these steps, in order."""
    return [one for pack, key in steps for one in registry.packs[pack].upgrades[key].renamed]


def walked(path: tuple[str, ...], renames: Iterable[tuple[tuple[str, ...], str]]) -> tuple[str, ...]:
    """Where an old object, field or option is called after renames, one after the other."""
    now = list(path)
    for old, new in renames:
        if tuple(now[: len(old)]) == old:
            now[len(old) - 1] = new
    return tuple(now)


def backfills_of(registry: Registry, steps: Iterable[tuple[str, str]]) -> list[Due]:
    """The backfills of these steps, in order."""
    return [
        Due(pack, key, index, one)
        for pack, key in steps
        for index, one in enumerate(registry.packs[pack].upgrades[key].backfill)
    ]


def fields_read(backfill: PackBackfill) -> set[str]:
    """The fields that a backfill reads or sets."""
    read = [*backfill.values.values(), *([backfill.where] if backfill.where else [])]
    return {use.field for expression in read for use in expression.uses} | set(backfill.values)


def filler(backfill: PackBackfill, kind: ObjectType, now: datetime) -> Callable[[Row], dict[str, Any]]:
    """Row → the values it gets (Python form); nothing where the condition fails or a value does not fit its field."""
    where = compile_expression(backfill.where) if backfill.where else None
    values = {name: compile_expression(expression) for name, expression in backfill.values.items()}
    fits = {
        n: CATALOGUE[kind.fields[n].type].coercer(kind.fields[n].settings, context_of(kind.fields[n])) for n in values
    }

    def fill(row: Row) -> dict[str, Any]:
        env = Env(dict(row), now=now)
        found: dict[str, Any] = {}
        try:
            if where is not None and where(env) is not True:
                return found
            for name, value in values.items():
                new = fits[name](value(env))
                if new != row.get(name):
                    found[name] = new
        except (BudgetExceeded, ValueFault):
            return {}
        return found

    return fill
