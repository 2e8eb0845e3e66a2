"""Whose turn it is: people of a distribution, who of them can take something now, and the next one by its strategy.

The place is a row per rule, locked while it is used, so that parallel records are spread evenly and a restart goes on
where it stopped. Somebody who was away is not made up for; what managers give by hand moves no place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.registry.approvals import Who
from guanxi.registry.pools import Distribution, Pool

from ..automation.people import members as team_members
from ..automation.people import tree, with_role
from ..people.absences import Absences
from ..people.organisation import Organisation
from ..records.holders import lock_people
from ..storage.names import quoted
from ..storage.rows import instant_text
from .book import Book
from .limits import holding

if TYPE_CHECKING:
    from ..records.work import Work

Row = Mapping[str, Any]


def people_of(work: Work, sources: Iterable[Who]) -> list[int]:
    """The active people that sources name, in the order of their ids."""
    found: set[int] = set()
    for who in sources:
        for name in who.names:
            found.update(_named(work, who.kind, name))
    known = Organisation(work.db).people(found)
    return sorted(user for user, person in known.items() if person.active)


def _named(work: Work, kind: str, name: str) -> Iterable[int]:
    if kind == "role":
        return with_role(work, name)
    table = "o_user" if kind == "user" else "o_team"
    sql = f"SELECT id FROM {table} WHERE name = ? AND deleted_at IS NULL ORDER BY id"  # noqa: S608 (one of two names)
    ids = [int(row[0]) for row in work.db.rows(work.db.sql(sql), (name,))]
    if kind == "user":
        return ids
    teams = ids if kind == "team" else [below for one in ids for below in tree(work, one)]
    return team_members(work, teams)


def choose(  # noqa: PLR0917
    work: Work,
    book: Book,
    rule: str,
    share: Distribution,
    pool: Pool | None,
    row: Row,
    object_name: str,
    without: Iterable[int] = (),
) -> int | None:
    """Who gets a record, locked and below the cap of its pool; None when nobody can take it. Moves the place on."""
    last, credits = _place(work, rule)
    skipped = set(without)
    candidates = [user for user in _ready(work, people_of(work, share.to)) if user not in skipped]
    candidates = _below_day(work, rule, share, _matching(work, share, row, candidates))
    while candidates:
        user = _next(work, object_name, share, candidates, last, credits)
        lock_people(work, [user])
        cap = pool.claim.holding if pool is not None else 0
        if pool is None or not cap or holding(work, book, pool, user) < cap:
            _keep(work, rule, user, _spent(share, work, candidates, user, credits))
            _count(work, rule, object_name, user)
            return user
        candidates.remove(user)
    return None


def _place(work: Work, rule: str) -> tuple[int, dict[str, int]]:
    insert = "INSERT INTO gx_turns (rule) VALUES (?) ON CONFLICT DO NOTHING"
    work.db.execute(work.db.sql(insert), (rule,))
    lock = " FOR UPDATE" if work.db.engine == "postgresql" else ""
    found = work.db.one(work.db.sql(f"SELECT last_user, credits FROM gx_turns WHERE rule = ?{lock}"), (rule,))  # noqa: S608
    return (int(found[0]), orjson.loads(found[1])) if found else (0, {})


def _keep(work: Work, rule: str, user: int, credits: Mapping[str, int]) -> None:
    sql = "UPDATE gx_turns SET last_user = ?, credits = ? WHERE rule = ?"
    work.db.execute(work.db.sql(sql), (user, orjson.dumps(credits).decode(), rule))


def _count(work: Work, rule: str, object_name: str, user: int) -> None:
    """One more that the rule gave somebody; the day's limit counts these."""
    sql = (
        "INSERT INTO gx_pool_offers (object, record_id, rule, user_id, at, hop, state)"
        " VALUES (?, 0, ?, ?, ?, 0, 'given')"
    )
    work.db.execute(work.db.sql(sql), (object_name, rule, user, work.stamp))


# who can --------------------------------------------------------------------------------------------------------
def _ready(work: Work, users: Sequence[int]) -> list[int]:
    people = Organisation(work.db).people(users)
    away = Absences(work.db).absent_among(users, work.now)
    return [user for user in users if people[user].available and user not in away]


def _matching(work: Work, share: Distribution, row: Row, users: list[int]) -> list[int]:
    """Those whose own fields have the record's values; everybody where nobody has."""
    if not share.match:
        return users
    work.preload("user", users)

    def fits(user: int) -> bool:
        known = work.row("user", user) or {}
        return all(_meets(row.get(name), known.get(name)) for name in share.match)

    return [user for user in users if fits(user)] or users


def _meets(wanted: Any, known: Any) -> bool:
    if wanted is None:
        return True
    if isinstance(known, tuple | list):
        return wanted in known
    return bool(wanted == known)


def _below_day(work: Work, rule: str, share: Distribution, users: list[int]) -> list[int]:
    if not share.per_user_day or not users:
        return users
    zone = work.room.zone
    start = instant_text(datetime.combine(work.now.astimezone(zone).date(), time(), zone))
    sql = "SELECT user_id, count(*) FROM gx_pool_offers WHERE rule = ? AND at >= ? AND state = 'given' GROUP BY user_id"
    given = {int(user): int(count) for user, count in work.db.rows(work.db.sql(sql), (rule, start))}
    return [user for user in users if given.get(user, 0) < share.per_user_day]


# who of them ----------------------------------------------------------------------------------------------------
def _next(  # noqa: PLR0917
    work: Work, object_name: str, share: Distribution, users: Sequence[int], last: int, credits: Mapping[str, int]
) -> int:
    if share.by == "weighted":
        weights = _weights(work, share, users)
        return max(users, key=lambda user: (credits.get(str(user), 0) + weights[user], -user))
    if share.by == "least_loaded":
        return _least_loaded(work, object_name, share, users)
    return next((user for user in users if user > last), users[0])


def _spent(
    share: Distribution, work: Work, users: Sequence[int], chosen: int, credits: Mapping[str, int]
) -> Mapping[str, int]:
    """Smooth weights: everybody earns a weight, the chosen one pays for all. Who is away neither earns nor pays."""
    if share.by != "weighted":
        return credits
    weights = _weights(work, share, users)
    after = {str(user): credits.get(str(user), 0) + weights[user] for user in users}
    after[str(chosen)] -= sum(weights.values())
    return after


def _weights(work: Work, share: Distribution, users: Sequence[int]) -> dict[int, int]:
    work.preload("user", users)
    return {user: share.weights.get(str((work.row("user", user) or {}).get("name")), 1) for user in users}


def _least_loaded(work: Work, object_name: str, share: Distribution, users: Sequence[int]) -> int:
    """The fewest live records for the weight; of several who has been given none for the longest time."""
    marks = ", ".join("?" * len(users))
    table = quoted(work.room.tables[object_name].name)
    sql = (
        f'SELECT "owner", count(*) FROM {table} WHERE "owner" IN ({marks})'  # noqa: S608
        ' AND "deleted_at" IS NULL GROUP BY "owner"'
    )
    load = {int(user): int(count) for user, count in work.db.rows(work.db.sql(sql), users)}
    sql = f"SELECT owner, max(from_at) FROM gx_tenures WHERE object = ? AND owner IN ({marks}) GROUP BY owner"  # noqa: S608
    since = {int(user): str(at) for user, at in work.db.rows(work.db.sql(sql), (object_name, *users))}
    weights = _weights(work, share, users)
    return min(users, key=lambda user: (load.get(user, 0) / weights[user], since.get(user, ""), user))
