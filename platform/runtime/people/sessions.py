"""Sessions of the screens: an opaque random id in a cookie, its hash in a row that says whose it is and how long.

A look-up is one indexed row, read together with the people revision and the published version. It ends when it was not
used for a while, after a fixed time, at log-out, and with everything that ends a person's sessions (`ending`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from guanxi.common.clock import Clock
from guanxi.common.errors import GuanxiError

from ..ports import Database
from ..storage.rows import instant_text
from .ending import end_sessions

IDLE = timedelta(hours=8)
LONGEST = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=3)
MOST_SESSIONS = 50  # of one person; the longest unused make room


@dataclass(frozen=True, slots=True)
class Session:
    """A living session. `revision` and `version` were read in the same statement; `must` names what the person has to
    do first ("password", "totp").
    """

    id: int
    user_id: int
    csrf: str
    seen_at: str
    revision: int
    version: int
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def must(self) -> tuple[str, ...]:
        """What has to be done before anything else."""
        return tuple(str(word) for word in self.data.get("must", ()))


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(
        self, database: Database, clock: Clock, *, idle: timedelta = IDLE, longest: timedelta = LONGEST
    ) -> None:
        self.database = database
        self.clock = clock
        self.idle = idle
        self.longest = longest
        self._find = database.sql(
            "SELECT s.id, s.user_id, s.csrf, s.seen_at, coalesce((SELECT value FROM gx_counters WHERE object = 'user' "
            "AND field = '' AND period = 'people'), 0), coalesce((SELECT version FROM gx_current WHERE id = 1), 0), "
            "s.data FROM gx_sessions s WHERE s.sha256 = ? AND s.seen_at > ? AND s.expires_at > ?"
        )

    def begin(self, user_id: int, *, address: str, agent: str, must: Sequence[str] = (), how: str = "password") -> str:
        """A new session; answers the id that goes into the cookie and nowhere else."""
        token = secrets.token_urlsafe(32)
        now = self.clock.now()
        db = self.database
        with db.write():
            self._make_room(user_id, now)
            db.execute(
                db.sql(
                    "INSERT INTO gx_sessions (sha256, user_id, at, seen_at, expires_at, address, agent, csrf, data) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                ),
                (
                    _hash(token),
                    user_id,
                    instant_text(now),
                    instant_text(now),
                    instant_text(now + self.longest),
                    address[:64],
                    _plain(agent),
                    secrets.token_urlsafe(24),
                    json.dumps({"must": list(must), "how": how}),
                ),
            )
        return token

    def _make_room(self, user_id: int, now: datetime) -> None:
        db = self.database
        db.execute(
            db.sql("DELETE FROM gx_sessions WHERE user_id = ? AND (expires_at <= ? OR seen_at <= ?)"),
            (user_id, instant_text(now), instant_text(now - self.idle)),
        )
        db.execute(
            db.sql(
                "DELETE FROM gx_sessions WHERE user_id = ? AND id NOT IN (SELECT id FROM gx_sessions "
                "WHERE user_id = ? ORDER BY seen_at DESC, id DESC LIMIT ?)"
            ),
            (user_id, user_id, MOST_SESSIONS - 1),
        )

    def find(self, token: str) -> Session | None:
        """The living session of a cookie; notes now and then that it is in use."""
        if not 20 <= len(token) <= 100 or not token.isascii():
            return None
        now = self.clock.now()
        row = self.database.one(self._find, (_hash(token), instant_text(now - self.idle), instant_text(now)))
        if row is None:
            return None
        data = json.loads(row[6]) if row[6] != "{}" else {}
        found = Session(int(row[0]), int(row[1]), str(row[2]), str(row[3]), int(row[4]), int(row[5]), data)
        if found.seen_at < instant_text(now - SEEN_EVERY):
            with suppress(GuanxiError):  # a database that is busy does not hold the request up
                self._seen(found, now)
        return found

    def _seen(self, session: Session, now: datetime) -> None:
        db = self.database
        with db.write():
            db.execute(
                db.sql("UPDATE gx_sessions SET seen_at = ? WHERE id = ? AND seen_at = ?"),
                (instant_text(now), session.id, session.seen_at),
            )

    def done(self, session: Session, what: str) -> None:
        """The person did what had to be done first."""
        data = dict(session.data) | {"must": [word for word in session.must if word != what]}
        db = self.database
        with db.write():
            db.execute(db.sql("UPDATE gx_sessions SET data = ? WHERE id = ?"), (json.dumps(data), session.id))

    def rotate(self, session: Session) -> str:
        """A new id for a session whose person got more rights or a new password; the old one is dead."""
        token = secrets.token_urlsafe(32)
        db = self.database
        with db.write():
            db.execute(
                db.sql("UPDATE gx_sessions SET sha256 = ?, csrf = ? WHERE id = ?"),
                (_hash(token), secrets.token_urlsafe(24), session.id),
            )
        return token

    def end(self, token: str) -> None:
        """End the session of a cookie."""
        db = self.database
        with db.write():
            db.execute(db.sql("DELETE FROM gx_sessions WHERE sha256 = ?"), (_hash(token),))

    def end_one(self, user_id: int, session_id: int) -> bool:
        """End one of a person's sessions; False when it is not theirs or gone."""
        db = self.database
        with db.write():
            sql = db.sql("DELETE FROM gx_sessions WHERE id = ? AND user_id = ?")
            return db.execute(sql, (session_id, user_id)) == 1

    def end_all(self, user_id: int, *, keep: int = 0) -> int:
        """End a person's sessions but one; how many."""
        with self.database.write():
            return end_sessions(self.database, user_id, keep_session=keep)

    def of(self, user_id: int) -> list[dict[str, Any]]:
        """A person's living sessions, the last used first: id, at, seen_at, expires_at, address, agent."""
        now = self.clock.now()
        rows = self.database.rows(
            self.database.sql(
                "SELECT id, at, seen_at, expires_at, address, agent FROM gx_sessions WHERE user_id = ? "
                "AND expires_at > ? AND seen_at > ? ORDER BY seen_at DESC, id DESC"
            ),
            (user_id, instant_text(now), instant_text(now - self.idle)),
        )
        names = ("id", "at", "seen_at", "expires_at", "address", "agent")
        return [dict(zip(names, row, strict=True)) for row in rows]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _plain(agent: str) -> str:
    """What a browser says of itself, as one short line."""
    return "".join(c if c.isprintable() else " " for c in agent)[:200]
