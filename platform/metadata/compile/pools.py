"""`kind: pool` and `kind: assignment` → their frozen values: people, fields and clocks exist, conditions run in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from guanxi.expressions.expression import Expression
from guanxi.expressions.types import BOOLEAN
from guanxi.registry.approval_source import as_list
from guanxi.registry.approvals import Who
from guanxi.registry.pools import (
    FOLLOW_UP_NAMES,
    Assignment,
    AssignmentRule,
    ClaimRules,
    Distribution,
    FollowUp,
    Pool,
    Protection,
    RecycleRule,
    ReturnRules,
)

from ..documents.assignment import AssignmentDocument, AssignmentRulePart
from ..documents.pool import DistributePart, MatchPart, PoolDocument, RecyclePart
from ..link.context import Context
from ..nodes import Document, Path
from .roles import place_of
from .rules import constant
from .scope import Scope, frozen, text_in_all

STEADY = ("user", "role", "team", "team_tree")
DATES = ("date", "datetime")


def compile_pool(context: Context, document: Document, model: PoolDocument) -> Pool | None:
    """One pool; None when its object does not exist or has no owners."""
    scope = _owned_scope(context, document, model.object)
    return None if scope is None else context.made(document, "pool", lambda: _pool(scope, model))


def compile_assignment(context: Context, document: Document, model: AssignmentDocument) -> Assignment | None:
    """The rules of one assignment; None when its object does not exist or has no owners."""
    scope = _owned_scope(context, document, model.object)
    return None if scope is None else context.made(document, "assignment", lambda: _assignment(scope, model))


def _owned_scope(context: Context, document: Document, name: str) -> Scope | None:
    outline = context.outline_of(name)
    if outline is None:
        context.unknown("unknown-object", "object", name, context.names("object"), document, ("object",))
        return None
    if not outline.model.owned:
        said = f"records of '{name}' have no owner"
        context.error("model-rule", said, document, ("object",), hint="say 'owned: true' in the object")
        return None
    return Scope(context, document, outline.model, outline)


def _pool(scope: Scope, model: PoolDocument) -> Pool:
    document = scope.document
    visible = None if model.visible is None else frozenset(scope.fields(("visible",), model.visible))
    rules = tuple(_recycle(scope, name, part, model) for name, part in model.recycle.items())
    for index, key in enumerate(model.order):
        scope.field(("order", index), key.removeprefix("-"))
    text_in_all(scope.context, document, ("description",), model.description)
    return Pool(
        name=document.name,
        object=model.object,
        label=scope.label(("label",), model.label, document.name),
        holds=_condition(scope, ("holds",), model.holds),
        priority=model.priority,
        members=_people(scope, ("members",), model.members),
        managers=_people(scope, ("managers",), model.managers),
        visible=visible,
        claim=_claim(scope, model),
        protect=_protect(model),
        follow_up=_follow_up(scope, model),
        recycle=tuple(rule for rule in rules if rule is not None),
        min_notice_days=model.min_notice_days,
        returning=ReturnRules(
            tuple(model.return_.reasons),
            _condition(scope, ("return", "block_when"), model.return_.block_when),
            _condition(scope, ("return", "warn_when"), model.return_.warn_when),
            model.return_.per_day or 0,
        ),
        distribute=_distribute(scope, model),
        order=tuple(model.order),
        active=model.active,
        description=model.description,
        layer=document.layer,
        place=place_of(document, ("name",)),
    )


def _condition(scope: Scope, path: Path, text: Any) -> Expression | None:
    found = scope.condition(path, text, sql=True, people=False)
    if constant(found) is False:
        scope.error("never-true", "the condition never holds", path)
    return found


def _claim(scope: Scope, model: PoolDocument) -> ClaimRules:
    part = model.claim
    return ClaimRules(
        part.per_day or 0,
        part.per_week or 0,
        part.per_month or 0,
        part.holding or 0,
        _condition(scope, ("claim", "count_when"), part.count_when),
        part.cooldown_days or 0,
        part.cooldown_after,
        part.freeze_hours or 0,
    )


def _protect(model: PoolDocument) -> Protection:
    part, manual = model.protect, model.protect.manual
    return Protection(
        part.after_claim_days or 0,
        part.after_assign_days or 0,
        manual.most if manual is not None else 0,
        manual.days if manual is not None else 30,
    )


# people ---------------------------------------------------------------------------------------------------------
def _people(scope: Scope, path: Path, given: Any) -> tuple[Who, ...]:
    """Sources that mean the same people whatever the record is."""
    many = as_list(given)
    found: list[Who] = []
    for index, one in enumerate(many):
        at = (*path, index) if isinstance(given, list | tuple) else path
        kind = one if isinstance(one, str) else next(iter(one))
        if kind not in STEADY:
            said = f"people are named here by {', '.join(STEADY)}: who belongs does not depend on a record"
            scope.error("wrong-value", said, at)
            continue
        names = tuple(as_list(one[kind]))
        for number, name in enumerate(names if kind == "role" else ()):
            if not scope.context.has("role", name):
                here = (*at, kind, number) if isinstance(one[kind], list) else (*at, kind)
                scope.context.unknown(
                    "unknown-reference", "role", name, scope.context.names("role"), scope.document, here
                )
        found.append(Who(kind, names=names))
    return tuple(found)


# clocks ---------------------------------------------------------------------------------------------------------
def _follow_up(scope: Scope, model: PoolDocument) -> FollowUp | None:
    part = model.follow_up
    if part is None:
        return None
    long = "list" in part.model_fields_set or not _short(scope)
    found = scope.context.related_list(scope.name, part.list)
    if found is None:
        known = [one.name for one in scope.context.lists_of(scope.name)]
        path: Path = ("follow_up", "list") if long and "list" in part.model_fields_set else ("follow_up",)
        scope.context.unknown("unknown-reference", "related list", part.list, known, scope.document, path)
        return None
    at = ("follow_up", "when") if long else ("follow_up",)
    when = None
    if part.when is not None:
        when = scope.context.expression(
            scope.document, at, part.when, found.object, expect=BOOLEAN, sql=True, people=False
        )
        if constant(when) is False:
            scope.error("never-true", "no activity ever counts", at)
    info = scope.context.field(found.object, part.at)
    if info is None:
        names = scope.context.field_names(found.object)
        scope.context.unknown("unknown-field", "field", part.at, names, scope.document, ("follow_up", "at"))
    elif info.type.kind not in DATES or info.value is not None:
        said = f"a stored date or datetime is needed here, '{part.at}' is {info.type}"
        scope.error("expression-type", said, ("follow_up", "at"))
    return FollowUp(found.name, found.object, found.field, found.many, when, part.at)


def _short(scope: Scope) -> bool:
    """True when the follow-up is written as a condition alone."""
    from ..nodes import MapNode, find

    return not isinstance(find(scope.document.node, ("follow_up",)), MapNode)


def _recycle(scope: Scope, name: str, part: RecyclePart, model: PoolDocument) -> RecycleRule | None:
    path: Path = ("recycle", name)
    after = part.clock.after
    if (after.days is None) == (after.working_days is None):
        scope.error("missing-key", "say either days or working_days", (*path, "clock", "after"))
        return None
    calendar = part.clock.calendar or ""
    if calendar and not scope.context.has("calendar", calendar):
        names = scope.context.names("calendar")
        at = (*path, "clock", "calendar")
        scope.context.unknown("unknown-reference", "calendar", calendar, names, scope.document, at)
    fields = _from(scope, path, part, model)
    _target(scope, path, part)
    text_in_all(scope.context, scope.document, (*path, "reason"), part.reason)
    when = _condition(scope, (*path, "when"), part.when)
    exempt = scope.condition((*path, "exempt"), part.exempt, sql=True, people=False)
    if constant(exempt) is True:
        scope.error("never-true", "every record is exempt, so the rule never does anything", (*path, "exempt"))
    counted = not part.clock.from_ or not FOLLOW_UP_NAMES.isdisjoint(part.clock.from_)
    return RecycleRule(
        name,
        after.days or after.working_days or 0,
        after.working_days is not None,
        calendar,
        fields,
        counted and model.follow_up is not None,
        when,
        exempt,
        tuple(sorted(set(part.warn_days), reverse=True)),
        part.reason,
        part.to or "",
    )


def _from(scope: Scope, path: Path, part: RecyclePart, model: PoolDocument) -> tuple[str, ...]:
    """The date fields of a clock. One that nothing but the owner's start drives would take every record in the end."""
    fields: list[str] = []
    for index, name in enumerate(part.clock.from_):
        at = (*path, "clock", "from", index)
        if name in FOLLOW_UP_NAMES and not scope.has(name):
            if model.follow_up is None and name == "follow_up":
                scope.error("missing-key", "the pool does not say which activities are a follow-up", at)
            elif model.follow_up is None:
                scope.field(at, name)
            continue
        if not scope.field(at, name):
            continue
        if scope.kind(name) not in DATES:
            scope.error("expression-type", f"'{name}' is no date or datetime", at)
        else:
            fields.append(name)
    if not part.clock.from_ and model.follow_up is None and part.when is None and part.exempt is None:
        said = "the rule always comes true: every record falls some days after it got its owner, whatever is done"
        scope.error("model-rule", said, (*path, "clock"), hint="say from, follow_up, when or exempt", key=True)
    return tuple(fields)


