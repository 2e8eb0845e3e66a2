"""One clock of one record as a value, and what may happen to it: it pauses, goes on, ends, is cancelled, begins anew.

Pure: the store reads and writes it, the watcher and the sweep move it. All lengths are working time, so that a pause
moves the due time by exactly the working time that it lasted. The stretches in which it ran are kept, so that it can be
reckoned anew when a calendar changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from guanxi.registry.slas import BREACH, Rung

from .times import NEVER, Span, Time, worked

STATES = ("running", "paused", "met", "breached", "cancelled")
ZERO = timedelta()


@dataclass(slots=True)
class Clock:
    """State and times; `since` is None while it stands or has ended. A clock that ran out stays `breached`, whether it
    still runs (`ended_at` None) or was stopped late.
    """

    object: str
    record_id: int
    sla: str
    target: str
    started_at: datetime
    allowed: timedelta
    id: int = 0
    state: str = "running"
    since: datetime | None = None
    spans: list[Span] = field(default_factory=list)
    worked: timedelta = ZERO
    due_at: datetime | None = None
    paused_at: datetime | None = None
    met_at: datetime | None = None
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    next_at: datetime | None = None
    fired: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether it may still move by itself or by its record."""
        return self.ended_at is None

    def elapsed(self, now: datetime, time: Time) -> timedelta:
        """Working time that it ran until now."""
        running = time.between(self.since, now) if self.since is not None and now > self.since else ZERO
        return self.worked + running

    def left(self, now: datetime, time: Time) -> timedelta:
        """Working time that is left; negative when it ran over."""
        return self.allowed - self.elapsed(now, time)

    # what happens to it -------------------------------------------------------------------------------------------
    def run(self, moment: datetime, time: Time, rungs: Sequence[Rung]) -> None:
        """Run from a moment on, for the first time or after a pause."""
        self.since, self.paused_at, self.ended_at, self.met_at = moment, None, None, None
        self.state = "breached" if self.breached_at is not None else "running"
        self.plan(time, rungs)

    def pause(self, now: datetime, time: Time) -> None:
        """Stand still from now on. What ran out before the pause stays run out."""
        self._close(now, time)
        self._overrun(now)
        self.paused_at = now
        if self.breached_at is None:
            self.state, self.due_at, self.next_at = "paused", None, None
        elif BREACH in self.fired:
            self.next_at = None

    def stop(self, now: datetime, time: Time) -> None:
        """What it waited for has happened: met, or breached when that was too late."""
        self._close(now, time)
        self._overrun(now)
        self.ended_at = self.met_at = now
        self.paused_at = None
        if self.breached_at is None:
            self.state, self.next_at = "met", None
        elif BREACH in self.fired:
            self.next_at = None
        else:
            self.next_at = self.breached_at  # it did run out: that is told once, late or not

    def cancel(self, now: datetime, time: Time) -> None:
        """It does not count any more: the record is gone, or the service level does not apply."""
        self._close(now, time)
        self.state, self.ended_at, self.paused_at, self.next_at = "cancelled", now, None, None

    def renew(self, moment: datetime, limit: timedelta) -> None:
        """Begin anew: nothing of the former run counts."""
        self.started_at, self.allowed = moment, limit
        self.since, self.spans, self.worked, self.fired = None, [], ZERO, []
        self.paused_at = self.met_at = self.breached_at = self.ended_at = self.due_at = self.next_at = None
        self.state = "running"

    # reckoning ----------------------------------------------------------------------------------------------------
    def plan(self, time: Time, rungs: Sequence[Rung]) -> None:
        """Reckon the due time and the next rung that is to be done."""
        if not self.open or self.since is None:
            return
        if self.breached_at is None:
            self.due_at = self._when(self.allowed, time)
        ladder = sorted(((threshold(rung, self.allowed), n, rung) for n, rung in enumerate(rungs)), key=lambda x: x[:2])
        coming = next((one for one in ladder if one[2].key not in self.fired), None)
        self.next_at = self._when(coming[0], time) if coming is not None else None

    def reckon(self, time: Time, limit: timedelta, rungs: Sequence[Rung], now: datetime, *, skip: bool = True) -> None:
        """Reckon everything anew, on a calendar or by a definition that changed. With `skip` warnings that are past now
        are left out; that it ran out is told if it did.
        """
        self.allowed, self.worked = limit, worked(time, self.spans)
        elapsed = self.elapsed(now, time)
        if self.breached_at is not None and BREACH in self.fired and elapsed < limit:
            self.breached_at = None
            self.fired.remove(BREACH)
            self.state = "paused" if self.since is None else "running"
        self.fired += [
            rung.key
            for rung in rungs
            if skip and rung.key != BREACH and rung.key not in self.fired and threshold(rung, limit) <= elapsed
        ]
        self.plan(time, rungs)

    def next_rung(self, rungs: Sequence[Rung]) -> Rung | None:
        """The rung that `next_at` is the time of."""
        ladder = sorted(((threshold(rung, self.allowed), n, rung) for n, rung in enumerate(rungs)), key=lambda x: x[:2])
        for _, _, rung in ladder:
            if rung.key not in self.fired and (self.open or rung.key == BREACH):
                return rung
        return None

    def reached(self, rung: Rung, time: Time, rungs: Sequence[Rung]) -> None:
        """A rung is done now."""
        self.fired.append(rung.key)
        if rung.key == BREACH:
            self.breached_at = self.breached_at or self.due_at or self.next_at
            self.state = "breached"
        if self.open and self.since is not None:
            self.plan(time, rungs)
        else:
            self.next_at = self.breached_at if BREACH not in self.fired else None

    def _when(self, length: timedelta, time: Time) -> datetime | None:
        """The moment at which it has run so long, if it goes on running."""
        if self.since is None or length >= NEVER:
            return None
        if length >= self.worked:
            return time.after(self.since, length - self.worked)
        past = self.worked
        for begin, end in reversed(self.spans):
            past -= max(time.between(begin, end), ZERO)
            if length >= past:
                return time.after(begin, length - past)
        return self.started_at

    def _close(self, now: datetime, time: Time) -> None:
        if self.since is not None:
            if now > self.since:
                self.spans.append((self.since, now))
                self.worked += max(time.between(self.since, now), ZERO)
            self.since = None

    def _overrun(self, now: datetime) -> None:
        """It ran out and nobody has noticed yet."""
        if self.breached_at is None and self.due_at is not None and self.due_at <= now:
            self.breached_at, self.state, self.next_at = self.due_at, "breached", self.due_at


def threshold(rung: Rung, limit: timedelta) -> timedelta:
    """The working time at which a rung is reached."""
    if rung.minutes_before:
        return max(limit - timedelta(minutes=rung.minutes_before), ZERO)
    return limit * rung.percent / 100
