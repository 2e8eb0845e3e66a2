"""What the store keeps of a running approval, as plain values: the instance, its activations and its tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ACTIVE = frozenset({"running", "returned", "suspended"})
TERMINAL = frozenset({"approved", "rejected", "withdrawn", "terminated", "revoked"})
COUNTED = frozenset({"vote", "beside"})
"""Parts whose tasks are ballots: `beside` are counted members who were added."""
PENDING = frozenset({"open", "waiting", "held", "delegated"})
ADMIN_STEP = "administrator"
"""The step that stands in where nobody decided; no step of a flow can have a name with this meaning of its own."""


@dataclass(slots=True)
class Instance:
    """One approval of one record. Instants are the store's texts; `proposal` is what is applied at the end.

    `proposal`: {"values": {field: JSON value}, "base": {field: JSON value}} for an update, with "to" for a stage,
    "owner" and "reason" for a transfer; {} when nothing is held back. `snapshot`: {"at", "version", "values"} as the
    record was when the approval ended, for those who took part.
    """

    id: int
    flow: str
    object: str
    record_id: int
    operation: str
    state: str
    submitted_by: int | None
    at: str
    version: int
    definition: dict[str, Any]
    position: dict[str, Any] = field(default_factory=dict)
    cycle: int = 1
    proposal: dict[str, Any] = field(default_factory=dict)
    chosen: dict[str, list[int]] = field(default_factory=dict)
    title: str = ""
    comment: str = ""
    reason: str = ""
    locked: dict[str, Any] = field(default_factory=dict)
    material_at: str = ""
    finished_at: str | None = None
    previous_id: int | None = None
    snapshot: dict[str, Any] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """True while it can still move."""
        return self.state in ACTIVE


@dataclass(slots=True)
class Activation:
    """One entering of one step."""

    id: int
    approval_id: int
    step: str
    round: int
    cycle: int
    state: str
    at: str
    finished_at: str | None = None
    reason: str = ""


@dataclass(slots=True)
class Task:
    """What one person is asked. `part`: vote, beside (added and counted), before, after (added, gate their parent),
    opinion (a delegate's), resubmit. `principal`: whom the person acts for; `also`: a delegate who may act as well.
    `acted` is 1 when a person decided, 0 when the platform did (`reason` says why).
    """

    id: int
    approval_id: int
    activation_id: int
    step: str
    user_id: int
    state: str
    at: str
    part: str = "vote"
    principal: int | None = None
    also: int | None = None
    weight: int = 1
    place: int = 0
    parent_id: int | None = None
    mode: str = ""
    added_by: int | None = None
    opened_at: str | None = None
    due_at: str | None = None
    next_at: str | None = None
    next_act: int = 0
    acted: int = 0
    decided_at: str | None = None
    decided_by: int | None = None
    comment: str = ""
    reason: str = ""
    edits: str = ""
    paused_at: str | None = None

    @property
    def pending(self) -> bool:
        """True while a decision may still come."""
        return self.state in PENDING
