"""Log-in: a name and a password, then a code where the person has a second factor, under one count of wrong tries.

Unknown, disabled, service and wrong read alike and cost alike. What a person has to do before anything else (a new
password, a second factor) is worked out here and kept with the session.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from guanxi.common.clock import Clock

from ..ports import Database
from .credentials import Account, Credentials
from .throttle import Throttle
from .totp import SecondFactor
from .trail import Trail


@dataclass(frozen=True, slots=True)
class Policy:
    """Second factors: whether people may have one, and the roles that must."""

    totp: bool = True
    required_for: frozenset[str] = frozenset()


class LogIn:
    """Judges log-ins for every channel."""

    def __init__(  # noqa: PLR0917 (one place calls it)
        self,
        database: Database,
        clock: Clock,
        credentials: Credentials,
        second: SecondFactor,
        trail: Trail,
        policy: Policy | None = None,
    ) -> None:
        self.credentials = credentials
        self.second = second
        self.trail = trail
        self.policy = policy or Policy()
        self.passwords = Throttle(database, clock, "login", self._full)
        self._codes = Throttle(database, clock, "code", self._full)

    def _full(self, address: str) -> None:
        self.trail.own("locked_out", None, address, outcome="refused")

    def password(self, name: str, password: str, address: str) -> Account | None:
        """The account of a right name and password. Raises TooManyRequests after too many wrong ones."""
        made = self.passwords.take(name, address)
        account = self.credentials.named(name)
        good = self.credentials.matches(account, password)
        if account is None or not good or not account.usable:
            self.trail.own("log_in_failed", account, address, outcome="refused")
            return None
        self.passwords.right(made)
        return account

    def asks_code(self, user_id: int) -> bool:
        """True when a code must follow the password."""
        return self.policy.totp and self.second.enrolled(user_id)

    def code(self, user_id: int, code: str, address: str) -> bool:
        """True for a right code, once. Raises TooManyRequests after too many wrong ones."""
        made = self._codes.take(str(user_id), address)
        if not self.second.verify(user_id, code):
            detail = {"by": "code"}
            self.trail.own(
                "log_in_failed", self.credentials.account(user_id), address, outcome="refused", detail=detail
            )
            return False
        self._codes.right(made)
        return True

    def must(self, account: Account, roles: AbstractSet[str], *, by_password: bool = True) -> tuple[str, ...]:
        """What this person has to do before anything else."""
        found = []
        if by_password and account.must_change:
            found.append("password")
        required = self.policy.totp and bool(self.policy.required_for & roles)
        if by_password and required and not self.second.enrolled(account.id):
            found.append("totp")
        return tuple(found)
