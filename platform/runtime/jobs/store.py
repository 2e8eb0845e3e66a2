"""Jobs as rows: made, claimed by a conditional update with a lease, carried forward, finished once.

A worker writes its progress in the same transaction as the work it did, under the condition that the job is still its
own; a job that was cancelled or taken over therefore undoes the step that did not know it. States: queued, running,
done, failed, cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from guanxi.common.clock import Clock
from guanxi.common.errors import Conflict

from ..ports import Database
from ..storage.rows import instant_text

LEASE = timedelta(seconds=60)
LONG_LEASE = timedelta(hours=2)
MOST_ATTEMPTS = 3
FINISHED = ("done", "failed", "cancelled")
_COLUMNS = (
    "id, kind, state, by_id, params, result, done, total, at, started_at, finished_at, lease_until, worker, attempts,"
    " error"
)


class LostJob(Conflict):
    """The job was cancelled or taken over: what this worker was about to write must not be written."""

    code = "lost_job"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `params` is what was asked, `result` what is known so far, `done` rows of `total`."""

    id: int
    kind: str
    state: str
    by_id: int | None
    params: Mapping[str, Any]
    result: Mapping[str, Any]
    done: int
    total: int | None
    at: str
    started_at: str | None
    finished_at: str | None
    lease_until: str | None
    worker: str
    attempts: int
    error: str


