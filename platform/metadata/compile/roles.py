"""`kind: role` → Role: includes flattened into a lineage, grants resolved against the objects they name.

`"*"` under `objects` stands for every object that the role does not name itself. A grant with `where` and without any
operation grants reading where it holds. `read: where` means all records for which `where` holds.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from guanxi.expressions.types import BOOLEAN
from guanxi.registry import ObjectGrant, Role
from guanxi.registry.access import SCOPED

from ..documents.role import GrantPart, RoleDocument
from ..link.context import Context
from ..nodes import Document, Path
from .rules import constant
from .scope import frozen, label_of

EVERY = "*"
BUILT_IN_ACTIONS = frozenset(
    "submit claim release assign transfer merge undo_merge share move_stage restore convert".split()
)


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
    )


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
    _fields(context, document, path, name, part)
    return ObjectGrant(
        create=bool(part.create),
        import_=bool(part.import_),
        scopes=frozen(_scopes(context, document, path, name, part)),
        where=where,
        fields=frozen(part.fields),  # type: ignore[arg-type]
    )


def _scopes(context: Context, document: Document, path: tuple[str, str], name: str, part: GrantPart) -> dict[str, Any]:
    scopes: dict[str, str] = {}
    owned = context.owned(name)
    for operation in SCOPED:
        scope = getattr(part, operation, None)
        if scope is None:
            continue
        at: Path = (*path, operation)
        if scope == "where":
            if part.where is None:
                context.error("missing-key", "'where' is missing: the scope says that it decides", document, at)
            scope = "all"
        elif scope not in ("none", "all") and not owned and path[1] != EVERY and name not in ("user", "team"):
            said = f"records of '{name}' have no owner, so the scope '{scope}' never holds"
            context.warning("never-true", said, document, at, hint="say all or none, or make the object owned")
        scopes[operation] = scope
    if part.where is not None and not scopes and part.create is None and part.import_ is None:
        scopes["read"] = "all"
    return scopes


def _fields(context: Context, document: Document, path: tuple[str, str], name: str, part: GrantPart) -> None:
    if path[1] == EVERY:
        return
    for field in part.fields:
        known = list(context.field_names(name))
        at: Path = (*path, "fields", field)
        if "*" in field:
            if not fnmatch.filter(known, field):
                said = f"no field of '{name}' fits the pattern '{field}'"
                context.warning("never-true", said, document, at, key=True)
        elif field not in known:
            context.unknown("unknown-field", f"field of {name}", field, known, document, at, key=True)
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
