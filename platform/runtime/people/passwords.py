"""What a password must be, and how it is kept: argon2id, no rules of composition, nothing an attacker would try first.

Every comparison costs one hash, also where there is nothing to compare with (`Hasher.spend`): time tells nothing.
"""

from __future__ import annotations

from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerificationError

from guanxi.common.errors import FieldError, Invalid
from guanxi.common.text import fold, text_fault

SHORTEST = 10
LONGEST = 256
FEWEST_GUESSES = 10_000  # a password among the first ten thousand guesses of somebody who knows the name is refused
JUDGED = 72  # characters that are estimated; what is longer is not among the first guesses


def _base64(value: bytes) -> str:
    return b64encode(value).decode().rstrip("=")


class Hasher:
    """Hashes and verifies; `spent` counts the verifications, which is how tests see that no path is cheaper."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # as OWASP advises
        # Verified when there is no password: it has the form and the cost of a stored one, and no password gives it.
        made = self._hasher
        self._nobody = (
            f"$argon2id$v=19$m={made.memory_cost},t={made.time_cost},p={made.parallelism}"
            f"${_base64(bytes(made.salt_len))}${_base64(bytes(made.hash_len))}"
        )
        self.spent = 0

    def hash(self, password: str) -> str:
        """The stored form."""
        return self._hasher.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        """True when the password is the one; never raises."""
        self.spent += 1
        try:
            return self._hasher.verify(hashed, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError, Argon2Error, UnicodeEncodeError):
            return False

    def spend(self, password: str) -> None:
        """Take as long as `verify` for somebody who has no password."""
        self.verify(self._nobody, password)

    def outdated(self, hashed: str) -> bool:
        """True when the stored form was made with weaker parameters."""
        return self._hasher.check_needs_rehash(hashed)


HASHER = Hasher()


def password_fault(password: str, *known: str) -> str:
    """Why a password cannot be used, as a sentence; "" when it can. `known`: words others know about the person."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"A password has {SHORTEST} to {LONGEST} characters."
    if fault := text_fault(password):
        return fault
    from zxcvbn import zxcvbn  # a large library, needed only where a password is set

    words = [word for word in known if word]
    if fold(password) in {fold(word) for word in words}:
        return "This password is easy to guess: it is the name."
    if len(password) <= JUDGED and int(zxcvbn(password, user_inputs=words)["guesses"]) < FEWEST_GUESSES:
        return "This password is one of the first that would be guessed."
    return ""


def demand_usable(password: str, *known: str) -> None:
    """Raise Invalid, naming the field `password`, for a password that cannot be used."""
    fault = password_fault(password, *known)
    if fault:
        raise Invalid([FieldError("password", "length" if fault.startswith("A password has") else "rule", fault)])
