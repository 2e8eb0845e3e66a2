"""Who is away, and who acts for whom, at a moment (records of `user_absence` and `user_delegation`). Set-based.

A delegation leads on at most three steps; where it leads in a circle, further, or to somebody inactive, the person
keeps the task. Of several that hold, the one made last counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ports import Database
from ..storage.rows import instant_text
from .organisation import MOST_ASKED, Organisation

MOST_STEPS = 3


@dataclass(frozen=True, slots=True)
class Delegated:
    """Who acts for a person. `mode`: "replace" (in place of) or "share" (beside); `through` the people on the way, the
    last being the one who acts; `ends_at` when the person's own delegation ends.
    """

    principal: int
    delegate: int
    mode: str
    through: tuple[int, ...]
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class _Rule:
    delegate: int
    mode: str
    flows: frozenset[str]
    ends_at: datetime


class Absences:
    """Answers from the records as they are now."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organisation = Organisation(database)

    def absent(self, user: int, at: datetime) -> bool:
        """Whether a person is away at a moment; the end is no longer part of an absence."""
        return user in self.absent_among([user], at)

    def absent_among(self, users: Iterable[int], at: datetime) -> frozenset[int]:
        """Those who are away at a moment."""
        wanted = list(dict.fromkeys(users))
        found: set[int] = set()
        moment = self._moment(at)
        for start in range(0, len(wanted), MOST_ASKED):
            part = wanted[start : start + MOST_ASKED]
            marks = ", ".join("?" * len(part))
            sql = (
                'SELECT DISTINCT "user" FROM o_user_absence WHERE deleted_at IS NULL '  # noqa: S608
                f'AND starts_at <= ? AND ends_at > ? AND "user" IN ({marks})'
            )
            found.update(int(r[0]) for r in self.database.rows(self.database.sql(sql), (moment, moment, *part)))
        return frozenset(found)

    def delegate_of(self, user: int, at: datetime, flow: str = "") -> Delegated | None:
        """Who acts for a person in an approval at a moment; None when the person does."""
        return self.delegates_of([user], at, flow).get(user)

    def delegates_of(self, users: Iterable[int], at: datetime, flow: str = "") -> Mapping[int, Delegated]:
        """Those among the users for whom somebody else acts; three statements however many there are."""
        rules = self._rules(at, flow)
        wanted = [user for user in dict.fromkeys(users) if user in rules]
        if not wanted:
            return {}
        involved = set(rules) | {rule.delegate for rule in rules.values()}
        active = {p.id for p in self.organisation.people(involved).values() if p.active}
        found: dict[int, Delegated] = {}
        for user in wanted:
            through = _led(user, rules)
            if through and active.issuperset(through):
                first = rules[user]
                found[user] = Delegated(user, through[-1], first.mode, through, first.ends_at)
        return found

    def principals(self, at: datetime) -> Sequence[int]:
        """Everybody who delegates at a moment."""
        moment = self._moment(at)
        sql = (
            "SELECT DISTINCT principal FROM o_user_delegation WHERE deleted_at IS NULL AND starts_at <= ?"
            " AND ends_at > ? AND principal IS NOT NULL ORDER BY principal"
        )
        return [int(row[0]) for row in self.database.rows(self.database.sql(sql), (moment, moment))]

    def _rules(self, at: datetime, flow: str) -> Mapping[int, _Rule]:
        moment = self._moment(at)
        rows = self.database.rows(
            self.database.sql(
                "SELECT principal, delegate, mode, flows, ends_at FROM o_user_delegation WHERE deleted_at IS NULL "
                "AND starts_at <= ? AND ends_at > ? ORDER BY id"
            ),
            (moment, moment),
        )
        found: dict[int, _Rule] = {}
        for principal, delegate, mode, flows, ends_at in rows:
            if principal is None or delegate is None:
                continue
            rule = _Rule(int(delegate), str(mode or "replace"), _words(flows), _instant(ends_at))
            if not rule.flows or flow in rule.flows:
                found[int(principal)] = rule
        return found

    def _moment(self, at: datetime) -> Any:
        return instant_text(at) if self.database.engine == "sqlite" else at


def _led(user: int, rules: Mapping[int, _Rule]) -> tuple[int, ...]:
    """The people a delegation leads through; empty for a circle or too many steps."""
    through: list[int] = []
    here = user
    while here in rules:
        here = rules[here].delegate
        if here == user or here in through or len(through) == MOST_STEPS:
            return ()
        through.append(here)
    return tuple(through)


def _words(stored: object) -> frozenset[str]:
    value = json.loads(stored) if isinstance(stored, str) and stored else stored
    return frozenset(str(word) for word in value) if isinstance(value, list | tuple) else frozenset()


def _instant(stored: object) -> datetime:
    return stored if isinstance(stored, datetime) else datetime.fromisoformat(str(stored))
