"""Everything channels do with accounts, in one place: log-in, invitations, resets, own passwords, ending sessions.

A link leaves as a path ("/invite/…"); `address` is where people reach the instance, and only the settings say it: a
request's own host name may be forged, and would send a reset to whoever forged it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from guanxi.common.clock import Clock
from guanxi.common.errors import Conflict, FieldError, Forbidden, Invalid, NotFound

from ..access.actor import Actor
from ..audit import Audit
from ..ports import Database
from ..storage.rows import instant_text
from .credentials import Account, Credentials
from .identities import Identities
from .links import Kind, Link, Links
from .login import LogIn, Policy
from .mail import AccountMail
from .oidc import SingleSignOn, SingleSignOnSettings
from .passwords import demand_usable
from .sessions import Session, Sessions
from .throttle import Throttle
from .tokens import DAYS, Tokens
from .totp import SecondFactor
from .trail import Trail

LOCAL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What an instance says about accounts."""

    name: str = "Guanxi"
    address: str = ""
    policy: Policy = Policy()
    idle: timedelta = timedelta(hours=8)
    longest: timedelta = timedelta(days=30)
    secret: bytes = b"guanxi"
    single: SingleSignOnSettings | None = None


class AccountService:
    """See the module; one per process."""

    def __init__(
        self, database: Database, clock: Clock, settings: AccountSettings | None = None, audit: Audit | None = None
    ) -> None:
        self.settings = settings or AccountSettings()
        self.database = database
        self.clock = clock
        self.trail = Trail(audit or Audit(database, clock, self.settings.secret))
        self.credentials = Credentials(database, clock)
        self.tokens = Tokens(database, clock)
        self.sessions = Sessions(database, clock, idle=self.settings.idle, longest=self.settings.longest)
        self.links = Links(database, clock)
        self.second = SecondFactor(database, clock, self.settings.secret, self.settings.name)
        self.login = LogIn(database, clock, self.credentials, self.second, self.trail, self.settings.policy)
        self.mail = AccountMail(database, clock)
        self.single = SingleSignOn(self.settings.single, clock) if self.settings.single else None
        self.identities = Identities(database, clock, self.credentials)
        self._resets = Throttle(database, clock, "reset")
        self._anybody = False

    def anybody(self) -> bool:
        """True when somebody can log in at all; asked of the database until it is so."""
        if not self._anybody:
            sql = (
                "SELECT 1 FROM o_user u WHERE u.deleted_at IS NULL AND u.active AND (EXISTS "
                "(SELECT 1 FROM gx_credentials c WHERE c.user_id = u.id) OR EXISTS (SELECT 1 FROM gx_identities i "
                "WHERE i.user_id = u.id)) LIMIT 1"
            )
            self._anybody = self.single is not None or self.database.one(sql) is not None
        return self._anybody

    # links -------------------------------------------------------------------------------------------
    def invite(self, user_id: int, by: Actor) -> str:
        """The path of a new invitation; the person gets it by mail where there is an address."""
        return self._link(self._person(user_id), "invite", by)

    def reset_by_administrator(self, user_id: int, by: Actor) -> str:
        """Take the password away, end sessions and tokens, and answer the path of a link that sets a new one."""
        account = self._person(user_id)
        with self.database.write():
            self.credentials.clear_password(user_id)
            self.trail.by("password_reset", by, user_id)
            return self._link(account, "reset", by)

    def _link(self, account: Account, kind: Kind, by: Actor) -> str:
        with self.database.write():
            path = f"/{kind}/{self.links.make(account.id, kind, by.id)}"
            self.mail.send(account, kind, self.absolute(path), by.language)
            self.trail.by("password_reset", by, account.id, {"link": kind})
        return path

    def _person(self, user_id: int) -> Account:
        account = self.credentials.account(user_id)
        if account is None:
            raise NotFound("There is no such record.")
        if account.service:
            raise Conflict("A service account has no password; make it a token.", code="service_account")
        if not account.active:
            raise Conflict("This person is disabled.", code="inactive")
        return account

    def request_reset(self, name: str, address: str, language: str) -> None:
        """Somebody asks for a way to a new password. The same work is done whether or not the person exists.

        Raises TooManyRequests after too many.
        """
        self._resets.take(name, address)
        found = self.credentials.named(name)
        account = found if found is not None and found.usable else None
        with self.database.write():
            token = self.links.make(account.id if account else 0, "reset")
            self.mail.send(account, "reset", self.absolute(f"/reset/{token}"), language)

    def absolute(self, path: str) -> str:
        """A path as people can open it from outside."""
        return (self.settings.address or LOCAL).rstrip("/") + path

    def by_link(self, token: str) -> tuple[Link, Account] | None:
        """The living link and whose it is."""
        link = self.links.find(token)
        account = self.credentials.account(link.user_id) if link else None
        return (link, account) if link is not None and account is not None and account.usable else None

    def set_by_link(self, token: str, password: str, address: str = "") -> Account:
        """Set the password a link is for and use the link up. Raises NotFound for a dead one, Invalid."""
        found = self.by_link(token)
        if found is None:
            raise NotFound("This link has been used or is too old.", code="link")
        link, account = found
        demand_usable(password, account.name, account.email)
        with self.database.write():
            if not self.links.use(link):
                raise NotFound("This link has been used or is too old.", code="link")
            self.credentials.set_password(account.id, password)
            self.trail.own("password_changed", account, address, detail={"by": link.kind})
        return account

    def set_by_operator(self, user_id: int, password: str, by: Actor, *, must_change: bool = False) -> None:
        """A password set for somebody by who runs the instance; sessions and tokens end."""
        account = self._person(user_id)
        demand_usable(password, account.name, account.email)
        with self.database.write():
            self.credentials.set_password(user_id, password, must_change=must_change)
            self.trail.by("password_reset", by, user_id)

    # one's own ---------------------------------------------------------------------------------------
    def change_password(self, who: Actor, old: str, new: str, session: Session | None = None) -> None:
        """A person's own change: the old password is asked for; other sessions and all tokens end."""
        account = self.credentials.account(who.id or 0)
        if account is None or account.service:
            raise Forbidden("This account has no password.")
        made = self.login.passwords.take(account.name, who.address)
        if not self.credentials.matches(account, old):
            self.trail.own("password_changed", account, who.address, outcome="refused")
            raise Invalid([FieldError("old", "rule", "The present password is wrong.")])
        self.login.passwords.right(made)
        if old == new:
            raise Invalid([FieldError("password", "rule", "The new password is the present one.")])
        with self.database.write():
            self.credentials.set_password(account.id, new, keep_session=session.id if session else 0)
            self.trail.by("password_changed", who, account.id)

    def make_token(
        self, user_id: int, by: Actor, *, name: str, days: int = DAYS, scopes: tuple[str, ...] = (), objects: Any = ()
    ) -> dict[str, Any]:
        """A new token for `user_id`, shown this once: token, name, scopes, expires_at."""
        if not name.strip():
            raise Invalid([FieldError("name", "required", "A token needs a name.")])
        with self.database.write():
            token, expires = self.tokens.issue(user_id, name=name.strip(), days=days, scopes=scopes, objects=objects)
            detail = {"name": name.strip()[:100], "until": instant_text(expires)[:10], "scopes": list(scopes)}
            self.trail.by("token_issued", by, user_id, detail)
        made = self.tokens.of(user_id)[0]
        return {
            "id": made["id"],
            "name": made["name"],
            "scopes": made["scopes"],
            "token": token,
            "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def revoke_token(self, user_id: int, token_id: int, by: Actor) -> None:
        """End one of a person's tokens. Raises NotFound."""
        if not self.tokens.revoke_one(user_id, token_id):
            raise NotFound("There is no such token.")
        self.trail.by("token_revoked", by, user_id)

    def end_session(self, user_id: int, session_id: int, by: Actor) -> None:
        """End one of a person's sessions. Raises NotFound."""
        if not self.sessions.end_one(user_id, session_id):
            raise NotFound("There is no such session.")
        self.trail.by("session_ended", by, user_id)

    def end_sessions(self, user_id: int, by: Actor, *, keep: int = 0) -> int:
        """End a person's sessions, but `keep`; how many."""
        count = self.sessions.end_all(user_id, keep=keep)
        self.trail.by("session_ended", by, user_id, {"count": count})
        return count

    def reset_second(self, user_id: int, by: Actor) -> None:
        """Take a person's second factor away and end the sessions."""
        with self.database.write():
            self.second.remove(user_id)
            self.sessions.end_all(user_id)
            self.trail.by("second_factor_changed", by, user_id, {"now": "none"})
