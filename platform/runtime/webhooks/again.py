"""Sending a webhook again by hand: the very message, as long as the outbox keeps it."""

from __future__ import annotations

from datetime import datetime

from ..jobs.bell import Ring, ring
from ..ports import Database
from ..storage.rows import instant_text
from .log import Try


def redeliver(db: Database, one: Try, now: datetime) -> bool:
    """Let the message of a try be due again, with all its tries; False when it is gone, or waiting anyway."""
    sql = (
        "UPDATE gx_outbox SET done_at = NULL, dead_at = NULL, attempts = 0, due_at = ?, lease_until = NULL, error = ''"
        " WHERE id = ? AND kind = 'webhook' AND (done_at IS NOT NULL OR dead_at IS NOT NULL)"
    )
    done = bool(db.execute(db.sql(sql), (instant_text(now), one.outbox_id)))
    if done:
        ring(db, Ring("outbox"))
    return done
