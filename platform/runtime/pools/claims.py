"""Taking records out of a pool: one, or many in one transaction.

The person is locked first, then the records in ascending order; the checks come in one order and the first that fails
is what is answered. A refusal has changed nothing and costs nothing. Managers of the pool are not held by quota, freeze
and cool-down, but by the cap like everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, FieldError, Forbidden, GuanxiError, Invalid, NotFound
from guanxi.registry.pools import Pool

from ..records.create import team_of
from ..records.holders import lock_people
from ..records.plan import ObjectPlan
from ..records.store import load
from ..records.update import save
from .book import Book, book_of
from .gate import Move
from .ledger import Ledger
from .limits import demand_cooled, demand_quota, demand_room, demand_thawed
from .texts import text

if TYPE_CHECKING:
    from ..records.work import Work

MOST = 500


@contextmanager
def moving(work: Work, move: Move) -> Iterator[None]:
    """Say what the change of owner is that is about to be stored."""
    before, work.moving = work.moving, move
    try:
        yield
    finally:
        work.moving = before


def claim(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> None:
    """The action `claim` {}: the record is the actor's."""
    only(payload, ())
    user = claimer(work)
    lock_people(work, [user])
    take(work, plan, number, user)


def claimer(work: Work) -> int:
    """The person at work. The platform itself owns nothing."""
    if work.actor.id is None:
        raise Forbidden("Only people take records.")
    return work.actor.id


def take(work: Work, plan: ObjectPlan, number: int, user: int, wanted: Pool | None = None) -> None:
    """One record for a person who is locked by now. `wanted`: it has to be in this pool."""
    book = book_of(work.room)
    row = load(work, plan, number, lock=True)
    pool = _pool(work, book, plan, row, wanted)
    assert row is not None  # noqa: S101 (a record that is not there is in no pool)
    if not pool.active:
        raise Conflict(text("closed", work.language), code="not_in_pool")
    if pool.name not in work.actor.manages:
        state = Ledger(work.db).state(plan.name, number)
        demand_thawed(work, pool, state.pool_entered_at if state is not None else None)
        demand_cooled(work, pool, number, user)
        demand_quota(work, pool, user)
    demand_room(work, book, pool, user)
    new = {**row, "owner": user, "team": team_of(work, user), "pool": None}
    changed = [name for name in ("owner", "team", "pool") if new[name] != row[name]]
    note = {name: {"from": row[name], "to": new[name]} for name in changed}
    with moving(work, Move("claim", checked=True, told=True)):
        rights = work.write_rights(plan.name)
        if not save(work, plan, row, new, changed, rights=rights, action="claim", note=note):
            return
    Ledger(work.db).claimed(user, pool.name, plan.name, number, work.stamp)


def _pool(work: Work, book: Book, plan: ObjectPlan, row: Mapping[str, Any] | None, wanted: Pool | None) -> Pool:
    """The pool a record is to be taken from; else the refusal that tells the person no more than he may know."""
    if row is None or row["deleted_at"] is not None:
        raise NotFound("There is no such record.")
    pool = book.pools.get(row.get("pool") or "") if row.get("owner") is None else None
    if pool is not None and pool.name in work.actor.pools and (wanted is None or wanted.name == pool.name):
        return pool
    seen = work.may(plan, "read", row)
    if row.get("owner") is not None and row["owner"] != work.actor.id:
        state = Ledger(work.db).state(plan.name, row["id"])
        if seen or (state is not None and state.origin in work.actor.pools):
            raise Conflict(text("taken", work.language), code="taken")
    if not seen:
        raise NotFound("There is no such record.")
    raise Conflict(text("not_in_pool", work.language), code="not_in_pool")


def claim_many(work: Work, pool: Pool, ids: Sequence[int], *, whole: bool) -> list[dict[str, Any]]:
    """{"id", "status", "code", "detail"} of each record in the given order. Raises the first refusal when `whole`."""
    plan = work.room.plan(pool.object)
    user = claimer(work)
    lock_people(work, [user])
    for number in sorted(ids):
        load(work, plan, number, lock=True)
    found: list[dict[str, Any]] = []
    for number in ids:
        try:
            take(work, plan, number, user, pool)
        except GuanxiError as error:
            if whole:
                raise Conflict(f"#{number}: {error.detail}", code=error.code or "taken") from error
            found.append({"id": number, "status": error.status, "code": error.code, "detail": error.detail})
        else:
            found.append({"id": number, "status": 200})
    return found


def only(payload: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """BadRequest for a key the action does not know."""
    from guanxi.common.errors import BadRequest
    from guanxi.common.names import did_you_mean

    for name in payload:
        if name not in known:
            raise BadRequest(f"The action has no key {str(name)[:60]!r}.", hint=did_you_mean(str(name)[:60], known))


def refused(field: str, code: str, said: str) -> Invalid:
    """A bad value of an action."""
    return Invalid([FieldError(field, code, said)])


def claimable(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the record page needs to offer `claim`."""
    del plan
    waiting = row.get("pool")
    if row.get("owner") is not None or waiting is None or waiting not in work.actor.pools or work.actor.id is None:
        return None
    pool = book_of(work.room).pools.get(waiting)
    return {"pool": waiting} if pool is not None and pool.active else None
