"""How destinations are: one that has failed for an hour is paused by itself, tried now and then, and resumed by its
first good answer or by an administrator. What waits for it waits without using up tries, three days at most.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from ..storage.rows import instant_from_text, instant_text

if TYPE_CHECKING:
    from guanxi.common.clock import Clock

    from ..audit import Audit
    from ..ports import Database

log = logging.getLogger("guanxi.webhooks")
FAILURES = 10
FAILING = timedelta(hours=1)
PROBE = timedelta(minutes=15)


class Ground(Protocol):
    """What destinations stand on: a bundle of services has it."""

    @property
    def database(self) -> Database:
        """The database."""
        ...

    @property
    def clock(self) -> Clock:
        """The source of now."""
        ...

    @property
    def audit(self) -> Audit:
        """The trail of acts."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """A destination's state; all blank when it is well."""

    failing_since: str | None = None
    failures: int = 0
    paused_at: str | None = None
    until: str | None = None
    reason: str = ""


def states(services: Ground) -> Mapping[str, State]:
    """Name → state, of those that are known."""
    sql = "SELECT name, failing_since, failures, paused_at, until, reason FROM gx_destinations"
    return {row[0]: State(*row[1:]) for row in services.database.rows(sql)}


def waiting(services: Ground, name: str) -> timedelta | None:
    """How long a paused destination is to be left alone; None when it may be tried now. Whoever is let through to try
    a paused one moves the time on, so that only one tries.
    """
    db, now = services.database, services.clock.now()
    row = db.one(db.sql("SELECT until FROM gx_destinations WHERE name = ? AND paused_at IS NOT NULL"), (name,))
    if row is None:
        return None
    if row[0] and row[0] > instant_text(now):
        return instant_from_text(row[0]) - now
    sql = "UPDATE gx_destinations SET until = ? WHERE name = ? AND paused_at IS NOT NULL AND until = ?"
    taken = db.execute(db.sql(sql), (instant_text(now + PROBE), name, row[0]))
    return None if taken else PROBE


def went_well(services: Ground, name: str) -> None:
    """A message arrived: everything is forgotten."""
    db = services.database
    if db.one(db.sql("SELECT 1 FROM gx_destinations WHERE name = ?"), (name,)):
        db.execute(db.sql("DELETE FROM gx_destinations WHERE name = ?"), (name,))
        release(services, name)


def failed(services: Ground, name: str, reason: str) -> None:
    """A message did not arrive; pauses the destination when that has gone on for too long."""
    db, now = services.database, services.clock.now()
    with db.write():
        db.execute(
            db.sql(
                "INSERT INTO gx_destinations (name, failing_since, failures, reason) VALUES (?, ?, 1, ?)"
                " ON CONFLICT (name) DO UPDATE SET failures = gx_destinations.failures + 1, reason = excluded.reason"
            ),
            (name, instant_text(now), reason[:500]),
        )
        paused = db.execute(
            db.sql(
                "UPDATE gx_destinations SET paused_at = ?, until = ? WHERE name = ? AND paused_at IS NULL"
                " AND failures >= ? AND failing_since <= ?"
            ),
            (instant_text(now), instant_text(now + PROBE), name, FAILURES, instant_text(now - FAILING)),
        )
        if paused:
            log.warning("webhook %s is paused: %s", name, reason)
            services.audit.record("webhook_paused", detail={"webhook": name}, reason=reason[:200])


def pause(services: Ground, name: str, reason: str, until: datetime | None = None) -> None:
    """Leave a destination alone until then, or until somebody resumes it."""
    db, now = services.database, instant_text(services.clock.now())
    end = instant_text(until) if until is not None else "9999"
    db.execute(
        db.sql(
            "INSERT INTO gx_destinations (name, failing_since, failures, paused_at, until, reason)"
            " VALUES (?, ?, 0, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET paused_at = excluded.paused_at,"
            " until = excluded.until, reason = excluded.reason"
        ),
        (name, now, now, end, reason[:500]),
    )


def resume(services: Ground, name: str) -> bool:
    """Try a paused destination again at once, with everything that waits for it; False when it was not paused."""
    db = services.database
    done = db.execute(db.sql("DELETE FROM gx_destinations WHERE name = ? AND paused_at IS NOT NULL"), (name,))
    if done:
        release(services, name)
    return bool(done)


def release(services: Ground, name: str) -> None:
    """What waits for a destination is due now."""
    from ..jobs.bell import Ring, ring

    db = services.database
    sql = (
        "UPDATE gx_outbox SET due_at = ? WHERE destination = ? AND kind = 'webhook' AND done_at IS NULL"
        " AND dead_at IS NULL AND lease_until IS NULL AND due_at > ?"
    )
    now = instant_text(services.clock.now())
    db.execute(db.sql(sql), (now, name, now))
    ring(db, Ring("outbox"))
