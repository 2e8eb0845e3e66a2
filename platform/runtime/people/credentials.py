"""Passwords of people, and the account a log-in name stands for. Service accounts have none.

A password that is set ends everything that was begun with the one before.
"""

from __future__ import annotations

from dataclasses import dataclass

from guanxi.common.clock import Clock
from guanxi.common.text import fold, text_fault

from ..ports import Database
from ..storage.rows import instant_text
from .ending import end_everything
from .passwords import HASHER, LONGEST, Hasher, demand_usable


@dataclass(frozen=True, slots=True)
class Account:
    """What log-in needs of one person; `password` is "" where there is none."""

    id: int
    name: str
    active: bool
    service: bool
    email: str
    password: str
    changed_at: str
    must_change: bool
    language: str = ""

    @property
    def usable(self) -> bool:
        """True when this account may be used by a person."""
        return self.active and not self.service


_ACCOUNT = (
    "SELECT u.id, u.name, u.active, u.kind, u.email, c.password, c.at, c.must_change, u.language "
    "FROM o_user u LEFT JOIN gx_credentials c ON c.user_id = u.id WHERE u.deleted_at IS NULL AND "
)


class Credentials:
    """Sets and verifies passwords. The user's row is found by its folded log-in name, or by an e-mail of one person."""

    def __init__(self, database: Database, clock: Clock, hasher: Hasher = HASHER) -> None:
        self.database = database
        self.clock = clock
        self.hasher = hasher

    def account(self, user_id: int) -> Account | None:
        """A person by id."""
        row = self.database.one(self.database.sql(_ACCOUNT + "u.id = ?"), (user_id,))
        return _account(row) if row else None

    def named(self, name: str) -> Account | None:
        """A person by log-in name, else by an e-mail address that only one has."""
        if text_fault(name) or not 0 < len(name) <= LONGEST:
            return None
        row = self.database.one(self.database.sql(_ACCOUNT + "u.u_name = ?"), (fold(name),))
        if row is None and "@" in name:
            return self.by_email(name)
        return _account(row) if row else None

    def by_email(self, email: str) -> Account | None:
        """The one person with this address; None when there are several."""
        rows = self.database.rows(self.database.sql(_ACCOUNT + "lower(u.email) = ? LIMIT 2"), (email.strip().lower(),))
        return _account(rows[0]) if len(rows) == 1 else None

    def set_password(self, user_id: int, password: str, *, must_change: bool = False, keep_session: int = 0) -> None:
        """Store a new password; ends the person's sessions (but `keep_session`) and tokens. Raises Invalid."""
        account = self.account(user_id)
        demand_usable(password, account.name if account else "", account.email if account else "")
        hashed = self.hasher.hash(password)
        now = instant_text(self.clock.now())
        db = self.database
        with db.write():
            db.execute(
                db.sql(
                    "INSERT INTO gx_credentials (user_id, password, at, must_change) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, at = excluded.at, "
                    "must_change = excluded.must_change"
                ),
                (user_id, hashed, now, int(must_change)),
            )
            end_everything(db, user_id, now, keep_session=keep_session)

    def clear_password(self, user_id: int) -> None:
        """Take the password away: until a new one is set nobody logs in with one."""
        db = self.database
        with db.write():
            db.execute(db.sql("DELETE FROM gx_credentials WHERE user_id = ?"), (user_id,))
            end_everything(db, user_id, instant_text(self.clock.now()))

    def changed_at(self, user_id: int) -> str:
        """When the password was last set, as an instant text; "" when there is none."""
        row = self.database.one(self.database.sql("SELECT at FROM gx_credentials WHERE user_id = ?"), (user_id,))
        return str(row[0]) if row else ""

    def matches(self, account: Account | None, password: str) -> bool:
        """True when this is the account's password; one hash whatever the answer is, and for nobody too."""
        if account is None or not account.password or text_fault(password):
            self.hasher.spend(password)
            return False
        good = self.hasher.verify(account.password, password)
        if good and self.hasher.outdated(account.password):
            self._rehash(account.id, password)
        return good

    def authenticate(self, name: str, password: str) -> int | None:
        """The id of the active person with this name and password, or None. Tries are not counted here."""
        account = self.named(name)
        good = self.matches(account, password)
        return account.id if account and good and account.usable else None

    def _rehash(self, user_id: int, password: str) -> None:
        db = self.database
        with db.write():
            db.execute(
                db.sql("UPDATE gx_credentials SET password = ? WHERE user_id = ?"),
                (self.hasher.hash(password), user_id),
            )


def _account(row: tuple[object, ...]) -> Account:
    return Account(
        id=int(str(row[0])),
        name=str(row[1] or ""),
        active=bool(row[2]),
        service=row[3] == "service",
        email=str(row[4] or ""),
        password=str(row[5] or ""),
        changed_at=str(row[6] or ""),
        must_change=bool(row[7]),
        language=str(row[8] or ""),
    )
