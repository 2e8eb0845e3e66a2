"""Declared renames, followed: what still mentions a field or an option by its old name means the new one.

A field says `renamed_from`; views, forms, rules, roles and data rows that name the old field are read as if they named
the new one (here, on the node trees), and expressions are rewritten through the parser (`Context.expression`). Each
place is a warning, so that its author can write the new name; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from guanxi.common.diagnostics import Diagnostics
from guanxi.expressions.rename import Renames
from guanxi.expressions.schema import FieldInfo, RelatedInfo, SchemaView

from ..nodes import Document, ListNode, MapNode, Node, ScalarNode, dotted, scalar

Step = str | int
# Where a document of an object names its own fields; "*" is any key or index.
_NAMES: tuple[tuple[str, ...], ...] = (
    ("title",),
    ("history", "*"),
    ("unique", "*", "*"),
    ("rules", "*", "fields", "*"),
    ("duplicates", "*", "match", "*"),
    ("duplicates", "*", "match", "*", "field"),
    ("stages", "field"),
    ("stages", "path", "*", "needs", "*"),
    ("form", "sections", "*", "fields", "*"),
    ("views", "*", "columns", "*"),
    ("views", "*", "sort", "*"),
    ("views", "*", "by"),
    ("views", "*", "sum"),
    ("views", "*", "date"),
    ("views", "*", "end"),
    ("page", "highlights", "*"),
)
# Where it has maps whose keys are fields.
_KEYS: tuple[tuple[str, ...], ...] = (
    ("stages", "path", "*", "on_enter", "*", "set"),
    ("actions", "*", "do", "*", "set"),
)


@dataclass(frozen=True, slots=True)
class Declared:
    """All renames of a model: `fields` object → old → new; `options` (object, field) → old → new."""

    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    options: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.fields or self.options)

    def for_expressions(self) -> Renames:
        """The form in which the expression room takes them."""
        return Renames(
            {(owner, old): new for owner, names in self.fields.items() for old, new in names.items()},
            {(*key, old): new for key, names in self.options.items() for old, new in names.items()},
        )


def declared(documents: Sequence[Document]) -> Declared:
    """Every `renamed_from` whose old name is free."""
    shared = {d.name: _renamed(d.node.get("options")) for d in documents if d.kind == "options"}
    fields: dict[str, dict[str, str]] = {}
    options: dict[tuple[str, str], dict[str, str]] = {}
    for document in documents:
        parts = document.node.get("fields") if document.kind == "object" else None
        if not isinstance(parts, MapNode):
            continue
        names = _renamed(parts)
        if names:
            fields[document.name] = names
        for name, part in parts.entries.items():
            given = part.get("options") if isinstance(part, MapNode) else None
            changed = shared.get(str(given.value), {}) if isinstance(given, ScalarNode) else _renamed(given)
            if changed:
                options[document.name, name] = changed
    for path, new in _of_packs(documents):
        _claim(path, new, documents, fields, options)
    return Declared(fields, options)


def _of_packs(documents: Sequence[Document]) -> Iterator[tuple[tuple[str, ...], str]]:
    """(old path, new name) of the `renamed` steps of packs' upgrades, as written."""
    for document in documents:
        upgrades = document.node.get("upgrades") if document.kind == "pack" else None
        for part in upgrades.entries.values() if isinstance(upgrades, MapNode) else ():
            listed = part.get("renamed") if isinstance(part, MapNode) else None
            for one in listed.items if isinstance(listed, ListNode) else ():
                if isinstance(one, MapNode) and one.text("from") and one.text("to"):
                    yield tuple(one.text("from").replace("=", ".").split(".")), one.text("to")


def _claim(
    path: tuple[str, ...],
    new: str,
    documents: Sequence[Document],
    fields: dict[str, dict[str, str]],
    options: dict[tuple[str, str], dict[str, str]],
) -> None:
    """Enter a pack's rename of a field or option whose old name is free; earlier ones that led there lead on."""
    owner = next((d for d in documents if d.kind == "object" and d.name == path[0]), None)
    parts = owner.node.get("fields") if owner is not None else None
    if not isinstance(parts, MapNode) or len(path) < 2 or (len(path) == 2 and path[1] in parts.entries):
        return
    names = fields.setdefault(path[0], {}) if len(path) == 2 else options.setdefault((path[0], path[1]), {})
    for old, known in names.items():
        names[old] = new if known == path[-1] else known
    names.setdefault(path[-1], new)


def _renamed(parts: Node | None) -> dict[str, str]:
    if not isinstance(parts, MapNode):
        return {}
    found = {p.text("renamed_from"): name for name, p in parts.entries.items() if isinstance(p, MapNode)}
    return {old: new for old, new in found.items() if old and old not in parts.entries}


def follow(documents: Sequence[Document], renames: Declared, found: Diagnostics) -> list[Document]:
    """The documents with old field names exchanged wherever a field is named outside expressions."""
    if not renames.fields:
        return list(documents)
    return [_followed(document, renames, found) for document in documents]


