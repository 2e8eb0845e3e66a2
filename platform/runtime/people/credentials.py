"""Passwords: argon2id, the same time for an unknown user, tries counted per user in the database."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerificationError

from guanxi.common.clock import Clock
from guanxi.common.errors import FieldError, Invalid, TooManyRequests
from guanxi.common.text import fold, text_fault

from ..ports import Database

SHORTEST = 8
LONGEST = 256
FREE_TRIES = 10
PAUSE = timedelta(minutes=1)
_HASHER = PasswordHasher()


def _base64(value: bytes) -> str:
    return b64encode(value).decode().rstrip("=")


# Verified when the user is unknown, so that both answers take one hash. It has the form and the cost of a stored one,
# and no password gives it; making a real one would hold up every start and fill 64 MB.
_NOBODY = (
    f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    f"${_base64(bytes(_HASHER.salt_len))}${_base64(bytes(_HASHER.hash_len))}"
)


class Credentials:
    """Sets and verifies passwords. The user's row is found by its folded log-in name."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def set_password(self, user_id: int, password: str) -> None:
        """Store a new password; ends the user's sessions and tokens. Raises Invalid for an unusable one."""
        fault = password_fault(password)
        if fault:
            raise Invalid([FieldError("password", "length", fault)])
        hashed = _HASHER.hash(password)
        now = _stamp(self.clock.now())
        db = self.database
        with db.write():
            db.execute(
                db.sql(
                    "INSERT INTO gx_credentials (user_id, password, at) VALUES (?, ?, ?) ON CONFLICT (user_id) "
                    "DO UPDATE SET password = excluded.password, at = excluded.at, failed = 0, failed_at = NULL, "
                    "locked_until = NULL"
                ),
                (user_id, hashed, now),
            )
            db.execute(db.sql("DELETE FROM gx_sessions WHERE user_id = ?"), (user_id,))
            db.execute(
                db.sql("UPDATE gx_tokens SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL"), (now, user_id)
            )

    def changed_at(self, user_id: int) -> str:
        """When the password was last set, as an instant text; "" when there is none."""
        row = self.database.one(self.database.sql("SELECT at FROM gx_credentials WHERE user_id = ?"), (user_id,))
        return str(row[0]) if row else ""

    def authenticate(self, name: str, password: str) -> int | None:
        """The id of the active user with this name and password, or None.

        Raises TooManyRequests after too many wrong tries; the pause is told alike for users that do not exist.
        """
        db = self.database
        row = None
        if not text_fault(name) and len(name) <= LONGEST:
            row = db.one(
                db.sql(
                    "SELECT u.id, c.password, c.locked_until, u.active FROM o_user u JOIN gx_credentials c "
                    "ON c.user_id = u.id WHERE u.u_name = ? AND u.deleted_at IS NULL"
                ),
                (fold(name),),
            )
        now = self.clock.now()
        if row is not None and row[2] and str(row[2]) > _stamp(now):
            _matches(_NOBODY, password)
            raise TooManyRequests(int(PAUSE.total_seconds()))
        good = _matches(str(row[1]) if row else _NOBODY, password)
        if row is None:
            return None
        if not good:
            self._count_failure(int(row[0]), now)
            return None
        if not row[3]:
            return None
        self._forget_failures(int(row[0]), str(row[1]), password)
        return int(row[0])

    def _count_failure(self, user_id: int, now: datetime) -> None:
        db = self.database
        with db.write():
            db.execute(
                db.sql(
                    "UPDATE gx_credentials SET failed = failed + 1, failed_at = ?, locked_until = "
                    "CASE WHEN failed + 1 >= ? THEN ? ELSE NULL END WHERE user_id = ?"
                ),
                (_stamp(now), FREE_TRIES, _stamp(now + PAUSE), user_id),
            )

    def _forget_failures(self, user_id: int, hashed: str, password: str) -> None:
        db = self.database
        with db.write():
            db.execute(
                db.sql("UPDATE gx_credentials SET failed = 0, locked_until = NULL WHERE user_id = ? AND failed > 0"),
                (user_id,),
            )
            if _HASHER.check_needs_rehash(hashed):
                db.execute(
                    db.sql("UPDATE gx_credentials SET password = ? WHERE user_id = ?"),
                    (_HASHER.hash(password), user_id),
                )


def password_fault(password: str) -> str:
    """Why a password cannot be used, as a sentence; "" when it can."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"A password has {SHORTEST} to {LONGEST} characters."
    return text_fault(password)


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError, Argon2Error, UnicodeEncodeError):
        return False


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
