"""Roles, compiled: what a role grants on each object. Includes are already flattened into `Role.lineage`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression

Scope = Literal["none", "own", "team", "team_tree", "managed", "pool", "all"]
FieldGrant = Literal["none", "masked", "read", "edit"]
SCOPED = (
    "read",
    "update",
    "delete",
    "restore",
    "assign",
    "transfer",
    "share",
    "merge",
    "export",
    "bulk",
    "history",
    "reveal",
)


@dataclass(frozen=True, slots=True)
class ObjectGrant:
    """What one role grants on one object: `create` and `import` are yes or no, the rest are scopes.

    An operation that the role does not mention is absent from `scopes` (update and delete absent mean none).
    `where` narrows every scope. `fields` maps a field name or a pattern with `*` to a grant, first match wins.
    """

    create: bool = False
    import_: bool = False
    scopes: Mapping[str, Scope] = field(default_factory=lambda: MappingProxyType({}))
    where: Expression | None = None
    fields: Mapping[str, FieldGrant] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Role:
    """A named bundle of grants. `lineage` is the role itself and everything it includes, nearest first."""

    name: str
    label: Label
    includes: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    objects: Mapping[str, ObjectGrant] = field(default_factory=lambda: MappingProxyType({}))
    actions: frozenset[str] = frozenset()
    layer: str = ""
