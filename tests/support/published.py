"""A tiny published project: YAML text in, a published, working bundle of services out; people are made on the way.

`project(database, text)` publishes the text over the built-in objects; `.user("li", roles=["sales"])` makes a person
and gives the actor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from guanxi.common.clock import Clock, FixedClock
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.extensions import EXTENSIONS
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.services import Services, build_services
from guanxi.runtime.storage.database import Handle
from tests.support.project import registry_of

START = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)


@dataclass
class Project:
    """A published project."""

    services: Services
    clock: Any

    @property
    def db(self) -> Handle:
        return self.services.database  # type: ignore[return-value]

    @property
    def records(self) -> Any:
        return self.services.records

    def user(self, name: str, roles: Sequence[str] = (), **more: Any) -> Actor:
        """A new user with roles; the actor."""
        ids = [self.role(role) for role in roles]
        values = {"name": name, "roles": ids, **more}
        saved = self.records.create(SYSTEM, "user", {k: v for k, v in values.items() if v not in (None, [])})
        return self.actor(saved.id)

    def actor(self, user_id: int) -> Actor:
        """The actor of a user, as it is now."""
        found = self.services.actor(user_id)
        assert found is not None
        return found

    def role(self, name: str) -> int:
        """The id of a role's record, made when it is missing."""
        return int(self.records.upsert(SYSTEM, "role", {"name": name}, {})[1].id)

    def team(self, name: str, **more: Any) -> int:
        """A new team's id."""
        return int(self.records.create(SYSTEM, "team", {"name": name, **more}).id)

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.db.rows(f'SELECT count(*) FROM "{table}"')[0][0])

    def dump(self) -> str:
        """Every row of every table that records live in, as one text."""
        names = [t.name for t in self.services.tables.values()]
        names += [link.name for t in self.services.tables.values() for link in t.links.values()]
        names += ["gx_history", "gx_outbox", "gx_counters", "gx_audit"]
        rows = {name: sorted(map(repr, self.db.rows(f'SELECT * FROM "{name}"'))) for name in names}
        return orjson.dumps(rows).decode()


def project(database: Handle, text: str, clock: Clock | None = None, *, listen: Sequence[str] = ()) -> Project:
    """Publish YAML text in an empty database; writes of the objects in `listen` leave event rows in the outbox."""
    moment = clock or FixedClock(START)
    registry = registry_of(text)
    SchemaService(database, moment).publish(registry, {}, "test")
    extensions = replace(EXTENSIONS, listeners=(*EXTENSIONS.listeners, lambda _: listen))
    return Project(build_services(registry, database, clock=moment, version=1, extensions=extensions), moment)
