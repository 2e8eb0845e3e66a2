"""Stages 4 and 5 in order: merged documents in, one Registry out.

First what needs only itself (option sets, outlines of objects), then what objects see of each other (related lists,
formulas), then every definition by its kind, then the rules over the whole model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from guanxi.common.diagnostics import Diagnostics
from guanxi.expressions.schema import FieldInfo
from guanxi.registry import OptionSet, Registry

from .checks import CHECKS
from .collector import without_collection
from .compile.segments import as_views
from .documents.object import ObjectDocument
from .kinds import KINDS
from .link.context import Context
from .link.formulas import in_order
from .link.memory import Memory
from .link.outline import outline
from .link.related import related_lists
from .link.renames import declared, follow
from .nodes import Document
from .validate import judge

LINKED_FIRST = ("options", "object")


def link_and_compile(
    documents: Sequence[Document],
    found: Diagnostics,
    *,
    languages: Sequence[str] = ("en", "zh"),
    currency: str = "CNY",
    fingerprint: str = "",
    memory: Memory | None = None,
) -> Registry | None:
    """The Registry of whole, merged documents; None when an error was noted in `found`.

    Documents are judged by their models first; with a fault there, nothing is linked. `memory` makes the second time
    quick: hand in the same one again.
    """
    with without_collection():
        return _linked(_context(documents, found, tuple(languages), currency, memory or Memory()), fingerprint)


def _linked(context: Context, fingerprint: str) -> Registry | None:
    found = context.found
    if found.failed:
        return None
    compiled = _compile(context)
    if not found.failed:
        for check in CHECKS:
            check(context, compiled)
    if found.failed:
        return None
    return _registry(context, compiled, fingerprint)


def _context(
    documents: Sequence[Document], found: Diagnostics, languages: tuple[str, ...], currency: str, memory: Memory
) -> Context:
    renames = declared(documents)
    documents = follow(documents, renames, found)
    context = Context(languages, currency, found, memory, renames=renames)
    known = set(found.found)
    for document in documents:
        if KINDS.get(document.kind) is not None and KINDS[document.kind].compile is None:
            continue
        judged = judge(document, memory.judgements)
        found.extend(one for one in judged.found if one not in known)
        if judged.model is not None:
            context.models.setdefault(document.kind, {})[document.name] = (document, judged.model)
    calendars = tuple(context.models.get("calendar", {}))
    memory.enter(documents, (languages, currency, calendars))
    return context


# compile --------------------------------------------------------------------------------------------------------
Compiled = dict[str, dict[str, Any]]


def _compile(context: Context) -> Compiled:
    compiled: Compiled = {"options": _by_kind(context, "options")}
    context.option_sets = compiled["options"]
    _outline_objects(context)
    for owner, name in in_order(context.outlines):
        context.formula(context.outlines[owner], name)
    for kind in KINDS:
        if kind not in compiled:
            compiled[kind] = _by_kind(context, kind)
    compiled["object"] = as_views(compiled["object"], compiled["segment"])
    return compiled


def _by_kind(context: Context, kind: str) -> dict[str, Any]:
    make = KINDS[kind].compile
    made: dict[str, Any] = {}
    for name, (document, model) in context.models.get(kind, {}).items():
        value = make(context, document, model) if make else None
        if value is not None:
            made[name] = value
    return made


def _outline_objects(context: Context) -> None:
    known = context.memory.outlines
    sets: Mapping[str, OptionSet] = context.option_sets
    for name, (document, model) in context.models.get("object", {}).items():
        made = known.get(document.node)
        if made is None or any(sets.get(shared) is not value for shared, value in made.sets.items()):
            assert isinstance(model, ObjectDocument)  # noqa: S101 - the catalogue of kinds says so
            made = known[document.node] = outline(document, model, sets, context.currency)
        context.outlines[name] = made
    context.lists = related_lists(context.outlines, context.found)


# registry -------------------------------------------------------------------------------------------------------
def _registry(context: Context, compiled: Compiled, fingerprint: str) -> Registry:
    slots = {kind.slot: compiled.get(name, {}) for name, kind in KINDS.items() if kind.slot}
    others = {name: values for name, values in compiled.items() if not KINDS[name].slot and values}
    return Registry(
        fingerprint=fingerprint,
        languages=context.languages,
        infos=MappingProxyType({name: _infos(context, name) for name in context.outlines}),
        others=MappingProxyType({name: MappingProxyType(values) for name, values in others.items()}),
        **{slot: MappingProxyType(values) for slot, values in slots.items()},
    )


def _infos(context: Context, name: str) -> Mapping[str, FieldInfo]:
    outline = context.outlines[name]
    if not outline.computed:
        return MappingProxyType(outline.infos)
    infos = dict(outline.infos)
    for field in outline.computed:
        made = context.computed.get((name, field))
        if made is not None:
            infos[field] = made.info
    return MappingProxyType(infos)
