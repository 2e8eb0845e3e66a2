"""What an actor's roles add up to: rights per object, computed once per published version and profile.

A profile is a set of roles, with marks for the teams and users that shares and restrictions name and for people with
whom records are shared by hand. Rules of merging (docs/reference/access.md): scopes of all roles are a union; a
field's right is decided inside each role by the nearest explicit word along its includes, then the most permissive of
the roles holds; where no role says anything about an operation, the object's `access` decides; shares widen; what a
restriction denies is denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from guanxi.expressions.expression import Expression
from guanxi.registry.access import (
    BUILT_IN_ACTIONS,
    OPERATIONS,
    SCOPED,
    FieldGrant,
    ObjectGrant,
    Restriction,
    Role,
    Share,
)
from guanxi.registry.objects import ObjectType
from guanxi.registry.registry import Registry

from .actor import Actor
from .field_rights import RANK, FieldJudge, FieldRight, lineage

# An operation that no role mentions follows another one; what is not listed here must be granted by name.
FOLLOWS: Mapping[str, str] = MappingProxyType(
    {"export": "read", "history": "read", "restore": "delete", "bulk": "update", "transfer": "assign"}
)
DENIED_WITH: Mapping[str, str] = MappingProxyType({"bulk": "update", "transfer": "assign", "import": "create"})

SHARED = "@shared"  # the mark of people with whom records are shared by hand; no role can be called so
NO_FIELDS: Mapping[str, FieldGrant] = MappingProxyType({})
RowScopeName = Literal["none", "own", "team", "team_tree", "managed", "pool", "all", "shared", "shared_edit", "pooled"]


POOLED = "pool:"
"""Marks, with an object's name behind it, somebody who belongs to a pool of that object."""


@dataclass(frozen=True, slots=True)
class RowRule:
    """Rows inside `scope` that meet `where` and `also`; `source` and `place` say who granted it, for explanations.

    The scopes `shared` and `shared_edit` are records that somebody shared by hand with the actor.
    """

    scope: RowScopeName
    where: Expression | None = None
    source: str = ""
    also: Expression | None = None
    place: str = ""

    @property
    def everything(self) -> bool:
        """True when the rule leaves out no row."""
        return self.scope == "all" and self.where is None and self.also is None

    @property
    def conditional(self) -> bool:
        """True when an expression on the record decides."""
        return self.where is not None or self.also is not None


EVERYTHING = RowRule("all", None, "administrator")


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """Rights on one object. `rules` maps an operation to row rules of which one must hold (none: no row at all),
    `denies` to rules of which none may hold; `fields` every name of the object, system fields included, to its right;
    `actions` the granted action names; `masks` styles that roles say; `because` where each field's right comes from;
    `said` the operations that are named rather than following another one.
    """

    object: str
    create: bool
    import_: bool
    rules: Mapping[str, tuple[RowRule, ...]]
    fields: Mapping[str, FieldGrant]
    actions: frozenset[str] = frozenset()
    denies: Mapping[str, tuple[RowRule, ...]] = field(default_factory=lambda: MappingProxyType({}))
    masks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    because: Mapping[str, FieldRight] = field(default_factory=lambda: MappingProxyType({}))
    said: frozenset[str] = frozenset()

    @property
    def visible(self) -> bool:
        """True when the actor may know that the object exists."""
        return bool(self.rules.get("read")) or self.create

    def of(self, operation: str) -> tuple[RowRule, ...]:
        """The row rules of an operation; unknown operations have none."""
        return self.rules.get(operation, ())

    def denied(self, operation: str) -> tuple[RowRule, ...]:
        """The rules that take rows away from an operation."""
        return self.denies.get(operation, ())

    def all_rows(self, operation: str) -> bool:
        """True when no row rule narrows the operation."""
        return any(rule.everything for rule in self.of(operation)) and not self.denied(operation)

    def readable(self, name: str) -> bool:
        """True when the field's value is shown unmasked."""
        return RANK[self.fields.get(name, "none")] >= RANK["read"]

    def shown(self, name: str) -> bool:
        """True when the field exists for the actor, masked or not."""
        return self.fields.get(name, "none") != "none"


