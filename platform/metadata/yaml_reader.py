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
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
        return
    following = _parser(text).get_event
    while (event := following()) is not None:
        yield event


class _Reader:
    """The state of reading one text: the finished documents, the open containers and the innermost one's parts.

    `entries` and `keys` are those of the open map, or None and unused inside a list; `items` likewise.
    `key` is what waits for its value in the open map: None, a key's text, _COMPLEX or _DROP.
    """

    def __init__(self, text: str, origin: Origin, found: Diagnostics) -> None:
        self.text = text
        self.origin = origin
        self.found = found
        self.documents: list[MapNode] = []
        self.stack: list[tuple[ListNode | MapNode, object]] = []
        self.entries: dict[str, Node] | None = None
        self.keys: dict[str, Mark] = {}
        self.items: list[Node] | None = None
        self.key: Any = None
        self.key_mark: Mark = (origin, 1, 1)
        self.count = 0
        self._folded: dict[int, set[str]] = {}
        self._lines: list[str] | None = None

    def run(self) -> None:
        """Read all events. One flat loop, scalars first: a large instance has half a million of them."""
        origin = self.origin
        for event in _events(self.text):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                mark = event.start_mark
                text = event.value
                if event.anchor is not None or event.tag is not None:
                    self._properties(event)
                if self.entries is not None and self.key is None:
                    self.key_mark = (origin, mark.line + 1, mark.column + 1)
                    if text.isascii() and text not in self.entries and text not in _ODD_KEYS:
                        self.key = text
                    else:
                        self.key = self._odd_key(text, bool(event.style))
                else:
                    self._attach(self._scalar(event, text, mark))
            elif kind is yaml.MappingStartEvent:
                mark = event.start_mark
                self._open(event, MapNode(origin, mark.line + 1, mark.column + 1, {}, {}))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.SequenceStartEvent:
                mark = event.start_mark
                self._open(event, ListNode(origin, mark.line + 1, mark.column + 1, []))
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self.count = 0
                self._directives(event)

    # containers -----------------------------------------------------------------------------------------------
    def _open(self, event: Any, container: ListNode | MapNode) -> None:
        if event.anchor is not None or event.tag is not None:
            self._properties(event)
        if len(self.stack) >= MAX_DEPTH:
            self._stop(f"more than {MAX_DEPTH} levels are nested", container.place)
        if self.entries is not None and self.key is None:
            self.key = _COMPLEX
            self.found.error("yaml-key", "a key must be text, not a list or a map", container.place)
        self.stack.append((container, (self.key, self.key_mark)))
        self._enter(container)
        self.key = None

    def _close(self) -> None:
        container, (self.key, self.key_mark) = self.stack.pop()  # type: ignore[misc]
        self._enter(self.stack[-1][0] if self.stack else None)
        self._attach(container)

    def _enter(self, container: ListNode | MapNode | None) -> None:
        if type(container) is MapNode:
            self.entries, self.keys, self.items = container.entries, container.keys, None
        else:
            self.entries, self.items = None, container.items if type(container) is ListNode else None

    def _attach(self, node: Node) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            self._stop(f"the document has more than {MAX_NODES:,} values", node.place)
        key = self.key
        if self.entries is None:
            if self.items is None:
                self._root(node)
            else:
                self.items.append(node)
        elif type(key) is str:
            self.entries[key] = node
            self.keys[key] = self.key_mark
            self.key = None
        else:
            self.key = _DROP if key is _COMPLEX else None

    def _root(self, node: Node) -> None:
        if isinstance(node, MapNode):
            self.documents.append(node)
        elif not (isinstance(node, ScalarNode) and node.value is None):
            sentence = "a document is a map that begins with its kind and its name"
            self.found.error("yaml-document", sentence, node.place, hint="begin with 'kind: …' and 'name: …'")

    # keys -------------------------------------------------------------------------------------------------------
    def _odd_key(self, text: str, quoted: bool) -> object:
        """A key that is empty, a merge key, not ASCII or there already: the text to use, or _DROP."""
        assert self.entries is not None  # noqa: S101 (only called inside a map)
        place = Place(*self._mark_of_key())
        if not text or (text == "~" and not quoted):
            self.found.error("yaml-key", "a key is missing before the colon", place)
            return _DROP
        if text == "<<" and not quoted:
            self._no_anchor(place, "merge keys (<<) are not allowed")
            return _DROP
        folded = unicodedata.normalize("NFC", text)
        seen = self._folded.setdefault(id(self.entries), set())
        if text in self.entries or folded in seen:
            hint = "the other is written with other code points"
            if text in self.keys:
                hint = f"the first stands in line {self.keys[text][1]}"
            self.found.error("yaml-duplicate-key", f"the key '{text[:60]}' stands twice", place, hint=hint)
            return _DROP
        seen.add(folded)
        return text

    def _mark_of_key(self) -> tuple[str, int, int]:
        return (self.key_mark[0].file, *self.key_mark[1:])

    # scalars ----------------------------------------------------------------------------------------------------
    def _scalar(self, event: Any, text: str, start: Any) -> ScalarNode:
        line = start.line
        if event.style:
            return self._quoted(event, text, start)
        value = _CONSTANTS.get(text, text)
        if value is text and text[0] < ":" and len(text) <= 82:
            if _INTEGER.match(text):
                value = int(text)
            elif _FRACTION.match(text):
                value = Decimal(text)
        indent = -1 if " " in text and event.end_mark.line != line else 0
        return ScalarNode(self.origin, line + 1, start.column + 1, value, text, "", indent)

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

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        place = Place(self.origin.file, mark.line + 1, mark.column + 1)
        self._no_anchor(place, "aliases (*name) are not allowed")
        if self.entries is not None and self.key is None:
            self.key = _DROP
        else:
            self._attach(ScalarNode(self.origin, place.line, place.column, None, ""))

    def _properties(self, event: Any) -> None:
        place = Place(self.origin.file, event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor is not None:
            self._no_anchor(place, "anchors (&name) are not allowed")
        if event.tag is not None:
            hint = "put the text in quotes if the exclamation mark belongs to it"
            self.found.error("yaml-tag", f"tags are not allowed ({event.tag[:40]})", place, hint=hint)

    def _no_anchor(self, place: Place, sentence: str) -> None:
        self.found.error("yaml-anchor", sentence, place, hint="write the value out, or put the text in quotes")

    def _directives(self, event: Any) -> None:
        place = Place(self.origin.file, event.start_mark.line + 1, event.start_mark.column + 1)
        if event.tags:
            self.found.error("yaml-tag", "%TAG directives are not allowed", place)
        if event.version and tuple(event.version) != (1, 2):
            self.found.error("yaml-syntax", "only YAML 1.2 is read", place, hint="leave the %YAML line out")

    def _stop(self, sentence: str, place: Place) -> None:
        self.found.error("yaml-limit", sentence, place)
        raise _Limit
