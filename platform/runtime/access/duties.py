"""Duties held apart: which parts of a duty a set of roles has. Pure; plans, assignments of roles and checks ask it.

What an administrator may do by being one does not count: duties part what roles give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guanxi.registry.access import SCOPED, Duty
from guanxi.registry.registry import Registry

from .grants import Grants


@dataclass(frozen=True, slots=True)
class Breach:
    """One duty that a set of roles breaks, with the parts it has together, in the duty's order."""

    duty: Duty
    parts: tuple[str, ...]


def duties_of(registry: Registry) -> Mapping[str, Duty]:
    """The duties of a version by name."""
    return registry.others.get("duty", {})


def breaches(registry: Registry, roles: Iterable[str]) -> list[Breach]:
    """The duties broken by somebody who is given these roles (what they include counts)."""
    duties = duties_of(registry)
    if not duties:
        return []
    held: set[str] = set()
    for name in roles:
        role = registry.roles.get(name)
        if role is not None:
            held.update(role.lineage or (name,))
    grants = Grants(registry, frozenset(held))
    found = []
    for duty in duties.values():
        parts = tuple(part for part in duty.apart if _has(grants, held, part))
        if len(parts) > 1:
            found.append(Breach(duty, parts))
    return found


def _has(grants: Grants, held: set[str], part: str) -> bool:
    if part.startswith("role:"):
        return part.removeprefix("role:") in held
    object_name, _, act = part.partition(".")
    rights = grants.on(object_name)
    if act in ("create", "import"):
        return rights.create if act == "create" else rights.import_
    if act in SCOPED and rights.of(act):
        return True
    return act in rights.actions
