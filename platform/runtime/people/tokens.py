"""Bearer tokens: random, stored only as a hash, expiring, revocable; looked up in one statement."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from guanxi.common.clock import Clock

from ..ports import Database

PREFIX = "gx_"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is, with the people revision and the published version (0: none) read in the same statement."""

    user_id: int
    revision: int
    version: int


class Tokens:
    """Issues, finds and revokes tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._find = database.sql(
            "SELECT t.user_id, coalesce((SELECT value FROM gx_counters WHERE object = 'user' AND field = '' "
            "AND period = 'people'), 0), coalesce((SELECT version FROM gx_current WHERE id = 1), 0) "
            "FROM gx_tokens t WHERE t.sha256 = ? AND t.revoked_at IS NULL "
            "AND (t.expires_at IS NULL OR t.expires_at > ?)"
        )

    def issue(self, user_id: int, *, name: str, days: int) -> tuple[str, datetime]:
        """A new token, which only its owner ever sees, and when it ends."""
        token = PREFIX + secrets.token_urlsafe(32)
        now = self.clock.now()
        expires = now + timedelta(days=days)
        with self.database.write():
            self.database.execute(
                self.database.sql(
                    "INSERT INTO gx_tokens (sha256, user_id, name, at, expires_at) VALUES (?, ?, ?, ?, ?)"
                ),
                (_hash(token), user_id, name[:100], _stamp(now), _stamp(expires)),
            )
        return token, expires

    def find(self, token: str) -> Bearer | None:
        """Whose living token this is."""
        if not token.startswith(PREFIX) or len(token) > 100 or not token.isascii():
            return None
        row = self.database.one(self._find, (_hash(token), _stamp(self.clock.now())))
        return Bearer(int(row[0]), int(row[1]), int(row[2])) if row else None

    def revoke(self, token: str) -> None:
        """End a token; an unknown one is ended already."""
        if not token.isascii():
            return
        with self.database.write():
            self.database.execute(
                self.database.sql("UPDATE gx_tokens SET revoked_at = ? WHERE sha256 = ? AND revoked_at IS NULL"),
                (_stamp(self.clock.now()), _hash(token)),
            )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