class Grants:
    """All rights of one profile (a set of roles and marks, or no restriction at all); objects are worked out on first
    use.
    """

    def __init__(
        self,
        registry: Registry,
        roles: frozenset[str],
        *,
        unrestricted: bool = False,
        marks: frozenset[str] = frozenset(),
    ) -> None:
        self.registry = registry
        self.unrestricted = unrestricted
        self.profile: frozenset[str] | None = None if unrestricted else roles | marks
        known = {name: registry.roles[name] for name in sorted(roles) if name in registry.roles}
        included = {name for role in known.values() for name in lineage(role)[1:]}
        heads = [role for name, role in known.items() if name not in included] or list(known.values())
        self._known = known
        everybody = roles | marks
        self._shares: list[Share] = [s for s in _others(registry, "share") if s.principals.meet(everybody)]
        self._restrictions: list[Restriction] = [r for r in _others(registry, "restriction") if r.holds_for(everybody)]
        self._by_hand = SHARED in marks
        self._marks = marks
        self._judge = FieldJudge(registry, known, heads, self._restrictions, self._opened, self._reads)
        self._rights: dict[str, ObjectRights] = {}

    def on(self, object_name: str) -> ObjectRights:
        """Rights on an object; an unknown object gives rights to nothing."""
        found = self._rights.get(object_name)
        if found is None:
            found = self._rights[object_name] = self._work_out(object_name)
        return found

    def _work_out(self, object_name: str) -> ObjectRights:
        object_type = self.registry.objects.get(object_name)
        if object_type is None:
            return ObjectRights(object_name, False, False, MappingProxyType({}), NO_FIELDS)
        if self.unrestricted:
            return everything(object_type)
        denies = self._denies(object_name)
        closed = {operation for operation, rules in denies.items() if any(rule.everything for rule in rules)}
        rules = {op: self._rules(object_type, op) for op in OPERATIONS if op not in closed}
        rules = {op: found for op, found in rules.items() if found}
        create, import_ = bool(rules.get("create")), bool(rules.get("import"))
        rights: dict[str, FieldRight] = {}
        if create or rules.get("read"):
            rights = self._judge.fields(object_type)
        return ObjectRights(
            object_name,
            create,
            import_,
            MappingProxyType(rules),
            MappingProxyType({name: right.grant for name, right in rights.items()}),
            self._actions(object_type),
            MappingProxyType(denies),
            MappingProxyType({name: right.style for name, right in rights.items() if right.style}),
            MappingProxyType(rights),
            self._said(object_name),
        )

    def _said(self, object_name: str) -> frozenset[str]:
        """Operations that a role or a restriction names, rather than leaving them to follow another one."""
        denied = (one.deny for one in self._restrictions if one.object == object_name)
        return frozenset(op for _, grant in self._mentions(object_name) for op in grant.scopes).union(*denied)

    def _mentions(self, object_name: str) -> list[tuple[Role, ObjectGrant]]:
        return [(role, role.objects[object_name]) for role in self._known.values() if object_name in role.objects]

    def _actions(self, object_type: ObjectType) -> frozenset[str]:
        """Names granted by `object.action`, `object.*`, `*.action` or `*`."""
        every = BUILT_IN_ACTIONS | frozenset(object_type.actions)
        found: set[str] = set()
        for role in self._known.values():
            for entry in role.actions:
                owner, _, name = entry.partition(".")
                if entry == "*" or (owner in ("*", object_type.name) and name == "*"):
                    found |= every
                elif owner == object_type.name or (owner == "*" and name in every):
                    found.add(name)
        return frozenset(found)

    # rows -------------------------------------------------------------------------------------------
    def _reads(self, object_type: ObjectType) -> bool:
        closed = any(rule.everything for rule in self._denies(object_type.name).get("read", ()))
        return not closed and bool(self._rules(object_type, "read"))

    def _rules(self, object_type: ObjectType, operation: str) -> tuple[RowRule, ...]:
        """Everything that lets the profile do an operation: what roles and the object say, and what shares open."""
        return _union((*self._granted(object_type, operation), *self._opened(object_type, operation)))

    def _granted(self, object_type: ObjectType, operation: str) -> Iterable[RowRule]:
        grants = self._mentions(object_type.name)
        if operation in ("create", "import"):
            return [
                _role_rule(role, grant, operation)
                for role, grant in grants
                if (grant.create if operation == "create" else grant.import_)
            ]
        said = [(role, grant) for role, grant in grants if operation in grant.scopes]
        if said:
            return [_role_rule(role, grant, operation) for role, grant in said if grant.scopes[operation] != "none"]
        if operation in FOLLOWS:
            return self._rules(object_type, FOLLOWS[operation])
        if operation == "read":
            return self._unsaid_read(object_type, grants)
        if operation == "update" and object_type.access == "edit":
            return [_open_to_all(object_type)]
        return []

    @staticmethod
    def _unsaid_read(object_type: ObjectType, grants: list[tuple[Role, ObjectGrant]]) -> list[RowRule]:
        """Nobody said who reads: an open object is read by all, and who may write a row may read it."""
        if object_type.access != "private":
            return [_open_to_all(object_type)]
        rows = [
            _role_rule(role, grant, "update") for role, grant in grants if grant.scopes.get("update", "none") != "none"
        ]
        rows += [
            RowRule("own", None, f"role {role.name}: may create", place=grant.place)
            for role, grant in grants
            if grant.create
        ]
        return rows

    def _opened(self, object_type: ObjectType, operation: str) -> list[RowRule]:
        """What shares of the metadata, and shares by hand, open."""
        if operation not in ("read", "update"):
            return []
        edit = operation == "update"
        found = [
            RowRule("all", share.where, f"share {share.name}", place=share.place)
            for share in self._shares
            if share.object == object_type.name and (share.access == "edit" or not edit)
        ]
        if not edit and f"{POOLED}{object_type.name}" in self._marks:
            found.append(RowRule("pooled", None, "member of a pool"))
        if self._by_hand and shareable(self.registry, object_type):
            found.append(RowRule("shared_edit" if edit else "shared", None, "shared by hand"))
        return found

    def _denies(self, object_name: str) -> dict[str, tuple[RowRule, ...]]:
        """What restrictions take away, by operation: `read` takes all, `update` bulk changes, `assign` transfers."""
        found: dict[str, tuple[RowRule, ...]] = {}
        held = [one for one in self._restrictions if one.object == object_name and one.deny]
        for operation in OPERATIONS if held else ():
            words = {operation, "read", DENIED_WITH.get(operation, operation)}
            rules = tuple(
                RowRule("all", one.where, f"restriction {one.name}", place=one.place)
                for one in held
                if not words.isdisjoint(one.deny)
            )
            if rules:
                found[operation] = rules
        return found


