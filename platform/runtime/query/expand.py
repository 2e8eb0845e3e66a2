"""Expanded references: a parent as `{"id", "title", fields…}` inside the row, read by a join of the same statement.

A parent the reader may not see is `{"id", "title": null}`: its id stands in the record anyway, nothing else is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guanxi.common.errors import BadRequest
from guanxi.registry.objects import Field, ObjectType
from guanxi.runtime.access.gate import operand
from guanxi.runtime.access.grants import Grants

from .cells import put_field
from .frame import Frame
from .shape import Shape, braces

MAX_EXPAND = 20
MAX_DEPTH = 4


@dataclass(slots=True)
class Listed:
    """A list of references at the root: its ids here, its records later (`expand_many`)."""

    name: str

    def code(self, shape: Shape, frame: Frame) -> str:
        """The code of the ids."""
        return put_field(shape, frame.object.fields[self.name], frame, frame.root, masked=False)


@dataclass(slots=True)
class Expansion:
    """A reference to expand, by its path from the list's object, with what is expanded inside it."""

    path: tuple[str, ...]
    inside: dict[str, Expansion] = field(default_factory=dict)

    def code(self, shape: Shape, frame: Frame) -> str:
        """Select the parent and return the code of its JSON form."""
        grants = frame.reader
        base = frame.parent(self.path[:-1]) if len(self.path) > 1 else frame.root
        key = shape.select(base.column(self.path[-1]))
        target = frame.target_of(base.object, self.path[-1])
        unseen = braces([("id", key), ("title", "None")])
        if target is None or not grants.on(target.name).of("read"):
            return f"(None if {key} is None else {unseen})"
        parent = frame.parent(self.path)
        found = shape.select(parent.column("id"))
        entries = [("id", key), ("title", frame.title(shape, parent, key))]
        for definition in plain_fields(frame, grants, target):
            inner = self.inside.get(definition.name)
            code = inner.code(shape, frame) if inner else self._cell(shape, frame, definition)
            entries.append((definition.name, code))
        for name, inner in self.inside.items():
            if all(name != known for known, _ in entries):
                entries.append((name, inner.code(shape, frame)))
        return f"(None if {key} is None else {unseen} if {found} is None else {braces(entries)})"

    def _cell(self, shape: Shape, frame: Frame, definition: Field) -> str:
        parent = frame.parent(self.path)
        masked = not frame.reader.on(parent.object.name).readable(definition.name)
        return put_field(shape, definition, frame, parent, masked=masked)


def plain_fields(frame: Frame, grants: Grants, target: ObjectType) -> list[Field]:
    """The fields of an expanded parent: its own columns the reader may see (others would cost a query each)."""
    rights, columns = grants.on(target.name), frame.model.tables[target.name].columns
    return [
        f
        for f in target.fields.values()
        if not f.system and f.name in columns and f.name not in ("id", "title") and rights.shown(f.name)
    ]


def expansions(frame: Frame, asked: Sequence[str]) -> Mapping[str, Expansion | Listed]:
    """The references to expand by their first name; BadRequest for a path that is none for this reader."""
    if len(asked) > MAX_EXPAND:
        raise BadRequest(f"At most {MAX_EXPAND} references are expanded.", code="bad_request")
    roots: dict[str, Expansion] = {}
    lists: dict[str, Listed] = {}
    for path in asked:
        known = frame.object.fields.get(path)
        if known is not None and known.type == "references":
            lists[path] = Listed(path)
            continue
        operand(frame.reader, frame.object, path, "expand")
        parts = tuple(path.split("."))
        if len(parts) > MAX_DEPTH:
            raise BadRequest(f"{path!r} expands more than {MAX_DEPTH} references.", code="bad_request")
        level = roots
        for depth, name in enumerate(parts):
            level = level.setdefault(name, Expansion(parts[: depth + 1])).inside
    return {**roots, **lists}
