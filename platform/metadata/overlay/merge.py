"""Merging a partial definition into what is there: maps by key, deeply; scalars and lists are replaced.

What `remove` names goes first, so that one document can take a view away and define it anew.
"""

from __future__ import annotations

from guanxi.common.diagnostics import Diagnostics

from ..nodes import Document, ListNode, MapNode, Node, ScalarNode
from .paths import PathError, steps_of, without

STEERING = ("kind", "name", "extend", "remove")


def merge(base: Node, over: Node) -> Node:
    """`over` on top of `base`; keys keep the order of `base`, new ones come last."""
    if not (isinstance(base, MapNode) and isinstance(over, MapNode)):
        return over
    entries = dict(base.entries)
    keys = dict(base.keys)
    for key, value in over.entries.items():
        below = entries.get(key)
        entries[key] = merge(below, value) if below is not None else value
        if below is None or entries[key] is value:
            keys[key] = over.keys[key]
    return MapNode(base.origin, base.line, base.column, entries, keys)


def extend(base: Document, partial: Document, found: Diagnostics) -> Document:
    """The definition with a partial document merged in; faults of `remove` go to `found`."""
    node = removed(base.node, partial.node.entries.get("remove"), found)
    merged = merge(node, partial.node.without(*STEERING))
    assert isinstance(merged, MapNode)  # noqa: S101 (both are maps)
    return Document(base.kind, base.name, merged, base.layer)


def removed(node: MapNode, paths: Node | None, found: Diagnostics) -> MapNode:
    """The definition without the listed paths; a path that leads nowhere is an error at its own place."""
    if not isinstance(paths, ListNode):
        return node
    for item in paths.items:
        if not isinstance(item, ScalarNode):
            continue  # judged by the document's model
        try:
            steps = steps_of(item.text)
            if steps[0] in STEERING:
                raise PathError(f"'{steps[0]}' cannot be removed")
            lighter = without(node, steps)
        except PathError as fault:
            found.error("remove-missing", fault.sentence, item.place, path="remove", hint=fault.hint)
            continue
        assert isinstance(lighter, MapNode)  # noqa: S101 (the copy of a map is a map)
        node = lighter
    return node
