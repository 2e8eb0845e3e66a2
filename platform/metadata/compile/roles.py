"""`kind: role` → Role: includes flattened into a lineage, grants resolved against the objects they name.

`"*"` under `objects` stands for every object that the role does not name itself. A grant with `where` and without any
operation grants reading where it holds. `read: where` means all records for which `where` holds.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

from guanxi.expressions.expression import Expression
from guanxi.expressions.types import BOOLEAN
from guanxi.registry import ObjectGrant, Role
from guanxi.registry.access import BUILT_IN_ACTIONS, SCOPED

from ..documents.role import GrantPart, RoleDocument, Scoped
from ..link.context import Context
from ..nodes import Document, Path, at
from .rules import constant
from .scope import frozen, label_of

EVERY = "*"


def compile_role(context: Context, document: Document, model: RoleDocument) -> Role:
    """One role with everything it grants itself; what it includes stands in `lineage`."""
    return context.made(document, "role", lambda: _compile(context, document, model))


def _compile(context: Context, document: Document, model: RoleDocument) -> Role:
    _actions(context, document, model)
    return Role(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        includes=tuple(dict.fromkeys(model.includes)),
        lineage=_lineage(context, document, model),
        objects=_grants(context, document, model),
        actions=frozenset(model.actions),
        layer=document.layer,
        place=place_of(document, ("name",)),
    )


def place_of(document: Document, path: Path) -> str:
    """`file:line` of a part of a document, as explanations name it."""
    place = at(document.node, path, key=True)
    return f"{place.file}:{place.line}"


# includes -------------------------------------------------------------------------------------------------------
def _lineage(context: Context, document: Document, model: RoleDocument) -> tuple[str, ...]:
    """The role and all it includes, nearest first; notes unknown roles and circles."""
    roles = context.models.get("role", {})
    for index, name in enumerate(model.includes):
        if not context.has("role", name):
            context.unknown("unknown-reference", "role", name, context.names("role"), document, ("includes", index))
    found: dict[str, None] = {document.name: None}
    level = [document.name]
    while level:
        below: list[str] = []
        for name in level:
            included = context.includes_of(name)
            if document.name in included:
                said = f"'{document.name}' includes itself" + (f" through '{name}'" if name != document.name else "")
                context.error("cycle", said, document, ("includes",))
            below.extend(one for one in included if one not in found and one in roles)
        level = list(dict.fromkeys(below))
        found.update(dict.fromkeys(level))
    return tuple(found)


# grants ---------------------------------------------------------------------------------------------------------
def _grants(context: Context, document: Document, model: RoleDocument) -> Mapping[str, ObjectGrant]:
    made: dict[str, ObjectGrant] = {}
    for name, part in model.objects.items():
        path = ("objects", name)
        if name == EVERY:
            continue
        if not context.has("object", name):
            context.unknown("unknown-object", "object", name, context.names("object"), document, path, key=True)
            continue
        made[name] = _grant(context, document, path, name, part)
    if EVERY in model.objects:
        every = model.objects[EVERY]
        for name in sorted(context.every_object()):
            if name not in made:
                made[name] = _grant(context, document, ("objects", EVERY), name, every)
    return frozen(made)


def _grant(context: Context, document: Document, path: tuple[str, str], name: str, part: GrantPart) -> ObjectGrant:
    where = None
    if part.where is not None:
        where = context.expression(document, (*path, "where"), part.where, name, expect=BOOLEAN, sql=True)
        if constant(where) is False:
            context.error("never-true", "the condition never holds, so nothing is granted", document, (*path, "where"))
    if path[1] != EVERY:
        named_fields(context, document, (*path, "fields"), name, part.fields)
    scopes, wheres = _scopes(context, document, path, name, part)
    return ObjectGrant(
        create=part.create is not None and part.create.scope != "none",
        import_=part.import_ is not None and part.import_.scope != "none",
        scopes=frozen(scopes),
        where=where,
        fields=frozen({field: grant for field, (grant, _) in part.fields.items()}),
        wheres=frozen(wheres),
        masks=frozen({field: style for field, (_, style) in part.fields.items() if style}),
        place=place_of(document, path),
    )


def _scopes(
    context: Context, document: Document, path: tuple[str, str], name: str, part: GrantPart
) -> tuple[dict[str, Any], dict[str, Expression]]:
    """The scope of each operation that is said, and the conditions said with one."""
    scopes: dict[str, str] = {}
    wheres: dict[str, Expression] = {}
    for operation in ("create", *SCOPED, "import"):
        given: Scoped | None = getattr(part, "import_" if operation == "import" else operation)
        if given is None:
            continue
        here: Path = (*path, operation)
        scope = _scope(context, document, here, name, part, given)
        if given.where:
            sql = operation not in ("create", "import")
            found = context.expression(document, (*here, "where"), given.where, name, expect=BOOLEAN, sql=sql)
            if constant(found) is False:
                context.error("never-true", "the condition never holds, so nothing is granted", document, here)
            if found is not None:
                wheres[operation] = found
        if operation not in ("create", "import") or scope not in ("none", "all") or given.where:
            scopes[operation] = scope
    if part.where is not None and not scopes and part.create is None and part.import_ is None:
        scopes["read"] = "all"
    return scopes, wheres


def _scope(  # noqa: PLR0917
    context: Context, document: Document, path: Path, name: str, part: GrantPart, given: Scoped
) -> str:
    if given.scope == "where":
        if part.where is None:
            context.error("missing-key", "'where' is missing: the scope says that it decides", document, path)
        return "all"
    plain = given.scope in ("none", "all") or name in ("user", "team") or path[1] == EVERY
    if not plain and not context.owned(name):
        said = f"records of '{name}' have no owner, so the scope '{given.scope}' never holds"
        context.warning("never-true", said, document, path, hint="say all or none, or make the object owned")
    return given.scope


def named_fields(context: Context, document: Document, path: Path, name: str, fields: Iterable[str]) -> None:
    """Note fields and patterns that name nothing of an object."""
    for field in fields:
        known = list(context.field_names(name))
        here: Path = (*path, field)
        if "*" in field:
            if not fnmatch.filter(known, field):
                said = f"no field of '{name}' fits the pattern '{field}'"
                context.warning("never-true", said, document, here, key=True)
        elif field not in known:
            context.unknown("unknown-field", f"field of {name}", field, known, document, here, key=True)
        else:
            context.field(name, field)


# actions --------------------------------------------------------------------------------------------------------
def _actions(context: Context, document: Document, model: RoleDocument) -> None:
    for index, entry in enumerate(model.actions):
        owner, _, action = entry.partition(".")
        path: Path = ("actions", index)
        if owner == EVERY:
            continue
        if not context.has("object", owner):
            context.unknown("unknown-object", "object", owner, context.names("object"), document, path)
            continue
        known = {*context.actions_of(owner), *BUILT_IN_ACTIONS}
        if action != EVERY and action not in known:
            context.unknown("unknown-reference", f"action of {owner}", action, sorted(known), document, path)
