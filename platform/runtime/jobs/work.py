"""Doing what is due: slots of schedules, jobs, effects of the outbox. No thread and no timer lives here.

`run_due` is what a worker's loop, a sweep and a test call alike; whoever calls it, a row's lease sees to it that the
work is done by one.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..outbox.dispatch import deliver_due, next_wait, said
from .kinds import JobKind, Run
from .outcome import Cancelled, GiveUp, Retry
from .schedules import run_schedules
from .store import Job, JobStore, LostJob

if TYPE_CHECKING:
    from ..services import Services

Stop = Callable[[int], bool]
Watch = Callable[[int, float], None]


@dataclass
class Done:
    """What a call did: slots that became jobs, jobs taken up, effects taken up."""

    slots: int = 0
    jobs: int = 0
    effects: int = 0

    def __bool__(self) -> bool:
        return bool(self.slots or self.jobs or self.effects)


def worker_name() -> str:
    """A name that no other worker has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def run_due(services: Services, worker: str = "", *, pool: Executor | None = None, rounds: int = 10_000) -> Done:
    """Do everything that is due now (by the services' clock), and what becomes due by it, in this thread."""
    name, done = worker or worker_name(), Done()
    for _ in range(rounds):
        slots, jobs = run_schedules(services), int(run_job(services, name))
        effects = deliver_due(services, services.background.deliverers, name, pool=pool)
        done.slots, done.jobs, done.effects = done.slots + slots, done.jobs + jobs, done.effects + effects
        if not (slots or jobs or effects):
            break
    return done


def run_job(
    services: Services,
    worker: str,
    job_id: int | None = None,
    *,
    stop: Stop = lambda _: False,
    watch: Watch = lambda _, __: None,
) -> bool:
    """Claim a due job (this one, or the next) and carry it out; False when there was none to claim."""
    kinds = services.background.kinds
    store = JobStore(services.database, services.clock)
    job = store.claim(worker, kinds, job_id)
    if job is None:
        return False
    kind = kinds[job.kind]
    run = Run(store, job, worker, stop=lambda: stop(job.id), watch=lambda part: watch(job.id, part))
    try:
        result = kind.handler(services, run)
        if not kind.ends_itself:
            store.complete(job, worker, result or {})
    except (LostJob, Cancelled):
        store.note(job.id, "stopped: cancelled or taken over", "warning")
    except Exception as error:
        _failed(store, kind, job, worker, error)
    return True


def _failed(store: JobStore, kind: JobKind, job: Job, worker: str, error: Exception) -> None:
    reason = said(error, f"job {job.id} ({job.kind})")
    counted = not isinstance(error, Retry) or error.counted
    wait = None if isinstance(error, GiveUp) or kind.stays_failed else next_wait(kind.waits, job.attempts)
    asked = error.after if isinstance(error, Retry) else None
    try:
        if isinstance(error, GiveUp) or (wait is None and counted):
            latest = store.get(job.id) or job
            store.finish(job, worker, state="failed", done=latest.done, result=latest.result, error=reason)
        else:
            store.again(job, worker, asked or wait or kind.lease, reason, counted=counted)
    except LostJob:
        store.note(job.id, f"ended already: {reason}", "warning")
