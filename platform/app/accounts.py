"""People from the command line and for the demo: users with teams, roles and passwords; the first administrator."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from guanxi.common.errors import FieldError, Invalid
from guanxi.common.names import did_you_mean
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.people.passwords import demand_usable
from guanxi.runtime.people.service import AccountService
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.services import Services

from .account_settings import account_settings
from .instance import Instance

ADMINISTRATOR = "administrator"


class Accounts:
    """Adds and changes people through the record service, as `actor`."""

    def __init__(self, instance: Instance, services: Services, actor: Actor = SYSTEM) -> None:
        self.services = services
        self.actor = actor
        self.service = AccountService(instance.database, instance.clock, account_settings(instance), instance.audit)
        self.credentials = self.service.credentials
        self.tokens = self.service.tokens

    def find(self, object_name: str, field: str, value: str) -> int | None:
        """The id of the one record with this value."""
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        query = ListQuery(object=object_name, where=f'{field} == "{quoted}"', fields=("id",), limit=1)
        found = self.services.records.list(SYSTEM, query).data
        return int(found[0]["id"]) if found else None

    def user_id(self, name: str) -> int:
        """The id of a user. Raises Invalid with the nearest name."""
        found = self.find("user", "name", name)
        if found is None:
            page = self.services.records.list(SYSTEM, ListQuery(object="user", fields=("name",), limit=500))
            hint = did_you_mean(name, [str(row["name"]) for row in page.data])
            raise Invalid([FieldError("name", "reference", f"no user '{name}'" + (f" ({hint})" if hint else ""))])
        return found

    def add(
        self,
        name: str,
        *,
        password: str | None = None,
        roles: Iterable[str] = (),
        team: str | None = None,
        manager: str | None = None,
        service: bool = False,
        **fields: Any,
    ) -> tuple[int, str]:
        """A new user and the password (made here when none is given; none for a service account). A team that is not
        there is made.
        """
        values: dict[str, Any] = {"name": name, **fields}
        values.setdefault("full_name", name)
        values["roles"] = [self._role(role) for role in roles]
        if team:
            values["team"] = (
                self.find("team", "name", team) or self.services.records.create(self.actor, "team", {"name": team}).id
            )
        if manager:
            values["manager"] = self.user_id(manager)
        if service:
            return self.services.records.create(SYSTEM, "user", values | {"kind": "service"}).id, ""
        chosen = password or readable_password()
        demand_usable(chosen, name)
        saved = self.services.records.create(self.actor, "user", values)
        self.credentials.set_password(saved.id, chosen)
        return saved.id, chosen

    def _role(self, name: str) -> int:
        found = self.find("role", "name", name)
        if found is None:
            hint = did_you_mean(name, self.services.registry.roles)
            raise Invalid([FieldError("roles", "reference", f"no role '{name}'" + (f" ({hint})" if hint else ""))])
        return found

    def disable(self, name: str) -> None:
        """Nobody can log in as this user any more; tokens and sessions end at once."""
        self.services.records.update(self.actor, "user", self.user_id(name), {"active": False})

    def has_administrator(self) -> bool:
        """True when somebody active may do everything."""
        role = self.find("role", "name", ADMINISTRATOR)
        query = ListQuery(object="user", where=f"{role} in roles and active", fields=("id",), limit=1)
        return bool(role and self.services.records.list(SYSTEM, query).data)


def readable_password() -> str:
    """A random password that can be typed: 15 letters and digits in three groups, about 74 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(3))
