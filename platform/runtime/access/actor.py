"""Who is asking: a frozen value built once per request (or job) and handed to every read and write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or the system. `roles` is flattened through includes; `teams` the actor's teams, `team_tree`
    those and everything below, `team_names` the names of the actor's teams and of those above them; `reports` ids of
    people below in the manager line; `pools` names of the pools the actor belongs to, `manages` of
    those he manages. `me` holds the user record's
    fields in Python form for expressions (`me.region`). `shared_as` names the principals (`u3`, `t5`, `r2`) under which
    records are shared by hand with the actor, none for most people. The system actor sees and may do everything.
    `scopes` narrows what a token may do (None: nothing is narrowed); they also stand, marked, among `roles` (`scoped`).
    """

    id: int | None
    name: str
    roles: frozenset[str] = frozenset()
    team: int | None = None
    teams: frozenset[int] = frozenset()
    team_tree: frozenset[int] = frozenset()
    reports: frozenset[int] = frozenset()
    pools: frozenset[str] = frozenset()
    administrator: bool = False
    system: bool = False
    language: str = "en"
    zone: ZoneInfo = UTC_ZONE
    me: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    address: str = ""
    channel: str = "api"
    team_names: frozenset[str] = frozenset()
    shared_as: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    manages: frozenset[str] = frozenset()

    @property
    def unrestricted(self) -> bool:
        """True when no rule narrows this actor."""
        return (self.administrator and self.scopes is None) or self.system


SYSTEM = Actor(id=None, name="system", system=True, channel="system")
