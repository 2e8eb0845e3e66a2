"""All layers on top of each other: the one list of merged definitions that linking and compiling read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guanxi.common.diagnostics import Diagnostic, Diagnostics
from guanxi.common.names import did_you_mean

from ..nodes import Document, MapNode, ScalarNode
from ..sources import PLATFORM
from .merge import extend
from .patch import Bases, apply_patch

Key = tuple[str, str]
OFFERED: frozenset[Key] = frozenset({("role", "employee"), ("role", "auditor")})
"""Definitions of the platform with everyday names: another layer's whole definition of the same name adds to them."""


class MergeCache:
    """Merged definitions by the nodes they were made of: unchanged files give the very same merged node again."""

    def __init__(self) -> None:
        self._kept: dict[tuple[MapNode, MapNode], tuple[Document, list[Diagnostic]]] = {}
        self._used: dict[tuple[MapNode, MapNode], tuple[Document, list[Diagnostic]]] = {}

    def extend(self, base: Document, partial: Document, found: Diagnostics) -> Document:
        """See `merge.extend`."""
        key = (base.node, partial.node)
        made = self._kept.get(key)
        if made is None:
            own = Diagnostics()
            made = (extend(base, partial, own), own.found)
        self._used[key] = made
        found.extend(made[1])
        return made[0]

    def turn(self) -> None:
        """Forget what the last reading did not use."""
        self._kept, self._used = self._used, {}


def overlay(
    documents: Iterable[Document],
    order: Sequence[str],
    found: Diagnostics,
    *,
    bases: Bases | None = None,
    cache: MergeCache | None = None,
) -> list[Document]:
    """Merged definitions (patches consumed), in the order of the layers; every fault goes to `found`."""
    by_layer: dict[str, list[Document]] = {name: [] for name in order}
    for document in documents:
        by_layer.setdefault(document.layer, []).append(document)
    memory = cache if cache is not None else MergeCache()
    merged: dict[Key, Document] = {}
    for layer in by_layer.values():
        _define(layer, merged, found, memory)
        _extend(layer, merged, found, memory)
        _patch(layer, merged, found, bases)
    memory.turn()
    return [document for key, document in merged.items() if key[0] != "patch"]


def _define(layer: Sequence[Document], merged: dict[Key, Document], found: Diagnostics, memory: MergeCache) -> None:
    """Take whole definitions in. A role that the platform only offers may be defined as if it were not there."""
    for document in layer:
        if document.extends:
            continue
        key = (document.kind, document.name)
        first = merged.get(key)
        if first is None:
            merged[key] = document
            continue
        if key in OFFERED and first.layer == PLATFORM != document.layer:
            merged[key] = memory.extend(first, document, found)
            continue
        sentence = f"{document.kind} '{document.name}' is already defined at {first.place}"
        hint = (
            f"write 'extend: {document.name}' to add to it" if first.layer != document.layer else "rename one of them"
        )
        found.error("duplicate-definition", sentence, document.node.key_place("name"), path="name", hint=hint)


def _extend(layer: Sequence[Document], merged: dict[Key, Document], found: Diagnostics, memory: MergeCache) -> None:
    for document in layer:
        if not document.extends:
            continue
        key = (document.kind, document.name)
        if key in merged:
            merged[key] = memory.extend(merged[key], document, found)
            continue
        _missing(document, key, "extend", merged, found)


def _patch(layer: Sequence[Document], merged: dict[Key, Document], found: Diagnostics, bases: Bases | None) -> None:
    pristine: dict[Key, Document] = {}
    for document in layer:
        target = document.node.entries.get("target")
        if document.kind != "patch" or document.extends or not isinstance(target, ScalarNode):
            continue
        kind, _, name = target.text.partition("/")
        current = merged.get((kind, name))
        if current is None or kind in {"patch", "pack"}:
            _missing(document, (kind, name), "target", merged, found)
            continue
        before = pristine.setdefault((kind, name), current)
        merged[kind, name] = apply_patch(document, current, before, bases, found)


def _missing(document: Document, wanted: Key, said: str, merged: dict[Key, Document], found: Diagnostics) -> None:
    """Note that what the key `said` names does not exist, with the nearest name of the kind or another kind's."""
    kind, name = wanted
    hint = did_you_mean(name, [other for of, other in merged if of == kind])
    if not hint and (others := sorted({of for of, other in merged if other == name and of != "patch"})):
        hint = f"there is {others[0]} '{name}'"
    sentence = f"there is no {kind} '{name}' to {'extend' if said == 'extend' else 'patch'}"
    found.error("extend-missing", sentence, document.node.entries[said].place, path=said, hint=hint)
