"""Everything that mentions an object, a field, a role, a shared list of options, an option or a related list.

Reads the merged documents (for places) beside the Registry they compiled to (for types). What a scalar or key of a
document names is said by one table of paths; a new kind adds its rows. Expressions are asked for their own mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from guanxi.common.diagnostics import Place
from guanxi.expressions.check import mentions
from guanxi.expressions.faults import ExpressionErrors
from guanxi.registry import Registry

from .nodes import Document, MapNode, Node, ScalarNode, at, dotted, walk

_ROLE_CALL = re.compile(r"has_role\(\s*(['\"])([a-z0-9_]+)\1")


@dataclass(frozen=True, slots=True, order=True)
class Usage:
    """One mention: where it stands, in which definition (`object/customer`) at which path, and what is mentioned
    (`object customer`, `field customer.level`, `option customer.level=a`, `role sales`, `options region`).
    """

    place: Place
    definition: str
    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.definition}: {self.path}: {self.what}"


# what stands at a path: (kind of document, path with *, meaning); a key is meant when the path ends in "key" -----
_OWN = "field"
_PATHS: tuple[tuple[str, str, str], ...] = (
    ("object", "fields.*.to", "object"),
    ("object", "fields.*.options", "options"),
    ("object", "fields.*.options.* key", "option of 1"),
    ("object", "fields.* key", _OWN),
    ("object", "fields.*.since_stage", "stage"),
    *(("object", f"fields.*.{key}", "expression") for key in ("required", "read_only", "when", "default", "value")),
    ("object", "title", "expression"),
    ("object", "history.*", _OWN),
    ("object", "unique.*.*", _OWN),
    ("object", "unique.*.fields.*", _OWN),
    ("object", "rules.*.check", "expression"),
    ("object", "rules.*.when", "expression"),
    ("object", "rules.*.fields.*", _OWN),
    ("object", "duplicates.*.match.*", _OWN),
    ("object", "duplicates.*.match.*.field", _OWN),
    ("object", "stages.field", _OWN),
    ("object", "stages.path.* key", "stage"),
    ("object", "stages.path.*.to.*", "stage"),
    ("object", "stages.path.*.needs.*", _OWN),
    ("object", "stages.path.*.when", "expression"),
    ("object", "stages.path.*.by", "expression"),
    ("object", "stages.path.*.on_enter.*.set.* key", _OWN),
    ("object", "stages.path.*.on_enter.*.set.*", "expression"),
    ("object", "stages.path.*.on_enter.*.create.object", "object"),
    ("object", "form.sections.*.fields.*", _OWN),
    ("object", "form.sections.*.when", "expression"),
    ("object", "views.*.where", "expression"),
    ("object", "views.*.columns.*", "path"),
    ("object", "views.*.sort.*", "path"),
    *(("object", f"views.*.{key}", _OWN) for key in ("by", "sum", "date", "end")),
    ("object", "page.highlights.*", "path"),
    ("object", "page.tabs.*", "list"),
    ("object", "actions.*.when", "expression"),
    ("object", "actions.*.do.*.set.* key", _OWN),
    ("object", "actions.*.do.*.set.*", "expression"),
    ("object", "actions.*.do.*.create.object", "object"),
    ("automation", "object", "object"),
    ("automation", "on.date", "row field"),
    ("automation", "when", "row expression"),
    *(
        ("automation", f"{inside}do.*.{path}", meaning)
        for inside in ("", "do.*.choose.*.")
        for path, meaning in (
            ("set.* key", "row field"),
            ("set.*", "row expression"),
            ("create.object", "object"),
            ("create.values.*", "row expression"),
            ("update.object", "object"),
            ("update.list", "row list"),
            ("for_each.list", "row list"),
            ("task.to", "row expression"),
            ("task.to.role", "role"),
            ("task.to.*", "row expression"),
            ("task.to.*.role", "role"),
            ("task.due", "row expression"),
            ("assign.to", "row expression"),
            ("assign.to.role", "role"),
            ("assign.to.*.role", "role"),
            ("notify.to", "row expression"),
            ("notify.to.role", "role"),
            ("notify.to.*.role", "role"),
            ("wait.until", "row expression"),
            ("wait.while", "row expression"),
        )
    ),
    ("automation", "do.*.choose.*.when", "row expression"),
    ("sla", "object", "object"),
    *(("sla", key, "row expression") for key in ("when", "pause")),
    *(("sla", f"targets.*.{key}", "row expression") for key in ("start", "stop", "pause")),
    *(
        ("sla", f"{inside}.*.{path}", meaning)
        for inside in (
            "on_breach",
            "on_warning",
            "warn.*.do",
            "targets.*.on_breach",
            "targets.*.on_warning",
            "targets.*.warn.*.do",
        )
        for path, meaning in (
            ("set.* key", "row field"),
            ("set.*", "row expression"),
            ("create.object", "object"),
            ("notify.to", "row expression"),
            ("notify.to.role", "role"),
            ("notify.to.*.role", "role"),
            ("assign.to", "row expression"),
            ("assign.to.role", "role"),
            ("task.to", "row expression"),
            ("task.to.role", "role"),
        )
    ),
    ("role", "includes.*", "role"),
    ("role", "objects.* key", "object"),
    ("role", "objects.*.where", "expression of 1"),
    ("role", "objects.*.fields.* key", "field of 1"),
    ("role", "objects.*.*.where", "expression of 1"),
    ("role", "actions.*", "action"),
    ("share", "object", "object"),
    ("share", "where", "row expression"),
    ("share", "with.role", "role"),
    ("share", "with.role.*", "role"),
    ("restriction", "object", "object"),
    ("restriction", "where", "row expression"),
    ("restriction", "fields.* key", "row field"),
    *(("restriction", f"{key}.role{more}", "role") for key in ("for", "except") for more in ("", ".*")),
    ("duty", "apart.*", "duty"),
    ("app", "menu.*", "menu"),
    ("app", "roles.*", "role"),
    ("data", "object", "object"),
    ("data", "key", "row field"),
    ("data", "key.*", "row field"),
    ("data", "rows.*.* key", "row field"),
    ("data", "rows.*.*", "row value"),
    ("data", "rows.*.*.*", "row value"),
    ("options", "options.* key", "option"),
    ("test", "given.* key", "object"),
    ("test", "given.*.*.* key", "field of 1"),
    ("test", "users.*.roles.*", "role"),
)


def _table() -> dict[tuple[str, bool, int], list[tuple[tuple[str, ...], str]]]:
    table: dict[tuple[str, bool, int], list[tuple[tuple[str, ...], str]]] = {}
    for kind, pattern, meaning in _PATHS:
        steps = tuple(pattern.removesuffix(" key").split("."))
        table.setdefault((kind, pattern.endswith(" key"), len(steps)), []).append((steps, meaning))
    return table


_TABLE = _table()


def where_used(documents: Iterable[Document], registry: Registry, name: str) -> list[Usage]:
    """Every mention of `name`, by place. `name` is a definition's name, `object.field`, `object.list`,
    `object.field=option` or `options=option`; a bare name means the object, role, shared list and so on of that name.
    """
    wanted = frozenset(_meanings(registry, name))
    return sorted({one for one in usages(documents, registry) if one.what in wanted})


def _meanings(registry: Registry, name: str) -> Iterator[str]:
    if "=" in name:
        yield f"option {name}"
        owner, _, option = name.partition("=")
        for kind in registry.objects.values():  # an option of a shared list is used through the fields that have it
            for field in kind.fields.values():
                shared = registry.option_sets.get(owner)
                if shared is not None and field.options is shared.options:
                    yield f"option {kind.name}.{field.name}={option}"
    elif "." in name:
        yield f"field {name}"
        yield f"list {name}"
        yield f"action {name}"
    else:
        yield from (
            f"{kind} {name}" for kind in ("object", "role", "options", "app", "calendar", "data", "test", "pack")
        )


def usages(documents: Iterable[Document], registry: Registry) -> Iterator[Usage]:
    """All mentions in all documents."""
    for document in documents:
        for path, node in walk(document.node):
            yield from _at(registry, document, path, node)


def _at(registry: Registry, document: Document, path: tuple[str | int, ...], node: Node) -> Iterator[Usage]:
    if isinstance(node, MapNode):
        for key in node.entries:
            meaning = _meaning(document.kind, (*path, key), key=True)
            if meaning:
                yield from _named(registry, document, (*path, key), meaning, key, node=None)
    elif isinstance(node, ScalarNode) and node.value is not None:
        meaning = _meaning(document.kind, path, key=False)
        if meaning:
            yield from _named(registry, document, path, meaning, str(node.value), node=node)


def _meaning(kind: str, path: Sequence[str | int], *, key: bool) -> str:
    for steps, meaning in _TABLE.get((kind, key, len(path)), ()):
        if all(step in ("*", str(part)) for step, part in zip(steps, path, strict=True)):
            return meaning
    return ""


def _named(
    registry: Registry,
    document: Document,
    path: tuple[str | int, ...],
    meaning: str,
    text: str,
    *,
    node: ScalarNode | None,
) -> Iterator[Usage]:
    owner = document.name
    if meaning.endswith(" of 1"):
        owner = f"{document.name}.{path[1]}" if meaning.startswith("option") else str(path[1])
        meaning = meaning.removesuffix(" of 1")
    elif meaning.startswith("row "):
        owner, meaning = document.node.text("object"), meaning.removeprefix("row ")
    place = at(document.node, path, key=node is None)

    def usage(what: str, where: Place = place) -> Usage:
        return Usage(where, document.label, dotted(path), what)

    if meaning == "expression" and node is not None:
        yield from _in_expression(registry, document, path, owner, node)
    elif meaning == "value":
        yield from (usage(what) for what in _in_row(registry, owner, str(path[2]), text))
    else:
        yield from (usage(what) for what in _what(registry, meaning, owner, text))


def _what(registry: Registry, meaning: str, owner: str, text: str) -> Iterator[str]:
    kind = registry.objects.get(owner)
    if meaning == "option":
        yield f"option {owner}={text}"
    elif meaning == "stage":
        if kind is not None and kind.stages is not None:
            yield f"option {owner}.{kind.stages.field}={text}"
    elif meaning == "path":
        yield from _along(registry, owner, text.removeprefix("-").split("."))
    elif meaning in ("field", "list"):
        yield f"{meaning} {owner}.{text}"
    elif meaning == "menu":
        of, _, name = text.rpartition(":")
        yield f"{of or 'object'} {name}"
    elif meaning == "duty" and text.startswith("role:"):
        yield f"role {text.removeprefix('role:')}"
    elif meaning in ("action", "duty"):
        yield f"action {text}"
        yield f"object {text.partition('.')[0]}"
    else:
        yield f"{meaning} {text}"


def _along(registry: Registry, owner: str, steps: list[str]) -> Iterator[str]:
    for step in steps:
        yield f"field {owner}.{step}"
        info = registry.field(owner, step)
        if info is None or not info.type.object:
            return
        owner = info.type.object


def _in_row(registry: Registry, owner: str, name: str, text: str) -> Iterator[str]:
    kind = registry.objects.get(owner)
    field = kind.fields.get(name) if kind is not None else None
    if field is not None and text in field.options:
        yield f"option {owner}.{name}={text}"
    elif field is not None and field.target == "role":
        yield f"role {text}"


def _in_expression(
    registry: Registry, document: Document, path: Sequence[str | int], owner: str, node: ScalarNode
) -> Iterator[Usage]:
    text = node.value
    if not isinstance(text, str):
        return
    kind = registry.objects.get(owner)
    field = kind.fields.get(str(path[-1] if path[-2] == "set" else path[1])) if kind and len(path) > 2 else None
    if field is not None and text in field.options and path[-1] not in ("required", "read_only", "when", "value"):
        yield Usage(node.place, document.label, dotted(path), f"option {owner}.{field.name}={text}")
        return
    for one in _mentions(registry, owner, text):
        place = _place(node, text, one.span.start)
        if one.option:
            what = f"option {one.object}.{one.name}={one.option}"
        else:
            kind = registry.objects.get(one.object)
            what = f"{'list' if kind and one.name in kind.related else 'field'} {one.object}.{one.name}"
        yield Usage(place, document.label, dotted(path), what)
    for found in _ROLE_CALL.finditer(text):
        yield Usage(_place(node, text, found.start(2)), document.label, dotted(path), f"role {found.group(2)}")


def _mentions(registry: Registry, owner: str, text: str) -> list[Any]:
    try:
        return list(mentions(text, registry, owner, params={}, outer=None))
    except ExpressionErrors:  # a plain text that may stand where an expression may, such as a default
        return []


def _place(node: ScalarNode, text: str, offset: int) -> Place:
    line = text.count("\n", 0, offset) + 1
    return node.place_in(line, offset - (text.rfind("\n", 0, offset) + 1) + 1)
