"""Making many records at once with every rule on: judged row by row, asked and written set by set.

One question per chunk finds the references and the unique values that are taken; ids and running numbers are reserved
as blocks; rows, history and search entries go in by one statement each. A bad row is reported by its position and stops
nobody. Where somebody listens, the outbox gets one row per chunk (kind `records.created`, payload `ids`) instead of one
per record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import FieldError, Forbidden, GuanxiError, Invalid
from guanxi.runtime.jobs.bell import ring
from guanxi.runtime.people.revision import PEOPLE_OBJECTS, touch
from guanxi.runtime.storage.tables import unique_value

from .create import may_make, own
from .draft import Draft, filled, take
from .environment import environment
from .extensions import Change
from .guards import files, missing, platforms_own, taken, unasked
from .judge import judge, settle
from .messages import fault, text
from .numbers import take as take_numbers
from .plan import ObjectPlan
from .steps import entered
from .store import EVENTS, HISTORY_COLUMNS

if TYPE_CHECKING:
    from .work import Work

CHUNK = 1_000
MOST_ASKED = 400


@dataclass(slots=True)
class BulkResult:
    """`ids` has one entry per row in order, None where the row was refused; `errors` by position from 0."""

    ids: list[int | None] = field(default_factory=list)
    errors: dict[int, tuple[FieldError, ...]] = field(default_factory=dict)


class BulkCreator:
    """See the module; used inside `write()`."""

    def __init__(self, work: Work, plan: ObjectPlan, *, force: bool = False, typed: bool = False) -> None:
        rights = work.rights(plan.name)
        if not work.trusted and not (rights.create and (rights.import_ or work.actor.channel != "import")):
            raise Forbidden(f"You may not create {plan.name} records.")
        self.work = work
        self.plan = plan
        self.rights = work.write_rights(plan.name)
        self.force = force
        self.typed = typed
        self.result = BulkResult()

    def run(self, rows: Iterable[Mapping[str, Any]]) -> BulkResult:
        """Make the records of all rows, chunk by chunk."""
        chunk: list[Mapping[str, Any]] = []
        for values in rows:
            chunk.append(values)
            if len(chunk) == CHUNK:
                self._chunk(chunk)
                chunk = []
        if chunk:
            self._chunk(chunk)
        return self.result

    def _chunk(self, chunk: Sequence[Mapping[str, Any]]) -> None:
        first = len(self.result.ids)
        drafts: list[Draft | None] = []
        for position, values in enumerate(chunk, first):
            try:
                drafts.append(self._draft(values))
            except GuanxiError as error:
                drafts.append(None)
                self.result.errors[position] = (FieldError("", error.code, error.detail),)
        self._settle(drafts)
        good: list[Draft] = []
        for position, draft in enumerate(drafts, first):
            if draft is not None and draft.errors:
                self.result.errors[position] = tuple(draft.errors)
            elif draft is not None:
                good.append(draft)
        ids = iter(self._write([draft.new for draft in good]))
        self.result.ids.extend(None if draft is None or draft.errors else next(ids) for draft in drafts)

    def _draft(self, values: Mapping[str, Any]) -> Draft:
        """Names, rights and forms; what needs other rows waits for the whole chunk."""
        work = self.work
        draft = take(self.plan, self.rights, work.language, values, None, typed=self.typed)
        row = draft.new
        row.update(created_at=work.now, updated_at=work.now, created_by=work.actor.id, updated_by=work.actor.id)
        row.update(id=None, version=None, deleted_at=None)
        if self.plan.owned:
            own(work, draft)
        return draft

    def _settle(self, drafts: Sequence[Draft | None]) -> None:
        """Load what the chunk refers to, then judge each row, then ask which unique values are taken."""
        found = [draft for draft in drafts if draft is not None]
        self._preload(found)
        for draft in found:
            env = environment(self.work, self.plan.name, draft.new, None)
            settle(draft, env, self.rights)
            judge(draft, env, self.rights)
            self._judge_scope(draft)
        self._references(found)
        for draft in found if self.plan.files else ():
            files(self.work, draft, draft.changed)
        self._unique(found)
        self._duplicates(found)
        self._ask_watchers(found)

    def _ask_watchers(self, drafts: Sequence[Draft]) -> None:
        """What a watcher refuses is a fault of its row and stops no other."""
        for draft in drafts if self.plan.name in self.work.room.watchers else ():
            if draft.errors:
                continue
            try:
                self.work.before(self.plan, Change("create", None, draft.new, given=draft.given))
            except Invalid as error:
                draft.errors.extend(error.errors)
            except GuanxiError as error:
                draft.errors.append(FieldError("", error.code, error.detail))

    def _judge_scope(self, draft: Draft) -> None:
        work = self.work
        if not may_make(work, self.plan, draft.new):
            draft.errors.append(fault("", "forbidden", "scope", work.language))

    def _preload(self, drafts: Sequence[Draft]) -> None:
        for known in self.plan.references:
            wanted: set[int] = set()
            for draft in drafts:
                value = draft.new.get(known.name)
                if value is not None and known.name not in draft.broken:
                    wanted.update(value if known.links else (value,))
            self.work.preload(known.target, wanted)

    def _references(self, drafts: Sequence[Draft]) -> None:
        work = self.work
        for known in self.plan.references:
            seen: dict[tuple[int, bool], bool] = {}
            for draft in drafts:
                value = draft.new.get(known.name)
                if value is None or known.name in draft.broken or platforms_own(draft, known):
                    continue
                trusted = unasked(draft, known, self.rights)
                for target in value if known.links else (value,):
                    if (target, trusted) not in seen:
                        seen[target, trusted] = work.visible(known.target, target, trusted=trusted)
                    if not seen[target, trusted]:
                        missing(work, draft, known, target)
                        break

    def _unique(self, drafts: Sequence[Draft]) -> None:
        for key, fields in self.plan.unique.items():
            wanted: dict[str, list[Draft]] = {}
            for draft in drafts:
                if not draft.broken.intersection(fields):
                    value = unique_value([draft.new.get(name) for name in fields])
                    if value is not None:
                        wanted.setdefault(value, []).append(draft)
            held = self._held(key, list(wanted))
            for value, claimants in wanted.items():
                usable = [draft for draft in claimants if not draft.errors]
                for draft in claimants if value in held else usable[1:]:
                    draft.add(taken(self.plan, key, draft.language, self.rights))

    def _held(self, key: str, values: Sequence[str]) -> set[str]:
        work, texts = self.work, self.work.statements(self.plan.name)
        held: set[str] = set()
        for start in range(0, len(values), MOST_ASKED):
            part = values[start : start + MOST_ASKED]
            held.update(row[0] for row in work.db.rows(texts.held(key, len(part)), part))
        return held

    def _duplicates(self, drafts: Sequence[Draft]) -> None:
        if not self.plan.duplicates:
            return
        from ..merging import collision, keys  # they stand on this room

        for rule in self.plan.duplicates:
            if rule.action == "warn" and self.force:
                continue
            before: dict[Any, Draft] = {}
            for draft in drafts:
                if draft.errors or not all(filled(draft.new.get(part.field)) for part in rule.match):
                    continue
                key = tuple(keys.normal(part.by, draft.new[part.field]) for part in rule.match)
                if key in before:
                    said = rule.message.text(draft.language) or text("duplicate", draft.language)
                    draft.add(FieldError(rule.match[0].field, "duplicate", said))
                elif found := collision.first_fault(self.work, self.plan, rule, draft.new, force=self.force):
                    draft.add(found)
                else:
                    before[key] = draft

    # writing ----------------------------------------------------------------------------------------
    def _write(self, rows: Sequence[dict[str, Any]]) -> list[int]:
        if not rows:
            return []
        work, plan, db = self.work, self.plan, self.work.db
        texts = work.statements(plan.name)
        watchers = work.room.watchers.get(plan.name, ())
        for known in plan.numbered:
            open_rows = [row for row in rows if row.get(known.name) is None]
            numbers = take_numbers(work, plan, known.name, len(open_rows)) if open_rows else []
            for row, number in zip(open_rows, numbers, strict=True):
                row[known.name] = number
        ids = texts.reserve(db, len(rows))
        for record_id, row in zip(ids, rows, strict=True):
            row["id"], row["version"], row["deleted_by"] = record_id, 1, None
        params = texts.insert_params
        db.insert_many(texts.table.name, texts.known_columns, [(row["id"], *params(row)) for row in rows])
        self._links(rows)
        for row in rows if plan.files else ():
            work.room.files.attach(plan.object, {name: row.get(name) for name in plan.files}, row["id"])
        self._traces(rows, ids)
        for watcher in watchers:
            watcher.after_many(work, plan, rows)
        if plan.stages is not None and any(stage.on_enter for stage in plan.stages.path.values()):
            for row in rows:
                work.remember(plan.name, row["id"], row)
                entered(work, plan, None, row)
        work.forget()
        return ids

    def _links(self, rows: Sequence[dict[str, Any]]) -> None:
        texts = self.work.statements(self.plan.name)
        for known in self.plan.links:
            links = [
                (row["id"], target, place) for row in rows for place, target in enumerate(row.get(known.name) or ())
            ]
            if links:
                self.work.db.execute_many(texts.links[known.name].add, links)

    def _traces(self, rows: Sequence[dict[str, Any]], ids: Sequence[int]) -> None:
        work, plan, db = self.work, self.plan, self.work.db
        actor, stamp = work.actor, work.stamp
        first_values, dumps = plan.first_values, orjson.dumps
        run = (work.chain[-1].id,) if work.chain else ()
        history = [
            (plan.name, row["id"], 1, stamp, actor.id, "create", actor.channel, dumps(first_values(row)).decode(), *run)
            for row in rows
        ]
        db.insert_many("gx_history", (*HISTORY_COLUMNS, "run_id") if run else HISTORY_COLUMNS, history)
        if plan.name in work.room.listened:
            payload = orjson.dumps({"action": "create", "by": actor.id, "ids": list(ids)}).decode()
            key = f"{plan.name}-{ids[0]}-{ids[-1]}-create"
            db.execute(work.room.outbox, (stamp, "records.created", plan.name, None, payload, key, stamp))
            ring(db, EVENTS)
        if plan.searched:
            work.statements(plan.name).indexer.put_new(db, rows)
        if plan.name in PEOPLE_OBJECTS:
            touch(db)
