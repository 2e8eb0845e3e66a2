"""Rate limits: a fixed window of a minute per caller and per address, told in `RateLimit` headers.

General requests are counted in the process (a look costs a microsecond); the tries of a log-in are counted in the
database, so that they hold over all workers. The keys are derived by the server, never from the body alone.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from guanxi.common.errors import TooManyRequests

WINDOW = 60
MOST_KEYS = 50_000


@dataclass(slots=True)
class Budget:
    """What is left in the present window."""

    limit: int
    remaining: int
    reset: int


class Limiter:
    """Counts per key and window in this process."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._counts: OrderedDict[str, list[int]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, cost: int = 1) -> Budget:
        """Count one request; raises TooManyRequests over the limit."""
        now = int(time.monotonic())
        window, passed = divmod(now, WINDOW)
        with self._lock:
            entry = self._counts.get(key)
            if entry is None or entry[0] != window:
                entry = self._counts[key] = [window, 0]
                self._counts.move_to_end(key)
                while len(self._counts) > MOST_KEYS:
                    self._counts.popitem(last=False)
            entry[1] += cost
            used = entry[1]
        left = WINDOW - passed
        if used > self.limit:
            raise TooManyRequests(left)
        return Budget(self.limit, self.limit - used, left)
