"""Row rules as a predicate: one text for lists in SQL, the same judgement in Python for a row about to be written.

A scope's meaning lives here alone (`_scope_sql` and `_scope_holds` stand side by side). `where` conditions of roles are
compiled by the caller's expression executor, handed in as a function, so that this module knows no tables but that of
shares by hand. Explanations ask the same two functions rule by rule (`access.explain`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, Protocol

import peewee

from guanxi.expressions.expression import Expression
from guanxi.registry.objects import ObjectType

from .actor import Actor
from .binds import ME_ID, MY_REPORTS, MY_SHARES, MY_TEAM_TREE, MY_TEAMS, NOW, bound, id_list, member_of
from .grants import ObjectRights, RowRule

MY_POOLS = id_list("me.pools", lambda actor: actor.pools)
Predicate = Any  # a peewee node, or True, or False
Holds = Callable[[Expression], bool]
Shared = Callable[[int, bool], bool]  # (record id, whether to edit) → shared by hand with the actor now


class RowScope(Protocol):
    """The place where a predicate is wanted: an alias of the object's table on one engine."""

    @property
    def engine(self) -> str:
        """sqlite or postgresql."""
        ...

    def column(self, name: str) -> Any:
        """The peewee node of a stored column of the object, system columns included."""
        ...

    def condition(self, expression: Expression) -> Any:
        """The peewee node of a boolean expression on the object."""
        ...


# in SQL ---------------------------------------------------------------------------------------------------------
def row_predicate(object_type: ObjectType, rights: ObjectRights, operation: str, scope: RowScope) -> Predicate:
    """Which rows the actor may do `operation` with: True (all), False (none), or a condition in SQL."""
    inside = any_sql(object_type, rights.of(operation), scope)
    denied = any_sql(object_type, rights.denied(operation), scope)
    if inside is False or denied is False:
        return inside
    if denied is True:
        return False
    kept = peewee.Expression(denied, "IS NOT", peewee.SQL("TRUE"))
    return kept if inside is True else inside & kept


def any_sql(object_type: ObjectType, rules: Iterable[RowRule], scope: RowScope) -> Predicate:
    """Rows that one of the rules takes in; rules that say the same are said once."""
    parts: dict[tuple[str, str, str], Any] = {}
    for rule in rules:
        key = (rule.scope, rule.where.source if rule.where else "", rule.also.source if rule.also else "")
        if key in parts:
            continue
        judged = rule_sql(object_type, rule, scope)
        if judged is True:
            return True
        if judged is not False:
            parts[key] = judged
    return reduce(operator.or_, parts.values()) if parts else False


def rule_sql(object_type: ObjectType, rule: RowRule, scope: RowScope) -> Predicate:
    """Rows that one rule takes in."""
    found = _scope_sql(object_type, rule.scope, scope)
    for where in (rule.where, rule.also):
        if where is not None and found is not False:
            condition = scope.condition(where)
            found = condition if found is True else found & condition
    return found


def holder(object_type: ObjectType) -> str:
    """The column that says whose a record is: a person's own record is theirs, else the owner, else the creator."""
    if object_type.name == "user":
        return "id"
    return "owner" if object_type.owned else "created_by"


def team_column(object_type: ObjectType) -> str:
    """The column of the record's team, or "" when the object knows no team."""
    if object_type.name == "team":
        return "id"
    found = object_type.fields.get("team")
    return "team" if found is not None and (object_type.owned or found.target == "team") else ""


def _scope_sql(object_type: ObjectType, name: str, scope: RowScope) -> Predicate:
    if name == "all":
        return True
    if name == "none":
        return False
    if name in ("shared", "shared_edit"):
        return _shared_sql(object_type, scope, edit=name == "shared_edit")
    if name == "pooled":
        return scope.column("owner").is_null() & member_of(scope.column("pool"), MY_POOLS, scope.engine, "text")
    whose = scope.column(holder(object_type))
    own = peewee.Expression(whose, "=", bound(ME_ID))
    team = team_column(object_type)
    if name in ("team", "team_tree") and team:
        ids = MY_TEAMS if name == "team" else MY_TEAM_TREE
        return own | member_of(scope.column(team), ids, scope.engine)
    if name == "managed":
        return own | member_of(whose, MY_REPORTS, scope.engine)
    if name == "pool" and "pool" in object_type.fields:
        return own | (scope.column("owner").is_null() & member_of(scope.column("pool"), MY_POOLS, scope.engine, "text"))
    return own


