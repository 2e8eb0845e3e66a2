"""What a profile may do with each field of an object: none, masked, read or edit, and who says so.

Inside one role the nearest word along its includes decides, of several roles the most permissive; a computed field
that no role names is readable only as far as everything it is computed from. A restriction is a ceiling over all that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, NamedTuple

from guanxi.registry.access import FieldGrant, ObjectGrant, Restriction, Role
from guanxi.registry.objects import Field, ObjectType
from guanxi.registry.registry import Registry

RANK: Mapping[FieldGrant, int] = MappingProxyType({"none": 0, "masked": 1, "read": 2, "edit": 3})
Line = list[tuple[Role, ObjectGrant]]


class FieldRight(NamedTuple):
    """A field's right: the grant, the style of its mask where one is said, who says so and where that stands."""

    grant: FieldGrant
    source: str = ""
    place: str = ""
    style: str = ""


def lineage(role: Role) -> tuple[str, ...]:
    """The role and all it includes, nearest first."""
    return role.lineage if role.lineage and role.lineage[0] == role.name else (role.name, *role.lineage)


def lower(first: FieldRight, second: FieldRight) -> FieldRight:
    """The narrower of two rights."""
    return second if RANK[second.grant] < RANK[first.grant] else first


class FieldJudge:
    """See the module. `opened(object, operation)` are the row rules that shares add for the profile, `reads(object)`
    says whether it reads any record at all.
    """

    def __init__(  # noqa: PLR0917
        self,
        registry: Registry,
        known: Mapping[str, Role],
        heads: Sequence[Role],
        restrictions: Sequence[Restriction],
        opened: Callable[[ObjectType, str], Sequence[Any]],
        reads: Callable[[ObjectType], bool],
    ) -> None:
        self.registry = registry
        self._known = known
        self._heads = heads
        self._restrictions = restrictions
        self._opened = opened
        self._reads = reads
        self._open: set[tuple[str, str]] = set()

    def fields(self, object_type: ObjectType) -> dict[str, FieldRight]:
        """The rights of every field; the platform's own can be read by whoever sees the record."""
        own = FieldRight("read", "the platform's own field")
        return {
            name: own if definition.system else self.right(object_type, definition)
            for name, definition in object_type.fields.items()
        }

    def right(self, object_type: ObjectType, definition: Field) -> FieldRight:
        """One field's right, restrictions included."""
        return lower(self._granted(object_type, definition), self._ceiling(object_type, definition))

    # what roles say ---------------------------------------------------------------------------------
    def _granted(self, object_type: ObjectType, definition: Field) -> FieldRight:
        name = object_type.name
        if not any(name in role.objects for role in self._known.values()):
            return self._unmentioned(object_type, definition)
        best = FieldRight("none", "no role grants it")
        for role in self._heads:
            line = [(self.registry.roles[n], n) for n in lineage(role) if n in self.registry.roles]
            found = self._in_role(
                object_type, definition, [(one, one.objects[name]) for one, _ in line if name in one.objects]
            )
            if found is not None and (RANK[found.grant] > RANK[best.grant] or not best.place):
                best = found if RANK[found.grant] >= RANK[best.grant] else best
        return best

    def _unmentioned(self, object_type: ObjectType, definition: Field) -> FieldRight:
        """No role of the profile knows the object: its `access` decides. Who sees records of a private object only
        because they are shared sees no field that any role that knows the object is denied.
        """
        source = f"object {object_type.name}: access {object_type.access}"
        right = FieldRight("edit" if object_type.access == "edit" else "read", source, object_type.place)
        opened = object_type.access != "edit" and bool(self._opened(object_type, "update"))
        if opened or object_type.access == "private":
            right = FieldRight("edit" if opened else "read", "shared records")
        if object_type.access == "private":
            for role in self.registry.roles.values():
                grant = role.objects.get(object_type.name)
                said = _said(grant, definition.name) if grant is not None else None
                if grant is not None and said is not None:
                    right = lower(right, FieldRight(said[0], f"role {role.name}", grant.place, said[1]))
        return self._derived(object_type.name, definition, right) if definition.value else right

    def _in_role(self, object_type: ObjectType, definition: Field, line: Line) -> FieldRight | None:
        """What one role, with all it includes, says about a field; None when it does not know the object."""
        if not line:
            return None
        for role, grant in line:
            said = _said(grant, definition.name)
            if said is not None:
                right = FieldRight(said[0], f"role {role.name}", grant.place, said[1])
                named = definition.name in grant.fields
                return right if named or not definition.value else self._derived(object_type.name, definition, right)
        writes = object_type.access == "edit" or any(
            g.create or g.scopes.get("update", "none") != "none" for _, g in line
        )
        role, grant = line[0]
        if not writes and self._opened(object_type, "update"):
            right = FieldRight("edit", f"role {role.name}, records shared to edit", grant.place)
        else:
            right = FieldRight("edit" if writes else "read", f"role {role.name}", grant.place)
        return self._derived(object_type.name, definition, right) if definition.value else right

    # what a computed field is computed from -----------------------------------------------------------
    def _derived(self, object_name: str, definition: Field, right: FieldRight) -> FieldRight:
        """A computed field is never edited, and read only as far as everything it is computed from."""
        lowest = right._replace(grant="read") if RANK[right.grant] > RANK["read"] else right
        for there in self._used(object_name, definition, self.right):
            lowest = lower(lowest, there)
        return lowest

    def _used(
        self, object_name: str, definition: Field, judged: Callable[[ObjectType, Field], FieldRight]
    ) -> Iterable[FieldRight]:
        key = (object_name, definition.name)
        if definition.value is None or key in self._open:
            return
        self._open.add(key)
        try:
            for use in definition.value.uses:
                target = self.registry.objects.get(use.object)
                found = target.fields.get(use.field) if target else None
                if target is None or found is None or found.system:
                    continue
                if use.object != object_name and not self._reads(target):
                    yield FieldRight("none", f"{use.object}.{use.field} cannot be read")
                else:
                    there = judged(target, found)
                    yield there._replace(source=f"{there.source} on {use.object}.{use.field}")
        finally:
            self._open.discard(key)

    # what restrictions leave ------------------------------------------------------------------------
    def _ceiling(self, object_type: ObjectType, definition: Field) -> FieldRight:
        most = FieldRight("edit")
        for one in self._restrictions:
            if one.object == object_type.name:
                said = _first(one.fields, definition.name)
                if said is not None:
                    right = FieldRight(said[1], f"restriction {one.name}", one.place, one.masks.get(said[0], ""))
                    most = lower(most, right)
        for there in self._used(object_type.name, definition, self._ceiling) if self._restrictions else ():
            if RANK[there.grant] < RANK["read"]:
                most = lower(most, there)
        return most


def _first(fields: Mapping[str, FieldGrant], name: str) -> tuple[str, FieldGrant] | None:
    """The field's own name, else the first pattern that fits; with its grant."""
    if name in fields:
        return name, fields[name]
    for pattern, grant in fields.items():
        if "*" in pattern and fnmatchcase(name, pattern):
            return pattern, grant
    return None


def _said(grant: ObjectGrant, name: str) -> tuple[FieldGrant, str] | None:
    found = _first(grant.fields, name)
    return None if found is None else (found[1], grant.masks.get(found[0], ""))
