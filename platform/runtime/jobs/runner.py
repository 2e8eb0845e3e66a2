"""The background thread of a serving process: claims jobs one at a time and hands each to the function of its kind.

The thread starts with the first request, so that a process which only imports the application has none. A job that
fails ends as failed with a sentence; what a handler did not expect is logged with a reference and never shown.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping

from guanxi.common.errors import GuanxiError

from .store import Job, JobStore, LostJob

log = logging.getLogger("guanxi.jobs")
POLL = 5.0


class Cancelled(Exception):
    """Raised by a handler that was told to stop; the state in the database says so already."""


Handler = Callable[[Job, str, Callable[[], bool]], None]


class JobRunner:
    """One per application. `store` gives the job rows now; a handler gets the job, the worker's name and a question
    whether it was cancelled in this process.
    """

    def __init__(self, store: Callable[[], JobStore], handlers: Mapping[str, Handler]) -> None:
        self._store = store
        self._handlers = dict(handlers)
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._cancelled: set[int] = set()
        self.current: int | None = None
        self.fraction = 0.0

    def start(self) -> None:
        """Begin, once; safe to call on every request."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stop.clear()
                self._thread = threading.Thread(target=self._loop, name="guanxi-jobs", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self.start()
        self._wake.set()

    def stop(self, timeout: float = 10.0) -> None:
        """End after the job at hand; for tests and an orderly end."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def cancel_here(self, job_id: int) -> None:
        """Tell the job at hand, when it is this one, to stop at its next step."""
        self._cancelled.add(job_id)

    def progress_here(self, job_id: int) -> float | None:
        """How far a job is that this process runs inside one transaction; None when it is elsewhere."""
        return self.fraction if self.current == job_id else None

    def run_waiting(self) -> int:
        """Do all jobs that wait now, in this thread; returns how many."""
        count = 0
        while not self._stop.is_set() and self._one():
            count += 1
        return count

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self.run_waiting()
            except Exception:
                log.exception("the job thread stumbled")
            self._wake.wait(POLL)
            self._wake.clear()

    def _one(self) -> bool:
        job = self._store().claim(self.worker, tuple(self._handlers))
        if job is None:
            return False
        self.current, self.fraction = job.id, 0.0
        try:
            self._handlers[job.kind](job, self.worker, lambda: job.id in self._cancelled)
        except (LostJob, Cancelled):
            log.info("job %s was cancelled or taken over", job.id)
        except GuanxiError as error:
            self._fail(job, f"{error.detail} {error.hint}".strip())
        except Exception as error:
            reference = secrets.token_hex(4)
            log.exception("job %s failed, reference %s", job.id, reference, exc_info=error)
            self._fail(job, f"Something went wrong (reference {reference}).")
        finally:
            self.current = None
            self._cancelled.discard(job.id)
        return True

    def _fail(self, job: Job, error: str) -> None:
        store = self._store()
        latest = store.get(job.id) or job
        try:
            store.finish(job, self.worker, state="failed", done=latest.done, result=latest.result, error=error)
        except LostJob:
            log.info("job %s had ended already", job.id)
