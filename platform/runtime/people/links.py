"""One-time links to an account: an invitation, or the way to a new password. Random, kept as a hash, expiring.

A link is used up by the password it sets, in one conditional statement; a new one of its kind makes the older useless.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from guanxi.common.clock import Clock

from ..ports import Database
from ..storage.rows import instant_text

Kind = Literal["invite", "reset"]
LASTS: dict[str, timedelta] = {"invite": timedelta(days=7), "reset": timedelta(minutes=30)}


@dataclass(frozen=True, slots=True)
class Link:
    """A living link."""

    id: int
    user_id: int
    kind: str


class Links:
    """Makes, finds and uses links."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def make(self, user_id: int, kind: Kind, by: int | None = None) -> str:
        """The secret part of a new link; older ones of this kind end."""
        token = secrets.token_urlsafe(32)
        now = self.clock.now()
        db = self.database
        with db.write():
            self._end(user_id, kind, instant_text(now))
            db.execute(
                db.sql(
                    "INSERT INTO gx_account_links (sha256, user_id, kind, at, expires_at, by_id) "
                    "VALUES (?, ?, ?, ?, ?, ?)"
                ),
                (_hash(token), user_id, kind, instant_text(now), instant_text(now + LASTS[kind]), by),
            )
        return token

    def find(self, token: str) -> Link | None:
        """The living link with this secret."""
        if not 20 <= len(token) <= 100:
            return None
        row = self.database.one(
            self.database.sql(
                "SELECT id, user_id, kind FROM gx_account_links WHERE sha256 = ? AND used_at IS NULL AND expires_at > ?"
            ),
            (_hash(token), instant_text(self.clock.now())),
        )
        return Link(int(row[0]), int(row[1]), str(row[2])) if row else None

    def use(self, link: Link) -> bool:
        """Use a link up, inside `write()`; False when somebody was faster."""
        db = self.database
        now = instant_text(self.clock.now())
        sql = "UPDATE gx_account_links SET used_at = ? WHERE id = ? AND used_at IS NULL AND expires_at > ?"
        return db.execute(db.sql(sql), (now, link.id, now)) == 1

    def _end(self, user_id: int, kind: str, now: str) -> None:
        db = self.database
        sql = "UPDATE gx_account_links SET used_at = ? WHERE user_id = ? AND kind = ? AND used_at IS NULL"
        db.execute(db.sql(sql), (now, user_id, kind))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
