"""`kind: test` → MetadataTest: the shape is judged here, what it says is tried when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guanxi.registry import MetadataTest

from ..documents.base import described
from ..documents.test import TestDocument
from ..link.context import Context
from ..nodes import Document, Path
from .scope import frozen


def compile_test(context: Context, document: Document, model: TestDocument) -> MetadataTest:
    """The compiled test."""
    if model.at is not None and not _moment(model.at):
        said = f"a moment is written 2026-03-01T09:00:00Z, not {described(model.at)}"
        context.error("wrong-value", said, document, ("at",))
    _aliases(context, document, model)
    for owner, records in model.given.items():
        _given(context, document, owner, records)
    _people(context, document, model)
    return MetadataTest(
        name=document.name,
        given=frozen(
            {owner: frozen({a: frozen(v) for a, v in records.items()}) for owner, records in model.given.items()}
        ),
        when=tuple(frozen(step) for step in model.when),
        then=tuple(frozen(step) for step in model.then),
        at=model.at or "",
        users=frozen({name: frozen(values) for name, values in model.users.items()}),
        layer=document.layer,
        place=document.place,
    )


def _moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _aliases(context: Context, document: Document, model: TestDocument) -> None:
    seen: dict[str, str] = {}
    for owner, records in model.given.items():
        for alias in records:
            other = seen.setdefault(alias, owner)
            if other != owner:
                path: Path = ("given", owner, alias)
                context.error("clash", f"a record of '{other}' is called '{alias}' already", document, path, key=True)


def _given(context: Context, document: Document, owner: str, records: Mapping[str, Mapping[str, Any]]) -> None:
    if not context.has("object", owner):
        context.unknown(
            "unknown-object", "object", owner, context.names("object"), document, ("given", owner), key=True
        )
        return
    known = list(context.field_names(owner))
    for alias, values in records.items():
        for name in values:
            if name not in known:
                path: Path = ("given", owner, alias, name)
                context.unknown("unknown-field", f"field of {owner}", name, known, document, path, key=True)


def _people(context: Context, document: Document, model: TestDocument) -> None:
    for person, values in model.users.items():
        roles = values.get("roles", values.get("role", []))
        for role in [roles] if isinstance(roles, str) else roles if isinstance(roles, list) else []:
            if not context.has("role", str(role)):
                path: Path = ("users", person, "roles" if "roles" in values else "role")
                context.unknown("unknown-reference", "role", str(role), context.names("role"), document, path)
