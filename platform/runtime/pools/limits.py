"""What a person may hold and take: asked under the lock of that person's row, so parallel acts cannot both pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict
from guanxi.registry.pools import Pool

from ..storage.names import quoted
from ..storage.rows import instant_from_text
from .book import Book
from .ledger import Ledger
from .texts import text

if TYPE_CHECKING:
    from ..records.work import Work

COOLING = {"returned": ("returned",), "recycled": ("recycled",), "both": ("returned", "recycled")}


def holding(work: Work, book: Book, pool: Pool, user: int) -> int:
    """How many live records of the pool's object somebody owns, as far as they count."""
    table = quoted(work.room.tables[pool.object].name)
    if pool.claim.count_when is None:
        sql = f'SELECT count(*) FROM {table} WHERE "owner" = ? AND "deleted_at" IS NULL'  # noqa: S608
        row = work.db.one(work.db.sql(sql), (user,))
        return int(row[0]) if row else 0
    inner, params = book.matching(pool.object, pool.claim.count_when, f't."owner" = {int(user)}')
    return int(book.rows(f"SELECT count(*) FROM ({inner}) counted", params)[0][0])  # noqa: S608


def demand_room(work: Work, book: Book, pool: Pool, user: int, *, more: int = 1) -> None:
    """Conflict `holding_cap` when the person would hold more than the pool allows. The person is locked by now."""
    cap = pool.claim.holding
    if cap and holding(work, book, pool, user) + more > cap:
        raise Conflict(text("pool_cap", work.language, most=cap), code="holding_cap")


def period_starts(work: Work, pool: Pool) -> list[tuple[str, int, datetime]]:
    """(period, limit, its first instant) of the quotas that the pool sets; days begin in the instance's zone."""
    day = work.now.astimezone(work.room.zone).date()
    starts = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}
    limits = {"day": pool.claim.per_day, "week": pool.claim.per_week, "month": pool.claim.per_month}
    zone = work.room.zone
    return [(name, limits[name], datetime.combine(starts[name], time(), zone)) for name in starts if limits[name]]


def quotas(work: Work, pool: Pool, user: int) -> dict[str, dict[str, int]]:
    """Period → {"limit", "used", "left"}."""
    ledger, found = Ledger(work.db), {}
    for name, limit, start in period_starts(work, pool):
        used = ledger.claims_since(user, pool.name, start)
        found[name] = {"limit": limit, "used": used, "left": max(0, limit - used)}
    return found


def demand_quota(work: Work, pool: Pool, user: int) -> None:
    """Conflict `quota` when a period's claims are used up."""
    for name, quota in quotas(work, pool, user).items():
        if quota["left"] <= 0:
            said = text(f"pool_quota_{name}", work.language, most=quota["limit"])
            raise Conflict(said, code="quota")


def demand_thawed(work: Work, pool: Pool, entered: str | None) -> None:
    """Conflict `frozen` for a record that entered the pool too short a time ago."""
    hours = pool.claim.freeze_hours
    if hours and entered:
        until = instant_from_text(entered) + timedelta(hours=hours)
        if work.now < until:
            raise Conflict(text("pool_frozen", work.language, until=shown(work, until)), code="frozen")


def demand_cooled(work: Work, pool: Pool, record_id: int, user: int) -> None:
    """Conflict `cooldown` for whoever had the record a short time ago."""
    days = pool.claim.cooldown_days
    if not days:
        return
    ended = Ledger(work.db).ended_for(pool.object, record_id, user, COOLING[pool.claim.cooldown_after])
    if ended:
        until = instant_from_text(ended) + timedelta(days=days)
        if work.now < until:
            raise Conflict(text("pool_cooldown", work.language, until=shown(work, until)), code="cooldown")


def shown(work: Work, moment: datetime) -> str:
    """A moment as the person at work reads it."""
    return moment.astimezone(work.actor.zone).strftime("%Y-%m-%d %H:%M")


def overview(work: Work, book: Book, pool: Pool, user: int) -> Mapping[str, Any]:
    """What somebody may still take: {"quotas", "holding": {"limit", "used", "left"} or None}."""
    found: dict[str, Any] = {"quotas": quotas(work, pool, user), "holding": None}
    if pool.claim.holding:
        used = holding(work, book, pool, user)
        found["holding"] = {"limit": pool.claim.holding, "used": used, "left": max(0, pool.claim.holding - used)}
    return found


__all__ = ["demand_cooled", "demand_quota", "demand_room", "demand_thawed", "holding", "overview"]
