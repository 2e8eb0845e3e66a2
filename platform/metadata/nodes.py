"""The tree of one YAML document: maps, lists and scalars, each knowing its file, layer, line and column.

Made by `yaml_reader`, merged by `overlay`, judged by `documents` (through `to_plain`) and mapped back to places with
`at`. Nodes are never changed after they are made; merging makes new ones. They are plain slotted classes because a
thousand objects are half a million nodes and a `Place` is only needed for the few that are named in a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from guanxi.common.diagnostics import Place

Scalar: TypeAlias = str | int | Decimal | bool | None
Path: TypeAlias = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a node was written: the layer that set it and the file as messages name it."""

    layer: str
    file: str


Mark: TypeAlias = tuple[Origin, int, int]
"""Where a key stands: origin, line and column."""


class Node:
    """What every node has: an origin and a position (line and column count from 1)."""

    __slots__ = ("column", "line", "origin")

    def __init__(self, origin: Origin, line: int, column: int) -> None:
        self.origin = origin
        self.line = line
        self.column = column

    @property
    def place(self) -> Place:
        """The node's first character."""
        return Place(self.origin.file, self.line, self.column)


class ScalarNode(Node):
    """A text, number, boolean or nothing. `text` is as written; `style` is "" (plain), a quote, "|" or ">".

    `indent` is the column offset of a literal block's content; -1 says that positions inside cannot be told.
    """

    __slots__ = ("indent", "style", "text", "value")

    def __init__(  # noqa: PLR0917 (made half a million times)
        self, origin: Origin, line: int, column: int, value: Scalar, text: str, style: str = "", indent: int = 0
    ) -> None:
        self.origin = origin
        self.line = line
        self.column = column
        self.value = value
        self.text = text
        self.style = style
        self.indent = indent

    @property
    def quoted(self) -> bool:
        """True when the text was quoted or a block, so that it can only be text."""
        return bool(self.style)

    def place_in(self, line: int, column: int) -> Place:
        """The place of a character of the text, given by its own line and column (from 1)."""
        if self.indent < 0:
            return self.place
        if self.style == "|":
            return Place(self.origin.file, self.line + line, self.indent + column)
        if line != 1:
            return self.place
        return Place(self.origin.file, self.line, self.column + len(self.style) + column - 1)


class ListNode(Node):
    """A list of nodes."""

    __slots__ = ("items",)

    def __init__(self, origin: Origin, line: int, column: int, items: list[Node]) -> None:
        self.origin = origin
        self.line = line
        self.column = column
        self.items = items


class MapNode(Node):
    """A map in reading order. `keys` says where each key stands, for messages about the key rather than its value."""

    __slots__ = ("entries", "keys")

    def __init__(self, origin: Origin, line: int, column: int, entries: dict[str, Node], keys: dict[str, Mark]) -> None:
        self.origin = origin
        self.line = line
        self.column = column
        self.entries = entries
        self.keys = keys

    def get(self, key: str) -> Node | None:
        """The value under `key`, or None."""
        return self.entries.get(key)

    def text(self, key: str) -> str:
        """The value under `key` when it is text, else ""."""
        found = self.entries.get(key)
        return found.value if isinstance(found, ScalarNode) and isinstance(found.value, str) else ""

    def key_place(self, key: str) -> Place:
        """Where the key stands (the map's own place when it does not)."""
        found = self.keys.get(key)
        return Place(found[0].file, found[1], found[2]) if found is not None else self.place

    def without(self, *names: str) -> MapNode:
        """The same map without some keys."""
        entries = {k: v for k, v in self.entries.items() if k not in names}
        return MapNode(self.origin, self.line, self.column, entries, {k: self.keys[k] for k in entries})


@dataclass(frozen=True, slots=True)
class Document:
    """One definition as written: its kind and name, and its whole tree (`kind` and `name` included).

    `extends` is True for a partial document (`extend: name`); its `name` is then the name it extends.
    """

    kind: str
    name: str
    node: MapNode
    layer: str
    extends: bool = False

    @property
    def file(self) -> str:
        """The file as messages name it."""
        return self.node.origin.file

    @property
    def place(self) -> Place:
        """The document's first key."""
        return self.node.place

    @property
    def label(self) -> str:
        """`kind/name`, the form in which patches and plans name a definition."""
        return f"{self.kind}/{self.name}"


def to_plain(node: Node) -> Any:
    """The node as dicts, lists and scalars (numbers with a fraction as Decimal)."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, MapNode):
        return {key: v.value if isinstance(v, ScalarNode) else to_plain(v) for key, v in node.entries.items()}
    if isinstance(node, ListNode):
        return [to_plain(item) for item in node.items]
    raise TypeError(type(node))


def child(node: Node | None, step: str | int) -> Node | None:
    """The value one step down: a key of a map or an index of a list."""
    if isinstance(node, MapNode):
        return node.entries.get(str(step))
    if isinstance(node, ListNode):
        try:
            return node.items[int(step)]
        except (ValueError, IndexError):
            return None
    return None


def find(node: Node, path: Path) -> Node | None:
    """The value at a path of keys and indexes, or None."""
    current: Node | None = node
    for step in path:
        current = child(current, step)
        if current is None:
            return None
    return current


def at(node: Node, path: Path, *, key: bool = False) -> Place:
    """The place of the value at `path`, or of its key; the nearest enclosing value when it does not exist."""
    current = node
    for number, step in enumerate(path):
        if key and number == len(path) - 1 and isinstance(current, MapNode) and str(step) in current.keys:
            return current.key_place(str(step))
        found = child(current, step)
        if found is None:
            return current.place
        current = found
    return current.place


def dotted(path: Path) -> str:
    """A path as messages write it: `fields.level.type`."""
    return ".".join(str(step) for step in path)


def walk(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """Every node with its path, parents first."""
    yield path, node
    if isinstance(node, MapNode):
        for key, value in node.entries.items():
            yield from walk(value, (*path, key))
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from walk(item, (*path, index))


def scalar(node: Node, value: Scalar) -> ScalarNode:
    """A scalar that the reader did not write, placed where `node` stands."""
    return ScalarNode(node.origin, node.line, node.column, value, "" if value is None else str(value), indent=-1)
