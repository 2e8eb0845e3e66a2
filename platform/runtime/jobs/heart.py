"""A worker's sign of life: a row that operators see, and the leases of the jobs it has in hand, renewed.

A lease therefore ends only when the worker's process is gone (or cut off from the database), however long a job takes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from ..storage.rows import instant_text
from .store import LEASE

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger("guanxi.jobs")
BEAT = 15.0
SILENT = timedelta(seconds=60)
FORGOTTEN = timedelta(days=1)


class Heart:
    """One per worker process."""

    def __init__(
        self, services: Callable[[], Services], worker: str, threads: int, current: Mapping[int, float]
    ) -> None:
        self._services = services
        self._worker = worker
        self._threads = threads
        self._current = current
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="guanxi-heart", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the worker's row goes."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _loop(self) -> None:
        while True:
            try:
                self.beat()
            except Exception as error:
                log.warning("no sign of life could be given: %s", type(error).__name__)
            if self._stop.wait(BEAT):
                break
        try:
            db = self._services().database
            db.execute(db.sql("DELETE FROM gx_workers WHERE name = ?"), (self._worker,))
        except Exception as error:
            log.info("the worker's row stays: %s", type(error).__name__)

    def beat(self) -> None:
        """One sign of life."""
        services = self._services()
        db, now = services.database, services.clock.now()
        stamp, busy = instant_text(now), " ".join(map(str, sorted(self._current)[:20]))
        with db.write():
            db.execute(
                db.sql(
                    "INSERT INTO gx_workers (name, at, seen_at, threads, busy) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, busy = excluded.busy"
                ),
                (self._worker, stamp, stamp, self._threads, busy),
            )
            db.execute(
                db.sql("UPDATE gx_jobs SET lease_until = ? WHERE worker = ? AND state = 'running' AND lease_until < ?"),
                (instant_text(now + LEASE), self._worker, instant_text(now + LEASE)),
            )
            db.execute(db.sql("DELETE FROM gx_workers WHERE seen_at < ?"), (instant_text(now - FORGOTTEN),))