class JobStore:
    """Reads and writes job rows; one per database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.db = database
        self.clock = clock

    def now(self, later: timedelta = timedelta()) -> str:
        """The present (or a later) instant as text."""
        return instant_text(self.clock.now() + later)

    # making and reading -----------------------------------------------------------------------------
    def create(
        self, kind: str, by_id: int | None, params: Mapping[str, Any], *, key: str | None = None, worker: str = ""
    ) -> int:
        """A new job: queued, or running at once for the worker named. With `key`, the job that has it already."""
        state, now = ("running", self.now()) if worker else ("queued", self.now())
        with self.db.write():
            self.db.execute(
                self.db.sql(
                    "INSERT INTO gx_jobs (kind, state, by_id, params, at, due_at, started_at, lease_until, worker,"
                    " attempts, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
                ),
                (
                    kind,
                    state,
                    by_id,
                    orjson.dumps(params).decode(),
                    now,
                    now,
                    now if worker else None,
                    self.now(LEASE) if worker else None,
                    worker,
                    1 if worker else 0,
                    key,
                ),
            )
            last = "last_insert_rowid()" if self.db.engine == "sqlite" else "lastval()"
            if key is None:
                row = self.db.one(f"SELECT {last}")
            else:
                row = self.db.one(self.db.sql("SELECT id FROM gx_jobs WHERE key = ?"), (key,))
        if row is None:
            raise Conflict("The job could not be made.")
        return int(row[0])

    def get(self, job_id: int) -> Job | None:
        """A job by id."""
        row = self.db.one(self.db.sql(f"SELECT {_COLUMNS} FROM gx_jobs WHERE id = ?"), (job_id,))  # noqa: S608
        return _job(row) if row else None

    def by_key(self, key: str) -> Job | None:
        """The job made with a key."""
        row = self.db.one(self.db.sql(f"SELECT {_COLUMNS} FROM gx_jobs WHERE key = ?"), (key,))  # noqa: S608
        return _job(row) if row else None

    def recent(self, by_id: int | None, *, everybody: bool = False, limit: int = 50) -> list[Job]:
        """The newest jobs of a person, or of all."""
        where, params = ("", ()) if everybody else ("WHERE by_id = ? ", (by_id,))
        sql = f"SELECT {_COLUMNS} FROM gx_jobs {where}ORDER BY id DESC LIMIT ?"  # noqa: S608 (fixed texts)
        return [_job(row) for row in self.db.rows(self.db.sql(sql), (*params, limit))]

    # working ----------------------------------------------------------------------------------------
    def claim(self, worker: str, kinds: Sequence[str]) -> Job | None:
        """The next job for this worker: a queued one, or one whose worker has fallen silent; None without any."""
        now = self.now()
        marks = ", ".join("?" * len(kinds))
        found = self.db.one(
            self.db.sql(
                f"SELECT id, state FROM gx_jobs WHERE kind IN ({marks}) AND ((state = 'queued' AND due_at <= ?)"  # noqa: S608
                " OR (state = 'running' AND lease_until < ?)) ORDER BY due_at, id LIMIT 1"
            ),
            (*kinds, now, now),
        )
        if found is None:
            return None
        job_id, state = found
        with self.db.write():
            old = self.get(job_id)
            if old is not None and state == "running" and not resumable(old):
                self._give_up(old)
                return None
            taken = self.db.execute(
                self.db.sql(
                    "UPDATE gx_jobs SET state = 'running', worker = ?, lease_until = ?, attempts = attempts + 1,"
                    " started_at = COALESCE(started_at, ?) WHERE id = ? AND state = ?"
                    " AND (state = 'queued' OR lease_until < ?)"
                ),
                (worker, self.now(LEASE), now, job_id, state, now),
            )
            return self.get(job_id) if taken else None

    def _give_up(self, job: Job) -> None:
        row = job.result.get("last_row", 0)
        error = f"The worker stopped after row {row}; the rows up to there were written."
        self.db.execute(
            self.db.sql(
                "UPDATE gx_jobs SET state = 'failed', finished_at = ?, error = ?"
                " WHERE id = ? AND state = 'running' AND lease_until < ?"
            ),
            (self.now(), error, job.id, self.now()),
        )

    def hold(self, job: Job, worker: str) -> None:
        """Renew the lease before a step, inside its transaction: nobody else takes the job over or ends it until the
        step is committed. Raises LostJob.
        """
        kept = self.db.execute(
            self.db.sql("UPDATE gx_jobs SET lease_until = ? WHERE id = ? AND worker = ? AND state = 'running'"),
            (self.now(LEASE), job.id, worker),
        )
        if not kept:
            raise LostJob("The job was cancelled or taken over.")

    def progress(
        self, job: Job, worker: str, *, done: int, result: Mapping[str, Any], lease: timedelta = LEASE
    ) -> None:
        """Note how far the work is, inside the transaction of the work itself. Raises LostJob."""
        kept = self.db.execute(
            self.db.sql(
                "UPDATE gx_jobs SET done = ?, result = ?, lease_until = ?"
                " WHERE id = ? AND worker = ? AND state = 'running'"
            ),
            (done, orjson.dumps(result).decode(), self.now(lease), job.id, worker),
        )
        if not kept:
            raise LostJob("The job was cancelled or taken over.")

    def finish(
        self, job: Job, worker: str, *, state: str, done: int, result: Mapping[str, Any], error: str = ""
    ) -> None:
        """End the job. Raises LostJob when it is no longer this worker's."""
        kept = self.db.execute(
            self.db.sql(
                "UPDATE gx_jobs SET state = ?, done = ?, total = ?, result = ?, error = ?, finished_at = ?,"
                " lease_until = NULL WHERE id = ? AND worker = ? AND state = 'running'"
            ),
            (state, done, done, orjson.dumps(result).decode(), error[:2000], self.now(), job.id, worker),
        )
        if not kept:
            raise LostJob("The job was cancelled or taken over.")

    def cancel(self, job_id: int) -> bool:
        """Stop a job that has not ended; what a running one wrote stays. False when it had ended."""
        return bool(
            self.db.execute(
                self.db.sql(
                    "UPDATE gx_jobs SET state = 'cancelled', finished_at = ?, lease_until = NULL"
                    " WHERE id = ? AND state IN ('queued', 'running')"
                ),
                (self.now(), job_id),
            )
        )


def resumable(job: Job) -> bool:
    """True when another worker may go on where this one stopped."""
    return bool(job.params.get("resumable")) and job.attempts < MOST_ATTEMPTS


def _job(row: Sequence[Any]) -> Job:
    values = list(row)
    values[4], values[5] = orjson.loads(values[4]), orjson.loads(values[5])
    return Job(*values)
