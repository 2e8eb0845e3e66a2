"""Who stands above whom: manager lines, departments and their heads, members of teams. Read-only and set-based.

Circles in the data end by themselves; who is inactive (or gone) is told as such and never left out silently, so that
whoever asks can decide (an approval takes the next one, a pool leaves them out).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..ports import Database

MOST_LEVELS = 50
MOST_ASKED = 400


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the organisation; `active` is False for the disabled and those in the trash."""

    id: int
    active: bool
    manager: int | None = None
    team: int | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Team:
    """One node of the tree of teams."""

    id: int
    parent: int | None
    lead: int | None
    department: bool


class Organisation:
    """Reads users and teams as they are now."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def people(self, ids: Iterable[int]) -> Mapping[int, Person]:
        """Users by id, those in the trash included as inactive."""
        wanted = list(dict.fromkeys(ids))
        found: dict[int, Person] = {}
        for start in range(0, len(wanted), MOST_ASKED):
            part = wanted[start : start + MOST_ASKED]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT id, active, manager, team, available, deleted_at FROM o_user WHERE id IN ({marks})"  # noqa: S608
            for row in self.database.rows(self.database.sql(sql), part):
                found[int(row[0])] = _person(row)
        return found

    # manager line ------------------------------------------------------------------------------------
    def chains(self, ids: Iterable[int], levels: int = MOST_LEVELS) -> Mapping[int, Sequence[Person]]:
        """The managers above each user, the nearest first, at most `levels`; one statement per level."""
        wanted = list(dict.fromkeys(ids))
        known = dict(self.people(wanted))
        for _ in range(min(levels, MOST_LEVELS)):
            missing = {p.manager for p in known.values() if p.manager is not None} - known.keys()
            if not missing:
                break
            more = self.people(missing)
            known.update(more)
            if not more:
                break
        return {user: self._chain(user, known, levels) for user in wanted}

    @staticmethod
    def _chain(user: int, known: Mapping[int, Person], levels: int) -> list[Person]:
        line: list[Person] = []
        seen = {user}
        here = known.get(user)
        while here is not None and here.manager is not None and len(line) < min(levels, MOST_LEVELS):
            if here.manager in seen or here.manager not in known:
                break
            seen.add(here.manager)
            here = known[here.manager]
            line.append(here)
        return line

    def manager(self, user: int, level: int = 1) -> Person | None:
        """The manager `level` steps above a user; None when the line is shorter."""
        line = self.chains([user], level)[user]
        return line[level - 1] if 0 < level <= len(line) else None

    # departments -------------------------------------------------------------------------------------
    def teams(self) -> Mapping[int, Team]:
        """Every live team by id, in one statement."""
        rows = self.database.rows("SELECT id, parent, lead, kind FROM o_team WHERE deleted_at IS NULL")
        return {int(r[0]): Team(int(r[0]), r[1], r[2], r[3] == "department") for r in rows}

    def departments(self, user: int) -> Sequence[Team]:
        """The departments a user stands in, the nearest first: those among the own team and everything above it."""
        person = self.people([user]).get(user)
        return self.departments_of_team(person.team) if person is not None else []

    def departments_of_team(self, team: int | None, teams: Mapping[int, Team] | None = None) -> Sequence[Team]:
        """The departments among a team and everything above it, the nearest first."""
        known = self.teams() if teams is None else teams
        line: list[Team] = []
        seen: set[int] = set()
        while team is not None and team in known and team not in seen:
            seen.add(team)
            if known[team].department:
                line.append(known[team])
            team = known[team].parent
        return line

    def department_head(self, user: int, level: int = 1) -> Person | None:
        """The lead of the `level`-th department above a user; None when there is no such department or no lead.

        The head of a department is the head for the own department too: whoever asks decides what that means.
        """
        line = self.departments(user)
        if not 0 < level <= len(line):
            return None
        lead = line[level - 1].lead
        return self.people([lead]).get(lead) if lead is not None else None

    # members -----------------------------------------------------------------------------------------
    def below(self, team: int, teams: Mapping[int, Team] | None = None) -> frozenset[int]:
        """A team and everything below it."""
        known = self.teams() if teams is None else teams
        children: dict[int, list[int]] = {}
        for one in known.values():
            if one.parent is not None:
                children.setdefault(one.parent, []).append(one.id)
        found: set[int] = set()
        waiting = [team] if team in known else []
        while waiting:
            here = waiting.pop()
            if here not in found:
                found.add(here)
                waiting += children.get(here, ())
        return frozenset(found)

    def members(self, team: int, *, tree: bool = True) -> Sequence[Person]:
        """The people of a team, with everything below it unless `tree` is False, by id; the inactive flagged."""
        ids = sorted(self.below(team) if tree else [team])
        found: list[Person] = []
        for start in range(0, len(ids), MOST_ASKED):
            part = ids[start : start + MOST_ASKED]
            marks = ", ".join("?" * len(part))
            sql = (
                "SELECT id, active, manager, team, available, deleted_at FROM o_user "  # noqa: S608
                f"WHERE deleted_at IS NULL AND team IN ({marks}) ORDER BY id"
            )
            found += [_person(row) for row in self.database.rows(self.database.sql(sql), part)]
        return sorted(found, key=lambda person: person.id)


def _person(row: tuple[object, ...]) -> Person:
    return Person(
        id=int(str(row[0])),
        active=bool(row[1]) and row[5] is None,
        manager=int(str(row[2])) if row[2] is not None else None,
        team=int(str(row[3])) if row[3] is not None else None,
        available=row[4] is None or bool(row[4]),
    )
