"""Pools of ownerless records and rules of assignment, compiled: what the runtime's ownership gate decides by.

`Registry.others["pool"]` and `Registry.others["assignment"]` map names to these values. Expressions are on a record of
the pool's object unless said otherwise; those that also run in SQL name no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression

from .approvals import Who

STRATEGIES = ("round_robin", "weighted", "least_loaded", "match")
REASONS_OF_COOLDOWN = ("returned", "recycled", "both")
FOLLOW_UP_NAMES = frozenset({"follow_up", "last_follow_up_at", "last_activity_at"})
"""Names in a clock's `from` under which follow-ups count in."""
_WEIGHTS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Limits of taking records; 0 means no limit. `count_when` says which owned records count as held."""

    per_day: int = 0
    per_week: int = 0
    per_month: int = 0
    holding: int = 0
    count_when: Expression | None = None
    cooldown_days: int = 0
    cooldown_after: str = "both"
    freeze_hours: int = 0


@dataclass(frozen=True, slots=True)
class Protection:
    """Days after a claim or an assignment in which a record does not fall back; by hand `most` records, `days` each."""

    after_claim_days: int = 0
    after_assign_days: int = 0
    manual_most: int = 0
    manual_days: int = 30


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Which children count as a follow-up: those of the list (`object`.`field`) that meet `when` (an expression on the
    child), at the instant in `at` (a date or datetime field of the child).
    """

    list: str
    object: str
    field: str
    many: bool
    when: Expression | None
    at: str


@dataclass(frozen=True, slots=True)
class RecycleRule:
    """One clock: the latest of the owner's start, `fields`, follow-ups (`follow_ups`) and the end of protection, plus
    so many days; the owner keeps the whole last day.
    """

    name: str
    days: int
    working: bool
    calendar: str = ""
    fields: tuple[str, ...] = ()
    follow_ups: bool = False
    when: Expression | None = None
    exempt: Expression | None = None
    warn_days: tuple[int, ...] = ()
    reason: Label = Label()
    to: str = ""


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """`reasons` empty: any text. `block_when` refuses; `warn_when` wants a note."""

    reasons: tuple[str, ...] = ()
    block_when: Expression | None = None
    warn_when: Expression | None = None
    per_day: int = 0


@dataclass(frozen=True, slots=True)
class Distribution:
    """Who gets records and how. `match` are fields that a record and a user share by name."""

    to: tuple[Who, ...]
    by: str = "round_robin"
    match: tuple[str, ...] = ()
    weights: Mapping[str, int] = field(default_factory=lambda: _WEIGHTS)
    when: Expression | None = None
    per_user_day: int = 0
    accept_minutes: int = 0
    most_hops: int = 3


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. Of several that would hold a record the one with the highest `priority` does, then the first name."""

    name: str
    object: str
    label: Label
    holds: Expression | None = None
    priority: int = 0
    members: tuple[Who, ...] = ()
    managers: tuple[Who, ...] = ()
    visible: frozenset[str] | None = None
    claim: ClaimRules = ClaimRules()
    protect: Protection = Protection()
    follow_up: FollowUp | None = None
    recycle: tuple[RecycleRule, ...] = ()
    min_notice_days: int = 3
    returning: ReturnRules = ReturnRules()
    distribute: Distribution | None = None
    order: tuple[str, ...] = ()
    active: bool = True
    description: Label = Label()
    layer: str = ""
    place: str = ""

    def open(self, name: str) -> bool:
        """True when members see the field of a record that waits in the pool."""
        return self.visible is None or name in self.visible


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """The first rule whose `when` holds decides: people (`share`) or a `pool`."""

    name: str
    when: Expression | None = None
    share: Distribution | None = None
    pool: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who gets a new or ownerless record of an object; of several the highest `priority` is asked first."""

    name: str
    object: str
    label: Label
    rules: tuple[AssignmentRule, ...]
    priority: int = 0
    active: bool = True
    description: Label = Label()
    layer: str = ""
    place: str = ""
