"""Service levels, compiled: which clocks a record has, when they stand, how long they take and what happens then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from guanxi.common.diagnostics import Place
from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression

from .steps import Step

EMPTY: Mapping[str, Any] = MappingProxyType({})
BREACH = "breach"
Restart = Literal["never", "resume", "reopen"]


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a target may take: working `minutes`, `days` on at the same time of day, or to the end of work
    `working_days` on; one of them.
    """

    minutes: int = 0
    days: int = 0
    working_days: int = 0


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: at `percent` of the limit, or `minutes_before` its end (working minutes); the rung BREACH
    is the end itself. `key` tells it again, so that it is done once for a clock.
    """

    key: str
    do: tuple[Step, ...]
    percent: int = 0
    minutes_before: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """One clock: runs from `start` (None: from the moment the service level applies) until `stop` holds."""

    name: str
    label: Label
    limit: Limit
    stop: Expression
    start: Expression | None = None
    pause: Expression | None = None
    rungs: tuple[Rung, ...] = ()
    restart: Restart = "resume"


@dataclass(frozen=True, slots=True)
class Sla:
    """A service level: records of `object` for which `when` holds have the clocks `targets`, on `calendar` ("": round
    the clock). Of several the one with the highest `priority` applies, then the first by name. `mark` changes with
    what is written; `children` names (object, reference field) of lists that its conditions count.
    """

    name: str
    label: Label
    object: str
    targets: Mapping[str, Target]
    when: Expression | None = None
    calendar: str = ""
    priority: int = 100
    active: bool = True
    mark: str = ""
    children: frozenset[tuple[str, str]] = frozenset()
    description: Label = Label()
    layer: str = ""
    place: Place = Place("")
    sources: Mapping[str, str] = field(default_factory=lambda: EMPTY)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Everything that decides what the clocks do."""
        found = [self.when]
        for target in self.targets.values():
            found += [target.start, target.stop, target.pause]
        return tuple(one for one in found if one is not None)
