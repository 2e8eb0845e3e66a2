"""What an actor's roles add up to: rights per object, computed once per published version and set of roles.

Rules of merging (docs/reference/access.md): scopes of all roles are a union; a field's right is decided inside each
role by the nearest explicit word along its includes, then the most permissive of the roles holds; where no role says
anything about an operation, the object's `access` decides. A computed field that no role names is readable only as
far as everything it is computed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType

from guanxi.expressions.expression import Expression
from guanxi.registry.access import SCOPED, FieldGrant, ObjectGrant, Role, Scope
from guanxi.registry.objects import Field, ObjectType
from guanxi.registry.registry import Registry

from .actor import Actor

RANK: Mapping[FieldGrant, int] = MappingProxyType({"none": 0, "masked": 1, "read": 2, "edit": 3})
# An operation that no role mentions follows another one; what is not listed here must be granted by name.
FOLLOWS: Mapping[str, str] = MappingProxyType(
    {"export": "read", "history": "read", "restore": "delete", "bulk": "update", "transfer": "assign"}
)
NO_FIELDS: Mapping[str, FieldGrant] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RowRule:
    """Rows inside `scope` that meet `where`; `source` says who granted it, for explanations."""

    scope: Scope
    where: Expression | None = None
    source: str = ""

    @property
    def everything(self) -> bool:
        """True when the rule leaves out no row."""
        return self.scope == "all" and self.where is None


EVERYTHING = RowRule("all", None, "administrator")


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """Rights on one object. `rules` maps an operation to row rules of which one must hold (none: no row at all);
    `fields` every name of the object, system fields included, to its right; `actions` the granted action names.
    """

    object: str
    create: bool
    import_: bool
    rules: Mapping[str, tuple[RowRule, ...]]
    fields: Mapping[str, FieldGrant]
    actions: frozenset[str] = frozenset()

    @property
    def visible(self) -> bool:
        """True when the actor may know that the object exists."""
        return bool(self.rules.get("read")) or self.create

    def of(self, operation: str) -> tuple[RowRule, ...]:
        """The row rules of an operation; unknown operations have none."""
        return self.rules.get(operation, ())

    def all_rows(self, operation: str) -> bool:
        """True when no row rule narrows the operation."""
        return any(rule.everything for rule in self.of(operation))

    def readable(self, name: str) -> bool:
        """True when the field's value is shown unmasked."""
        return RANK[self.fields.get(name, "none")] >= RANK["read"]

    def shown(self, name: str) -> bool:
        """True when the field exists for the actor, masked or not."""
        return self.fields.get(name, "none") != "none"