def _others(registry: Registry, kind: str) -> list[Any]:
    return list(registry.others.get(kind, {}).values())


def _role_rule(role: Role, grant: ObjectGrant, operation: str) -> RowRule:
    scope = grant.scopes.get(operation, "all")
    # what may be created is said where `create` is said; a role's `where` is about records that are there
    where = None if operation in ("create", "import") else grant.where
    return RowRule(scope, where, f"role {role.name}", grant.wheres.get(operation), grant.place)


def _open_to_all(object_type: ObjectType) -> RowRule:
    return RowRule("all", None, f"object {object_type.name}: access {object_type.access}", place=object_type.place)


def shareable(registry: Registry, object_type: ObjectType) -> bool:
    """True when records of the object can be shared by hand: they have an owner, or a role grants it."""
    grants = (role.objects.get(object_type.name) for role in registry.roles.values())
    return object_type.owned or any(g is not None and g.scopes.get("share", "none") != "none" for g in grants)


def _union(rules: Iterable[RowRule]) -> tuple[RowRule, ...]:
    """The rules without repeats; one that leaves out nothing makes the others needless."""
    unique = list(dict.fromkeys(rules))
    for rule in unique:
        if rule.everything:
            return (rule,)
    return tuple(unique)


def everything(object_type: ObjectType) -> ObjectRights:
    """All rights on an object."""
    fields: dict[str, FieldGrant] = {
        name: "read" if definition.system or definition.value else "edit"
        for name, definition in object_type.fields.items()
    }
    rules = dict.fromkeys(OPERATIONS, (EVERYTHING,))
    actions = BUILT_IN_ACTIONS | frozenset(object_type.actions)
    because = {name: FieldRight(grant, "administrator") for name, grant in fields.items()}
    return ObjectRights(
        object_type.name,
        True,
        True,
        MappingProxyType(rules),
        MappingProxyType(fields),
        actions,
        because=MappingProxyType(because),
    )


class AccessTable:
    """The grants of every profile met so far, for one published version."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._grants: dict[frozenset[str] | None, Grants] = {}
        named = [one.principals for one in _others(registry, "share")]
        named += [p for one in _others(registry, "restriction") for p in (one.principals, one.spare)]
        self._named = frozenset(mark for principals in named for mark in principals.marks())

    def marks(self, actor: Actor) -> frozenset[str]:
        """What of the actor, beside roles, definitions of this version ask for."""
        found: frozenset[str] = frozenset()
        if self._named:
            own = {f"user:{actor.name}", *(f"team:{name}" for name in actor.team_names)}
            found = self._named & own
        pools = self.registry.others.get("pool", {})
        found |= {f"{POOLED}{pools[name].object}" for name in actor.pools if name in pools}
        return found | {SHARED} if actor.shared_as else found

    def profile(self, actor: Actor) -> frozenset[str] | None:
        """The key under which everything worked out for actors like this one may be kept; None: no restriction."""
        if actor.unrestricted:
            return None
        asked = self._named or actor.shared_as or actor.pools
        return actor.roles | self.marks(actor) if asked else actor.roles

    def of(self, actor: Actor) -> Grants:
        """The actor's grants; two actors with the same profile share one value."""
        profile = self.profile(actor)
        found = self._grants.get(profile)
        if found is None:
            found = self._grants[profile] = self._made(actor)
        return found

    def _made(self, actor: Actor) -> Grants:
        if actor.scopes is None:
            return Grants(self.registry, actor.roles, unrestricted=actor.unrestricted, marks=self.marks(actor))
        from .scoped import ScopedGrants

        return ScopedGrants(self.registry, actor.roles, unrestricted=actor.administrator, marks=self.marks(actor))

    def rights(self, actor: Actor, object_name: str) -> ObjectRights:
        """Shorthand for `of(actor).on(object_name)`."""
        return self.of(actor).on(object_name)


__all__ = ["FOLLOWS", "RANK", "SCOPED", "AccessTable", "Grants", "ObjectRights", "RowRule", "lineage", "shareable"]
