"""Taking an import back: records it made go to the trash, values it changed return, last row first.

Only where the record is still as the import left it; what somebody has touched since is kept and named with the
reason. Every step passes the record service with the rights of whoever undoes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from guanxi.common.errors import Conflict, GuanxiError, Invalid, NotFound, Unavailable

from ..access.actor import Actor
from ..jobs.outcome import Cancelled
from ..jobs.store import FINISHED, Job, JobStore
from ..records.remove import delete
from ..records.store import load
from ..records.update import update
from ..records.work import Work
from .importer import ImportServices, Progress, Stop, no_progress
from .texts import said
from .verdicts import write_rows

CHUNK = 500
KIND = "import_undo"


def check_undoable(job: Job | None) -> Job:
    """The import, when it can be undone. Raises NotFound, Conflict."""
    if job is None or job.kind != "import":
        raise NotFound("There is no such import.")
    if job.state not in FINISHED:
        raise Conflict("The import is still running; cancel it first.", code="running")
    if job.params["options"]["dry_run"]:
        raise Conflict("A dry run wrote nothing.", code="dry_run")
    return job


class Undoer:
    """One run of one undo job; `params["import"]` is the import's job."""

    def __init__(
        self,
        services: ImportServices,
        store: JobStore,
        job: Job,
        worker: str,
        actor: Actor,
        *,
        on_progress: Progress = no_progress,
        stop: Stop = lambda: False,
    ) -> None:
        self.services = services
        self.db = services.database
        self.store = store
        self.job = job
        self.worker = worker
        self.actor = replace(actor, channel="import")
        self.on_progress = on_progress
        self.stop = stop
        self.source = int(job.params["import"])
        self.object = str(job.params["object"])
        self.counts = Counter({"deleted": 0, "restored": 0, "kept": 0} | dict(job.result.get("counts", {})))
        self.done = job.done
        self.below = int(job.result.get("below", 2**62))
        # Records whose later row is undone already: the version that left. JSON keys are texts.
        self.moved = {int(record): version for record, version in job.result.get("moved", {}).items()}

    def run(self) -> dict[str, Any]:
        """Undo; returns the job's result."""
        self.total, self.repeated = self._total(), self._repeated()
        while rows := self._rows():
            if self.stop():
                raise Cancelled
            self.db.retry(lambda rows=rows: self._chunk(rows))
            self.on_progress(self.done, self.done / max(self.total, 1))
        result = self._result(final=True)
        with self.db.write():
            self.store.finish(self.job, self.worker, state="done", done=self.done, result=result)
        return result

    def _total(self) -> int:
        sql = "SELECT count(*) FROM gx_job_rows WHERE job_id = ? AND verdict IN ('created', 'updated')"
        row = self.db.one(self.db.sql(sql), (self.source,))
        return int(row[0])

    def _repeated(self) -> set[int]:
        """Records that several rows of the import wrote."""
        sql = (
            "SELECT record_id FROM gx_job_rows WHERE job_id = ? AND verdict IN ('created', 'updated')"
            " GROUP BY record_id HAVING count(*) > 1"
        )
        return {int(row[0]) for row in self.db.rows(self.db.sql(sql), (self.source,))}

    def _rows(self) -> list[tuple[Any, ...]]:
        sql = (
            "SELECT row_number, verdict, record_id, version, undo FROM gx_job_rows WHERE job_id = ?"
            " AND verdict IN ('created', 'updated') AND row_number < ? ORDER BY row_number DESC LIMIT ?"
        )
        found: list[tuple[Any, ...]] = self.db.rows(self.db.sql(sql), (self.source, self.below, CHUNK))
        return found

    def _chunk(self, rows: Sequence[tuple[Any, ...]]) -> None:
        counts, done, below, moved = Counter(self.counts), self.done, self.below, dict(self.moved)
        try:
            with self.db.write():
                self.store.hold(self.job, self.worker)
                work = Work(self.services.records.room, self.actor)
                kept = [self._one(work, row) for row in rows]
                write_rows(self.db, kept)
                self.done += len(rows)
                self.below = rows[-1][0]
                self.store.progress(self.job, self.worker, done=self.done, result=self._result())
        except BaseException:
            self.counts, self.done, self.below, self.moved = counts, done, below, moved
            raise

    def _one(self, work: Work, stored: Sequence[Any]) -> tuple[Any, ...]:
        number, verdict, record, version, undo = stored
        outcome, reason = "kept", ""
        plan = work.plan(self.object)
        try:
            with self.db.savepoint():
                row = load(work, plan, record)
                if row is None or row["deleted_at"] is not None:
                    reason = "deleted_since"
                elif row["version"] != self.moved.get(record, version):
                    reason = "changed_since"
                elif verdict == "created":
                    delete(work, plan, record, version=row["version"])
                    outcome = "deleted"
                else:
                    values = orjson.loads(undo)
                    changed, _ = update(work, plan, record, values, version=row["version"], force=True)
                    if record in self.repeated:
                        self.moved[record] = changed["version"]
                    outcome = "restored"
        except Unavailable:
            raise
        except GuanxiError as error:
            work.forget()
            self.counts["kept"] += 1
            return self._row(number, "kept", record, _faults(error))
        self.counts[outcome] += 1
        errors = [{"field": "", "code": "stale", "message": said(reason, self.actor.language)}] if reason else []
        return self._row(number, outcome, record, errors)

    def _row(self, number: int, verdict: str, record: int, errors: Sequence[dict[str, Any]]) -> tuple[Any, ...]:
        detail = orjson.dumps({"errors": list(errors)}).decode() if errors else "{}"
        return (self.job.id, number, verdict, record, None, detail, "")

    def _result(self, *, final: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {"counts": dict(self.counts), "below": self.below}
        if final:
            return found | {"fraction": 1.0}
        return found | {
            "fraction": round(self.done / max(self.total, 1), 4),
            "moved": {str(record): version for record, version in self.moved.items()},
        }


def _faults(error: GuanxiError) -> list[dict[str, Any]]:
    if isinstance(error, Invalid):
        return [fault.as_dict() for fault in error.errors]
    return [{"field": "", "code": error.code, "message": error.detail}]