def _target(scope: Scope, path: Path, part: RecyclePart) -> None:
    if part.to is None:
        return
    found = scope.context.models.get("pool", {}).get(part.to)
    if not scope.context.has("pool", part.to) or found is None:
        names = scope.context.names("pool")
        scope.context.unknown("unknown-reference", "pool", part.to, names, scope.document, (*path, "to"))
    elif getattr(found[1], "object", scope.name) != scope.name:
        scope.error("model-rule", f"'{part.to}' is no pool of {scope.name}", (*path, "to"))


# handing out ----------------------------------------------------------------------------------------------------
def _distribute(scope: Scope, model: PoolDocument) -> Distribution | None:
    part = model.distribute
    if part is None:
        return None
    path: Path = ("distribute",)
    said = "records are not yet handed out by themselves; members take them, or an assignment rule gives them"
    scope.warning("never-true", said, path, key=True)
    to = _people(scope, (*path, "to"), part.to) if part.to is not None else _people(scope, ("members",), model.members)
    if part.to is None and model.members is None:
        scope.error("missing-key", "nobody is named: 'to', or members of the pool", path, key=True)
    return _share(scope, path, part, to)


def _share(scope: Scope, path: Path, part: DistributePart | AssignmentRulePart, to: tuple[Who, ...]) -> Distribution:
    by = part.by
    match: tuple[str, ...] = ()
    if isinstance(by, MatchPart):
        match = tuple(_matched(scope, (*path, "by", "match"), by.match))
        by = by.then
    when = _condition(scope, (*path, "when"), part.when)
    more = (part.accept_minutes or 0, part.most_hops) if isinstance(part, DistributePart) else (0, 3)
    return Distribution(to, by, match, frozen(part.weights), when, part.per_user_day or 0, *more)


