"""What one actor may write on one object, in the words of a draft; made once per profile and object, then kept.

The judgement of rows stays with `runtime.access`; here are only the questions asked per field.
"""

from __future__ import annotations

from dataclasses import dataclass

from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.grants import ObjectRights


@dataclass(frozen=True, slots=True)
class WriteRights:
    """`shown` are the names that exist for the actor, `edits` those it may write. `trusted` is the platform itself
    (metadata's own steps, seed data): read-only fields and stage paths do not hold it. `assign` says whether owner
    and team may be given on create.
    """

    shown: frozenset[str]
    edits: frozenset[str]
    assign: bool = False
    trusted: bool = False
    unrestricted: bool = False

    def visible(self, name: str) -> bool:
        """True when the field exists for the actor."""
        return name in self.shown

    def editable(self, name: str) -> bool:
        """True when the actor may change the field's value."""
        return name in self.edits


def write_rights(rights: ObjectRights, actor: Actor, *, trusted: bool = False) -> WriteRights:
    """From the object's rights of the actor's roles; the system actor is trusted."""
    return WriteRights(
        frozenset(name for name, grant in rights.fields.items() if grant != "none"),
        frozenset(name for name, grant in rights.fields.items() if grant == "edit"),
        bool(rights.of("assign")),
        trusted or actor.system,
        actor.unrestricted,
    )
