"""Who is meant by a description of people (`registry.People`): ids of active users, each once, in a steady order.

Steps, approvals and pools ask the same function, so that `{role: finance}` means the same everywhere. Somebody who is
suspended or gone is nobody; an expression that leads nowhere gives nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from guanxi.registry import People
from guanxi.runtime.records.plan import ObjectPlan
from guanxi.runtime.records.steps import value
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.names import quoted

Row = Mapping[str, Any]
_USER = 'SELECT id FROM o_user WHERE "name" = ? AND deleted_at IS NULL'
_TEAM = 'SELECT id FROM o_team WHERE "name" = ? AND deleted_at IS NULL ORDER BY id'


def people(specs: Iterable[People], work: Work, plan: ObjectPlan, row: Row, old: Row | None = None) -> list[int]:
    """The users that the descriptions mean for a record, in the order in which they are written."""
    found: dict[int, None] = {}
    for spec in specs:
        found.update(dict.fromkeys(_meant(spec, work, plan, row, old)))
    return active(work, found)


def active(work: Work, users: Iterable[int]) -> list[int]:
    """Those of the users who are there and active."""
    wanted = list(users)
    work.preload("user", wanted)
    kept = []
    for user in wanted:
        known = work.row("user", user)
        if known is not None and known.get("active") is not False:
            kept.append(user)
    return kept


def _meant(spec: People, work: Work, plan: ObjectPlan, row: Row, old: Row | None) -> Iterable[int]:
    match spec.kind:
        case "role":
            return with_role(work, spec.name)
        case "user":
            return _ids(work, _USER, (spec.name,))
        case "team":
            return members(work, _ids(work, _TEAM, (spec.name,)))
        case "team_tree":
            return members(work, [below for team in _ids(work, _TEAM, (spec.name,)) for below in tree(work, team)])
    if spec.value is None:
        return ()
    given = value(work, plan, row, spec.value, old)
    if spec.kind == "manager_of":
        return _managers(work, given, spec.level)
    many = given if isinstance(given, tuple | list) else () if given is None else (given,)
    return members(work, many) if spec.value.type.object == "team" else many


def with_role(work: Work, role: str) -> list[int]:
    """Everybody who has a role, or one that includes it."""
    names = [known.name for known in work.room.registry.roles.values() if role in (known.name, *known.lineage)]
    link = work.room.tables["user"].links.get("roles")
    if link is None or not names:
        return []
    marks = ", ".join("?" * len(names))
    sql = (
        f"SELECT DISTINCT l.source FROM {quoted(link.name)} l JOIN o_role r ON r.id = l.target"  # noqa: S608
        f" WHERE r.name IN ({marks}) AND r.deleted_at IS NULL ORDER BY l.source"
    )
    return _ids(work, sql, names)


def members(work: Work, teams: Iterable[int]) -> list[int]:
    """The people of some teams."""
    wanted = list(dict.fromkeys(teams))
    if not wanted:
        return []
    marks = ", ".join("?" * len(wanted))
    sql = f"SELECT id FROM o_user WHERE team IN ({marks}) AND deleted_at IS NULL ORDER BY id"  # noqa: S608
    return _ids(work, sql, wanted)


def tree(work: Work, team: int) -> list[int]:
    """A team and everything below it; a circle in the data ends by itself (UNION)."""
    start = "SELECT ?" if work.db.engine == "sqlite" else "SELECT ?::bigint"
    sql = (
        f"WITH RECURSIVE below(id) AS ({start} UNION SELECT c.id FROM o_team c JOIN below b ON c.parent = b.id"  # noqa: S608
        " WHERE c.deleted_at IS NULL) SELECT id FROM below ORDER BY id"
    )
    return _ids(work, sql, (team,))


def _managers(work: Work, user: int | None, level: int) -> Iterator[int]:
    """The one person `level` steps above a user; nobody when the line ends before."""
    for _ in range(level):
        known = work.row("user", user) if user is not None else None
        user = known.get("manager") if known is not None else None
    if user is not None:
        yield user


def _ids(work: Work, sql: str, params: Sequence[Any]) -> list[int]:
    return [int(row[0]) for row in work.db.rows(work.db.sql(sql), params)]
