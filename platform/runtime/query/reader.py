"""The read side of the one door: runs kept plans on the bare driver and answers JSON-form rows.

One `Reader` serves one published version. Nothing in the hot path builds SQL or asks metadata: a request finds its plan
by shape and profile, binds values, runs the statement and calls the compiled row function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from guanxi.common.clock import Clock, SystemClock
from guanxi.common.errors import BadRequest, NotFound
from guanxi.registry.registry import Registry
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.binds import Moment, statement
from guanxi.runtime.access.grants import AccessTable
from guanxi.runtime.access.pooled import hidden_fields
from guanxi.runtime.ports import Database
from guanxi.runtime.search.grams import asked_words
from guanxi.runtime.storage.tables import Tables

from .aggregate import AggregatePlan, AggregateShape, Aggregator
from .clocks import moments, word
from .clocks import split as split_clock
from .cursor import Cursors
from .expand_many import Many, fill, split
from .frame import ReadModel
from .history import HistoryReader
from .lookups import LazyCalendars, RowLookup
from .outside import checked
from .permissions import PermissionReader
from .planner import Planner, ReadPlan, ReadShape
from .request import MAX_LIMIT, AggregateQuery, ListQuery, Page, Row

MOST_SKIPPED = 10_000
SCAN_PAGE = 1_000
LARGEST_ID = 2**63 - 1
PLANS_KEPT = 2_048


class Reader:
    """See the module. `secret` keys the cursors; give every worker of an instance the same."""

    def __init__(
        self,
        registry: Registry,
        database: Database,
        *,
        tables: Tables | None = None,
        access: AccessTable | None = None,
        clock: Clock | None = None,
        secret: bytes = b"guanxi",
    ) -> None:
        self.registry = registry
        self.database = database
        self.access = access or AccessTable(registry)
        self.clock = clock or SystemClock()
        self.cursors = Cursors(secret)
        self.model = ReadModel(registry, database, self.access, tables or Tables(registry, database.peewee))
        self._plan = lru_cache(PLANS_KEPT)(Planner(self.model).plan)
        self._aggregate = lru_cache(PLANS_KEPT // 4)(Aggregator(self.model).plan)
        self._ports = {"lookup": RowLookup(self.model, database).row, "calendars": LazyCalendars(registry)}
        self._history = HistoryReader(self)
        self._permissions = PermissionReader(self)

    # one record -------------------------------------------------------------------------------------
    def get(
        self,
        actor: Actor,
        object_name: str,
        record_id: int,
        *,
        fields: Sequence[str] = (),
        expand: Sequence[str] = (),
        trashed: bool = False,
        rights: str = "",
    ) -> Row:
        """See Records.get. `rights` names a further operation whose row rule must hold as well."""
        grants = self.access.of(actor)
        own, many = split(grants, self.registry.objects.get(object_name), expand) if expand else ((), {})
        ask = ReadShape(object_name, tuple(fields), own, trashed=trashed, one=True, rights=rights)
        plan = self._plan(grants, ask)
        if type(record_id) is not int or not 0 < record_id <= LARGEST_ID:
            raise NotFound("There is no such record.")
        found = self.run(plan.sql, plan.params, actor, {"id": record_id})
        if not found:
            raise NotFound("There is no such record.")
        rows = plan.rows(found)
        if many:
            fill(self, actor, self.registry.objects[object_name], many, rows)
        return rows[0]

    def by_ids(
        self,
        actor: Actor,
        object_name: str,
        ids: Sequence[int],
        *,
        fields: Sequence[str] = (),
        expand: Sequence[str] = (),
    ) -> list[Row]:
        """The records of these ids that the actor may read, in no order."""
        if not ids:
            return []
        grants = self.access.of(actor)
        own, many = split(grants, self.registry.objects.get(object_name), expand) if expand else ((), {})
        plan = self._plan(grants, ReadShape(object_name, tuple(fields), own, ids=True))
        rows = plan.rows(self.run(plan.sql, plan.params, actor, {"ids": list(ids)}))
        if many:
            fill(self, actor, self.registry.objects[object_name], many, rows)
        return rows

    def run(self, sql: str, params: Sequence[Any], actor: Actor, args: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run a kept statement for an actor, now, with a request's arguments."""
        moment = Moment(actor, self.clock.now(), self.database.engine, self._ports | args)
        return self.database.rows(*statement(sql, params, moment))

    # lists ------------------------------------------------------------------------------------------
    def list(self, actor: Actor, query: ListQuery) -> Page:
        """See Records.list."""
        if not 1 <= query.limit <= MAX_LIMIT:
            raise BadRequest(f"'limit' is between 1 and {MAX_LIMIT}.", code="bad_limit")
        if not 0 <= query.offset <= MOST_SKIPPED:
            raise BadRequest(f"'offset' is between 0 and {MOST_SKIPPED:,}; use the cursor beyond.", code="bad_limit")
        if query.offset and query.after:
            raise BadRequest("Give 'offset' or 'after', not both.", code="bad_limit")
        grants = self.access.of(actor)
        ask, args, many = self._asked(actor, query)
        plan = self._plan(grants, ask)
        args["limit"], args["offset"] = query.limit + 1, query.offset
        if query.after:
            args["after"] = self.cursors.read(plan.order, query.after, plan.keys)
            plan = self._plan(grants, ask._replace(blanks=tuple(v is None for v in args["after"])))
        found = self.run(plan.sql, plan.params, actor, args)
        more = len(found) > query.limit
        if more:
            del found[query.limit :]
        following = self.cursors.write(plan.order, found[-1][-plan.keys :]) if more else None
        total = None
        if plan.count is not None:
            whole = not more and not query.after and (found or not query.offset)
            total = query.offset + len(found) if whole else self._total(plan, actor, args)
        rows = plan.rows(found)
        if many:
            fill(self, actor, self.registry.objects[query.object], many, rows)
        return Page(rows, following, total)

    def _asked(self, actor: Actor, query: ListQuery) -> tuple[ReadShape, dict[str, Any], Many]:
        """The shape of a list query, the values that go with it, and the lists of references to expand."""
        args: dict[str, Any] = {}
        many: Many = {}
        expand = tuple(query.expand)
        if expand:
            expand, many = split(self.access.of(actor), self.registry.objects.get(query.object), expand)
        if query.q:
            args["q"] = asked_words(query.q)
        related = None
        if query.related is not None:
            parent, parent_id, name = query.related
            self.seen(actor, parent, parent_id)
            related, args["parent"] = (parent, name), parent_id
        if query.pool:
            args["pool"] = self._pool(actor, query)
        if query.clock:
            known = moments(actor, self.clock.now())
            args |= {f"clock_{name}": known[name] for name in split_clock(word(query.clock))[1]}
        ask = ReadShape(
            query.object,
            tuple(query.fields),
            expand,
            tuple(query.sort),
            query.where,
            query.view,
            len(args.get("q", ())),
            query.total,
            related,
            bool(query.pool),
            query.trashed,
            offset=query.offset > 0,
            clock=query.clock,
        )
        return ask, args, many

    def _pool(self, actor: Actor, query: ListQuery) -> str:
        """The pool of a list; BadRequest for one that is not there, or for judging by what members see masked."""
        pool = self.registry.others.get("pool", {}).get(query.pool)
        if pool is None or pool.object != query.object:
            raise BadRequest(f"There is no pool {query.pool!r} here.", code="unknown_pool")
        if not actor.unrestricted and query.pool not in actor.manages:
            hidden = hidden_fields(self.registry, query.object)
            used = {path for path, _ in query.sort}
            if query.where:
                uses = checked(self.access.of(actor), query.object, query.where, "filter").uses
                used |= {use.field for use in uses if use.object == query.object}
            masked = sorted(name for name in used if query.pool in hidden.get(name, ()))
            if masked:
                said = f"{masked[0]!r} is masked for you in this pool: it cannot be used to filter or sort."
                raise BadRequest(said, code="masked_field")
        return query.pool

    def _total(self, plan: ReadPlan, actor: Actor, args: dict[str, Any]) -> int:
        assert plan.count is not None  # noqa: S101 (asked only for plans with a total)
        return int(self.run(*plan.count, actor, args)[0][0])

    def scan(self, actor: Actor, query: ListQuery, *, rights: str = "") -> Iterator[Row]:
        """See Records.scan; `rights` names a further operation whose row rule must hold (export)."""
        grants = self.access.of(actor)
        ask, args, many = self._asked(actor, query)
        ask = ask._replace(total="none", offset=False, rights=rights)
        args["limit"] = SCAN_PAGE
        return self._pages(self._plan(grants, ask), ask, actor, args, many=many)

    def _pages(
        self, plan: ReadPlan, ask: ReadShape, actor: Actor, args: dict[str, Any], *, many: Many
    ) -> Iterator[Row]:
        grants = self.access.of(actor)
        while True:
            found = self.run(plan.sql, plan.params, actor, args)
            rows = plan.rows(found)
            if many:
                fill(self, actor, self.registry.objects[ask.object], many, rows)
            yield from rows
            if len(found) < SCAN_PAGE:
                return
            args["after"] = found[-1][-plan.keys :]
            plan = self._plan(grants, ask._replace(blanks=tuple(v is None for v in args["after"])))

    # names of records -------------------------------------------------------------------------------
    def seen(self, actor: Actor, object_name: str, record_id: int, rights: str = "") -> None:
        """NotFound unless the actor may read the record (and do `rights` with it)."""
        self.get(actor, object_name, record_id, fields=("id",), rights=rights)

    def titles(self, actor: Actor, object_name: str, ids: Sequence[int]) -> dict[int, str]:
        """The titles of records by id; those the actor may not read are left out."""
        if not ids or not self.access.rights(actor, object_name).of("read"):
            return {}
        plan = self._plan(self.access.of(actor), ReadShape(object_name, ids=True, titles=True))
        found = self.run(plan.sql, plan.params, actor, {"ids": list(ids)})
        return {row["id"]: row["title"] for row in plan.rows(found)}

    def lookup(self, actor: Actor, object_name: str, q: str = "", limit: int = 20) -> Sequence[Row]:
        """What a picker offers: `{"id", "title"}` of records found by `q` (all of them without), by id."""
        words = asked_words(q)
        ask = ReadShape(object_name, words=len(words), titles=True)
        plan = self._plan(self.access.of(actor), ask)
        args = {"q": words, "limit": max(1, min(limit, MAX_LIMIT))}
        return plan.rows(self.run(plan.sql, plan.params, actor, args))

    # the rest of the door ---------------------------------------------------------------------------
    def aggregate(self, actor: Actor, query: AggregateQuery) -> Sequence[Row]:
        """See Records.aggregate."""
        words = asked_words(query.q) if query.q else ()
        ask = AggregateShape(
            query.object,
            tuple(query.group),
            tuple(query.measures),
            query.where,
            query.view,
            tuple(query.sort),
            len(words),
        )
        plan: AggregatePlan = self._aggregate(self.access.of(actor), ask)
        found = self.run(plan.sql, plan.params, actor, {"q": words, "limit": plan.at_most(query.limit)})
        return plan.answer(found, query.limit)

    def history(self, actor: Actor, object_name: str, record_id: int, *, limit: int = 50, after: str = "") -> Page:
        """See Records.history."""
        return self._history.page(actor, object_name, record_id, limit=limit, after=after)

    def permissions(self, actor: Actor, object_name: str, record_id: int | None = None) -> dict[str, Any]:
        """See Records.permissions; `actions` lists the names granted, without their conditions."""
        return self._permissions.of(actor, object_name, record_id)

    def explain(self, actor: Actor, query: ListQuery) -> str:
        """The statement of a list with its markers, for people and tests."""
        grants = self.access.of(actor)
        return self._plan(grants, self._asked(actor, query)[0]).explain()
