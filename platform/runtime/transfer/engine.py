"""One chunk of rows against the records: a verdict for each row, everything inside the caller's transaction.

The rows pass the record service like any other write. New ones go in set by set, known ones (found by the key) one by
one and only where something differs. A row that names a record which an earlier row of the chunk makes, or the key of
such a row, waits for the next pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from guanxi.common.errors import FieldError, GuanxiError, Invalid, Unavailable
from guanxi.fieldtypes import ValueFault

from ..access.actor import Actor
from ..records.draft import same
from ..records.plan import ObjectPlan
from ..records.service import RecordService
from ..records.update import update
from ..records.upsert import find
from ..records.work import Work
from ..storage.names import quoted
from ..storage.rows import to_stored
from ..storage.tables import unique_value
from .lookup import SEVERAL, Lookups
from .options import ImportOptions
from .rows import Entry, RowReader, shown_value, with_column
from .texts import said

Outcome = Literal["created", "updated", "unchanged", "skipped", "refused"]
OUTCOMES: tuple[Outcome, ...] = ("created", "updated", "unchanged", "skipped", "refused")
MOST_ASKED = 400


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a row. `undo` holds the former values (JSON form) of what an update moved."""

    row: int
    outcome: Outcome
    record_id: int | None = None
    version: int | None = None
    errors: Sequence[dict[str, Any]] = ()
    cells: Sequence[Any] = ()
    undo: dict[str, Any] | None = None


