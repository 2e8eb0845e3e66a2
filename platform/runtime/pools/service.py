"""Pools as channels see them: those of a person with what is left to take, one in full, many claims at once, and the
ownership of a record in words and days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest, NotFound
from guanxi.common.names import did_you_mean
from guanxi.registry.pools import Pool

from ..access.actor import Actor
from ..query.request import ListQuery
from ..records.inputs import record_id
from ..records.work import Work
from ..storage.names import quoted
from ..storage.rows import instant_text_json
from .book import book_of
from .claims import MOST, claim_many
from .ledger import Ledger
from .limits import overview
from .texts import text

if TYPE_CHECKING:
    from ..records.room import Room

MODES = ("best_effort", "all_or_nothing")


class PoolService:
    """One per published version."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.book = book_of(room)

    def of(self, actor: Actor) -> dict[str, Any]:
        """{"data": [pools the actor belongs to]}, the most important first."""
        work = Work(self.room, actor)
        pools = [pool for pools in self.book.by_object.values() for pool in pools if pool.name in actor.pools]
        with self.room.db.read():
            found = [self._shown(work, pool) for pool in sorted(pools, key=lambda one: (one.object, -one.priority))]
        return {"data": found, "next": None}

    def show(self, actor: Actor, name: str) -> dict[str, Any]:
        """One pool: its fields, reasons, limits and what is left of them."""
        pool = self.pool(actor, name)
        work = Work(self.room, actor)
        with self.room.db.read():
            return self._shown(work, pool) | {
                "visible": None if pool.visible is None else sorted(pool.visible),
                "order": list(pool.order),
                "reasons": list(pool.returning.reasons),
                "claim": {
                    "per_day": pool.claim.per_day or None,
                    "per_week": pool.claim.per_week or None,
                    "per_month": pool.claim.per_month or None,
                    "holding": pool.claim.holding or None,
                    "cooldown_days": pool.claim.cooldown_days or None,
                    "freeze_hours": pool.claim.freeze_hours or None,
                },
            }

    def pool(self, actor: Actor, name: str) -> Pool:
        """A pool the actor belongs to; NotFound tells no more of the others."""
        pool = self.book.pools.get(name)
        if pool is None or pool.name not in actor.pools:
            raise NotFound(f"There is no pool {name[:60]!r}.", hint=did_you_mean(name[:60], sorted(actor.pools)))
        return pool

    def _shown(self, work: Work, pool: Pool) -> dict[str, Any]:
        table = quoted(self.room.tables[pool.object].name)
        sql = f'SELECT count(*) FROM {table} WHERE "pool" = ? AND "owner" IS NULL AND "deleted_at" IS NULL'  # noqa: S608
        waiting = work.db.one(work.db.sql(sql), (pool.name,))
        limits = overview(work, self.book, pool, work.actor.id) if work.actor.id is not None else {}
        return {
            "name": pool.name,
            "label": pool.label.text(work.language) or pool.name,
            "object": pool.object,
            "active": pool.active,
            "manager": pool.name in work.actor.manages,
            "records": int(waiting[0]) if waiting else 0,
            **limits,
        }

    def list(self, actor: Actor, name: str, query: ListQuery) -> Any:
        """A page of the records in a pool, in the pool's order unless the query says another."""
        from dataclasses import replace

        pool = self.pool(actor, name)
        sort = query.sort or tuple((key.removeprefix("-"), key.startswith("-")) for key in pool.order)
        return self.room.reader.list(actor, replace(query, object=pool.object, pool=pool.name, sort=sort))

    def claim(self, actor: Actor, name: str, ids: Sequence[object], mode: str = "best_effort") -> dict[str, Any]:
        """Take many: {"claimed": n, "results": [{"id", "status", "code", "detail"}]}."""
        pool = self.pool(actor, name)
        if mode not in MODES:
            raise BadRequest(text("mode", actor.language), code="choice")
        if not isinstance(ids, Sequence) or isinstance(ids, str) or not 1 <= len(ids) <= MOST:
            raise BadRequest(text("ids", actor.language), code="type")
        numbers = [record_id(one) for one in ids]
        if len(set(numbers)) != len(numbers):
            raise BadRequest(text("ids", actor.language), code="type")

        def once() -> list[dict[str, Any]]:
            work = Work(self.room, actor)
            with self.room.db.write():
                return claim_many(work, pool, numbers, whole=mode == "all_or_nothing")

        results = self.room.db.retry(once)
        return {"claimed": sum(one["status"] == 200 for one in results), "results": results}

    def ownership(self, actor: Actor, object_name: str, record_id: int) -> dict[str, Any]:
        """Whose a record is, since when, how long it stays, and who had it before."""
        self.room.reader.seen(actor, object_name, record_id)
        work = Work(self.room, actor)
        with self.room.db.read():
            return self._ownership(work, object_name, record_id)

    def _ownership(self, work: Work, object_name: str, number: int) -> dict[str, Any]:
        row, ledger = work.row(object_name, number) or {}, Ledger(work.db)
        state = ledger.state(object_name, number)
        past = ledger.tenures(object_name, number)
        people = {one for tenure in past for one in (tenure[0],)} | ({row["owner"]} if row.get("owner") else set())
        titles = self._titles(work, people)

        def instant(value: str | None) -> str | None:
            return instant_text_json(value) if value else None

        return {
            "owner": _person(row.get("owner"), titles),
            "pool": row.get("pool"),
            "owned_since": instant(state.owned_since) if state else None,
            "source": state.owner_source if state else "",
            "pool_entered_at": instant(state.pool_entered_at) if state else None,
            "pool_reason": state.pool_reason if state else "",
            "protected_until": instant(state.protected()) if state else None,
            **self.leaving(work, object_name, row),
            "tenures": [
                {
                    "owner": _person(owner, titles),
                    "from": instant(begun),
                    "to": instant(ended),
                    "source": source,
                    "ended_by": reason or None,
                }
                for owner, begun, ended, source, reason, _ in past
            ],
        }

    def leaving(self, work: Work, object_name: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """{"leaves_on", "leaves_in_days", "leaves_reason", "exempt"}: the last day the owner keeps the record."""
        from datetime import date

        from .dues import key_of, today

        nothing = {"leaves_on": None, "leaves_in_days": None, "leaves_reason": None, "exempt": False}
        state = Ledger(work.db).state(object_name, row["id"]) if row else None
        if state is None or state.due_on is None:
            return nothing
        rules = {key_of(p, r): r for p in self.book.of(object_name) for r in p.recycle}
        rule = rules.get(state.due_rule or "")
        if rule is None:
            return nothing
        last = date.fromisoformat(state.due_on)
        exempt = rule.exempt is not None and self.book.holds(work, object_name, row, rule.exempt)
        return {
            "leaves_on": None if exempt else last.isoformat(),
            "leaves_in_days": None if exempt else (last - today(self.book, rule, work.now)).days,
            "leaves_reason": rule.reason.text(work.language) or rule.name,
            "exempt": exempt,
        }

    def _titles(self, work: Work, people: set[int]) -> Mapping[int, str]:
        if not people or not work.rights("user").of("read"):
            return {}
        return self.room.reader.titles(work.actor, "user", sorted(people))


def _person(user: int | None, titles: Mapping[int, str]) -> dict[str, Any] | None:
    return None if user is None else {"id": user, "title": titles.get(user)}
