"""Row rules as a predicate: one text for lists in SQL, the same judgement in Python for a row about to be written.

A scope's meaning lives here alone (`_scope_sql` and `_scope_holds` stand side by side). `where` conditions of roles are
compiled by the caller's expression executor, handed in as a function, so that this module knows no tables.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Protocol

import peewee

from guanxi.expressions.expression import Expression
from guanxi.registry.objects import ObjectType

from .actor import Actor
from .binds import ME_ID, MY_REPORTS, MY_TEAM_TREE, MY_TEAMS, bound, id_list, member_of
from .grants import ObjectRights, RowRule

MY_POOLS = id_list("me.pools", lambda actor: actor.pools)
Predicate = Any  # a peewee node, or True, or False


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


def row_predicate(object_type: ObjectType, rights: ObjectRights, operation: str, scope: RowScope) -> Predicate:
    """Which rows the actor may do `operation` with: True (all), False (none), or a condition in SQL."""
    parts: list[Any] = []
    for rule in rights.of(operation):
        judged = _rule_sql(object_type, rule, scope)
        if judged is True:
            return True
        if judged is not False:
            parts.append(judged)
    return reduce(operator.or_, parts) if parts else False


def _rule_sql(object_type: ObjectType, rule: RowRule, scope: RowScope) -> Predicate:
    inside = _scope_sql(object_type, rule.scope, scope)
    if inside is False or rule.where is None:
        return inside
    condition = scope.condition(rule.where)
    return condition if inside is True else inside & condition


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


def allows(
    object_type: ObjectType,
    rights: ObjectRights,
    operation: str,
    actor: Actor,
    row: Mapping[str, Any],
    *,
    holds: Callable[[Expression], bool],
) -> bool:
    """The same judgement on one record in Python form; `holds` evaluates a role's `where` on that record."""
    return reason(object_type, rights, operation, actor, row, holds=holds) is not None


def reason(
    object_type: ObjectType,
    rights: ObjectRights,
    operation: str,
    actor: Actor,
    row: Mapping[str, Any],
    *,
    holds: Callable[[Expression], bool],
) -> RowRule | None:
    """The first rule that lets the actor do `operation` with the record; None when none does."""
    for rule in rights.of(operation):
        if _scope_holds(object_type, rule.scope, actor, row) and (rule.where is None or holds(rule.where)):
            return rule
    return None


def _scope_holds(object_type: ObjectType, name: str, actor: Actor, row: Mapping[str, Any]) -> bool:
    if name in ("all", "none"):
        return name == "all"
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
