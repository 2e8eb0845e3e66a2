"""huey at work: a ring becomes a message, a message makes a worker look at rows, a sweep finds what no message told.

Any number of processes may run a consumer on one queue. `Engine` is made in every process that serves, to send; it
consumes only where `start` (in the background of this process) or `run` (as the process's own work) is called.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from huey import Huey, crontab
from huey.consumer import Consumer

from ..outbox.dispatch import deliver_due
from ..storage.rows import instant_from_text, instant_text
from .bell import Ring, on_ring
from .heart import Heart
from .schedules import run_schedules
from .work import run_due, run_job, worker_name

if TYPE_CHECKING:
    from ..services import Services

log = logging.getLogger("guanxi.jobs")
QUIET = 0.15  # seconds between two messages that say the same
MOST_SWEPT = 1_000
SIDE_BY_SIDE = 8
MINUTE = timedelta(seconds=60)


class Engine:
    """Background work of one process; `services` gives the bundle of the version published now."""

    def __init__(self, services: Callable[[], Services], queue: Huey, *, threads: int = 4) -> None:
        self.services = services
        self.queue = queue
        self.threads = threads
        self.worker = worker_name()
        self.current: dict[int, float] = {}
        self._consumer: Consumer | None = None
        self._heart: Heart | None = None
        self._lock = threading.Lock()
        self._sent_at = 0.0
        self._trailing: threading.Timer | None = None
        self._promised: OrderedDict[int, None] = OrderedDict()
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="guanxi-deliver")
        self._look = queue.task(name="look")(self._look_at_effects)
        self._work = queue.task(name="work")(self._work_on)
        self._sweep = queue.task(name="sweep")(self.sweep)
        queue.periodic_task(crontab(minute="*"), name="minute")(self.sweep)

    # sending ----------------------------------------------------------------------------------------
    def hear(self, ring: Ring) -> None:
        """A ring of the bell. A queue that cannot be reached is only logged: the sweep will find the row."""
        try:
            if ring.what == "job":
                self._send(self._work, ring.at, ring.job)
            elif ring.at is not None and ring.at > datetime.now(UTC):
                self._promise(ring.at)
            else:
                self._soon()
        except Exception as error:
            log.warning("the queue could not be told of work: %s", type(error).__name__)

    @staticmethod
    def _send(task: Any, at: datetime | None, *given: Any) -> None:
        if at is not None and at > datetime.now(UTC):
            task.schedule(args=given, delay=(at - datetime.now(UTC)).total_seconds())
        else:
            task(*given)

    def _promise(self, at: datetime) -> None:
        """One message for each second in which something becomes due, however many effects those are."""
        second = int(at.timestamp()) + 1
        with self._lock:
            if second in self._promised:
                return
            self._promised[second] = None
            while len(self._promised) > 10_000:
                self._promised.popitem(last=False)
        self._send(self._look, datetime.fromtimestamp(second, UTC))

    def _soon(self) -> None:
        """A message now, or, when one has just been sent, one a moment later for all that ring until then."""
        with self._lock:
            if self._trailing is not None:
                return
            wait = self._sent_at + QUIET - time.monotonic()
            if wait > 0:
                self._trailing = threading.Timer(wait, self._trail)
                self._trailing.daemon = True
                self._trailing.start()
                return
            self._sent_at = time.monotonic()
        self._look()

    def _trail(self) -> None:
        with self._lock:
            self._trailing, self._sent_at = None, time.monotonic()
        with contextlib.suppress(Exception):
            self._look()

    # working ----------------------------------------------------------------------------------------
    def _look_at_effects(self) -> None:
        services = self.services()
        while deliver_due(services, services.background.deliverers, self.worker, pool=self._pool):
            services = self.services()

    def _work_on(self, job_id: int) -> None:
        with self._under_way(job_id):
            run_job(self.services(), self.worker, job_id, stop=self.is_cancelled, watch=self._tell)

    def sweep(self) -> None:
        """Slots whose time has come, and a message for everything that is due and that nobody is at work on."""
        services = self.services()
        run_schedules(services)
        db, now = services.database, services.clock.now()
        stamp = instant_text(now)
        due = db.rows(
            db.sql(
                "SELECT id FROM gx_jobs WHERE (state = 'queued' AND due_at <= ?)"
                " OR (state = 'running' AND lease_until < ?) ORDER BY due_at, id LIMIT ?"
            ),
            (stamp, stamp, MOST_SWEPT),
        )
        for (job_id,) in due:
            self._work(int(job_id))
        self._look()
        for (at,) in db.rows("SELECT DISTINCT next_due FROM gx_schedules ORDER BY next_due LIMIT 100"):
            if stamp < at <= instant_text(now + MINUTE):
                self._send(self._sweep, instant_from_text(at))

    @contextlib.contextmanager
    def _under_way(self, job_id: int) -> Iterator[None]:
        self.current[job_id] = 0.0
        try:
            yield
        finally:
            self.current.pop(job_id, None)
            for name in ("cancel", "part"):
                with contextlib.suppress(Exception):
                    self.queue.storage.pop_data(f"{name}:{job_id}")

    # what a job inside a transaction cannot say in rows ----------------------------------------------
    def cancel_soon(self, job_id: int) -> None:
        """Ask a running job to stop at its next step, wherever it runs."""
        with contextlib.suppress(Exception):
            self.queue.storage.put_data(f"cancel:{job_id}", b"1")

    def is_cancelled(self, job_id: int) -> bool:
        """Whether somebody asked for it; looked up a few times a second at most."""
        if time.monotonic() - self.current.get(job_id, 0.0) < 0.25:
            return False
        self.current[job_id] = time.monotonic()
        try:
            return bool(self.queue.storage.has_data_for_key(f"cancel:{job_id}"))
        except Exception:
            return False

    def _tell(self, job_id: int, part: float) -> None:
        with contextlib.suppress(Exception):
            self.queue.storage.put_data(f"part:{job_id}", str(part).encode())

    def progress_of(self, job_id: int) -> float | None:
        """How far a running job is that tells it outside its transaction; None when it tells nothing."""
        try:
            found = self.queue.storage.peek_data(f"part:{job_id}")
            return float(found) if isinstance(found, bytes) else None
        except Exception:
            return None

    # running ----------------------------------------------------------------------------------------
    def listen(self) -> None:
        """Hear the bell of the instance's database."""
        on_ring(self.services().database, self.hear)

    def start(self) -> None:
        """Consume in the background of this process, once; safe to call on every request."""
        if self._consumer is not None:
            return
        with self._lock:
            if self._consumer is not None:
                return
            self._consumer = _Quiet(self.queue, **self._options())
        self._begin()
        self._consumer.start()

    def run(self) -> None:
        """Consume until a signal ends the process: SIGTERM lets work at hand end."""
        self._consumer = Consumer(self.queue, **self._options())
        self._begin()
        try:
            self._consumer.run()
        finally:
            if self._heart is not None:
                self._heart.stop()

    def _options(self) -> dict[str, Any]:
        return {
            "workers": self.threads,
            "initial_delay": 0.05,
            "max_delay": 0.5,
            "shutdown_timeout": 10,
            "graceful_signal": "TERM",
        }

    def _begin(self) -> None:
        self._heart = Heart(self.services, self.worker, self.threads, self.current)
        self._heart.start()
        with contextlib.suppress(Exception):
            self.sweep()

    def stop(self, timeout: float = 10.0) -> None:
        """End what `start` began, after the work at hand."""
        del timeout  # the consumer has its own
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.stop(graceful=True)
        if self._heart is not None:
            self._heart.stop()
        with contextlib.suppress(Exception):
            self.queue.storage.close()

    def run_waiting(self) -> int:
        """Do all that is due now in this thread; returns how many jobs. For tests and tools."""
        return run_due(self.services(), self.worker).jobs

    def depth(self) -> int | None:
        """Messages in the queue; None when it cannot be reached."""
        try:
            return int(self.queue.pending_count())
        except Exception:
            return None


class _Quiet(Consumer):  # type: ignore[misc]
    """A consumer inside another process, whose signals are none of its business."""

    def _set_signal_handlers(self) -> None:
        return
