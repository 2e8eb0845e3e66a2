"""A second factor: time-based one-time codes (RFC 6238) and recovery codes.

The shared secret is encrypted with the instance's key; a code holds for its 30 seconds and the step beside it, and
once: the step is taken in a conditional statement. Recovery codes are random, kept as hashes, and each holds once.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

import pyotp
from cryptography.fernet import Fernet, InvalidToken

from guanxi.common.clock import Clock

from ..ports import Database
from ..storage.rows import instant_text

STEP = 30
BESIDE = 1
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret that waits for its first code, and the address that apps read from the QR code."""

    secret: str
    uri: str


class SecondFactor:
    """Enrols, verifies and takes away second factors. `key` is the instance's secret."""

    def __init__(self, database: Database, clock: Clock, key: bytes, issuer: str = "Guanxi") -> None:
        self.database = database
        self.clock = clock
        self.issuer = issuer
        self._box = Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"second factor" + key).digest()))

    def enrolled(self, user_id: int) -> bool:
        """True when the person is asked for a code at log-in."""
        sql = "SELECT 1 FROM gx_totp WHERE user_id = ? AND confirmed_at IS NOT NULL"
        return self.database.one(self.database.sql(sql), (user_id,)) is not None

    def begin(self, user_id: int, name: str) -> Enrolment:
        """A new secret in place of one that was never confirmed; does nothing to a confirmed one (see `enrolled`)."""
        secret = pyotp.random_base32()
        db = self.database
        with db.write():
            db.execute(
                db.sql(
                    "INSERT INTO gx_totp (user_id, secret, at) VALUES (?, ?, ?) ON CONFLICT (user_id) DO UPDATE "
                    "SET secret = excluded.secret, at = excluded.at, last_step = 0 WHERE gx_totp.confirmed_at IS NULL"
                ),
                (user_id, self._box.encrypt(secret.encode()).decode(), instant_text(self.clock.now())),
            )
        return self._enrolment(secret, name)

    def pending(self, user_id: int, name: str) -> Enrolment | None:
        """The secret that waits for its first code."""
        sql = "SELECT secret FROM gx_totp WHERE user_id = ? AND confirmed_at IS NULL"
        row = self.database.one(self.database.sql(sql), (user_id,))
        secret = self._opened(str(row[0])) if row else ""
        return self._enrolment(secret, name) if secret else None

    def _enrolment(self, secret: str, name: str) -> Enrolment:
        return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self.issuer))

    def confirm(self, user_id: int, code: str) -> tuple[str, ...] | None:
        """The recovery codes, shown once, when the code is right; None otherwise."""
        db = self.database
        with db.write():
            if not self._take_step(user_id, code, confirmed=False):
                return None
            sql = "UPDATE gx_totp SET confirmed_at = ? WHERE user_id = ? AND confirmed_at IS NULL"
            if db.execute(db.sql(sql), (instant_text(self.clock.now()), user_id)) != 1:
                return None
            return self.new_recovery_codes(user_id)

    def new_recovery_codes(self, user_id: int) -> tuple[str, ...]:
        """New recovery codes in place of the old ones."""
        codes = tuple("-".join(_part() for _ in range(4)) for _ in range(RECOVERY_CODES))
        db = self.database
        with db.write():
            db.execute(db.sql("DELETE FROM gx_recovery_codes WHERE user_id = ?"), (user_id,))
            db.execute_many(
                db.sql("INSERT INTO gx_recovery_codes (user_id, sha256) VALUES (?, ?)"),
                [(user_id, _hash(code)) for code in codes],
            )
        return codes

    def left(self, user_id: int) -> int:
        """How many recovery codes are unused."""
        sql = "SELECT count(*) FROM gx_recovery_codes WHERE user_id = ? AND used_at IS NULL"
        row = self.database.one(self.database.sql(sql), (user_id,))
        return int(row[0]) if row else 0

    def verify(self, user_id: int, code: str) -> bool:
        """True once for a code of now, or for a recovery code."""
        given = "".join(code.split()).lower()[:64]
        with self.database.write():
            if given.isascii() and given.isdigit():
                return self._take_step(user_id, given, confirmed=True)
            return self._take_recovery_code(user_id, given)

    def _take_step(self, user_id: int, code: str, *, confirmed: bool) -> bool:
        db = self.database
        row = db.one(db.sql("SELECT secret, confirmed_at FROM gx_totp WHERE user_id = ?"), (user_id,))
        if row is None or (row[1] is not None) is not confirmed:
            return False
        step = self._step_of(self._opened(str(row[0])), "".join(code.split()))
        if step is None:
            return False
        sql = "UPDATE gx_totp SET last_step = ? WHERE user_id = ? AND last_step < ?"
        return db.execute(db.sql(sql), (step, user_id, step)) == 1

    def _step_of(self, secret: str, code: str) -> int | None:
        if not secret or len(code) != 6 or not (code.isascii() and code.isdigit()):
            return None
        here = int(self.clock.now().timestamp()) // STEP
        maker = pyotp.TOTP(secret)
        found = None
        for step in range(here - BESIDE, here + BESIDE + 1):
            if secrets.compare_digest(maker.at(step * STEP), code):
                found = step
        return found

    def _take_recovery_code(self, user_id: int, code: str) -> bool:
        db = self.database
        sql = "UPDATE gx_recovery_codes SET used_at = ? WHERE user_id = ? AND sha256 = ? AND used_at IS NULL"
        return db.execute(db.sql(sql), (instant_text(self.clock.now()), user_id, _hash(code))) == 1

    def remove(self, user_id: int) -> None:
        """Take the second factor and its recovery codes away."""
        db = self.database
        with db.write():
            db.execute(db.sql("DELETE FROM gx_totp WHERE user_id = ?"), (user_id,))
            db.execute(db.sql("DELETE FROM gx_recovery_codes WHERE user_id = ?"), (user_id,))

    def _opened(self, sealed: str) -> str:
        try:
            return self._box.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return ""  # the instance's key is another one: no code can be right until an administrator resets it


def _part() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(4))


def _hash(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode("utf-8", "replace")).hexdigest()
