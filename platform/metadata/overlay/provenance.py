"""Which layer set which value: read off the tree, because every node keeps the origin it was written in."""

from __future__ import annotations

from ..nodes import Document, MapNode, Node


def provenance(document: Document) -> dict[str, str]:
    """Dotted path → layer, where that differs from the definition's own layer; a whole map is named once."""
    found: dict[str, str] = {}
    for key, value in document.node.entries.items():
        _collect(value, key, document.layer, found)
    return found


def _collect(node: Node, path: str, outer: str, found: dict[str, str]) -> None:
    layer = node.origin.layer
    if layer != outer:
        found[path] = layer
    if isinstance(node, MapNode):
        for key, value in node.entries.items():
            _collect(value, f"{path}.{key}", layer, found)
