"""`kind: app` → AppMenu."""

from __future__ import annotations

from guanxi.registry import AppMenu

from ..documents.app import AppDocument
from ..link.context import Context
from ..nodes import Document, Path
from .scope import label_of


def compile_app(context: Context, document: Document, model: AppDocument) -> AppMenu:
    """The menu; every entry and role must exist."""
    seen: set[str] = set()
    for index, entry in enumerate(model.menu):
        path: Path = ("menu", index)
        kind, _, name = entry.rpartition(":")
        if entry in seen:
            context.error("clash", f"'{entry}' stands in the menu twice", document, path)
        elif not context.has(kind or "object", name):
            known = [f"{kind}:{one}" if kind else one for one in context.names(kind or "object")]
            code = "unknown-reference" if kind else "unknown-object"
            context.unknown(code, kind or "object", entry if kind else name, known, document, path)
        seen.add(entry)
    for index, role in enumerate(model.roles):
        if not context.has("role", role):
            context.unknown("unknown-reference", "role", role, context.names("role"), document, ("roles", index))
    return AppMenu(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        menu=tuple(dict.fromkeys(model.menu)),
        roles=tuple(model.roles),
        icon=model.icon or "layout-grid",
        layer=document.layer,
    )
