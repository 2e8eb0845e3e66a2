"""`kind: share`, `restriction` and `duty` → their frozen values: names resolved, conditions checked for SQL."""

from __future__ import annotations

from guanxi.expressions.expression import Expression
from guanxi.expressions.types import BOOLEAN
from guanxi.registry.access import BUILT_IN_ACTIONS, OPERATIONS, Duty, Principals, Restriction, Share

from ..documents.principals import People
from ..documents.sharing import DutyDocument, RestrictionDocument, ShareDocument
from ..link.context import Context
from ..nodes import Document, Path
from .roles import named_fields, place_of
from .rules import constant
from .scope import frozen, label_of


def compile_share(context: Context, document: Document, model: ShareDocument) -> Share | None:
    """A sharing rule; None when its object does not exist."""
    if not _object(context, document, model.object):
        return None
    return context.made(document, "share", lambda: _share(context, document, model))


def _share(context: Context, document: Document, model: ShareDocument) -> Share:
    return Share(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        object=model.object,
        principals=_principals(context, document, "with", model.with_),
        where=_where(context, document, model.object, model.where),
        access=model.access,
        layer=document.layer,
        place=place_of(document, ("name",)),
    )


def compile_restriction(context: Context, document: Document, model: RestrictionDocument) -> Restriction | None:
    """A restriction; None when its object does not exist."""
    if not _object(context, document, model.object):
        return None
    return context.made(document, "restriction", lambda: _restriction(context, document, model))


def _restriction(context: Context, document: Document, model: RestrictionDocument) -> Restriction:
    if not model.deny and not model.fields:
        context.error("missing-key", "'deny' or 'fields' is missing: nothing is restricted", document, ("name",))
    if model.where is not None and model.fields and not model.deny:
        said = "a field is closed on all records or on none: 'where' goes with 'deny'"
        context.error("model-rule", said, document, ("where",))
    if model.where is not None and "import" in model.deny:
        said = "'import' is denied for all records or for none; deny 'create' for some"
        context.error("model-rule", said, document, ("deny",))
    for field, (grant, _) in model.fields.items():
        if grant == "edit":
            context.error("wrong-value", "a restriction takes away: none, masked or read", document, ("fields", field))
    named_fields(context, document, ("fields",), model.object, model.fields)
    return Restriction(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        object=model.object,
        principals=_principals(context, document, "for", model.for_),
        spare=_principals(context, document, "except", model.except_ or People()),
        where=_where(context, document, model.object, model.where),
        deny=frozenset(model.deny),
        fields=frozen({name: grant for name, (grant, _) in model.fields.items()}),
        masks=frozen({name: style for name, (_, style) in model.fields.items() if style}),
        layer=document.layer,
        place=place_of(document, ("name",)),
    )


def compile_duty(context: Context, document: Document, model: DutyDocument) -> Duty:
    """Duties to be held apart; every part must exist."""
    for index, part in enumerate(model.apart):
        path: Path = ("apart", index)
        if part in model.apart[:index]:
            context.error("clash", f"'{part}' stands here twice", document, path)
        elif part.startswith("role:"):
            name = part.removeprefix("role:")
            if not context.has("role", name):
                context.unknown("unknown-reference", "role", name, context.names("role"), document, path)
        else:
            _act(context, document, path, part)
    return Duty(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        apart=tuple(model.apart),
        severity=model.severity,
        layer=document.layer,
        place=place_of(document, ("name",)),
    )


def _act(context: Context, document: Document, path: Path, part: str) -> None:
    owner, _, act = part.partition(".")
    if not context.has("object", owner):
        context.unknown("unknown-object", "object", owner, context.names("object"), document, path)
        return
    known = sorted({*context.actions_of(owner), *BUILT_IN_ACTIONS, *OPERATIONS})
    if act not in known:
        context.unknown("unknown-reference", f"operation or action of {owner}", act, known, document, path)


def _object(context: Context, document: Document, name: str) -> bool:
    if context.has("object", name):
        return True
    context.unknown("unknown-object", "object", name, context.names("object"), document, ("object",))
    return False


def _where(context: Context, document: Document, name: str, where: str | None) -> Expression | None:
    if where is None:
        return None
    found = context.expression(document, ("where",), where, name, expect=BOOLEAN, sql=True)
    if constant(found) is False:
        context.error("never-true", "the condition never holds", document, ("where",))
    return found


def _principals(context: Context, document: Document, key: str, people: People) -> Principals:
    for index, name in enumerate(people.role):
        if not context.has("role", name):
            path: Path = (key, "role") if len(people.role) == 1 else (key, "role", index)
            context.unknown("unknown-reference", "role", name, context.names("role"), document, path)
    return Principals(frozenset(people.role), frozenset(people.team), frozenset(people.user), people.everyone)
