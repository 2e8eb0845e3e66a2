"""`kind: object` → ObjectType: all parts of one object, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.common.labels import Label, title_case
from guanxi.common.names import NAME, RESERVED_ACTIONS
from guanxi.expressions.expression import Expression
from guanxi.registry import Action, Field, ObjectType

from ..documents.object import ObjectDocument
from ..link.context import Context
from ..link.system_fields import FIELDS, names
from ..nodes import Document, MapNode
from .fields import compile_field
from .rules import compile_duplicates, compile_rules, compile_unique, constant
from .scope import Scope, frozen
from .screens import compile_form, compile_page, compile_views
from .stages import compile_stages
from .steps import compile_steps

TITLES = ("name", "full_name", "title", "subject", "label", "code", "number")
_TITLE_KINDS = frozenset({"text", "choice"})


def compile_object(context: Context, document: Document, model: ObjectDocument) -> ObjectType | None:
    """The compiled object, from memory when nothing that it depends on changed."""
    outline = context.outlines.get(document.name)
    if outline is None:
        return None
    scope = Scope(context, document, model, outline)
    return context.made(document, "object", lambda: _compile(scope))


def _compile(scope: Scope) -> ObjectType | None:
    model = scope.model
    fields = _fields(scope)
    title = _title(scope)
    history = _history(scope, fields)
    label = scope.label(("label",), model.label, scope.name)
    parts: dict[str, Any] = {
        "unique": compile_unique(scope),
        "rules": compile_rules(scope),
        "duplicates": compile_duplicates(scope),
        "stages": compile_stages(scope),
        "form": compile_form(scope),
        "views": compile_views(scope, tuple(name for name in scope.outline.fields if title and name in title.own)),
        "page": compile_page(scope, bool(history)),
        "actions": _actions(scope),
    }
    if title is None:
        return None
    return ObjectType(
        name=scope.name,
        label=label,
        plural=scope.text(("plural",), model.plural) or _plural(label, scope.name),
        fields=fields,
        title=title,
        icon=model.icon or "box",
        description=scope.text(("description",), model.description),
        owned=model.owned,
        access=model.access,
        history=history,
        concurrency=model.concurrency,
        **parts,
        related=frozen({found.name: found for found in scope.context.lists_of(scope.name)}),
        renamed_from=model.renamed_from or "",
        layer=scope.document.layer,
        sources=_sources(scope.document),
        system=scope.document.layer == "platform",
        place=f"{scope.document.file}:{scope.document.node.key_place('access').line}",
    )


def _fields(scope: Scope) -> Mapping[str, Field]:
    made = {name: compile_field(scope, one) for name, one in scope.outline.fields.items()}
    for name in names(scope.model.owned):
        made.setdefault(name, FIELDS[name])
    return frozen(made)


def _plural(label: Label, name: str) -> Label:
    """Without a plural the label serves, with the English plural of the name where the label was made of it."""
    return label if label != Label.of(title_case(name)) else Label.of(title_case(_plural_name(name)))


def _plural_name(name: str) -> str:
    from ..link.related import plural

    return plural(name)


def _title(scope: Scope) -> Expression | None:
    given = scope.model.title
    if given is None:
        return _own_title(scope)
    plain = bool(NAME.match(given.strip()))
    found = scope.expression(("title",), given, sql=True, people=False)
    if found is None or plain or found.type.kind in _TITLE_KINDS:
        return found
    said = f"a title is a field or a text expression, this gives {found.type}"
    scope.error("expression-type", said, ("title",), hint="concat(…) writes numbers and dates as text")
    return None


def _own_title(scope: Scope) -> Expression | None:
    fields = scope.outline.fields
    texts = [name for name, info in scope.outline.infos.items() if name in fields and info.type.kind == "text"]
    chosen = next((name for name in TITLES if name in texts), texts[0] if texts else "id")
    return scope.expression(("title",), chosen, sql=True)


def _history(scope: Scope, fields: Mapping[str, Field]) -> frozenset[str]:
    given = scope.model.history
    tracked = [
        name for name, field in fields.items() if field.stored and (not field.system or name in ("owner", "team"))
    ]
    if given == "all":
        return frozenset(tracked)
    if given == "none":
        return frozenset()
    kept: set[str] = set()
    for index, name in enumerate(given):
        if scope.field(("history", index), name):
            if name not in tracked:
                scope.error("model-rule", f"changes of '{name}' are not kept in a history", ("history", index))
            kept.add(name)
    return frozenset(kept)


def _actions(scope: Scope) -> Mapping[str, Action]:
    made: dict[str, Action] = {}
    for name, part in scope.model.actions.items():
        path = ("actions", name)
        if name in RESERVED_ACTIONS:
            said = f"'{name}' is an action of the platform; give yours another name"
            scope.error("reserved-name", said, path, key=True)
        when = None if part.when is True else scope.condition((*path, "when"), part.when)
        if constant(when) is False:
            scope.error("never-true", "the action could never be offered", (*path, "when"))
        made[name] = Action(
            name=name,
            label=scope.label((*path, "label"), part.label, name),
            when=when,
            do=compile_steps(scope, (*path, "do"), part.do),
            icon=part.icon or "",
            confirm=scope.text((*path, "confirm"), part.confirm),
            layer=scope.document.layer,
        )
    return frozen(made)


def _sources(document: Document) -> Mapping[str, str]:
    """Dotted paths that another layer set; what stands below such a path is not listed again."""
    made: dict[str, str] = {}
    _foreign(document.node, document.layer, "", made)
    return frozen(made)


def _foreign(node: MapNode, layer: str, before: str, made: dict[str, str]) -> None:
    for key, value in node.entries.items():
        if value.origin.layer != layer:
            made[f"{before}{key}"] = value.origin.layer
        elif isinstance(value, MapNode):
            _foreign(value, layer, f"{before}{key}.", made)
