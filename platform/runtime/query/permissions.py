"""What the actor may do with an object, or with one record of it: row rules judged by the database in one statement."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import peewee

from guanxi.common.errors import NotFound
from guanxi.registry.access import SCOPED
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.binds import argument, bound
from guanxi.runtime.access.gate import visible_object
from guanxi.runtime.access.grants import Grants
from guanxi.runtime.access.predicate import row_predicate

from .frame import Frame
from .outside import usable_views

if TYPE_CHECKING:
    from .reader import Reader


class PermissionReader:
    """Answers `permissions`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._plan = lru_cache(512)(self._build)
        self._views = lru_cache(1024)(self._usable_views)

    def of(self, actor: Actor, object_name: str, record_id: int | None) -> dict[str, Any]:
        """{"create", "import", "read", "update", …: bool, "fields": {name: grant}, "actions": {name: {}},
        "views": [name]}."""
        grants = self._reader.access.of(actor)
        if object_name not in grants.registry.objects:
            visible_object(grants, object_name)
        rights = grants.on(object_name)
        if record_id is None:
            may = {operation: bool(rights.of(operation)) for operation in SCOPED}
            writes = rights.create or may["update"]
        else:
            may = self._on_record(actor, grants, object_name, record_id)
            writes = may["update"]
        fields = {n: "read" if g == "edit" and not writes else g for n, g in rights.fields.items() if g != "none"}
        actions: dict[str, dict[str, Any]] = {name: {} for name in sorted(rights.actions)}
        return {
            "create": rights.create,
            "import": rights.import_,
            **may,
            "fields": fields,
            "actions": actions,
            "views": self._views(grants, object_name),
        }

    @staticmethod
    def _usable_views(grants: Grants, object_name: str) -> list[str]:
        return list(usable_views(grants, grants.registry.objects[object_name]))

    def _on_record(self, actor: Actor, grants: Grants, object_name: str, record_id: int) -> dict[str, bool]:
        sql, params = self._plan(grants, object_name)
        found = self._reader.run(sql, params, actor, {"id": record_id})
        may = dict(zip(SCOPED, map(bool, found[0]), strict=True)) if found else {}
        if not may.get("read"):
            raise NotFound("There is no such record.")
        return may

    def _build(self, grants: Grants, object_name: str) -> tuple[str, tuple[Any, ...]]:
        object_type = grants.registry.objects[object_name]
        frame = Frame(self._reader.model, object_type, grants)
        nodes = []
        for operation in SCOPED:
            rule = row_predicate(object_type, grants.on(object_name), operation, frame)
            condition = peewee.SQL("(1 = 1)" if rule else "(1 = 0)") if rule is True or rule is False else rule
            nodes.append(peewee.Case(None, [(condition, 1)], 0))
        query = frame.select(nodes).where(frame.column("id") == bound(argument("id")))
        return self._reader.model.sql(query)