class Grants:
    """All rights of one profile (a set of roles, or no restriction at all); objects are worked out on first use."""

    def __init__(self, registry: Registry, roles: frozenset[str], *, unrestricted: bool = False) -> None:
        self.registry = registry
        self.unrestricted = unrestricted
        self.profile: frozenset[str] | None = None if unrestricted else roles
        known = {name: registry.roles[name] for name in sorted(roles) if name in registry.roles}
        included = {name for role in known.values() for name in lineage(role)[1:]}
        self._heads = [role for name, role in known.items() if name not in included] or list(known.values())
        self._known = known
        self._rights: dict[str, ObjectRights] = {}
        self._open: set[tuple[str, str]] = set()

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
            return _unrestricted(object_type)
        grants = [(role, role.objects[object_name]) for role in self._known.values() if object_name in role.objects]
        create = any(grant.create for _, grant in grants)
        rules = {operation: self._rules(object_type, operation, grants, create) for operation in SCOPED}
        rights = ObjectRights(
            object_name,
            create,
            any(grant.import_ for _, grant in grants),
            MappingProxyType({op: rows for op, rows in rules.items() if rows}),
            MappingProxyType({}),
            self._actions(object_name),
        )
        if not rights.visible:
            return rights
        return _with_fields(rights, self._fields(object_type, bool(grants)))

    def _actions(self, object_name: str) -> frozenset[str]:
        prefix = f"{object_name}."
        names = (name for role in self._known.values() for name in role.actions)
        return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    # rows -------------------------------------------------------------------------------------------
    def _rules(
        self, object_type: ObjectType, operation: str, grants: list[tuple[Role, ObjectGrant]], create: bool
    ) -> tuple[RowRule, ...]:
        said = [(role, grant) for role, grant in grants if operation in grant.scopes]
        if said:
            return _union(
                RowRule(grant.scopes[operation], grant.where, f"role {role.name}")
                for role, grant in said
                if grant.scopes[operation] != "none"
            )
        if operation in FOLLOWS:
            return self._rules(object_type, FOLLOWS[operation], grants, create)
        if operation == "read":
            return self._unsaid_read(object_type, grants, create)
        if operation == "update" and object_type.access == "edit":
            return (RowRule("all", None, "the object is open to everybody"),)
        return ()

    def _unsaid_read(
        self, object_type: ObjectType, grants: list[tuple[Role, ObjectGrant]], create: bool
    ) -> tuple[RowRule, ...]:
        """Nobody said who reads: an open object is read by all, and who may write a row may read it."""
        if object_type.access != "private":
            return (RowRule("all", None, "the object is open to everybody"),)
        rows = [
            RowRule(grant.scopes["update"], grant.where, f"role {role.name}")
            for role, grant in grants
            if grant.scopes.get("update", "none") != "none"
        ]
        if create:
            rows.append(RowRule("own", None, "own record"))
        return _union(rows)

    # fields -----------------------------------------------------------------------------------------
    def _fields(self, object_type: ObjectType, mentioned: bool) -> dict[str, FieldGrant]:
        rights: dict[str, FieldGrant] = {}
        for name, definition in object_type.fields.items():
            if definition.system:
                rights[name] = "read"
            else:
                rights[name] = self._field(object_type, definition, mentioned)
        return rights

    def _field(self, object_type: ObjectType, definition: Field, mentioned: bool) -> FieldGrant:
        if not mentioned:
            plain: FieldGrant = "edit" if object_type.access == "edit" else "read"
            return self._derived(object_type.name, definition, plain) if definition.value else plain
        best: FieldGrant = "none"
        for role in self._heads:
            line = [
                self.registry.roles[n].objects.get(object_type.name) for n in lineage(role) if n in self.registry.roles
            ]
            found = self._in_role(object_type, definition, [grant for grant in line if grant is not None])
            if found is not None and RANK[found] > RANK[best]:
                best = found
        return best

    def _in_role(self, object_type: ObjectType, definition: Field, line: list[ObjectGrant]) -> FieldGrant | None:
        """What one role, with all it includes, says about a field; None when it does not know the object."""
        if not line:
            return None
        for grant in line:
            for pattern, right in grant.fields.items():
                if fnmatchcase(definition.name, pattern):
                    named = pattern == definition.name
                    return (
                        right if named or not definition.value else self._derived(object_type.name, definition, right)
                    )
        writes = object_type.access == "edit" or any(g.create or g.scopes.get("update", "none") != "none" for g in line)
        right = "edit" if writes else "read"
        return self._derived(object_type.name, definition, right) if definition.value else right

    def _derived(self, object_name: str, definition: Field, right: FieldGrant) -> FieldGrant:
        """A computed field is never edited, and read only as far as everything it is computed from."""
        lowest: FieldGrant = "read" if RANK[right] > RANK["read"] else right
        key = (object_name, definition.name)
        if definition.value is None or key in self._open:
            return lowest
        self._open.add(key)
        try:
            for use in definition.value.uses:
                there = self._used(object_name, use.object, use.field)
                if RANK[there] < RANK[lowest]:
                    lowest = there
        finally:
            self._open.discard(key)
        return lowest

    def _used(self, owner: str, object_name: str, name: str) -> FieldGrant:
        target = self.registry.objects.get(object_name)
        found = target.fields.get(name) if target else None
        if target is None or found is None or found.system:
            return "read"
        mentioned = any(object_name in role.objects for role in self._known.values())
        if object_name != owner and not self._reads_any(target):
            return "none"
        return self._field(target, found, mentioned)

    def _reads_any(self, target: ObjectType) -> bool:
        grants = [(role, role.objects[target.name]) for role in self._known.values() if target.name in role.objects]
        return bool(self._rules(target, "read", grants, any(grant.create for _, grant in grants)))


def lineage(role: Role) -> tuple[str, ...]:
    """The role and all it includes, nearest first."""
    return role.lineage if role.lineage and role.lineage[0] == role.name else (role.name, *role.lineage)


def _union(rules: Iterable[RowRule]) -> tuple[RowRule, ...]:
    """The rules without repeats; one that leaves out nothing makes the others needless."""
    unique = list(dict.fromkeys(rules))
    for rule in unique:
        if rule.everything:
            return (rule,)
    return tuple(unique)


def _unrestricted(object_type: ObjectType) -> ObjectRights:
    fields: dict[str, FieldGrant] = {
        name: "read" if definition.system or definition.value else "edit"
        for name, definition in object_type.fields.items()
    }
    rules = dict.fromkeys(SCOPED, (EVERYTHING,))
    actions = frozenset(object_type.actions)
    return ObjectRights(object_type.name, True, True, MappingProxyType(rules), MappingProxyType(fields), actions)


def _with_fields(rights: ObjectRights, fields: dict[str, FieldGrant]) -> ObjectRights:
    return ObjectRights(
        rights.object, rights.create, rights.import_, rights.rules, MappingProxyType(fields), rights.actions
    )


class AccessTable:
    """The grants of every profile met so far, for one published version."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._grants: dict[frozenset[str] | None, Grants] = {}

    def of(self, actor: Actor) -> Grants:
        """The actor's grants; two actors with the same roles share one value."""
        profile = None if actor.unrestricted else actor.roles
        found = self._grants.get(profile)
        if found is None:
            found = Grants(self.registry, actor.roles, unrestricted=actor.unrestricted)
            self._grants[profile] = found
        return found

    def rights(self, actor: Actor, object_name: str) -> ObjectRights:
        """Shorthand for `of(actor).on(object_name)`."""
        return self.of(actor).on(object_name)
