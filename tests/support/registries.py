"""Registries made by hand, for the rooms below the YAML reader: `registry(customer={"name": "text", …})`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression
from guanxi.expressions.types import TEXT
from guanxi.fieldtypes import CATALOGUE
from guanxi.registry.objects import Default, Field, ObjectType, Option, UniqueKey
from guanxi.registry.registry import Registry
from guanxi.runtime.schema.definitions import plain

SETTINGS = frozenset({"min", "max", "length", "digits", "region", "currency", "scale", "format", "most"})


def field(name: str, spec: str | Mapping[str, Any]) -> Field:
    """A field from its type's name or a map like the YAML's."""
    given = {"type": spec} if isinstance(spec, str) else dict(spec)
    kind = CATALOGUE[given.pop("type")]
    settings = {k: given.pop(k) for k in list(given) if k in SETTINGS}
    options = {
        n: Option(n, Label.of(n), renamed_from=(o or {}).get("renamed_from", ""))
        for n, o in given.pop("options", {}).items()
    }
    if "default" in given:
        given["default"] = Default(given["default"])
    target = given.pop("to", kind.target)
    known = kind.Options.model_fields
    if "to" in known:
        settings["to"] = target
    if "options" in known and options:
        settings["options"] = list(options)
    made = kind.Options.model_validate(settings, strict=False)
    return Field(name, Label.of(name), kind.name, made, options=options, target=target, **given)


def object_type(name: str, fields: Mapping[str, Any], **more: Any) -> ObjectType:
    """An object; `unique` maps key names to lists of fields."""
    unique = {n: UniqueKey(n, tuple(f)) for n, f in more.pop("unique", {}).items()}
    made = {n: field(n, spec) for n, spec in fields.items()}
    title = Expression("id", name, TEXT, None)  # type: ignore[arg-type]
    return ObjectType(name, Label.of(name), Label.of(name), made, title, unique=unique, **more)


def registry(objects: Mapping[str, Mapping[str, Any]], **options: Mapping[str, Any]) -> Registry:
    """A registry of objects by name → fields; `options` gives an object's other keys."""
    made = {n: object_type(n, f, **options.get(n, {})) for n, f in objects.items()}
    mark = hashlib.sha256(repr(plain(made)).encode()).hexdigest()
    return Registry(mark, objects=made)
