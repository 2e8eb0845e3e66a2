"""The daily broom: delivered effects, ended jobs, tries of webhooks, calls of hooks, and what has expired at the doors
(sessions, links, answers kept for a retry, counts of wrong tries) are forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from guanxi.common.labels import Label

from ..outbox.store import OutboxStore
from ..people.throttle import Throttle
from ..storage.rows import instant_text
from ..webhooks import log as deliveries
from .kinds import JobKind, Run
from .schedules import Schedule

if TYPE_CHECKING:
    from ..services import Services

KIND = "housekeeping"
EFFECTS_KEPT = timedelta(days=7)
CALLS_KEPT = timedelta(days=2)
AT_ONCE = 5_000
# What is forgotten of the doors: name in the result, table, its key, the condition on an instant, how long it is kept.
EXPIRED = (
    ("sessions", "gx_sessions", "id", "expires_at < ?", timedelta()),
    ("links", "gx_account_links", "id", "expires_at < ?", timedelta(days=30)),
    ("answers", "gx_idempotency", "key", "at < ?", timedelta(days=1)),
)


def sweep(services: Services, run: Run) -> dict[str, Any]:
    """Forget what is old; returns the counts."""
    db, now = services.database, services.clock.now()
    keep = timedelta(days=services.outside.keep_days)
    effects = OutboxStore(db).prune(now - min(EFFECTS_KEPT, keep))
    run.progress(1, 4)
    tries = deliveries.prune(db, now - keep)
    run.progress(2, 4)
    calls = db.execute(db.sql("DELETE FROM gx_hook_calls WHERE at < ?"), (instant_text(now - CALLS_KEPT),))
    run.progress(3, 4)
    doors = {name: _expired(services, table, key, test, now - kept) for name, table, key, test, kept in EXPIRED}
    doors["tries"] = Throttle(db, services.clock).sweep()
    return {
        **doors,
        "effects": effects,
        "deliveries": tries,
        "hook_calls": calls,
        "jobs": _jobs(services, instant_text(now - keep), instant_text(now - CALLS_KEPT)),
    }


def _expired(services: Services, table: str, key: str, test: str, before: datetime) -> int:
    """Delete the rows that meet a condition, a few thousand at a time."""
    db, total = services.database, 0
    sql = f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {test} LIMIT {AT_ONCE}) AND {test}"  # noqa: S608
    moment = instant_text(before)
    while True:
        with db.write():
            gone = db.execute(db.sql(sql), (moment, moment))
        total += gone
        if gone < AT_ONCE:
            return total


def _jobs(services: Services, before: str, slots_before: str) -> int:
    """Ended jobs without rows of an import (those can still be undone), with their log; done slots sooner."""
    db, total = services.database, 0
    find = (
        "SELECT id FROM gx_jobs j WHERE ((j.state IN ('done', 'failed', 'cancelled') AND j.finished_at < ?)"
        " OR (j.state = 'done' AND j.finished_at < ? AND substr(COALESCE(j.key, ''), 1, 9) = 'schedule:'))"
        " AND NOT EXISTS (SELECT 1 FROM gx_job_rows r WHERE r.job_id = j.id) LIMIT 500"
    )
    while ids := [row[0] for row in db.rows(db.sql(find), (before, slots_before))]:
        marks = ", ".join("?" * len(ids))
        with db.write():
            db.execute(db.sql(f"DELETE FROM gx_job_log WHERE job_id IN ({marks})"), ids)  # noqa: S608 (marks only)
            total += db.execute(db.sql(f"DELETE FROM gx_jobs WHERE id IN ({marks})"), ids)  # noqa: S608
    return total


def schedules(_: Services) -> Iterable[Schedule]:
    """At night, in the instance's zone."""
    return (Schedule(KIND, KIND, cron="20 3 * * *"),)


JOB_KINDS = {KIND: JobKind(sweep, Label.of({"en": "Housekeeping", "zh": "清理"}))}
