"""`kind: pack` → PackInfo. What packs require of each other is judged when they are layered."""

from __future__ import annotations

from guanxi.registry import PackInfo

from ..documents.pack import PackDocument
from ..link.context import Context
from ..nodes import Document
from .pack_upgrades import compile_upgrades
from .scope import frozen, label_of, text_in_all


def compile_pack(context: Context, document: Document, model: PackDocument) -> PackInfo:
    """The pack as it is listed."""
    text_in_all(context, document, ("description",), model.description)
    return PackInfo(
        name=document.name,
        version=model.version,
        label=label_of(context, document, ("label",), model.label, document.name),
        description=model.description,
        icon=model.icon or "package",
        requires=frozen(model.requires),
        upgrades=frozen(compile_upgrades(context, document, model)),
    )
