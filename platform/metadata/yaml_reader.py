"""One YAML text → its documents as node trees, with every fault of the text at its line and column.

Reads parser events, never nodes or objects of the YAML library: so there is no recursion to exhaust, no alias to expand
and no tag to construct. Scalars follow YAML 1.2 in its plainest form: `true`, `false`, `null`, `~`, nothing, decimal
integers and decimal fractions (exact) are values; everything else (`no`, `on`, `012`, `1_000`, `0x1F`, `1:30`, dates)
is text. Refused: tags, anchors, aliases, merge keys, duplicate keys, keys that are no text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import yaml

from guanxi.common.diagnostics import Diagnostics, Place

from .nodes import ListNode, MapNode, Mark, Node, Origin, Scalar, ScalarNode
from .yaml_faults import report_syntax
from .yaml_text import decode, escaped_control

try:
    from yaml import _yaml

    _parser: Any = _yaml.CParser
except ImportError:  # the wheel was built without libyaml
    _parser = None

MAX_DEPTH = 100
MAX_NODES = 10_000

_CONSTANTS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,39})\Z")
_FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,39})\.[0-9]{1,40}\Z")


class _Limit(Exception):
    """A limit was passed and noted; the rest of the file is not read."""


# What may wait for its value in an open map besides a key's text: its value is read, judged and dropped.
_COMPLEX: Final = object()  # a list or a map stands where the key should
_DROP: Final = object()  # the key was refused
# What stands for the key where there is none.
_ITEM: Final = object()  # in a list
_ROOT: Final = object()  # outside of everything
_ODD_KEYS = frozenset(("", "~", "<<"))


def read_yaml(data: bytes | str, origin: Origin, found: Diagnostics) -> list[MapNode]:
    """The maps of all documents in one file; faults go to `found`. Never raises for anything in the text."""
    text = decode(data, origin.file, found)
    if text is None:
        return []
    reader = _Reader(text, origin, found)
    try:
        reader.run()
    except yaml.YAMLError as fault:
        report_syntax(fault, text, origin.file, found)
    except _Limit:
        pass
    return reader.documents


def _events(text: str) -> Iterator[Any]:
    """Parser events of libyaml, or of the pure Python parser."""
    if _parser is None:
        return iter(yaml.parse(text, Loader=yaml.SafeLoader))
    return iter(_parser(text).get_event, None)


class _Reader:
    """The state of reading one text: finished documents, and the open containers around the innermost one."""

    def __init__(self, text: str, origin: Origin, found: Diagnostics) -> None:
        self.text = text
        self.origin = origin
        self.found = found
        self.documents: list[MapNode] = []
        self.count = 0
        self._folded: dict[int, tuple[MapNode, set[str]]] = {}
        self._lines: list[str] | None = None

    def run(self) -> None:
        """Read all events. One flat loop with local state, scalars first: a large instance has half a million.

        `container` is the innermost open list or map. In a map `key` is what waits for its value: None, a key's
        text, _COMPLEX or _DROP; in a list it is _ITEM, at the top _ROOT.
        """
        origin, integer, fraction = self.origin, _INTEGER.match, _FRACTION.match
        stack: list[tuple[Any, Any, Mark]] = []
        container: Any = None
        key: Any = _ROOT
        top: Mark = (origin, 1, 1)
        mark = top
        for event in _events(self.text):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                text, start = event.value, event.start_mark
                if event.anchor is not None or event.tag is not None:
                    self._properties(event)
                if key is None:
                    mark = (origin, start.line + 1, start.column + 1)
                    plain = text.isascii() and text not in container.entries and text not in _ODD_KEYS
                    key = text if plain else self._odd_key(text, bool(event.style), container, mark)
                    continue
                if event.style:
                    node: Node = self._quoted(event, text, start)
                else:
                    value = _CONSTANTS.get(text, text)
                    if value is text and text[0] < ":" and len(text) <= 82:
                        value = int(text) if integer(text) else Decimal(text) if fraction(text) else text
                    line = start.line
                    indent = -1 if " " in text and event.end_mark.line != line else 0
                    node = ScalarNode(origin, line + 1, start.column + 1, value, text, "", indent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                node = container
                self._closed(container)
                container, key, mark = stack.pop()
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                opened = self._opened(event, kind is yaml.MappingStartEvent, len(stack), key)
                stack.append((container, _COMPLEX if key is None else key, mark))
                container, key = opened, None if type(opened) is MapNode else _ITEM
                continue
            elif kind is yaml.AliasEvent:
                node = self._alias(event)
                if key is None:
                    key = _DROP
                    continue
            else:
                if kind is yaml.DocumentStartEvent:
                    self._document(event)
                continue
            # a whole value stands in `node`
            if key is _ITEM:
                container.items.append(node)
            elif type(key) is str:
                container.entries[key] = node
                container.keys[key] = mark
                key = None
            elif key is _ROOT:
                self._root(node)
            else:
                key = _DROP if key is _COMPLEX else None

    # containers and documents -----------------------------------------------------------------------------------
    def _opened(self, event: Any, is_map: bool, depth: int, key: object) -> ListNode | MapNode:
        start = event.start_mark
        line, column = start.line + 1, start.column + 1
        if event.anchor is not None or event.tag is not None:
            self._properties(event)
        place = Place(self.origin.file, line, column) if depth >= MAX_DEPTH or key is None else None
        if place is not None and depth >= MAX_DEPTH:
            self._stop(f"more than {MAX_DEPTH} levels are nested", place)
        if place is not None:
            self.found.error("yaml-key", "a key must be text, not a list or a map", place)
        return MapNode(self.origin, line, column, {}, {}) if is_map else ListNode(self.origin, line, column, [])

    def _closed(self, container: ListNode | MapNode) -> None:
        inside = container.entries if type(container) is MapNode else container.items  # type: ignore[union-attr]
        self.count += len(inside)
        if self.count > MAX_NODES:
            self._stop(f"the document has more than {MAX_NODES:,} values", container.place)

    def _document(self, event: Any) -> None:
        self.count = 0
        place = Place(self.origin.file, event.start_mark.line + 1, event.start_mark.column + 1)
        if event.tags:
            self.found.error("yaml-tag", "%TAG directives are not allowed", place)
        if event.version and tuple(event.version) != (1, 2):
            self.found.error("yaml-syntax", "only YAML 1.2 is read", place, hint="leave the %YAML line out")

    def _root(self, node: Node) -> None:
        if isinstance(node, MapNode):
            self.documents.append(node)
        elif not (isinstance(node, ScalarNode) and node.value is None):
            sentence = "a document is a map that begins with its kind and its name"
            self.found.error("yaml-document", sentence, node.place, hint="begin with 'kind: …' and 'name: …'")

    # keys -------------------------------------------------------------------------------------------------------
    def _odd_key(self, text: str, quoted: bool, container: MapNode, mark: Mark) -> object:
        """A key that is empty, a merge key, not ASCII or there already: the text to use, or _DROP."""
        place = Place(mark[0].file, mark[1], mark[2])
        if not text or (text == "~" and not quoted):
            self.found.error("yaml-key", "a key is missing before the colon", place)
            return _DROP
        if text == "<<" and not quoted:
            self._no_anchor(place, "merge keys (<<) are not allowed")
            return _DROP
        folded = unicodedata.normalize("NFC", text)
        seen = self._folded.setdefault(id(container), (container, set()))[1]
        if text in container.entries or folded in seen:
            hint = "the other is written with other code points"
            if text in container.keys:
                hint = f"the first stands in line {container.keys[text][1]}"
            self.found.error("yaml-duplicate-key", f"the key '{text[:60]}' stands twice", place, hint=hint)
            return _DROP
        seen.add(folded)
        return text

    # scalars ----------------------------------------------------------------------------------------------------
    def _quoted(self, event: Any, text: str, start: Any) -> ScalarNode:
        style, end = event.style, event.end_mark
        line, column = start.line + 1, start.column + 1
        if style == "|":
            indent = self._block_indent(line)
        else:
            exact = end.line == start.line and end.column - start.column - 2 == len(text)
            indent = 0 if exact and style != ">" else -1
        if style == '"' and not text.isprintable() and (code := escaped_control(text)):
            sentence = f"the text holds the control character {code}, which cannot be stored"
            self.found.error("yaml-scalar", sentence, Place(self.origin.file, line, column))
        return ScalarNode(self.origin, line, column, text, text, style, indent)

    def _block_indent(self, line: int) -> int:
        if self._lines is None:
            self._lines = re.split("\r\n|\r|\n", self.text)
        for content in self._lines[line:]:
            if content.strip(" "):
                return len(content) - len(content.lstrip(" "))
        return -1

    def _alias(self, event: Any) -> ScalarNode:
        mark = event.start_mark
        node = ScalarNode(self.origin, mark.line + 1, mark.column + 1, None, "")
        self._no_anchor(node.place, "aliases (*name) are not allowed")
        return node

    def _properties(self, event: Any) -> None:
        place = Place(self.origin.file, event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor is not None:
            self._no_anchor(place, "anchors (&name) are not allowed")
        if event.tag is not None:
            hint = "put the text in quotes if the exclamation mark belongs to it"
            self.found.error("yaml-tag", f"tags are not allowed ({event.tag[:40]})", place, hint=hint)

    def _no_anchor(self, place: Place, sentence: str) -> None:
        self.found.error("yaml-anchor", sentence, place, hint="write the value out, or put the text in quotes")

    def _stop(self, sentence: str, place: Place) -> None:
        self.found.error("yaml-limit", sentence, place)
        raise _Limit
