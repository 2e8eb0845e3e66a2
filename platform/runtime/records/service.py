"""The record service: the one door through which every channel reads and writes records (`ports.Records`).

Reading is the query room's Reader. Each write is one transaction of its own, or part of one its caller has opened:
authorise, lock, judge, write, leave traces; effects follow the commit. A write that lost against another transaction
before anything was told to the caller is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from guanxi.common.errors import BadRequest, FieldError, Merged, NotFound
from guanxi.expressions.faults import BudgetExceeded
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.explain import explain
from guanxi.runtime.merging import redirect
from guanxi.runtime.merging.checking import check as check_duplicates
from guanxi.runtime.query.request import AggregateQuery, ListQuery, Page, Row, Saved

from . import create as creating
from . import update as updating
from .actions import act, action_states
from .batch import Undo, run_batch
from .bulk import BulkCreator, BulkResult
from .form_state import form_state
from .inputs import record_id as checked_id
from .inputs import version_number
from .plan import ObjectPlan
from .remove import delete, restore
from .room import Room
from .sharing import shares_of
from .upsert import upsert
from .work import Work

T = TypeVar("T")


class RecordService:
    """See the module; one per published version."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.reader = room.reader

    # reading ----------------------------------------------------------------------------------------
    def get(
        self,
        actor: Actor,
        object_name: str,
        record_id: int,
        *,
        fields: Sequence[str] = (),
        expand: Sequence[str] = (),
        trashed: bool = False,
    ) -> Row:
        """See Records."""
        try:
            return self.reader.get(actor, object_name, record_id, fields=fields, expand=expand, trashed=trashed)
        except NotFound:
            if not trashed:
                self._led_on(actor, object_name, record_id)
            raise

    def _led_on(self, actor: Actor, object_name: str, record_id: int) -> None:
        """Merged for who asks for a record that went into one he may read."""
        into = redirect.final(self.room.db, object_name, record_id)
        if into is not None:
            self.reader.seen(actor, object_name, into)
            raise Merged(into)

    def list(self, actor: Actor, query: ListQuery) -> Page:
        """See Records."""
        return self.reader.list(actor, query)

    def scan(self, actor: Actor, query: ListQuery) -> Iterable[Row]:
        """See Records."""
        return self.reader.scan(actor, query, rights="export")

    def aggregate(self, actor: Actor, query: AggregateQuery) -> Sequence[Row]:
        """See Records."""
        return self.reader.aggregate(actor, query)

    def history(self, actor: Actor, object_name: str, record_id: int, *, limit: int = 50, after: str = "") -> Page:
        """See Records."""
        return self.reader.history(actor, object_name, record_id, limit=limit, after=after)

    def permissions(self, actor: Actor, object_name: str, record_id: int | None = None) -> Mapping[str, Any]:
        """See Records; of a record, `actions` says what can be done with it now."""
        found = self.reader.permissions(actor, object_name, record_id)
        if record_id is None:
            return found
        work = Work(self.room, actor)
        row = work.row(object_name, record_id)
        actions = action_states(work, work.plan(object_name), row) if row is not None else {}
        return {**found, "actions": actions}

    def titles(self, actor: Actor, object_name: str, ids: Sequence[int]) -> Mapping[int, str]:
        """See Records."""
        return self.reader.titles(actor, object_name, ids)

    def form_state(
        self, actor: Actor, object_name: str, values: Mapping[str, Any], record_id: int | None = None
    ) -> Mapping[str, frozenset[str]]:
        """See Records."""
        work = Work(self.room, actor)
        plan = work.plan(object_name)
        with self.room.db.read():
            old = None if record_id is None else work.seen(plan, checked_id(record_id))
            return form_state(work, plan, values, old)

    def shares(self, actor: Actor, object_name: str, record_id: int) -> Sequence[Row]:
        """See Records."""
        work = Work(self.room, actor)
        plan = work.plan(object_name)
        with self.room.db.read():
            return shares_of(work, plan, checked_id(record_id))

    def explain(
        self,
        actor: Actor,
        object_name: str,
        record_id: int,
        *,
        about: Actor | None = None,
        operation: str = "read",
    ) -> Row:
        """See Records."""
        number = checked_id(record_id)
        if not actor.unrestricted:
            self.reader.seen(actor, object_name, number)
        return explain(self.reader, about or actor, object_name, number, operation, asker=actor).as_dict()

    # writing ----------------------------------------------------------------------------------------
    def _write(self, actor: Actor, object_name: str, do: Callable[[Work, ObjectPlan], T]) -> T:
        """One transaction (or part of the caller's), done again when it lost against another one."""
        db = self.room.db

        def once() -> T:
            work = Work(self.room, actor)
            plan = work.plan(object_name)
            try:
                with db.write():
                    return do(work, plan)
            except BudgetExceeded as error:
                raise BadRequest(f"A rule of {object_name} needs too much: {error}.", code="limit") from error

        return db.retry(once)

    def _saved(self, work: Work, plan: ObjectPlan, row: Mapping[str, Any], changed: Iterable[str] = ()) -> Saved:
        """The answer: what the actor may read of the record, only its id and version when that is nothing."""
        answer = self.room.answer(work.actor, plan.name)
        try:
            if answer is None or work.row(plan.name, row["id"]) is None:
                record = self.reader.get(work.actor, plan.name, row["id"])
            elif work.may(plan, "read", row):
                record = answer(row)
            else:
                raise NotFound("There is no such record.")
        except NotFound:
            record = {"id": row["id"], "version": row["version"]}
        approval = work.held[-1] if work.held else None
        return Saved(row["id"], row["version"], record, frozenset(changed), approval)

    def validate(
        self, actor: Actor, object_name: str, values: Mapping[str, Any], record_id: int | None = None
    ) -> Sequence[FieldError]:
        """See Records."""
        work = Work(self.room, actor)
        plan = work.plan(object_name)
        rights = work.write_rights(plan.name)
        with self.room.db.read():
            if record_id is None:
                return tuple(creating.prepare(work, plan, values, rights, force=False).errors)
            old = work.seen(plan, checked_id(record_id))
            work.demand(plan, "update", old)
            return tuple(updating.prepare(work, plan, values, rights, old, force=False).errors)

    def create(
        self, actor: Actor, object_name: str, values: Mapping[str, Any], *, force_duplicates: bool = False
    ) -> Saved:
        """See Records."""

        def do(work: Work, plan: ObjectPlan) -> Saved:
            row = creating.create(work, plan, values, force=force_duplicates)
            return self._saved(work, plan, row, (n for n in plan.writable if row.get(n) is not None))

        return self._write(actor, object_name, do)

    def update(
        self,
        actor: Actor,
        object_name: str,
        record_id: int,
        values: Mapping[str, Any],
        *,
        version: int | None = None,
        force_duplicates: bool = False,
    ) -> Saved:
        """See Records."""
        number, known = checked_id(record_id), version_number(version)

        def do(work: Work, plan: ObjectPlan) -> Saved:
            row, changed = updating.update(work, plan, number, values, version=known, force=force_duplicates)
            return self._saved(work, plan, row, changed)

        return self._write(actor, object_name, do)

    def duplicates(
        self, actor: Actor, object_name: str, values: Mapping[str, Any], record_id: int | None = None
    ) -> Sequence[Row]:
        """See Records."""
        return self._write(actor, object_name, lambda work, plan: check_duplicates(work, plan, values, record_id))

    def upsert(
        self, actor: Actor, object_name: str, key: Mapping[str, Any], values: Mapping[str, Any]
    ) -> tuple[Literal["created", "updated", "unchanged"], Saved]:
        """See Records."""

        def do(work: Work, plan: ObjectPlan) -> tuple[Literal["created", "updated", "unchanged"], Saved]:
            outcome, row = upsert(work, plan, key, values)
            return outcome, self._saved(work, plan, row)

        return self._write(actor, object_name, do)

    def delete(
        self, actor: Actor, object_name: str, record_id: int, *, version: int | None = None, permanent: bool = False
    ) -> int | None:
        """See Records."""
        number, known = checked_id(record_id), version_number(version)

        def do(work: Work, plan: ObjectPlan) -> int | None:
            delete(work, plan, number, version=known, permanent=permanent)
            return work.held[-1] if work.held else None

        return self._write(actor, object_name, do)

    def restore(self, actor: Actor, object_name: str, record_id: int) -> Saved:
        """See Records."""
        number = checked_id(record_id)
        return self._write(actor, object_name, lambda work, plan: self._saved(work, plan, restore(work, plan, number)))

    def batch(
        self, actor: Actor, object_name: str, operations: Sequence[Mapping[str, Any]], *, atomic: bool = True
    ) -> Sequence[Row]:
        """See Records."""

        def run(work: Work, plan: ObjectPlan) -> Sequence[Row]:
            try:
                with work.db.savepoint():  # the caller's transaction outlives a batch that is taken back
                    return run_batch(work, plan, operations, atomic=atomic)
            except Undo as undone:
                work.forget()
                return undone.answers

        return self._write(actor, object_name, run)

    def act(self, actor: Actor, object_name: str, record_id: int, action: str, payload: Mapping[str, Any]) -> Row:
        """See Records; answers the record as it is then, {"id"} when the actor no longer sees it."""
        number = checked_id(record_id)

        def do(work: Work, plan: ObjectPlan) -> Row:
            answer = act(work, plan, number, action, payload)
            if answer is not None:
                return answer
            try:
                return self.reader.get(actor, object_name, number)
            except NotFound:
                return {"id": number}

        return self._write(actor, object_name, do)

    def bulk_create(
        self,
        actor: Actor,
        object_name: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        force_duplicates: bool = False,
        typed: bool = False,
    ) -> BulkResult:
        """Make many records with every rule on, written set by set in one transaction; a bad row is reported, not
        raised. `typed` rows hold what people type (`from_text`) instead of JSON form.
        """

        def do(work: Work, plan: ObjectPlan) -> BulkResult:
            return BulkCreator(work, plan, force=force_duplicates, typed=typed).run(rows)

        return self._write(actor, object_name, do)
