"""Rights, compiled: what roles grant, what shares open beyond that, what restrictions take away, which duties part.

Includes are already flattened into `Role.lineage`. `place` is `file:line` of the definition, for explanations only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
OPERATIONS = ("create", *SCOPED, "import")
# Actions an object may have by its nature; a role grants them by name where they are not operations above.
BUILT_IN_ACTIONS = frozenset(
    "submit claim release assign transfer merge undo_merge share unshare reveal move_stage restore convert".split()
)


def _none() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ObjectGrant:
    """What one role grants on one object: `create` and `import` are yes or no, the rest are scopes.

    An operation that the role does not mention is absent from `scopes` (update and delete absent mean none); `create`
    and `import` stand there only when they are narrowed. `where` narrows every scope, `wheres` single operations
    further. `fields` maps a field name or a pattern with `*` to a grant, first match wins; `masks` the same names to
    a mask's style where the role says one.
    """

    create: bool = False
    import_: bool = False
    scopes: Mapping[str, Scope] = field(default_factory=lambda: MappingProxyType({}))
    where: Expression | None = None
    fields: Mapping[str, FieldGrant] = field(default_factory=lambda: MappingProxyType({}))
    wheres: Mapping[str, Expression] = field(default_factory=lambda: MappingProxyType({}))
    masks: Mapping[str, str] = field(default_factory=_none)
    place: str = ""


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
    place: str = ""


@dataclass(frozen=True, slots=True)
class Principals:
    """People meant by a definition: those of a role (or one that includes it), of a team or one below it, by log-in
    name, or everybody.
    """

    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    everyone: bool = False

    def marks(self) -> Iterator[str]:
        """How teams and users stand in a profile of rights (`access.grants`)."""
        yield from (f"team:{name}" for name in self.teams)
        yield from (f"user:{name}" for name in self.users)

    def meet(self, profile: frozenset[str]) -> bool:
        """True when somebody of this profile (role names and marks) is meant."""
        return self.everyone or not profile.isdisjoint(self.roles) or not profile.isdisjoint(self.marks())


@dataclass(frozen=True, slots=True)
class Share:
    """Opens the records of `object` that meet `where` to people, whatever their roles' scopes say."""

    name: str
    label: Label
    object: str
    principals: Principals
    where: Expression | None = None
    access: Literal["read", "edit"] = "read"
    layer: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Restriction:
    """Takes operations away on the records that meet `where`, or closes fields; it wins over every grant and share.

    `deny` are operations (`read` denies them all); `fields` is the most a field may still be. `spare` are not meant.
    """

    name: str
    label: Label
    object: str
    principals: Principals
    spare: Principals = Principals()
    where: Expression | None = None
    deny: frozenset[str] = frozenset()
    fields: Mapping[str, FieldGrant] = field(default_factory=lambda: MappingProxyType({}))
    masks: Mapping[str, str] = field(default_factory=_none)
    layer: str = ""
    place: str = ""

    def holds_for(self, profile: frozenset[str]) -> bool:
        """True when somebody of this profile is held by it."""
        return self.principals.meet(profile) and not self.spare.meet(profile)


@dataclass(frozen=True, slots=True)
class Duty:
    """Duties that one person must not have together. A part is `role:name`, `object.operation` or `object.action`."""

    name: str
    label: Label
    apart: tuple[str, ...]
    severity: Literal["refuse", "warn"] = "refuse"
    layer: str = ""
    place: str = ""
