"""One statement while it is built: the object's table as `t`, the parents joined to it, and expressions compiled on it.

Every hop joins with the reader's row rule in its ON, so that a parent the reader may not see is blank: for expansions,
paths in sort and filter, and children alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from guanxi.registry.objects import ObjectType
from guanxi.registry.registry import Registry
from guanxi.runtime.access.grants import AccessTable, Grants
from guanxi.runtime.access.predicate import row_predicate
from guanxi.runtime.ports import Database, Engine
from guanxi.runtime.storage.tables import ObjectTable, Tables


class ReadModel:
    """What reading knows of one published version: definitions, tables, rights, the engine."""

    def __init__(self, registry: Registry, database: Database, access: AccessTable, tables: Tables) -> None:
        self.registry = registry
        self.access = access
        self.tables = tables
        self.engine: Engine = database.engine
        self.peewee = database.peewee

    def sql(self, query: Any) -> tuple[str, tuple[Any, ...]]:
        """The text of a statement and its parameters, markers among them."""
        text, params = self.peewee.get_sql_context().sql(query).query()
        return text, tuple(params)


@dataclass(frozen=True, slots=True)
class Parent:
    """A joined parent: its object, table and alias."""

    object: ObjectType
    table: ObjectTable
    source: Any


class Frame:
    """See the module. `grants` None builds without rights (internal statements)."""

    def __init__(self, model: ReadModel, object_type: ObjectType, grants: Grants | None, alias: str = "t") -> None:
        self.model = model
        self.object = object_type
        self.grants = grants
        self.table = model.tables[object_type.name]
        self.source = self.table.alias(alias)
        self.engine = model.engine
        self._alias = alias
        self._parents: dict[tuple[str, ...], Parent] = {}
        self._joins: list[tuple[Any, Any]] = []

    def column(self, name: str) -> Any:
        """See RowScope."""
        return peewee.Column(self.source, name)

    def parent(self, path: tuple[str, ...]) -> Parent:
        """The parent a path of reference fields leads to, joined once."""
        found = self._parents.get(path)
        if found is None:
            base = self.parent(path[:-1]) if len(path) > 1 else Parent(self.object, self.table, self.source)
            target = self.model.registry.objects[base.object.fields[path[-1]].target]
            table = self.model.tables[target.name]
            source = table.alias(f"{self._alias}p{len(self._parents)}")
            on = peewee.Expression(peewee.Column(source, "id"), "=", peewee.Column(base.source, path[-1]))
            rule = self.visible(target.name, source)
            if rule is not True:
                on = on & (peewee.SQL("(1 = 0)") if rule is False else rule)
            self._joins.append((source, on))
            found = self._parents[path] = Parent(target, table, source)
        return found

    def visible(self, object_name: str, source: Any) -> Any:
        """Which rows of `source`, an alias of the object's table, the reader may see: True, False or a condition."""
        if self.grants is None:
            return True
        target = self.model.registry.objects[object_name]
        return row_predicate(target, self.grants.on(object_name), "read", HopScope(self, target, source))
