"""The background thread of a process that serves: does what is due when the bell rings, and looks by itself now and
then. It starts with the first request, so that a process which only imports the application has none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .bell import Ring
from .work import run_due, run_job, worker_name

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger("guanxi.jobs")
POLL = 5.0


class JobRunner:
    """One per application; `services` gives the bundle of the version published now."""

    def __init__(self, services: Callable[[], Services]) -> None:
        self._services = services
        self.worker = worker_name()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._cancelled: set[int] = set()
        self._fractions: dict[int, float] = {}

    def start(self) -> None:
        """Begin, once; safe to call on every request."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stop.clear()
                self._thread = threading.Thread(target=self._loop, name="guanxi-jobs", daemon=True)
                self._thread.start()

    def hear(self, _: Ring) -> None:
        """There may be something to do."""
        self._wake.set()

    def stop(self, timeout: float = 10.0) -> None:
        """End after the work at hand; for tests and an orderly end."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def cancel_here(self, job_id: int) -> None:
        """Tell a job, when it runs here, to stop at its next step."""
        self._cancelled.add(job_id)

    def progress_here(self, job_id: int) -> float | None:
        """How far a job is that runs inside one transaction here; None when it is elsewhere."""
        return self._fractions.get(job_id)

    def run_waiting(self) -> int:
        """Do all jobs that wait now, and what else is due, in this thread; returns how many jobs."""
        count = 0
        while not self._stop.is_set() and self._one():
            count += 1
        return count + run_due(self._services(), self.worker).jobs

    def _one(self) -> bool:
        try:
            return run_job(
                self._services(),
                self.worker,
                stop=lambda job: job in self._cancelled,
                watch=self._fractions.__setitem__,
            )
        finally:
            self._fractions.clear()

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self.run_waiting()
            except Exception:
                log.exception("the job thread stumbled")
            self._wake.wait(POLL)
