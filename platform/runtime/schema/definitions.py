"""Digests of definitions: which parts of which definitions two versions differ in, without keeping the versions.

A definition becomes plain data (expressions and labels as their texts) and each of its parts (`fields.level`,
`views.mine`, `access`) a short hash. What is left out: places in files and caches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

import orjson
from pydantic import BaseModel

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression
from guanxi.registry.registry import Registry

from .moves import Moves
from .shapes import Digests

_SKIPPED = frozenset({"layer", "sources", "place", "renamed_from"})


def plain(value: Any) -> Any:
    """JSON-able data that is equal when the definitions are."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Expression):
        return value.source
    if isinstance(value, Label):
        return value.as_value()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, frozenset | set):
        return sorted((plain(v) for v in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, BaseModel):
        return {k: plain(v) for k, v in value}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.name not in _SKIPPED}
    if isinstance(value, date | time):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def digests(registry: Registry) -> Digests:
    """`kind/name` → part → digest, for everything in the registry."""
    return {f"{kind}/{name}": _parts(value) for kind, name, value in _all(registry)}


def _all(registry: Registry) -> Iterator[tuple[str, str, Any]]:
    known: dict[str, Mapping[str, Any]] = {
        "pack": registry.packs,
        "object": registry.objects,
        "options": registry.option_sets,
        "role": registry.roles,
        "app": registry.apps,
        "calendar": registry.calendars,
        "data": registry.data,
        "test": registry.tests,
        **registry.others,
    }
    for kind, entries in known.items():
        for name, value in entries.items():
            yield kind, name, value


def _parts(value: Any) -> dict[str, str]:
    data = plain(value)
    if not isinstance(data, dict):
        return {"": _digest(data)}
    found: dict[str, str] = {}
    for key, part in data.items():
        if isinstance(part, dict) and isinstance(getattr(value, key, None), Mapping):
            found |= {f"{key}.{name}": _digest(inner) for name, inner in part.items()}
            found[key] = _digest(list(part))  # the order, and an empty map
        else:
            found[key] = _digest(part)
    return found


def _digest(data: Any) -> str:
    text = orjson.dumps(data, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()[:10]


def under_new_names(old: Digests, moves: Moves) -> Digests:
    """The old digests called as the new definitions are, so that a rename is not a removal and an addition."""
    found: dict[str, Mapping[str, str]] = {}
    for name, parts in old.items():
        kind, _, own = name.partition("/")
        if kind != "object":
            found[name] = parts
            continue
        fields = {f"fields.{a}": f"fields.{b}" for a, b in moves.of_object(own).items()}
        found[f"object/{moves.objects.get(own, own)}"] = {fields.get(p, p): d for p, d in parts.items()}
    return found


def changes(old: Digests, new: Digests) -> list[dict[str, Any]]:
    """What differs: {"definition": "object/customer", "change": "added|removed|changed", "parts": […]}, sorted."""
    found: list[dict[str, Any]] = []
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            found.append({"definition": name, "change": "added" if name in new else "removed", "parts": []})
            continue
        before, after = old[name], new[name]
        parts = sorted(p for p in {*before, *after} if before.get(p) != after.get(p))
        named = [p for p in parts if "." in p or not any(q.startswith(p + ".") for q in parts)]
        if named:
            found.append({"definition": name, "change": "changed", "parts": named})
    return found
