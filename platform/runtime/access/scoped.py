"""Rights of a token: its person's rights on each object, cut down to what the token's scopes name.

Scopes travel among the actor's roles as marked names, which no role can have, so that every cache that is keyed by
roles keeps scoped and unscoped rights apart.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from guanxi.registry.registry import Registry

from .grants import Grants, ObjectRights, everything

MARK = "scope "
READING = ("read", "history", "export")


class ScopedGrants(Grants):
    """Grants within scopes; `roles` holds the marked ones too."""

    def __init__(
        self, registry: Registry, roles: frozenset[str], *, unrestricted: bool, marks: frozenset[str] = frozenset()
    ) -> None:
        plain = frozenset(role for role in roles if not role.startswith(MARK))
        super().__init__(registry, plain, unrestricted=unrestricted, marks=marks)
        scopes = {role.removeprefix(MARK) for role in roles - plain}
        self._writes = "write" in scopes
        self._objects = {scope.removeprefix("object:") for scope in scopes if scope.startswith("object:")}
        self._whole = unrestricted
        self.profile = roles | marks
        self.unrestricted = False  # nothing may take the short way past the rights of an object

    def _work_out(self, object_name: str) -> ObjectRights:
        object_type = self.registry.objects.get(object_name)
        whole = object_type if self._whole else None
        found = everything(whole) if whole is not None else super()._work_out(object_name)
        if self._objects and object_name not in self._objects:
            empty: MappingProxyType[str, object] = MappingProxyType({})
            return ObjectRights(object_name, False, False, empty, MappingProxyType({}))  # type: ignore[arg-type]
        if self._writes:
            return found
        rules = {name: rows for name, rows in found.rules.items() if name in READING}
        fields = {name: "read" if grant == "edit" else grant for name, grant in found.fields.items()}
        return replace(
            found,
            create=False,
            import_=False,
            rules=MappingProxyType(rules),
            fields=MappingProxyType(fields),
            actions=frozenset(),
        )
