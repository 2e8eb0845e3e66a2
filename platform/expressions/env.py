"""What an evaluation may see: the record, the caller, the clock, and ports to other records. Values only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from .calendar import DEFAULT_CALENDAR, WorkingCalendar
from .faults import BudgetExceeded
from .limits import MAX_MILLISECONDS, MAX_STEPS

Record = Mapping[str, Any]
Lookup = Callable[[str, int], Record | None]
Children = Callable[[str, str, int], Sequence[Record]]

_NOTHING: Mapping[str, Any] = {}
_UTC = ZoneInfo("UTC")


def _no_lookup(_object: str, _id: int) -> Record | None:
    return None


def _no_children(_object: str, _list: str, _id: int) -> Sequence[Record]:
    return ()


class Env:
    """One evaluation's surroundings; values in Python form (see `types`).

    `row` is the record; `old` the record before the change (None on create); `me` the caller's user record; `roles`
    role names, `teams` team ids, `team_names` the names of those teams (looked up when not given), `reports` ids of
    users below the caller; `now` an aware instant in UTC; `zone` the caller's time zone. `lookup(object, id)` gives a
    record or None; `children(object, list, id)` the live children of a record. `calendars` by name; `params` values by
    name, a record parameter as its id or as a mapping; `outer` the record around a child condition.
    """

    __slots__ = (
        "calendars",
        "children",
        "lookup",
        "max_steps",
        "me",
        "milliseconds",
        "now",
        "old",
        "outer",
        "params",
        "reports",
        "roles",
        "row",
        "started",
        "steps",
        "team_names_given",
        "teams",
        "zone",
    )

    def __init__(
        self,
        row: Record | None = None,
        *,
        old: Record | None = None,
        me: Record = _NOTHING,
        roles: Collection[str] = frozenset(),
        teams: Collection[int] = frozenset(),
        team_names: Collection[str] | None = None,
        reports: Collection[int] = frozenset(),
        now: datetime | None = None,
        zone: tzinfo = _UTC,
        lookup: Lookup = _no_lookup,
        children: Children = _no_children,
        calendars: Mapping[str, WorkingCalendar] = _NOTHING,
        params: Mapping[str, Any] = _NOTHING,
        outer: Record | None = None,
        max_steps: int = MAX_STEPS,
        milliseconds: float = MAX_MILLISECONDS,
    ) -> None:
        self.row = row
        self.old = old
        self.me = me
        self.roles = roles
        self.teams = teams
        self.team_names_given = team_names
        self.reports = reports
        self.now = now if now is not None else datetime.now(UTC)
        self.zone = zone
        self.lookup = lookup
        self.children = children
        self.calendars = calendars
        self.params = params
        self.outer = outer
        self.max_steps = max_steps
        self.milliseconds = milliseconds
        self.steps = 0
        self.started = 0.0

    def with_row(self, row: Record | None, old: Record | None = None) -> Env:
        """The same surroundings for another record; the budget starts afresh. Reuses this value."""
        self.row, self.old, self.steps, self.started = row, old, 0, 0.0
        return self

    @property
    def today(self) -> date:
        """The present day in the caller's zone."""
        return self.now.astimezone(self.zone).date()

    @property
    def team_names(self) -> Collection[str]:
        """Names of the caller's teams."""
        if self.team_names_given is None:
            found = (self.lookup("team", team) for team in self.teams)
            self.team_names_given = frozenset(str(team["name"]) for team in found if team and team.get("name"))
        return self.team_names_given

    @property
    def zone_name(self) -> str:
        """The zone's key, for the databases."""
        return getattr(self.zone, "key", None) or "UTC"

    def calendar(self, name: str) -> WorkingCalendar:
        """The calendar of that name; Monday to Friday when there is none."""
        return self.calendars.get(name, DEFAULT_CALENDAR)

    def spend(self, steps: int) -> None:
        """Count steps over children; raises BudgetExceeded past the limit of steps or of time."""
        if not self.started:
            self.started = perf_counter()
        self.steps += steps
        if self.steps > self.max_steps:
            raise BudgetExceeded(f"the expression looks at more than {self.max_steps:,} records")
        if (perf_counter() - self.started) * 1000 > self.milliseconds:
            raise BudgetExceeded(f"the expression takes more than {self.milliseconds:g} ms")
