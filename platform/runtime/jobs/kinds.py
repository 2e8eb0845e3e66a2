"""What a kind of job is, and what its handler gets: one job, with progress, a log, and the question whether to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from guanxi.common.labels import Label

from .outcome import Cancelled
from .store import LEASE, Job, JobStore

if TYPE_CHECKING:
    from ..services import Services

Handler = Callable[["Services", "Run"], Mapping[str, Any] | None]
USUAL_WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))


@dataclass(frozen=True, slots=True)
class JobKind:
    """How jobs of one kind are carried out.

    The handler runs outside any transaction and may run twice when a worker dies, so what it does is safe to repeat
    (`run.key` is the same every time). It returns the job's result; raises `Retry` or `GiveUp`; anything else it
    raises is tried again after `waits`, and fails the job when they are used up. With `ends_itself` the handler writes
    the job's end in its own transaction; with `stays_failed` only a dead worker's job is tried again, never one that
    raised. `takes_over`: whether another worker goes on where a dead one stopped.
    """

    handler: Handler
    label: Label = Label()
    waits: Sequence[timedelta] = USUAL_WAITS
    lease: timedelta = LEASE
    ends_itself: bool = False
    stays_failed: bool = False
    takes_over: Callable[[Job], bool] = lambda _: True


class Run:
    """One job under way at one worker."""

    def __init__(
        self,
        store: JobStore,
        job: Job,
        worker: str,
        *,
        stop: Callable[[], bool] = lambda: False,
        watch: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.store = store
        self.job = job
        self.worker = worker
        self._stop = stop
        self.watch = watch
        """Told how far the work is (0 to 1) where a transaction keeps it from the rows."""

    @property
    def id(self) -> int:
        """The job's id."""
        return self.job.id

    @property
    def kind(self) -> str:
        """The job's kind."""
        return self.job.kind

    @property
    def params(self) -> Mapping[str, Any]:
        """What was asked."""
        return self.job.params

    @property
    def by(self) -> int | None:
        """The id of the user who asked, None for the system."""
        return self.job.by_id

    @property
    def key(self) -> str:
        """The same text at every try of this job."""
        return f"job-{self.job.id}"

    @property
    def attempts(self) -> int:
        """Which try this is, from 1."""
        return self.job.attempts

    def progress(self, done: int, total: int | None = None, result: Mapping[str, Any] | None = None) -> None:
        """Note how far the work is, inside or outside a transaction, and keep the lease. Raises Cancelled when the job
        was cancelled and LostJob when another worker has it.
        """
        if self.cancelled():
            raise Cancelled
        self.store.advance(self.job, self.worker, done=done, total=total, result=result)

    def log(self, text: str, level: str = "info") -> None:
        """A line that operators read beside the job."""
        self.store.note(self.job.id, text, level)

    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop; a handler asks between its steps."""
        return self._stop()
