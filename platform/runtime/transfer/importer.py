"""An import from open file to last verdict: chunk after chunk, each with its verdicts and progress in one transaction.

A dry run and an atomic import are one transaction over the whole file, undone at the end or at the first reason to: the
very same code, so the verdicts are those of the real run. A run that was cut off goes on behind the last committed row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Protocol

from guanxi.common.clock import Clock
from guanxi.common.errors import BadRequest, Forbidden, NotFound
from guanxi.common.names import did_you_mean
from guanxi.registry import Registry

from ..access.actor import Actor
from ..access.grants import AccessTable
from ..jobs.outcome import Cancelled
from ..jobs.store import LONG_LEASE, Job, JobStore
from ..records.service import RecordService
from .engine import OUTCOMES, Engine, Verdict
from .limits import Limits
from .mapping import ColumnMap
from .options import ImportOptions
from .readers import Record, Table, open_table
from .rows import RowReader
from .sniff import Dialect, sniff
from .texts import said
from .verdicts import Spool, as_row, forget_rows, write_rows

CHUNK = 1_000
Progress = Callable[[int, float], None]
Stop = Callable[[], bool]


class ImportServices(Protocol):
    """What an import needs of a published version."""

    @property
    def registry(self) -> Registry:
        """All definitions."""
        ...

    @property
    def records(self) -> RecordService:
        """The one door."""
        ...

    @property
    def access(self) -> AccessTable:
        """Rights."""
        ...

    @property
    def database(self) -> Any:
        """The database."""
        ...

    @property
    def clock(self) -> Clock:
        """The source of now."""
        ...


class Undone(Exception):
    """Takes the one transaction of a dry run or a failed atomic import back."""


def no_progress(rows: int, fraction: float) -> None:
    """For callers that do not watch."""
    del rows, fraction


def may_import(services: ImportServices, actor: Actor, object_name: str) -> None:
    """NotFound when the object does not exist for the actor, Forbidden when the actor may not import into it."""
    grants = services.access.of(actor)
    rights = grants.on(object_name)
    if object_name not in services.registry.objects or not rights.visible:
        known = [name for name in services.registry.objects if grants.on(name).visible]
        raise NotFound(f"There is no object '{object_name[:60]}'.", hint=did_you_mean(object_name, known))
    if not rights.import_:
        raise Forbidden(f"You may not import {object_name} records.")
    if not rights.create and not rights.of("update"):
        raise Forbidden(f"You may not write {object_name} records.")


@dataclass(frozen=True, slots=True)
class Plan:
    """A file understood: how it is written, its columns and what fills them."""

    dialect: Dialect
    table: Table
    columns: ColumnMap

    def shown(self) -> dict[str, Any]:
        """For the job."""
        return {"source": self.dialect.shown(), "columns": self.columns.shown()}


def plan_import(
    services: ImportServices,
    actor: Actor,
    object_name: str,
    file: BinaryIO,
    *,
    name: str,
    options: ImportOptions,
    limits: Limits | None = None,
) -> Plan:
    """Look at a file before anything is written. Raises BadRequest with what is wrong with file or mapping."""
    may_import(services, actor, object_name)
    dialect = sniff(file, name, options.wanted)
    table = open_table(file, dialect, limits)
    columns = ColumnMap(services.registry.objects[object_name], services.access.of(actor), options.columns, options.key)
    columns.resolve(table.columns)
    if not any(column.status == "used" for column in columns.columns):
        raise BadRequest("No column matches a field.", code="mapping", hint="say map=Column:field")
    return Plan(dialect, table, columns)


class Importer:
    """One run of one job."""

    def __init__(
        self,
        services: ImportServices,
        store: JobStore,
        job: Job,
        worker: str,
        actor: Actor,
        *,
        limits: Limits | None = None,
        on_progress: Progress = no_progress,
        stop: Stop = lambda: False,
    ) -> None:
        self.services = services
        self.db = services.database
        self.store = store
        self.job = job
        self.worker = worker
        self.actor = actor
        self.limits = limits
        self.on_progress = on_progress
        self.stop = stop
        self.object: str = job.params["object"]
        self.options = ImportOptions.from_json(job.params["options"])
        self.counts: Counter[str] = Counter({name: 0 for name in OUTCOMES if name != "skipped"})
        self.counts.update(job.result.get("counts", {}))
        self.done = job.done
        self.last_row = int(job.result.get("last_row", 0))

    def run(self, file: BinaryIO, name: str) -> dict[str, Any]:
        """Import; returns the job's result. Raises LostJob or Cancelled when somebody stopped it."""
        asked, limits = self.options, self.limits
        plan = plan_import(self.services, self.actor, self.object, file, name=name, options=asked, limits=limits)
        self.plan = plan
        reader = RowReader(
            plan.columns,
            typed=plan.table.typed,
            machine=plan.columns.machine and plan.table.typed,
            marked=plan.dialect.format == "csv" and (plan.columns.mended or not plan.columns.machine),
            language=self.actor.language,
            zone=str(self.actor.zone),
        )
        self.reader = reader
        for field, count in self.job.result.get("blank", {}).items():
            reader.blank[field] = count
        self.engine = Engine(self.services.records, self.actor, self.object, self.options, reader)
        with self._unlimited():
            if self.options.dry_run or self.options.atomic:
                return self._whole()
            return self._by_chunks()

    def _unlimited(self) -> AbstractContextManager[None]:
        """No limit on statements' time: a chunk may rightly take long."""
        timeout = getattr(self.db, "timeout", None)
        return timeout(None) if timeout is not None else nullcontext()

    def _chunks(self) -> Iterator[list[Record]]:
        records = self.plan.table.records()
        skipped = self.last_row
        wanted = (record for record in records if record.number > skipped)
        while chunk := list(islice(wanted, CHUNK)):
            yield chunk
            self._extend()

    def _extend(self) -> None:
        """Columns that NDJSON brought on the way."""
        columns = self.plan.columns
        for name in self.plan.table.columns[len(columns.columns) :]:
            columns.column(name)

    def _judge(self, chunk: list[Record]) -> list[Verdict]:
        """Verdicts of a chunk, inside `write()`."""
        self._extend()
        return self.engine.run([self.reader.entry(record) for record in chunk])

    # chunk by chunk ---------------------------------------------------------------------------------
    def _by_chunks(self) -> dict[str, Any]:
        for chunk in self._chunks():
            if self.stop():
                raise Cancelled
            self.db.retry(lambda chunk=chunk: self._write_chunk(chunk))
            self.on_progress(self.done, self.plan.table.fraction)
        result = self._result(final=True)
        with self.db.write():
            self.store.finish(self.job, self.worker, state="done", done=self.done, result=result)
        return result

    def _write_chunk(self, chunk: list[Record]) -> None:
        blank, short = Counter(self.reader.blank), self.reader.short_rows
        counts, done, last = Counter(self.counts), self.done, self.last_row
        try:
            with self.db.write():
                self.store.hold(self.job, self.worker)
                verdicts = self._judge(chunk)
                write_rows(self.db, [as_row(self.job.id, verdict) for verdict in verdicts])
                self._count(verdicts)
                self.last_row = chunk[-1].number
                self.store.progress(self.job, self.worker, done=self.done, result=self._result())
        except BaseException:
            self.reader.blank, self.reader.short_rows = blank, short
            self.counts, self.done, self.last_row = counts, done, last
            self.engine.forget()
            raise

    def _count(self, verdicts: list[Verdict]) -> None:
        self.counts.update(verdict.outcome for verdict in verdicts)
        self.done += len(verdicts)

    # one transaction --------------------------------------------------------------------------------
    def _whole(self) -> dict[str, Any]:
        with self.db.write():
            forget_rows(self.db, self.job.id)
            self.store.progress(self.job, self.worker, done=0, result={}, lease=LONG_LEASE)
        with Spool() as spool:
            try:
                return self._write_whole(spool)
            except Undone:
                self.engine.forget()
                return self._keep_verdicts(spool)

    def _write_whole(self, spool: Spool) -> dict[str, Any]:
        with self.db.write():
            for chunk in self._chunks():
                if self.stop():
                    raise Cancelled
                verdicts = self._judge(chunk)
                self._count(verdicts)
                self.last_row = chunk[-1].number
                spool.add(as_row(self.job.id, verdict) for verdict in verdicts)
                self.on_progress(self.done, self.plan.table.fraction)
            if self.options.dry_run or self.counts["refused"]:
                raise Undone
            for rows in spool.chunks():
                write_rows(self.db, rows)
            result = self._result(final=True)
            self.store.finish(self.job, self.worker, state="done", done=self.done, result=result)
        return result

    def _keep_verdicts(self, spool: Spool) -> dict[str, Any]:
        """What a run that wrote nothing found: all verdicts of a dry run, the refusals of an atomic one."""
        failed = not self.options.dry_run
        refused = self.counts["refused"]
        for rows in spool.chunks(("refused",) if failed else ()):
            with self.db.write():
                write_rows(self.db, rows)
        if failed:
            self.counts = Counter(dict.fromkeys(self.counts, 0) | {"refused": refused})
        result = self._result(final=True)
        error = f"{refused} rows are refused; nothing was written." if failed else ""
        with self.db.write():
            state = "failed" if failed else "done"
            self.store.finish(self.job, self.worker, state=state, done=self.done, result=result, error=error)
        return result

    # telling ----------------------------------------------------------------------------------------
    def _result(self, *, final: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {
            "counts": dict(self.counts),
            "last_row": self.last_row,
            "fraction": 1.0 if final else round(self.plan.table.fraction, 4),
            "blank": dict(self.reader.blank),
            **self.plan.shown(),
            "header": self.plan.table.columns if self.plan.dialect.header else [],
        }
        if final:
            found["warnings"] = self._warnings()
        return found

    def _warnings(self) -> list[dict[str, Any]]:
        """What went through but deserves a look."""
        language = self.actor.language
        found: list[dict[str, Any]] = []
        keys = {"unmatched": "unmatched", "ambiguous": "ambiguous", "read_only": "not_writable"}
        for column in self.plan.columns.columns:
            if column.status in keys:
                code = column.status
                found.append({"column": column.name, "code": code, "message": said(keys[code], language)})
            elif column.status == "used" and (count := self.reader.blank[column.field]):
                message = said("blank_values", language, count=count)
                entry = {"column": column.name, "field": column.field, "code": "blank", "count": count}
                found.append({**entry, "message": message})
        if self.reader.short_rows:
            message = said("short_rows", language, count=self.reader.short_rows)
            found.append({"code": "short_rows", "count": self.reader.short_rows, "message": message})
        return found


def job_params(object_name: str, options: ImportOptions, **more: Any) -> Mapping[str, Any]:
    """The parameters of an import's job row."""
    return {"object": object_name, "options": options.as_json(), **more}
