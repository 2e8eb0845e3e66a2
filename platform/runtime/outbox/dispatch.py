"""Delivering what is due: claim a chunk, let each entry's kind deliver it, end it.

What a deliverer did not expect is logged with a reference, tried again and in the end a dead letter; operators see the
reference, never the inside of the fault.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from guanxi.common.errors import GuanxiError

from ..jobs.outcome import GiveUp, Retry
from ..storage.rows import instant_text
from .entry import Deliverer, Entry
from .store import OutboxStore

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger("guanxi.outbox")
CHUNK = 16
SET_CHUNK = 500


def deliver_due(
    services: Services, deliverers: Mapping[str, Deliverer], worker: str, *, pool: Executor | None = None
) -> int:
    """Deliver one chunk of every kind that has something due; returns how many entries were taken up. With `pool`,
    entries that wait for others' machines are delivered side by side.
    """
    taken, bounds = 0, {name: hook.at_once for name, hook in services.outside.webhooks.items()}
    for kind, deliverer in deliverers.items():
        store, many = OutboxStore(services.database), deliverer.deliver is None
        if not _any_due(services, kind):
            continue
        entries = store.claim(
            worker,
            (kind,),
            services.clock.now(),
            lease=deliverer.lease,
            limit=SET_CHUNK if many else CHUNK,
            at_once=0 if many else deliverer.at_once,
            bounds=bounds,
        )
        taken += len(entries)
        lane = _Lane(services, store, deliverer, worker)
        if many:
            _deliver_set(lane, entries)
        elif pool is not None and len(entries) > 1:
            list(pool.map(partial(_deliver_one, lane), entries))
        else:
            for entry in entries:
                _deliver_one(lane, entry)
    return taken


def _any_due(services: Services, kind: str) -> bool:
    """A look without a lock, so that an empty outbox costs no write transaction."""
    now = instant_text(services.clock.now())
    sql = (
        "SELECT 1 FROM gx_outbox WHERE done_at IS NULL AND dead_at IS NULL AND due_at <= ? AND kind = ?"
        " AND (lease_until IS NULL OR lease_until < ?) LIMIT 1"
    )
    return services.database.one(services.database.sql(sql), (now, kind, now)) is not None


@dataclass(frozen=True, slots=True)
class _Lane:
    """What delivering entries of one kind by one worker needs."""

    services: Services
    store: OutboxStore
    deliverer: Deliverer
    worker: str


def _deliver_set(lane: _Lane, entries: Sequence[Entry]) -> None:
    """A whole chunk in the transaction that ends it; when that fails, each entry alone."""
    deliverer, db = lane.deliverer, lane.services.database
    if not entries or deliverer.many is None:
        return
    ids, now = [entry.id for entry in entries], lane.services.clock.now()
    try:
        with db.write():
            if lane.store.done(lane.worker, ids, now, keep=deliverer.keep) != len(entries):
                raise Retry(reason="another worker took over")
            deliverer.many(lane.services, entries)
    except Exception as error:
        if len(entries) == 1:
            _failed(lane, entries[0], error)
            return
        for entry in entries:
            _deliver_set(lane, (entry,))


def _deliver_one(lane: _Lane, entry: Entry) -> None:
    deliverer, now = lane.deliverer, lane.services.clock.now
    try:
        if deliverer.deliver is not None:
            deliverer.deliver(lane.services, entry)
    except Exception as error:
        _failed(lane, entry, error)
    else:
        lane.store.done(lane.worker, (entry.id,), now(), keep=deliverer.keep)


def _failed(lane: _Lane, entry: Entry, error: Exception) -> None:
    store, deliverer, worker, now = lane.store, lane.deliverer, lane.worker, lane.services.clock.now()
    if isinstance(error, GiveUp):
        store.dead(worker, entry, now, error.reason)
        return
    reason = said(error, f"{entry.kind} {entry.id}")
    counted = not isinstance(error, Retry) or error.counted
    wait = next_wait(deliverer.waits, entry.attempts)
    if wait is None and counted:
        store.dead(worker, entry, now, reason)
        return
    asked = error.after if isinstance(error, Retry) else None
    store.again(worker, entry, now + (asked or wait or deliverer.lease), reason, counted=counted)


def next_wait(waits: Sequence[timedelta], attempts: int) -> timedelta | None:
    """How long after the given number of tries, spread by a tenth; None when the tries are used up."""
    if attempts > len(waits):
        return None
    return waits[attempts - 1] * (0.9 + secrets.randbelow(2001) / 10_000)


def said(error: Exception, what: str) -> str:
    """A sentence for operators; an unexpected error is logged with a reference."""
    if isinstance(error, Retry | GiveUp):
        return error.reason
    if isinstance(error, GuanxiError):
        return f"{error.detail} {error.hint}".strip()
    reference = secrets.token_hex(4)
    log.error("%s failed, reference %s", what, reference, exc_info=error)
    return f"Something went wrong (reference {reference})."
