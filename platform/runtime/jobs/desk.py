"""Background work as operators have it on a screen: what there is, and what may be done about it by hand, audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, NotFound

from ..access.actor import Actor
from ..outbox.store import OutboxStore
from ..webhooks import destinations
from .health import Health, look
from .store import Job

if TYPE_CHECKING:
    from ..services import Services
    from .engine import Engine


@dataclass(frozen=True, slots=True)
class Dead:
    """A dead letter."""

    id: int
    kind: str
    object: str
    record_id: int | None
    destination: str
    attempts: int
    at: str
    error: str


class Desk:
    """One per request."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self.services = services
        self.engine = engine
        self.db = services.database

    def health(self) -> Health:
        """Figures."""
        return look(self.db, self.services.clock.now())

    def queue(self) -> int | None:
        """Messages in huey's queue; None when it cannot be reached."""
        return self.engine.depth()

    def workers(self) -> Sequence[tuple[Any, ...]]:
        """Name, since, last sign of life, threads, jobs in hand."""
        return self.db.rows("SELECT name, at, seen_at, threads, busy FROM gx_workers ORDER BY name")

    def jobs(self, state: str, kind: str, before: int, limit: int) -> list[Job]:
        """The newest jobs of everybody."""
        return self.services.jobs.recent(None, everybody=True, limit=limit, state=state, kind=kind, before=before)

    def label(self, kind: str, language: str) -> str:
        """What a kind of job is called."""
        known = self.services.background.kinds.get(kind)
        return (known.label.text(language) if known else "") or kind

    def kinds(self) -> list[str]:
        """All kinds of jobs."""
        return sorted(self.services.background.kinds)

    def progress(self, job: Job) -> float:
        """How far a job is, 0 to 1."""
        if job.state == "done":
            return 1.0
        told = self.engine.progress_of(job.id) if job.state == "running" else None
        counted = job.done / job.total if job.total else float(job.result.get("fraction", 0.0))
        return min(told if told is not None else counted, 1.0)

    def dead(self, limit: int = 100) -> list[Dead]:
        """The newest dead letters."""
        rows = self.db.rows(
            self.db.sql(
                "SELECT id, kind, object, record_id, destination, attempts, at, error FROM gx_outbox"
                " WHERE dead_at IS NOT NULL AND done_at IS NULL ORDER BY dead_at DESC LIMIT ?"
            ),
            (limit,),
        )
        return [Dead(*row) for row in rows]

    def schedules(self) -> Sequence[tuple[str, str, str]]:
        """Name, times, next slot."""
        return [tuple(r) for r in self.db.rows("SELECT name, spec, next_due FROM gx_schedules ORDER BY next_due, name")]

    def destinations(self) -> Mapping[str, destinations.State]:
        """Every webhook with its state."""
        known = destinations.states(self.services)
        return {name: known.get(name, destinations.State()) for name in self.services.outside.webhooks}

    def act(self, actor: Actor, what: str, act: str, key: str) -> None:
        """Carry out: job cancel|retry, letter retry|drop, webhook pause|resume. Raises NotFound, Conflict."""
        done = _ACTS.get((what, act))
        if done is None:
            raise NotFound("There is no such act.")
        if what == "job" and act == "cancel":
            self.engine.cancel_soon(_number(key))
        with self.db.write():
            if not done(self, key):
                raise Conflict("It is no longer in a state where this can be done.")
            detail = {"act": act, "key": key}
            name = {"job": "job_changed", "letter": "dead_letter"}.get(what, f"webhook_{act}d")
            self.services.audit.record(name, actor, detail=detail)

    def job(self, number: int) -> Job:
        """One job. Raises NotFound."""
        found = self.services.jobs.get(number)
        if found is None:
            raise NotFound("There is no such job.")
        return found

    def _cancel(self, key: str) -> bool:
        return self.services.jobs.cancel(_number(key))

    def _retry(self, key: str) -> bool:
        kind = self.services.background.kinds.get(self.job(_number(key)).kind)
        return not (kind and kind.stays_failed) and self.services.jobs.retry(_number(key))

    def _retry_letter(self, key: str) -> bool:
        return OutboxStore(self.db).retry_dead(_number(key), self.services.clock.now())

    def _drop_letter(self, key: str) -> bool:
        return OutboxStore(self.db).drop_dead(_number(key))

    def _pause(self, key: str) -> bool:
        if key not in self.services.outside.webhooks:
            raise NotFound("There is no such webhook.")
        destinations.pause(self.services, key, "paused by hand")
        return True

    def _resume(self, key: str) -> bool:
        return destinations.resume(self.services, key)


_ACTS = {
    ("job", "cancel"): Desk._cancel,
    ("job", "retry"): Desk._retry,
    ("letter", "retry"): Desk._retry_letter,
    ("letter", "drop"): Desk._drop_letter,
    ("webhook", "pause"): Desk._pause,
    ("webhook", "resume"): Desk._resume,
}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("There is no such entry.")
    return int(text)