class Engine:
    """Judges and writes chunks of one import for one actor."""

    def __init__(
        self, records: RecordService, actor: Actor, object_name: str, options: ImportOptions, reader: RowReader
    ) -> None:
        self.records = records
        self.actor = replace(actor, channel="import")
        self.object = object_name
        self.options = options
        self.reader = reader
        self.lookups = Lookups()
        self.force = options.duplicates == "create"
        self.plan: ObjectPlan = records.room.plan(object_name)
        self.keep_blanks = options.blanks == "keep" or (not options.blanks and (reader.machine or not reader.typed))
        self._defaulted = {known.name for known in self.plan.defaulted}

    def forget(self) -> None:
        """The last chunk was undone."""
        self.lookups.forget()

    def run(self, entries: Sequence[Entry]) -> list[Verdict]:
        """A verdict for each entry, in order; inside `write()`."""
        verdicts: dict[int, Verdict] = {}
        waiting = list(entries)
        while waiting:
            work = Work(self.records.room, self.actor)
            ready, later = self._ready(work, waiting)
            ready, repeated = self._first_of_each_key(ready)
            moved = self._pass(work, ready, verdicts)
            following = sorted([*later, *repeated], key=lambda entry: entry.number)
            if not moved and not repeated:
                for entry in following:
                    self._missing(work, entry)
                    verdicts[entry.number] = self._refused(entry, entry.errors)
                break
            waiting = following
        return [verdicts[entry.number] for entry in entries]

    # references -------------------------------------------------------------------------------------
    def _ready(self, work: Work, entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
        """Entries with all references found (or with faults), and those that wait for a record of this very file."""
        entries = list(entries)
        asked: dict[tuple[str, str], set[str]] = {}
        for entry in entries:
            for column, texts, _ in entry.open:
                asked.setdefault((column.field, column.via), set()).update(t for t in texts if isinstance(t, str))
        found: dict[str, dict[str, int]] = {}
        for (name, via), wanted in asked.items():
            target = self.plan.fields[name].target
            found[name] = self.lookups.find(work, target, via, sorted(wanted), ids_only=self.reader.machine)
        ready: list[Entry] = []
        later: list[Entry] = []
        for entry in entries:
            (ready if self._fill(entry, found) else later).append(entry)
        return ready, later

    def _fill(self, entry: Entry, found: dict[str, dict[str, int]]) -> bool:
        """Put the ids in place; False when something is not there yet but may still come."""
        left = []
        for column, texts, many in entry.open:
            known = found[column.field]
            missing = [t for t in texts if isinstance(t, str) and t not in known]
            if missing and self.plan.fields[column.field].target == self.object:
                left.append((column, texts, many))
                continue
            several = [t for t in texts if isinstance(t, str) and known.get(t) == SEVERAL]
            if missing or several:
                key = "reference_missing" if missing else "reference_several"
                word = shown_value((missing or several)[0])
                entry.errors.append(FieldError(column.field, "reference", said(key, self.actor.language, value=word)))
                continue
            ids = [known[t] if isinstance(t, str) else t for t in texts]
            entry.values[column.field] = ids if many else ids[0]
        entry.open = left
        return not left

    def _missing(self, work: Work, entry: Entry) -> None:
        """What never came is missing."""
        del work
        for column, texts, _ in entry.open:
            word = shown_value(next(t for t in texts if isinstance(t, str)))
            message = said("reference_missing", self.actor.language, value=word)
            entry.errors.append(FieldError(column.field, "reference", message))
        if not entry.errors:
            entry.errors.append(FieldError("", "reference", said("reference_missing", self.actor.language, value="")))

    # one pass ---------------------------------------------------------------------------------------
    def _first_of_each_key(self, entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
        """A key that stands twice in a chunk: the later row waits, since it changes what the earlier one left."""
        if not self.options.key:
            return entries, []
        first: list[Entry] = []
        repeated: list[Entry] = []
        seen: set[Any] = set()
        for entry in entries:
            key = unique_value([_plain(entry.values.get(name)) for name in self.options.key])
            (repeated if key in seen and key is not None else first).append(entry)
            seen.add(key)
        return first, repeated

    def _pass(self, work: Work, entries: list[Entry], verdicts: dict[int, Verdict]) -> bool:
        """Write what can be written; True when any record was made or changed."""
        good: list[Entry] = []
        for entry in entries:
            if entry.errors:
                self._other_faults(entry)
                verdicts[entry.number] = self._refused(entry, entry.errors)
            else:
                good.append(entry)
        known = self._known(work, good, verdicts) if self.options.key else {}
        fresh = [entry for entry in good if entry.number not in known and entry.number not in verdicts]
        made = self._create(fresh) if fresh else []
        if made:
            work.forget()
        for verdict in made:
            verdicts[verdict.row] = verdict
        for entry in good:
            record = known.get(entry.number)
            if record is not None:
                verdicts[entry.number] = self._update(work, entry, record)
        return any(verdicts[entry.number].outcome in ("created", "updated") for entry in good)

    def _other_faults(self, entry: Entry) -> None:
        """A row that is refused anyway tells all its wrong cells at once."""
        told = {error.field for error in entry.errors}
        for name, value in entry.values.items():
            if name not in told and "" not in told:
                self._python(entry, name, value)

    # new records ------------------------------------------------------------------------------------
    def _create(self, entries: list[Entry]) -> list[Verdict]:
        db = self.records.room.db
        try:
            with db.savepoint():
                result = self.records.bulk_create(
                    self.actor,
                    self.object,
                    [self._new_values(entry) for entry in entries],
                    force_duplicates=self.force,
                    typed=self.reader.typed,
                )
        except Unavailable:
            raise
        except GuanxiError as error:
            if len(entries) > 1:
                return [verdict for entry in entries for verdict in self._create([entry])]
            return [self._refused(entries[0], _faults(error))]
        versions = self._versions([number for number in result.ids if number is not None])
        verdicts = []
        for place, (entry, number) in enumerate(zip(entries, result.ids, strict=True)):
            if number is None:
                verdicts.append(self._refused(entry, result.errors.get(place, ())))
            else:
                verdicts.append(Verdict(entry.number, "created", number, versions.get(number, 1)))
        return verdicts

    def _new_values(self, entry: Entry) -> dict[str, Any]:
        if self.keep_blanks:
            return entry.values
        return {n: v for n, v in entry.values.items() if v is not None or n not in self._defaulted}

    def _versions(self, ids: Sequence[int]) -> dict[int, int]:
        """Versions other than 1: what entering a stage did to a new record counts as part of its making."""
        if not ids or self.plan.stages is None:
            return {}
        texts = self.records.room.statements(self.object)
        sql = f'SELECT "id", "version" FROM {texts.name} WHERE "id" BETWEEN {texts.mark} AND {texts.mark} AND "version" <> 1'  # noqa: S608, E501 (names from the registry)
        return {row[0]: row[1] for row in self.records.room.db.rows(sql, (min(ids), max(ids)))}

    # known records ----------------------------------------------------------------------------------
    def _known(self, work: Work, entries: Sequence[Entry], verdicts: dict[int, Verdict]) -> dict[int, int]:
        """Row number → id of the record its key finds; rows whose key cannot be are refused."""
        wanted: dict[int, tuple[Any, ...]] = {}
        for entry in entries:
            values = self._key(entry)
            if values is None:
                verdicts[entry.number] = self._refused(entry, entry.errors)
            else:
                wanted[entry.number] = values
        if len(self.options.key) == 1 or self._shadow():
            found = self._ask(work, wanted)
        else:
            asked = ((number, self._ask_one(work, values)) for number, values in wanted.items())
            found = {number: record for number, record in asked if record is not None}
        known: dict[int, int] = {}
        for entry in entries:
            record = found.get(entry.number)
            if record == SEVERAL:
                self._key_fault(entry, "unique", "key_several")
                verdicts[entry.number] = self._refused(entry, entry.errors)
            elif record is not None:
                known[entry.number] = record
            elif self.options.key == ("id",) and entry.number in wanted:
                self._key_fault(entry, "reference", "reference_missing", value=str(wanted[entry.number][0]))
                verdicts[entry.number] = self._refused(entry, entry.errors)
        return known

    def _key_fault(self, entry: Entry, code: str, key: str, **words: str) -> None:
        entry.errors.append(FieldError(self.options.key[0], code, said(key, self.actor.language, **words)))

    def _key(self, entry: Entry) -> tuple[Any, ...] | None:
        """The key's values in Python form; None (and a fault) when one is blank or unreadable."""
        values = []
        for name in self.options.key:
            value = self._python(entry, name, entry.values.get(name))
            if entry.errors:
                return None
            if value is None:
                entry.errors.append(FieldError(name, "required", said("key_blank", self.actor.language)))
                return None
            values.append(value)
        return tuple(values)

    def _python(self, entry: Entry, name: str, value: Any) -> Any:
        known = self.plan.fields[name]
        try:
            return (known.typed if self.reader.typed else known.coerce)(value)
        except ValueFault as fault:
            message = fault.message_zh if self.actor.language[:2] == "zh" else fault.message
            entry.errors.append(FieldError(name, fault.code, message))
            return None

    def _shadow(self) -> str:
        """The shadow column of the unique key over exactly these fields, "" when there is none."""
        for spec in self.records.room.statements(self.object).table.uniques.values():
            if set(spec.fields) == set(self.options.key):
                return spec.column
        return ""

    def _ask(self, work: Work, wanted: dict[int, tuple[Any, ...]]) -> dict[int, int]:
        texts, key = self.records.room.statements(self.object), self.options.key
        shadow = self._shadow()
        order = next((s.fields for s in texts.table.uniques.values() if s.column == shadow), key)
        spec = texts.table.columns[key[0]]
        stored = to_stored(texts.engine, spec.kind, spec.scale)

        def held(values: tuple[Any, ...]) -> Any:
            return unique_value([values[key.index(name)] for name in order]) if shadow else stored(values[0])

        by_value = {number: held(values) for number, values in wanted.items()}
        column = quoted(shadow or key[0])
        holders: dict[Any, list[int]] = {}
        asked = list(dict.fromkeys(by_value.values()))
        for start in range(0, len(asked), MOST_ASKED):
            part = asked[start : start + MOST_ASKED]
            marks = ", ".join([texts.mark] * len(part))
            sql = f'SELECT {column}, "id" FROM {texts.name} WHERE {column} IN ({marks}) AND "deleted_at" IS NULL'  # noqa: S608 (names from the registry)
            for value, record in work.db.rows(sql, part):
                holders.setdefault(value, []).append(record)
        work.preload(self.object, [record for records in holders.values() for record in records])
        found: dict[int, int] = {}
        for number, value in by_value.items():
            seen = [record for record in holders.get(value, ()) if work.visible(self.object, record)]
            if seen:
                found[number] = seen[0] if len(seen) == 1 else SEVERAL
        return found

    def _ask_one(self, work: Work, values: tuple[Any, ...]) -> int | None:
        try:
            return find(work, self.plan, dict(zip(self.options.key, values, strict=True)))
        except GuanxiError:
            return SEVERAL

    def _update(self, work: Work, entry: Entry, record: int) -> Verdict:
        old = work.row(self.object, record)
        if old is None:
            return self._refused(entry, [FieldError("", "stale", said("gone", self.actor.language))])
        old = dict(old)
        moved: dict[str, Any] = {}
        for name, value in entry.values.items():
            python = self._python(entry, name, value)
            if name not in self.options.key and not same(python, old.get(name)):
                moved[name] = python
        if entry.errors:
            return self._refused(entry, entry.errors)
        if not moved:
            return Verdict(entry.number, "unchanged", record, old["version"])
        try:
            with work.db.savepoint():
                row, changed = update(work, self.plan, record, moved, version=old["version"], force=self.force)
        except Unavailable:
            raise
        except GuanxiError as error:
            work.forget()
            return self._refused(entry, _faults(error))
        if not changed:
            return Verdict(entry.number, "unchanged", record, old["version"])
        undo = {name: self.plan.fields[name].json(old.get(name)) for name in changed}
        return Verdict(entry.number, "updated", record, row["version"], undo=undo)

    def _refused(self, entry: Entry, errors: Iterable[FieldError]) -> Verdict:
        found = list(errors)
        outcome: Outcome = "refused"
        if self.options.duplicates == "skip" and found and all(error.code == "duplicate" for error in found):
            outcome = "skipped"
        shown = [with_column(error, self.reader, entry.cells) for error in found]
        return Verdict(entry.number, outcome, errors=shown, cells=entry.cells)


def _faults(error: GuanxiError) -> Sequence[FieldError]:
    return error.errors if isinstance(error, Invalid) else (FieldError("", error.code, error.detail),)


def _plain(value: Any) -> Any:
    """A cell's value as something a key can be made of."""
    return tuple(value) if isinstance(value, list) else str(value).strip() if value is not None else None
