"""Wrong tries at a door, counted per account and per address in the database, so that all processes count as one.

A try is counted before it is judged and taken back when it was right: racing tries cannot slip past. A window passes
by itself, so nobody is locked out for good. The keys are made by the server: the folded name, the peer's address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from guanxi.common.clock import Clock
from guanxi.common.errors import TooManyRequests
from guanxi.common.text import fold

from ..ports import Database

PER_ACCOUNT = 10
PER_ADDRESS = 30
WINDOW = timedelta(minutes=5)
_TAKE = (
    "INSERT INTO gx_rate (key, tokens, at) VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET "
    "tokens = CASE WHEN gx_rate.at <= ? THEN 1 ELSE gx_rate.tokens + 1 END, "
    "at = CASE WHEN gx_rate.at <= ? THEN excluded.at ELSE gx_rate.at END RETURNING tokens, at"
)


@dataclass(frozen=True, slots=True)
class Try:
    """One try that was counted."""

    account: str
    address: str


class Throttle:
    """Counts tries of one kind of door ("login", "code", "reset")."""

    def __init__(
        self, database: Database, clock: Clock, door: str = "login", full: Callable[[str], None] | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self.door = door
        self._full = full  # told the address when a count has just been used up, once per window

    def take(self, account: str, address: str) -> Try:
        """Count a try. Raises TooManyRequests with the seconds until the window ends."""
        key = hashlib.sha256(fold(account[:256]).encode("utf-8", "replace")).hexdigest()[:32]
        made = Try(f"{self.door}:n:{key}", f"{self.door}:a:{address[:64]}")
        wait, first = 0, False
        with self.database.write():
            for name, most in ((made.account, PER_ACCOUNT), (made.address, PER_ADDRESS)):
                seconds, over = self._count(name, most)
                wait, first = max(wait, seconds), first or over == 1
        if wait:
            if first and self._full is not None:
                self._full(address)
            raise TooManyRequests(wait)
        return made

    def _count(self, key: str, most: int) -> tuple[int, int]:
        """Seconds to wait (0: none), and how far over the count this try is."""
        now = self.clock.now().timestamp()
        before = now - WINDOW.total_seconds()
        rows = self.database.returning(self.database.sql(_TAKE), (key, now, before, before))
        used, since = float(rows[0][0]), float(rows[0][1])
        wait = max(1, round(since + WINDOW.total_seconds() - now))
        return (wait, int(used - most)) if used > most else (0, 0)

    def right(self, made: Try) -> None:
        """The try was right: the account starts anew, the address gets it back."""
        db = self.database
        with db.write():
            db.execute(db.sql("DELETE FROM gx_rate WHERE key = ?"), (made.account,))
            db.execute(db.sql("UPDATE gx_rate SET tokens = tokens - 1 WHERE key = ? AND tokens > 0"), (made.address,))

    def sweep(self) -> int:
        """Forget windows that have passed; how many."""
        db = self.database
        with db.write():
            before = self.clock.now().timestamp() - WINDOW.total_seconds()
            return db.execute(db.sql("DELETE FROM gx_rate WHERE at <= ?"), (before,))
