"""What one actor may write on one object, in the words of a draft; made once per profile and object, then kept.

The judgement of rows stays with `runtime.access`; here are only the questions asked per field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guanxi.fieldtypes.base import Coercer
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.grants import ObjectRights

from .plan import ObjectPlan


@dataclass(frozen=True, slots=True)
class WriteRights:
    """`shown` are the names that exist for the actor, `edits` those it may write. `trusted` is the platform itself
    (metadata's own steps, seed data): read-only fields and stage paths do not hold it. `assign` says whether owner
    and team may be given on create. `free` are the coercers of fields with nothing more to ask than the value.
    """

    shown: frozenset[str]
    edits: frozenset[str]
    assign: bool = False
    trusted: bool = False
    unrestricted: bool = False
    free: Mapping[str, Coercer] = field(default_factory=dict)
    free_typed: Mapping[str, Coercer] = field(default_factory=dict)

    def visible(self, name: str) -> bool:
        """True when the field exists for the actor."""
        return name in self.shown

    def editable(self, name: str) -> bool:
        """True when the actor may change the field's value."""
        return name in self.edits


def write_rights(plan: ObjectPlan, rights: ObjectRights, actor: Actor, *, trusted: bool = False) -> WriteRights:
    """From the object's rights of the actor's roles; the system actor is trusted. What the metadata itself writes is
    held by nobody's grants.
    """
    free_hand = trusted or actor.system
    edits = frozenset(name for name, grant in rights.fields.items() if grant == "edit")
    if free_hand:
        edits |= plan.fields.keys()
    free = [f for f in plan.fields.values() if f.name in edits and f.stored and not f.system and not f.fixed]
    return WriteRights(
        shown=edits if free_hand else frozenset(name for name, grant in rights.fields.items() if grant != "none"),
        edits=edits,
        assign=free_hand or bool(rights.of("assign")),
        trusted=free_hand,
        unrestricted=actor.unrestricted,
        free={f.name: f.coerce for f in free},
        free_typed={f.name: f.typed_once for f in free},
    )
