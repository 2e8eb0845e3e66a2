"""Whose account a proven identity is: the one it is tied to, else the one with its verified e-mail address, else a new
one where the settings say so. Roles that the provider's groups give follow at every log-in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from guanxi.common.clock import Clock

from ..access.actor import SYSTEM
from ..ports import Database, Records
from ..query.request import ListQuery
from ..storage.rows import instant_text
from .credentials import Account, Credentials
from .oidc import Refused, SingleSignOnSettings

_UNFIT = re.compile(r"[^A-Za-z0-9_.@+-]+")
UNKNOWN = "There is no account for you here. Ask an administrator."


class Identities:
    """Finds and makes accounts; writes people through the record service."""

    def __init__(self, database: Database, clock: Clock, credentials: Credentials) -> None:
        self.database = database
        self.clock = clock
        self.credentials = credentials

    def account(self, claims: Mapping[str, Any], settings: SingleSignOnSettings, records: Records) -> Account:
        """The account of verified claims. Raises Refused."""
        found = self._tied(settings.issuer, str(claims["sub"])) or self._by_email(claims)
        if found is None:
            if not settings.create:
                raise Refused(UNKNOWN)
            found = self._new(claims, settings, records)
        if not found.usable:
            raise Refused(UNKNOWN)
        self._tie(settings.issuer, str(claims["sub"]), found.id)
        self._follow_roles(found.id, claims, settings, records)
        return found

    def _tied(self, issuer: str, subject: str) -> Account | None:
        sql = "SELECT user_id FROM gx_identities WHERE issuer = ? AND subject = ?"
        row = self.database.one(self.database.sql(sql), (issuer, subject))
        return self.credentials.account(int(row[0])) if row else None

    def _by_email(self, claims: Mapping[str, Any]) -> Account | None:
        """Only an address that the provider vouches for names an account that exists."""
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            return None
        return self.credentials.by_email(email)

    def _tie(self, issuer: str, subject: str, user_id: int) -> None:
        db = self.database
        with db.write():
            db.execute(
                db.sql(
                    "INSERT INTO gx_identities (issuer, subject, user_id, at) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (issuer, subject) DO UPDATE SET user_id = excluded.user_id "
                    "WHERE gx_identities.user_id <> excluded.user_id"
                ),
                (issuer, subject, user_id, instant_text(self.clock.now())),
            )

    def _new(self, claims: Mapping[str, Any], settings: SingleSignOnSettings, records: Records) -> Account:
        email = claims.get("email")
        verified = claims.get("email_verified") is True and isinstance(email, str)
        wanted = claims.get(settings.name_claim) or (str(email).partition("@")[0] if verified else "")
        name = _UNFIT.sub("", str(wanted))[:64]
        if not name:
            raise Refused("The provider does not say what you are called.")
        if self.credentials.named(name) is not None:
            raise Refused("There is an account of this name already, which is not tied to the provider.")
        values: dict[str, Any] = {"name": name, "full_name": str(claims.get("name") or name)[:120]}
        if verified:
            values["email"] = email
        values["roles"] = self._role_ids(settings.roles, records)
        saved = records.create(SYSTEM, "user", values)
        made = self.credentials.account(saved.id)
        if made is None:
            raise Refused(UNKNOWN)
        return made

    def _follow_roles(
        self, user_id: int, claims: Mapping[str, Any], settings: SingleSignOnSettings, records: Records
    ) -> None:
        """Roles that groups map to are given and taken; others stay as administrators gave them."""
        if not settings.role_claim:
            return
        said = claims.get(settings.role_claim)
        groups = {str(one) for one in said} if isinstance(said, list) else {str(said)} if said else set()
        mapped = set(self._role_ids(settings.role_map.values(), records))
        wanted = set(self._role_ids((r for g, r in settings.role_map.items() if g in groups), records))
        have = set(records.get(SYSTEM, "user", user_id, fields=("roles",)).get("roles") or ())
        now = (have - mapped) | wanted
        if now != have:
            records.update(SYSTEM, "user", user_id, {"roles": sorted(now)})

    @staticmethod
    def _role_ids(names: Iterable[str], records: Records) -> list[int]:
        wanted = set(names)
        if not wanted:
            return []
        rows = records.list(SYSTEM, ListQuery(object="role", fields=("id", "name"), limit=500)).data
        return sorted(int(row["id"]) for row in rows if row["name"] in wanted)
