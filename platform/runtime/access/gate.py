"""The one gate every operand from outside passes: select, filter, sort, group, measure, search, expand, lookup, export.

A hidden field or object does not exist (unknown name, hints only from what the actor may see); a masked field can be
selected, never judged by. Expressions from outside are checked against `ActorSchema`, the actor's view of the registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from guanxi.common.errors import BadRequest, NotFound
from guanxi.common.names import did_you_mean
from guanxi.expressions.schema import FieldInfo, RelatedInfo
from guanxi.fieldtypes import CATALOGUE
from guanxi.registry.objects import Field, ObjectType

from .grants import Grants

Purpose = Literal["select", "filter", "sort", "group", "measure", "search", "expand", "lookup", "export"]
SHOWING: frozenset[str] = frozenset({"select", "export"})
MAX_HOPS = 4


class ActorSchema:
    """A SchemaView of what the actor may judge by: unreadable and masked names are unknown.

    `masked` collects the masked names that were asked for, so that a refusal can say so.
    """

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._registry = grants.registry
        self.masked: list[str] = []

    def field(self, object_name: str, name: str) -> FieldInfo | None:
        """See SchemaView."""
        rights = self._grants.on(object_name)
        if rights.readable(name):
            return self._registry.field(object_name, name)
        if rights.shown(name):
            self.masked.append(name)
        return None

    def field_names(self, object_name: str) -> Iterable[str]:
        """See SchemaView."""
        rights = self._grants.on(object_name)
        return [name for name in self._registry.field_names(object_name) if rights.readable(name)]

    def related(self, object_name: str, name: str) -> RelatedInfo | None:
        """See SchemaView."""
        found = self._registry.related(object_name, name)
        if found is None or not self._grants.on(found.object).of("read"):
            return None
        return found if self._grants.on(found.object).readable(found.field) else None

    def related_names(self, object_name: str) -> Iterable[str]:
        """See SchemaView."""
        return [name for name in self._registry.related_names(object_name) if self.related(object_name, name)]

    def calendar_names(self) -> Iterable[str]:
        """See SchemaView."""
        return self._registry.calendar_names()


@dataclass(frozen=True, slots=True)
class Operand:
    """A path the actor may use: `hops` are the reference fields walked, `field` the last one on `object`."""

    path: str
    hops: tuple[Field, ...]
    object: ObjectType
    field: Field
    masked: bool = False


def visible_object(grants: Grants, name: str) -> ObjectType:
    """The object, when the actor may know of it; NotFound otherwise."""
    found = grants.registry.objects.get(name)
    if found is None or not grants.on(name).visible:
        known = [other for other in grants.registry.objects if grants.on(other).visible]
        raise NotFound(f"There is no object {name!r}.", hint=did_you_mean(name, known))
    return found


def operand(grants: Grants, object_type: ObjectType, path: str, purpose: Purpose) -> Operand:
    """The operand a path names, or BadRequest with code unknown_field (hidden, unknown) or masked_field."""
    parts = path.split(".")
    if len(parts) > MAX_HOPS + 1:
        raise BadRequest(f"{path!r} walks more than {MAX_HOPS} references.", code="unknown_field")
    at, hops = object_type, []
    for part in parts[:-1]:
        step = _step(grants, at, part, path, purpose)
        hops.append(step.field)
        at = _target(grants, step.field, path)
    last = _step(grants, at, parts[-1], path, purpose)
    if purpose == "expand" and not target_name(last.field):
        raise BadRequest(f"{path!r} does not refer to records that could be expanded here.", code="unknown_field")
    return Operand(path, tuple(hops), at, last.field, last.masked)


def _step(grants: Grants, at: ObjectType, name: str, path: str, purpose: Purpose) -> Operand:
    rights = grants.on(at.name)
    found = at.fields.get(name)
    if found is None or not rights.shown(name):
        raise unknown_field(name, path, [n for n in at.fields if rights.shown(n)])
    masked = not rights.readable(name)
    if masked and purpose not in SHOWING:
        raise BadRequest(f"{path!r} is masked for you: it cannot be used to {verb(purpose)}.", code="masked_field")
    return Operand(name, (), at, found, masked)


def target_name(field: Field) -> str:
    """The object a field refers to one record of, or ""."""
    if field.type == "references":
        return ""
    kind = CATALOGUE.get(field.type)
    return field.target or (kind.target if kind is not None else "")


def _target(grants: Grants, field: Field, path: str) -> ObjectType:
    name = target_name(field)
    if not name:
        raise BadRequest(f"{field.name!r} in {path!r} does not refer to one record.", code="unknown_field")
    target = grants.registry.objects.get(name)
    if target is None or not grants.on(name).of("read"):
        raise BadRequest(f"{path!r} leads to records you cannot read.", code="unknown_field")
    return target


def unknown_field(name: str, path: str, known: Sequence[str]) -> BadRequest:
    """The refusal of a name that does not exist for the actor."""
    where = "" if name == path else f" in {path!r}"
    return BadRequest(f"There is no field {name!r}{where}.", code="unknown_field", hint=did_you_mean(name, known))


def verb(purpose: Purpose) -> str:
    """What a purpose does, for messages."""
    return {"filter": "filter", "sort": "sort", "group": "group", "measure": "calculate", "search": "search"}.get(
        purpose, "look things up"
    )
