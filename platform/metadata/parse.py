"""Stage 1: sources → documents. Reads every file, notes every fault, and says what each document is.

A document is known by its kind and its name; a partial one says `extend: name` instead of `name`. What stands in it is
judged later. Files whose bytes have not changed are taken from the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from guanxi.common.diagnostics import Diagnostic, Diagnostics

from .nodes import Document, MapNode, Origin, ScalarNode
from .sources import Source
from .yaml_reader import read_yaml

_Key = tuple[str, str, bytes]
_Parsed = tuple[list[Document], list[Diagnostic]]


class ParseCache:
    """What was read from which bytes, so that a second reading only touches changed files."""

    def __init__(self) -> None:
        self._kept: dict[_Key, _Parsed] = {}
        self._used: dict[_Key, _Parsed] = {}

    def get(self, source: Source) -> _Parsed:
        """The documents and faults of one source, read now or before."""
        data = source.data if isinstance(source.data, bytes) else source.data.encode("utf-8", "surrogatepass")
        key = (source.layer, source.file, hashlib.sha256(data).digest())
        found = self._kept.get(key)
        if found is None:
            found = parse_source(source)
        self._used[key] = found
        return found

    def turn(self) -> None:
        """Forget what the last reading did not use."""
        self._kept, self._used = self._used, {}


def parse_sources(sources: Iterable[Source], found: Diagnostics, cache: ParseCache | None = None) -> list[Document]:
    """All documents of all sources in order; every fault of every file goes to `found`."""
    documents: list[Document] = []
    for source in sources:
        read, faults = cache.get(source) if cache is not None else parse_source(source)
        documents.extend(read)
        found.extend(faults)
    if cache is not None:
        cache.turn()
    return documents


def parse_source(source: Source) -> _Parsed:
    """The documents of one file and its faults."""
    found = Diagnostics()
    maps = read_yaml(source.data, Origin(source.layer, source.file), found)
    documents = [document for tree in maps if (document := document_of(tree, source.layer, found)) is not None]
    return documents, found.found


def document_of(tree: MapNode, layer: str, found: Diagnostics) -> Document | None:
    """What a map is: its kind and name; None (and a diagnostic) when it does not say so."""
    kind = _word(tree, "kind", found)
    if kind is None:
        if "kind" not in tree.entries:
            found.error("yaml-document", "the document has no kind", tree.place, hint="begin with 'kind: object'")
        return None
    extends = "extend" in tree.entries
    name = _word(tree, "extend" if extends else "name", found)
    if name is None:
        if not extends and "name" not in tree.entries:
            hint = "add 'name: …', or 'extend: …' to add to a definition"
            found.error("yaml-document", f"the document of kind {kind} has no name", tree.place, hint=hint)
        return None
    if extends and "name" in tree.entries and (own := _word(tree, "name", found)) != name:
        sentence = f"the document extends '{name}' but is named '{own}'"
        found.error("yaml-document", sentence, tree.key_place("name"), path="name", hint="leave the name out")
        return None
    if not extends and "remove" in tree.entries and kind != "patch":
        hint = f"write 'extend: {name}' instead of 'name: {name}'"
        found.error("yaml-document", "only a document that extends can remove", tree.key_place("remove"), hint=hint)
        return None
    return Document(kind, name, tree, layer, extends)


def _word(tree: MapNode, key: str, found: Diagnostics) -> str | None:
    node = tree.entries.get(key)
    if node is None:
        return None
    if isinstance(node, ScalarNode) and node.value is not None and node.text.strip():
        return node.text
    found.error("yaml-document", f"the {key} of a document is a single word", node.place, path=key)
    return None