def _shared_sql(object_type: ObjectType, scope: RowScope, *, edit: bool) -> Any:
    """Ids from the index of shares, found once per statement: an array on PostgreSQL, so that the primary key serves
    it beside the other branches of an OR.
    """
    place, principal = peewee.SQL("gx_shares.object ="), peewee.SQL("gx_shares.principal")
    parts = [
        peewee.SQL("SELECT gx_shares.record_id FROM gx_shares WHERE"),
        place,
        peewee.Value(object_type.name, converter=False),
        peewee.SQL("AND"),
        member_of(principal, MY_SHARES, scope.engine, "text"),
        peewee.SQL("AND gx_shares.until >"),
        bound(NOW),
    ]
    if edit:
        parts.append(peewee.SQL("AND gx_shares.access = 'edit'"))
    ids = peewee.NodeList(parts)
    if scope.engine == "postgresql":
        listed = peewee.NodeList((peewee.SQL("ARRAY"), peewee.EnclosedNodeList([ids])), glue="")
        return peewee.Expression(scope.column("id"), "=", peewee.fn.ANY(listed))
    return peewee.Expression(scope.column("id"), "IN", peewee.EnclosedNodeList([ids]))


# in Python ------------------------------------------------------------------------------------------------------
def allows(
    object_type: ObjectType,
    rights: ObjectRights,
    operation: str,
    actor: Actor,
    row: Mapping[str, Any],
    *,
    holds: Holds,
    shared: Shared | None = None,
    denied_by: str = "",
) -> bool:
    """The same judgement on one record in Python form; `holds` evaluates a role's `where` on that record, `shared`
    answers for shares by hand (nothing is shared without it). `denied_by` names another operation whose restrictions
    count: a row about to be written is held by those on reading.
    """
    judge = Judge(object_type, actor, row, holds, shared)
    if judge.first(rights.of(operation)) is None:
        return False
    return judge.first(rights.denied(denied_by or operation)) is None


def reason(
    object_type: ObjectType,
    rights: ObjectRights,
    operation: str,
    actor: Actor,
    row: Mapping[str, Any],
    *,
    holds: Holds,
    shared: Shared | None = None,
) -> RowRule | None:
    """The first rule that lets the actor do `operation` with the record; None when none does or one denies it."""
    judge = Judge(object_type, actor, row, holds, shared)
    found = judge.first(rights.of(operation))
    return found if found is None or judge.first(rights.denied(operation)) is None else None


class Judge:
    """Rules asked of one record in Python form."""

    __slots__ = ("actor", "holds", "object", "row", "shared")

    def __init__(
        self, object_type: ObjectType, actor: Actor, row: Mapping[str, Any], holds: Holds, shared: Shared | None
    ) -> None:
        self.object = object_type
        self.actor = actor
        self.row = row
        self.holds = holds
        self.shared = shared

    def first(self, rules: Iterable[RowRule]) -> RowRule | None:
        """The first of the rules that takes the record in."""
        return next((rule for rule in rules if self.meets(rule)), None)

    def meets(self, rule: RowRule) -> bool:
        """Whether one rule takes the record in."""
        return self._in_scope(rule.scope) and all(
            self.holds(where) for where in (rule.where, rule.also) if where is not None
        )

    def _in_scope(self, name: str) -> bool:
        if name in ("shared", "shared_edit"):
            known = self.row.get("id")
            return self.shared is not None and known is not None and self.shared(known, name == "shared_edit")
        return _scope_holds(self.object, name, self.actor, self.row)


def _scope_holds(object_type: ObjectType, name: str, actor: Actor, row: Mapping[str, Any]) -> bool:
    if name in ("all", "none"):
        return name == "all"
    if name == "pooled":
        return row.get("owner") is None and row.get("pool") is not None and row["pool"] in actor.pools
    whose = row.get(holder(object_type))
    if whose is not None and whose == actor.id:
        return True
    team = team_column(object_type)
    if name in ("team", "team_tree") and team:
        mine = actor.teams if name == "team" else actor.team_tree | actor.teams
        return row.get(team) is not None and (row[team] in mine or row[team] == actor.team)
    if name == "managed":
        return whose is not None and whose in actor.reports
    if name == "pool" and "pool" in object_type.fields:
        return row.get("owner") is None and row.get("pool") is not None and row["pool"] in actor.pools
    return False
