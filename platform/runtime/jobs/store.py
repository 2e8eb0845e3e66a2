"""Jobs as rows: made, claimed by a conditional update with a lease, carried forward, finished once.

A worker writes its progress in the same transaction as the work it did, under the condition that the job is still its
own; a job that was cancelled or taken over therefore undoes the step that did not know it. States: queued, running,
done, failed, cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.clock import Clock
from guanxi.common.errors import Conflict

from ..ports import Database
from ..storage.rows import instant_text
from .bell import Ring, ring

if TYPE_CHECKING:
    from .kinds import JobKind

LEASE = timedelta(seconds=60)
LONG_LEASE = timedelta(hours=2)
FINISHED = ("done", "failed", "cancelled")
_FIRST = (
    "(j.lane = '' OR NOT EXISTS (SELECT 1 FROM gx_jobs e WHERE e.lane = j.lane AND e.lane <> '' AND e.id < j.id"
    " AND e.state IN ('queued', 'running')))"
)
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
        self,
        kind: str,
        by_id: int | None,
        params: Mapping[str, Any],
        *,
        key: str | None = None,
        worker: str = "",
        due_at: datetime | None = None,
        order: str = "",
    ) -> int:
        """A new job: queued, or running at once for the worker named. With `key`, the job that has it already."""
        now = self.now()
        begun = (now, self.now(LEASE), 1) if worker else (None, None, 0)
        due = instant_text(due_at) if due_at is not None else now
        state, text = "running" if worker else "queued", orjson.dumps(params).decode()
        with self.db.write():
            made = self.db.returning(
                self.db.sql(
                    "INSERT INTO gx_jobs (kind, state, by_id, params, at, due_at, started_at, lease_until, attempts,"
                    " worker, key, lane) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
                    " RETURNING id"
                ),
                (kind, state, by_id, text, now, due, *begun, worker, key, order),
            )
            if made and not worker:
                ring(self.db, Ring("job", made[0][0], due_at))
            if not made:
                made = self.db.rows(self.db.sql("SELECT id FROM gx_jobs WHERE key = ?"), (key,))
        if not made:
            raise Conflict("The job could not be made.")
        return int(made[0][0])

    def enqueue(
        self,
        kind: str,
        params: Mapping[str, Any],
        *,
        due_at: datetime | None = None,
        by: int | None = None,
        key: str | None = None,
        order: str | None = None,
    ) -> int:
        """A job for the background, written in the caller's transaction; its id. `params` is JSON-ready, `by` the user
        who asks. The same `key` gives the first job again; jobs of one `order` run one after the other.
        """
        return self.create(kind, by, params, key=key, due_at=due_at, order=order or "")

    def get(self, job_id: int) -> Job | None:
        """A job by id."""
        row = self.db.one(self.db.sql(f"SELECT {_COLUMNS} FROM gx_jobs WHERE id = ?"), (job_id,))  # noqa: S608
        return _job(row) if row else None

    def by_key(self, key: str) -> Job | None:
        """The job made with a key."""
        row = self.db.one(self.db.sql(f"SELECT {_COLUMNS} FROM gx_jobs WHERE key = ?"), (key,))  # noqa: S608
        return _job(row) if row else None

    def recent(
        self,
        by_id: int | None,
        *,
        everybody: bool = False,
        limit: int = 50,
        state: str = "",
        kind: str = "",
        before: int = 0,
    ) -> list[Job]:
        """The newest jobs of a person, or of all, older than the id `before`."""
        asked = {"by_id = ?": None if everybody else by_id, "state = ?": state, "kind = ?": kind, "id < ?": before}
        given = {text: value for text, value in asked.items() if value or (text == "by_id = ?" and not everybody)}
        where = f"WHERE {' AND '.join(given)} " if given else ""
        sql = f"SELECT {_COLUMNS} FROM gx_jobs {where}ORDER BY id DESC LIMIT ?"  # noqa: S608 (fixed texts)
        return [_job(row) for row in self.db.rows(self.db.sql(sql), (*given.values(), limit))]

    # working ----------------------------------------------------------------------------------------
    def claim(self, worker: str, kinds: Mapping[str, JobKind], job_id: int | None = None) -> Job | None:
        """The next job for this worker, or the one named: a queued one that is due, or one whose worker has fallen
        silent; None without any.
        """
        now, marks = self.now(), ", ".join("?" * len(kinds))
        one = " AND j.id = ?" if job_id is not None else ""
        params = (*kinds, now, now, *(() if job_id is None else (job_id,)))
        found = self.db.one(
            self.db.sql(
                f"SELECT j.id FROM gx_jobs j WHERE j.kind IN ({marks}) AND ((j.state = 'queued' AND j.due_at <= ?)"  # noqa: S608
                f" OR (j.state = 'running' AND j.lease_until < ?)){one} AND {_FIRST} ORDER BY j.due_at, j.id LIMIT 1"
            ),
            params,
        )
        if found is None:
            return None
        with self.db.write():
            old = self.get(found[0])
            if old is None:
                return None
            kind = kinds[old.kind]
            if old.state == "running" and not (kind.takes_over(old) and old.attempts <= max(len(kind.waits), 1)):
                self._give_up(old)
                return None
            taken = self.db.execute(
                self.db.sql(
                    "UPDATE gx_jobs SET state = 'running', worker = ?, lease_until = ?, attempts = attempts + 1,"
                    " error = '', started_at = COALESCE(started_at, ?) WHERE id = ? AND state = ?"
                    " AND (state = 'queued' OR lease_until < ?)"
                ),
                (worker, self.now(kind.lease), now, old.id, old.state, now),
            )
            return self.get(old.id) if taken else None

    def _give_up(self, job: Job) -> None:
        row = job.result.get("last_row")
        error = "The worker stopped" + ("." if row is None else f" after row {row}; the rows up to there were written.")
        self.db.execute(
            self.db.sql(
                "UPDATE gx_jobs SET state = 'failed', finished_at = ?, error = ?, lease_until = NULL"
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

    def advance(self, job: Job, worker: str, *, done: int, total: int | None, result: Mapping[str, Any] | None) -> None:
        """Note how far the work is and keep the lease; what is None stays as it was. Raises LostJob."""
        text = None if result is None else orjson.dumps(result).decode()
        kept = self.db.execute(
            self.db.sql(
                "UPDATE gx_jobs SET done = ?, total = COALESCE(?, total), result = COALESCE(?, result),"
                " lease_until = ? WHERE id = ? AND worker = ? AND state = 'running'"
            ),
            (done, total, text, self.now(LEASE), job.id, worker),
        )
        if not kept:
            raise LostJob("The job was cancelled or taken over.")

    def complete(self, job: Job, worker: str, result: Mapping[str, Any]) -> None:
        """End the job as done; its progress is full. Raises LostJob."""
        text, now = orjson.dumps(result).decode(), self.now()
        kept = self.db.execute(
            self.db.sql(
                "UPDATE gx_jobs SET state = 'done', total = CASE WHEN done > COALESCE(total, 0) THEN done ELSE total"
                " END, result = CASE WHEN ? = '{}' THEN result ELSE ? END, finished_at = ?, lease_until = NULL"
                " WHERE id = ? AND worker = ? AND state = 'running'"
            ),
            (text, text, now, job.id, worker),
        )
        if not kept:
            raise LostJob("The job was cancelled or taken over.")

    def again(self, job: Job, worker: str, wait: timedelta, reason: str, *, counted: bool = True) -> None:
        """Queue the job again for later. Raises LostJob."""
        kept = self.db.execute(
            self.db.sql(
                "UPDATE gx_jobs SET state = 'queued', due_at = ?, error = ?, lease_until = NULL,"
                " attempts = attempts - ? WHERE id = ? AND worker = ? AND state = 'running'"
            ),
            (self.now(wait), reason[:2000], 0 if counted else 1, job.id, worker),
        )
        if not kept:
            raise LostJob("The job was cancelled or taken over.")
        ring(self.db, Ring("job", job.id, self.clock.now() + wait))

    def retry(self, job_id: int) -> bool:
        """Queue a failed or cancelled job again, from its first try; False when it is neither."""
        done = bool(
            self.db.execute(
                self.db.sql(
                    "UPDATE gx_jobs SET state = 'queued', due_at = ?, attempts = 0, error = '', finished_at = NULL"
                    " WHERE id = ? AND state IN ('failed', 'cancelled')"
                ),
                (self.now(), job_id),
            )
        )
        if done:
            ring(self.db, Ring("job", job_id))
        return done

    def note(self, job_id: int, text: str, level: str = "info") -> None:
        """Add a line to a job's log."""
        self.db.execute(
            self.db.sql("INSERT INTO gx_job_log (job_id, at, level, text) VALUES (?, ?, ?, ?)"),
            (job_id, self.now(), level, text[:2000]),
        )

    def log(self, job_id: int, limit: int = 200) -> list[tuple[str, str, str]]:
        """The last lines of a job's log, oldest first: instant, level, text."""
        rows = self.db.rows(
            self.db.sql("SELECT at, level, text FROM gx_job_log WHERE job_id = ? ORDER BY id DESC LIMIT ?"),
            (job_id, limit),
        )
        return [(at, level, text) for at, level, text in reversed(rows)]

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


def _job(row: Sequence[Any]) -> Job:
    values = list(row)
    values[4], values[5] = orjson.loads(values[4]), orjson.loads(values[5])
    return Job(*values)
