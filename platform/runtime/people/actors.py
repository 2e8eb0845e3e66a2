"""From a user's id to an Actor: roles with what they include, team and what is below it, reports, the user's own row.

Cached per user until the people revision moves; a suspended or deleted user is nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from guanxi.registry import Registry

from ..access import shares
from ..access.actor import Actor
from ..ports import Database
from ..storage.names import quoted
from ..storage.rows import row_function
from ..storage.tables import Tables
from . import revision
from .pool_members import pools_of

ADMINISTRATOR = "administrator"
MOST_CACHED = 2000


class ActorLoader:
    """Loads actors for one published version."""

    def __init__(self, database: Database, registry: Registry, tables: Tables, zone: ZoneInfo, language: str) -> None:
        self.database = database
        self.registry = registry
        self.zone = zone
        self.language = language
        table = tables["user"]
        names = [name for name, spec in table.columns.items() if spec.kind != "none"]
        columns = ", ".join(quoted(name) for name in names)
        self._row_sql = database.sql(f"SELECT {columns} FROM {quoted(table.name)} WHERE id = ?")  # noqa: S608
        self._row = row_function(database.engine, "python", table.cells(names))
        link = table.links.get("roles")
        self._roles_sql = (
            database.sql(
                f"SELECT r.name FROM {quoted(link.name)} l JOIN o_role r ON r.id = l.target "  # noqa: S608
                "WHERE l.source = ? AND r.deleted_at IS NULL"
            )
            if link
            else ""
        )
        self._cache: dict[int, tuple[int, Actor]] = {}
        self._lock = Lock()

    def load(self, user_id: int, known_revision: int | None = None) -> Actor | None:
        """The actor of an active user, or None. `known_revision` saves the question when it was just read."""
        at = revision.current(self.database) if known_revision is None else known_revision
        found = self._cache.get(user_id)
        if found is not None and found[0] == at:
            return found[1]
        actor = self._read(user_id)
        if actor is not None:
            with self._lock:
                if len(self._cache) >= MOST_CACHED:
                    self._cache.clear()
                self._cache[user_id] = (at, actor)
        return actor

    def _read(self, user_id: int) -> Actor | None:
        with self.database.read():
            row = self.database.one(self._row_sql, (user_id,))
            if row is None:
                return None
            me = self._row(row)
            if me.get("deleted_at") is not None or not me.get("active", True):
                return None
            assigned = [str(r[0]) for r in self.database.rows(self._roles_sql, (user_id,))] if self._roles_sql else []
            team = me.get("team")
            below = self._below("o_team", "parent", team) if team else frozenset()
            above = self._above(team) if team else {}
            reports = self._below("o_user", "manager", user_id) - {user_id}
            roles = self.flattened(assigned)
            principals = {f"u{user_id}", *(f"t{number}" for number in above), *self._role_marks(roles)}
            shared_as = shares.shared_as(self.database, principals)
        name = str(me.get("name") or "")
        own_team = above.get(team, "") if team else ""
        pools, manages = self._pools(name, roles, own_team, frozenset(above.values()))
        return Actor(
            id=user_id,
            name=name,
            pools=pools,
            manages=manages,
            roles=roles,
            team=team,
            teams=frozenset({team}) if team else frozenset(),
            team_tree=below,
            reports=reports,
            administrator=ADMINISTRATOR in roles,
            language=str(me.get("language") or self.language),
            zone=self._zone(me),
            team_names=frozenset(above.values()),
            shared_as=shared_as,
            me=me | {"roles": tuple(sorted(roles)), "teams": (team,) if team else ()},
        )

    def _pools(
        self, name: str, roles: frozenset[str], team: str, above: frozenset[str]
    ) -> tuple[frozenset[str], frozenset[str]]:
        known = self.registry.others.get("pool", {})
        if ADMINISTRATOR in roles:
            return frozenset(known), frozenset(known)
        return pools_of(known, name, roles, team, above) if known else (frozenset(), frozenset())

    def flattened(self, assigned: Iterable[str]) -> frozenset[str]:
        """Roles with everything they include; names that are no longer defined grant nothing."""
        out: set[str] = set()
        for name in assigned:
            role = self.registry.roles.get(name)
            if role is not None:
                out.update(role.lineage or (name,))
        return frozenset(out)

    def _below(self, table: str, parent: str, start: int) -> frozenset[int]:
        """`start` and everything that has it above; a circle in the data ends by itself (UNION)."""
        sql = self.database.sql(
            f"WITH RECURSIVE below(id) AS (SELECT ? UNION SELECT c.id FROM {table} c "  # noqa: S608
            f"JOIN below b ON c.{parent} = b.id WHERE c.deleted_at IS NULL) SELECT id FROM below"
        )
        if self.database.engine == "postgresql":
            sql = sql.replace("SELECT %s UNION", "SELECT %s::bigint UNION")
        return frozenset(int(row[0]) for row in self.database.rows(sql, (start,)))

    def _above(self, team: int) -> dict[int, str]:
        """The team and those it belongs to: id → name."""
        sql = self.database.sql(
            "WITH RECURSIVE above(id, name, parent) AS (SELECT id, name, parent FROM o_team WHERE id = ? "
            "UNION SELECT t.id, t.name, t.parent FROM o_team t JOIN above a ON t.id = a.parent) "
            "SELECT id, name FROM above"
        )
        return {int(row[0]): str(row[1]) for row in self.database.rows(sql, (team,))}

    def _role_marks(self, roles: Iterable[str]) -> list[str]:
        """The roles, with what they include, as principals of shares."""
        names = sorted(roles)
        if not names:
            return []
        marks = ", ".join("?" * len(names))
        sql = f"SELECT id FROM o_role WHERE deleted_at IS NULL AND name IN ({marks})"  # noqa: S608
        return [f"r{row[0]}" for row in self.database.rows(self.database.sql(sql), names)]

    def _zone(self, me: Mapping[str, Any]) -> ZoneInfo:
        try:
            return ZoneInfo(me["time_zone"]) if me.get("time_zone") else self.zone
        except (ZoneInfoNotFoundError, ValueError):
            return self.zone
