"""A lock that is handed on in the order of asking, with a time limit.

SQLite lets one writer in at a time; without a queue the writers of one process would poll against each other and
the unlucky one could starve.
"""

from __future__ import annotations

from collections import deque
from threading import Lock


class FairLock:
    """First come, first served. Not re-entrant."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._held = False
        self._waiting: deque[Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for the turn, at most `timeout` seconds; False when it did not come."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            ticket = Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        if ticket.acquire(timeout=timeout):
            return True
        with self._guard:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                return False
        return True  # the turn came between the time-out and the guard

    def release(self) -> None:
        """Hand on to the one who waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


APPLY_LOCK = 4_716_903
"""PostgreSQL's advisory lock of whoever publishes; a backup holds it shared. Any number of our own."""
