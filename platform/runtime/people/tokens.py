"""Bearer tokens: random, stored only as a hash, named, scoped, expiring, revocable; looked up in one statement."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from guanxi.common.clock import Clock
from guanxi.common.errors import FieldError, GuanxiError, Invalid

from ..ports import Database
from ..storage.rows import instant_text
from .scopes import checked

PREFIX = "gx_"
DAYS = 90
MOST_DAYS = 365
MOST_TOKENS = 200  # living ones of one person
USED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is and what it may do, with the people revision and the published version (0: none) read in the
    same statement.
    """

    user_id: int
    revision: int
    version: int
    id: int = 0
    scopes: tuple[str, ...] = ()


class Tokens:
    """Issues, finds and revokes tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._find = database.sql(
            "SELECT t.user_id, coalesce((SELECT value FROM gx_counters WHERE object = 'user' AND field = '' "
            "AND period = 'people'), 0), coalesce((SELECT version FROM gx_current WHERE id = 1), 0), "
            "t.id, t.scopes, t.used_at FROM gx_tokens t WHERE t.sha256 = ? AND t.revoked_at IS NULL "
            "AND (t.expires_at IS NULL OR t.expires_at > ?)"
        )

    def issue(
        self, user_id: int, *, name: str, days: int = DAYS, scopes: Iterable[str] = (), objects: Iterable[str] = ()
    ) -> tuple[str, datetime]:
        """A new token, which only its owner ever sees, and when it ends. Raises Invalid for unusable values."""
        if not 1 <= days <= MOST_DAYS:
            raise Invalid([FieldError("days", "range", f"A token lasts 1 to {MOST_DAYS} days.")])
        words = " ".join(checked(scopes, objects))
        token = PREFIX + secrets.token_urlsafe(32)
        now = self.clock.now()
        expires = now + timedelta(days=days)
        db = self.database
        with db.write():
            self._make_room(user_id, instant_text(now))
            db.execute(
                db.sql(
                    "INSERT INTO gx_tokens (sha256, user_id, name, scopes, at, expires_at) VALUES (?, ?, ?, ?, ?, ?)"
                ),
                (_hash(token), user_id, name[:100], words, instant_text(now), instant_text(expires)),
            )
        return token, expires

    def _make_room(self, user_id: int, now: str) -> None:
        """Dead tokens of a person are forgotten; too many living ones are refused."""
        db = self.database
        dead = "DELETE FROM gx_tokens WHERE user_id = ? AND (revoked_at IS NOT NULL OR expires_at <= ?)"
        db.execute(db.sql(dead), (user_id, now))
        row = db.one(db.sql("SELECT count(*) FROM gx_tokens WHERE user_id = ?"), (user_id,))
        if row and int(row[0]) >= MOST_TOKENS:
            raise Invalid([FieldError("", "rule", f"There are {MOST_TOKENS} tokens already; revoke one first.")])

    def find(self, token: str) -> Bearer | None:
        """Whose living token this is; notes now and then that it is in use."""
        if not token.startswith(PREFIX) or len(token) > 100 or not token.isascii():
            return None
        now = self.clock.now()
        row = self.database.one(self._find, (_hash(token), instant_text(now)))
        if row is None:
            return None
        if row[5] is None or str(row[5]) < instant_text(now - USED_EVERY):
            with suppress(GuanxiError):  # a database that is busy does not hold the request up
                self._used(int(row[3]), row[5], now)
        return Bearer(int(row[0]), int(row[1]), int(row[2]), int(row[3]), tuple(str(row[4]).split()))

    def _used(self, token_id: int, before: object, now: datetime) -> None:
        db = self.database
        with db.write():
            sql = "UPDATE gx_tokens SET used_at = ? WHERE id = ? AND coalesce(used_at, '') = ?"
            db.execute(db.sql(sql), (instant_text(now), token_id, before or ""))

    def revoke(self, token: str) -> None:
        """End a token; an unknown one is ended already."""
        if not token.isascii():
            return
        with self.database.write():
            self.database.execute(
                self.database.sql("UPDATE gx_tokens SET revoked_at = ? WHERE sha256 = ? AND revoked_at IS NULL"),
                (instant_text(self.clock.now()), _hash(token)),
            )

    def revoke_one(self, user_id: int, token_id: int) -> bool:
        """End one of a person's tokens; False when it is not theirs or ended."""
        db = self.database
        with db.write():
            sql = "UPDATE gx_tokens SET revoked_at = ? WHERE id = ? AND user_id = ? AND revoked_at IS NULL"
            return db.execute(db.sql(sql), (instant_text(self.clock.now()), token_id, user_id)) == 1

    def of(self, user_id: int) -> list[dict[str, Any]]:
        """A person's living tokens, the newest first: id, name, scopes, at, expires_at, used_at. Never the secret."""
        rows = self.database.rows(
            self.database.sql(
                "SELECT id, name, scopes, at, expires_at, used_at FROM gx_tokens WHERE user_id = ? "
                "AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) ORDER BY id DESC"
            ),
            (user_id, instant_text(self.clock.now())),
        )
        names = ("id", "name", "scopes", "at", "expires_at", "used_at")
        return [dict(zip(names, row, strict=True)) | {"scopes": str(row[2]).split()} for row in rows]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
