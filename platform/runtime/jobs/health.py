"""How background work is doing, in figures: for `/metrics`, `guanxi doctor`, `guanxi jobs` and the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ports import Database
from ..storage.rows import instant_from_text, instant_text
from .heart import SILENT

LATE = 300.0


@dataclass(frozen=True, slots=True)
class Health:
    """Numbers of rows; ages in seconds (0 when nothing waits). What is due later does not count as waiting."""

    jobs: Mapping[str, int]
    effects: int
    later: int
    dead: int
    oldest_job: float
    oldest_effect: float
    workers: int

    def as_dict(self) -> dict[str, Any]:
        """As data."""
        return {
            "states": dict(self.jobs),
            "outbox": {"due": self.effects, "later": self.later, "dead": self.dead, "oldest": self.oldest_effect},
            "oldest_job": self.oldest_job,
            "workers": self.workers,
        }

    @property
    def sentence(self) -> str:
        """One line for operators."""
        waiting = self.jobs.get("queued", 0)
        return (
            f"{self.workers} workers, {waiting} jobs waiting, {self.effects} effects due, {self.later} later,"
            f" {self.dead} dead letters"
        )

    @property
    def wrong(self) -> list[str]:
        """What an operator should look at."""
        found = []
        if (self.effects or self.jobs.get("queued")) and not self.workers:
            found.append("background work waits and no worker gives a sign of life")
        if max(self.oldest_job, self.oldest_effect) > LATE:
            found.append("background work has been due for more than five minutes")
        if self.dead:
            found.append(f"{self.dead} effects could not happen (dead letters)")
        return found


def look(db: Database, now: datetime) -> Health:
    """Count, by indexes."""
    stamp = instant_text(now)
    states = {state: int(count) for state, count in db.rows("SELECT state, count(*) FROM gx_jobs GROUP BY state")}
    job = db.one(db.sql("SELECT min(due_at) FROM gx_jobs WHERE state = 'queued' AND due_at <= ?"), (stamp,))
    effect = db.rows(
        db.sql(
            "SELECT CASE WHEN due_at <= ? THEN 1 ELSE 0 END, count(*), min(due_at) FROM gx_outbox"
            " WHERE done_at IS NULL AND dead_at IS NULL GROUP BY 1"
        ),
        (stamp,),
    )
    counted = {int(row[0]): (int(row[1]), row[2]) for row in effect}
    dead = db.one("SELECT count(*) FROM gx_outbox WHERE dead_at IS NOT NULL AND done_at IS NULL")
    seen = db.one(db.sql("SELECT count(*) FROM gx_workers WHERE seen_at > ?"), (instant_text(now - SILENT),))
    due, oldest = counted.get(1, (0, None))
    return Health(
        states,
        due,
        counted.get(0, (0, None))[0],
        int(dead[0]) if dead else 0,
        _age(job[0] if job else None, now),
        _age(oldest, now),
        int(seen[0]) if seen else 0,
    )


def _age(stamp: str | None, now: datetime) -> float:
    return max((now - instant_from_text(stamp)).total_seconds(), 0.0) if stamp else 0.0