def _matched(scope: Scope, path: Path, names: Iterable[str]) -> Iterable[str]:
    for index, name in enumerate(names):
        if not scope.field((*path, index), name):
            continue
        if scope.context.field("user", name) is None:
            known = scope.context.field_names("user")
            scope.context.unknown("unknown-field", "field of user", name, known, scope.document, (*path, index))
        else:
            yield name


def _assignment(scope: Scope, model: AssignmentDocument) -> Assignment:
    document = scope.document
    rules = tuple(_rule(scope, name, part) for name, part in model.rules.items())
    open_ended = [rule.name for rule in rules if rule.when is None]
    if open_ended and open_ended[0] != rules[-1].name:
        after = list(model.rules)[list(model.rules).index(open_ended[0]) + 1]
        said = f"'{open_ended[0]}' takes every record, so this rule is never asked"
        scope.error("never-true", said, ("rules", after), key=True)
    return Assignment(
        name=document.name,
        object=model.object,
        label=scope.label(("label",), model.label, document.name),
        rules=rules,
        priority=model.priority,
        active=model.active,
        description=model.description,
        layer=document.layer,
        place=place_of(document, ("name",)),
    )


def _rule(scope: Scope, name: str, part: AssignmentRulePart) -> AssignmentRule:
    path: Path = ("rules", name)
    if isinstance(part.to, dict) and "pool" in part.to:
        pool = part.to["pool"]
        found = scope.context.models.get("pool", {}).get(pool)
        if not scope.context.has("pool", pool) or found is None:
            names = scope.context.names("pool")
            scope.context.unknown("unknown-reference", "pool", pool, names, scope.document, (*path, "to", "pool"))
        elif getattr(found[1], "object", scope.name) != scope.name:
            scope.error("model-rule", f"'{pool}' is no pool of {scope.name}", (*path, "to", "pool"))
        return AssignmentRule(name, _condition(scope, (*path, "when"), part.when), None, pool)
    share = _share(scope, path, part, _people(scope, (*path, "to"), part.to))
    return AssignmentRule(name, share.when, share)