def _followed(document: Document, renames: Declared, found: Diagnostics) -> Document:
    walker = _Walker(found)
    node: Node = document.node
    if document.kind == "object" and document.name in renames.fields:
        node = walker.names(node, renames.fields[document.name], _NAMES, _KEYS)
    elif document.kind == "role":
        for owner, names in renames.fields.items():
            node = walker.names(node, names, (), (("objects", owner, "fields"),))
    elif document.kind == "restriction" and (names := renames.fields.get(document.node.text("object"), {})):
        node = walker.names(node, names, (), (("fields",),))
    elif document.kind == "data" and (names := renames.fields.get(document.node.text("object"), {})):
        node = walker.names(node, names, (("key",), ("key", "*")), (("rows", "*"),))
    return replace(document, node=node) if node is not document.node and isinstance(node, MapNode) else document


@dataclass(slots=True)
class _Walker:
    found: Diagnostics

    def names(
        self, node: Node, names: Mapping[str, str], values: Sequence[tuple[str, ...]], keys: Sequence[tuple[str, ...]]
    ) -> Node:
        """The tree with names exchanged at these places; the same tree when there was nothing to exchange."""
        return self._walk(node, (), names, values, keys)

    def _walk(
        self,
        node: Node,
        path: tuple[Step, ...],
        names: Mapping[str, str],
        values: Sequence[tuple[str, ...]],
        keys: Sequence[tuple[str, ...]],
    ) -> Node:
        if isinstance(node, ScalarNode):
            return self._exchanged(node, path, names) if _at(values, path) else node
        if not any(_leads(pattern, path) for pattern in (*values, *keys)):
            return node
        if isinstance(node, ListNode):
            items = [self._walk(item, (*path, i), names, values, keys) for i, item in enumerate(node.items)]
            same = all(a is b for a, b in zip(items, node.items, strict=True))
            return node if same else ListNode(node.origin, node.line, node.column, items)
        if not isinstance(node, MapNode):
            return node
        entries: dict[str, Node] = {}
        marks = {}
        changed = False
        for key, value in node.entries.items():
            new = names.get(key, key) if _at(keys, path) and names.get(key, key) not in node.entries else key
            if new != key:
                self._say(node.key_place(key), path, key, new)
            entries[new] = self._walk(value, (*path, key), names, values, keys)
            marks[new] = node.keys[key]
            changed = changed or new != key or entries[new] is not value
        return MapNode(node.origin, node.line, node.column, entries, marks) if changed else node

    def _exchanged(self, node: ScalarNode, path: tuple[Step, ...], names: Mapping[str, str]) -> Node:
        if not isinstance(node.value, str):
            return node
        sign = "-" if node.value.startswith("-") else ""
        first, dot, rest = node.value.removeprefix("-").partition(".")
        if first not in names:
            return node
        self._say(node.place, path, first, names[first])
        return scalar(node, f"{sign}{names[first]}{dot}{rest}")

    def _say(self, place: object, path: tuple[Step, ...], old: str, new: str) -> None:
        from guanxi.common.diagnostics import Place

        if isinstance(place, Place):
            self.found.warning("renamed", f"'{old}' is now called '{new}'", place, path=dotted(path))


def _at(patterns: Sequence[tuple[str, ...]], path: tuple[Step, ...]) -> bool:
    return any(len(pattern) == len(path) and _leads(pattern, path) for pattern in patterns)


def _leads(pattern: tuple[str, ...], path: tuple[Step, ...]) -> bool:
    return len(path) <= len(pattern) and all(p in ("*", s) for p, s in zip(pattern, path, strict=False))


@dataclass(frozen=True, slots=True)
class OldNames:
    """A schema in which the old names live on beside the new ones, for reading an expression that uses them."""

    schema: SchemaView
    renames: Declared

    def field(self, object_name: str, name: str) -> FieldInfo | None:
        """A field under its present or its former name, with former options allowed."""
        known = self.renames.fields.get(object_name, {}).get(name, name)
        info = self.schema.field(object_name, known)
        former = self.renames.options.get((object_name, known))
        if info is None or (known == name and not former):
            return info
        kind = info.type
        if former and kind.options is not None:
            kind = replace(kind, options=kind.options | frozenset(former))
        return replace(info, name=name, type=kind, value=None)

    def field_names(self, object_name: str) -> Iterator[str]:
        """Present and former names."""
        yield from self.schema.field_names(object_name)
        yield from self.renames.fields.get(object_name, {})

    def related(self, object_name: str, name: str) -> RelatedInfo | None:
        """See SchemaView."""
        return self.schema.related(object_name, name)

    def related_names(self, object_name: str) -> Iterator[str]:
        """See SchemaView."""
        yield from self.schema.related_names(object_name)

    def calendar_names(self) -> Iterator[str]:
        """See SchemaView."""
        yield from self.schema.calendar_names()
