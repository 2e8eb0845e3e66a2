"""What the write side keeps for one published version: the database, tables, rights, compiled plans and SQL texts.

Plans and texts are made at the first use of an object and then only read; threads may share one room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from guanxi.common.clock import Clock
from guanxi.registry.registry import Registry
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.grants import AccessTable
from guanxi.runtime.access.pooled import hidden_fields
from guanxi.runtime.audit import Audit
from guanxi.runtime.calendars import working_calendars
from guanxi.runtime.files.store import FileStore
from guanxi.runtime.outside import Outside
from guanxi.runtime.people.actors import ActorLoader
from guanxi.runtime.ports import Database
from guanxi.runtime.query.reader import Reader
from guanxi.runtime.search.index import Indexer
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.tables import Tables

from .answer import Answer, answer_function
from .extensions import Extensions, Watchers, gather
from .plan import FieldPlan, ObjectPlan, compile_object
from .rights import WriteRights, write_rights
from .statements import Statements
from .store import HISTORY, HISTORY_OF_RUN, OUTBOX


@dataclass(frozen=True, slots=True)
class Inbound:
    """A reference that leads to an object: `object`.`field`, through a link table when `field.links`."""

    object: str
    field: FieldPlan


class Room:
    """See the module. `zone` is the instance's, for the day in running numbers; `version` the published number."""

    def __init__(
        self,
        *,
        registry: Registry,
        database: Database,
        tables: Tables,
        access: AccessTable,
        reader: Reader,
        clock: Clock,
        zone: ZoneInfo,
        extensions: Extensions | None = None,
        audit: Audit | None = None,
        outside: Outside | None = None,
        version: int = 0,
    ) -> None:
        self.registry = registry
        self.db = database
        self.tables = tables
        self.access = access
        self.reader = reader
        self.clock = clock
        self.zone = zone
        self.version = version
        self.audit = audit or Audit(database, clock, b"guanxi")
        self.extensions = extensions or Extensions()
        self.outside = outside or Outside()
        self.files = FileStore(database, clock)
        self.calendars = working_calendars(registry)
        self.related = {name: found.related for name, found in registry.objects.items()}
        self.mark = "?" if database.engine == "sqlite" else "%s"
        self.history = HISTORY.replace("?", self.mark)
        self.history_of_run = HISTORY_OF_RUN.replace("?", self.mark)
        self.outbox = OUTBOX.replace("?", self.mark)
        self.shared: dict[str, Any] = {}  # what rooms that take part keep for this version, under their own name
        self._plans: dict[str, ObjectPlan] = {}
        self._texts: dict[str, Statements] = {}
        self._answers: dict[tuple[str, frozenset[str] | None], Answer | None] = {}
        self._rights: dict[tuple[str, frozenset[str] | None, bool, bool], WriteRights] = {}

    def plan(self, object_name: str) -> ObjectPlan:
        """The compiled plan of an object that exists."""
        found = self._plans.get(object_name)
        if found is None:
            columns = self.tables[object_name].columns
            found = compile_object(self.registry.objects[object_name], columns)
            self._plans[object_name] = found
        return found

    def statements(self, object_name: str) -> Statements:
        """The SQL texts of an object that exists."""
        found = self._texts.get(object_name)
        if found is None:
            found = self._texts[object_name] = Statements(
                self.tables[object_name],
                self.db,
                Indexer(self.registry.objects[object_name], self.db.engine),
                events=object_name in self.listened,
            )
        return found

    def write_rights(self, actor: Actor, object_name: str, *, trusted: bool) -> WriteRights:
        """What the actor may write, shared by all with the same roles."""
        key = (object_name, self.access.profile(actor), actor.system, trusted)
        found = self._rights.get(key)
        if found is None:
            if len(self._rights) > 5_000:
                self._rights.clear()
            found = write_rights(self.plan(object_name), self.access.rights(actor, object_name), actor, trusted=trusted)
            self._rights[key] = found
        return found

    def answer(self, actor: Actor, object_name: str) -> Answer | None:
        """How a written row is answered to the actor; None when the reader must be asked."""
        key = (object_name, self.access.profile(actor))
        if key not in self._answers:
            if len(self._answers) > 5_000:
                self._answers.clear()
            plan, columns = self.plan(object_name), self.tables[object_name].columns
            pooled = not actor.unrestricted and hidden_fields(self.registry, object_name)
            rights = self.access.rights(actor, object_name)
            self._answers[key] = None if pooled else answer_function(plan, rights, columns)
        return self._answers.get(key)

    @cached_property
    def actors(self) -> ActorLoader:
        """Who people are when they act or read; for texts that are written to them."""
        return ActorLoader(self.db, self.registry, self.tables, self.zone, self.registry.languages[0])

    @cached_property
    def watchers(self) -> Watchers:
        """Object name → who takes part in its writes."""
        return gather(self.extensions.watchers, self)

    @cached_property
    def listened(self) -> frozenset[str]:
        """Objects whose writes leave an event row in the outbox, because somebody wants to hear of them."""
        return frozenset(name for ask in self.extensions.listeners for name in ask(self))

    @cached_property
    def inbound(self) -> Mapping[str, tuple[Inbound, ...]]:
        """Object name → every reference that leads to it, owners of records included."""
        found: dict[str, list[Inbound]] = {name: [] for name in self.registry.objects}
        for name in self.registry.objects:
            for known in self.plan(name).references:
                if known.target in found:
                    found[known.target].append(Inbound(name, known))
        return {name: tuple(list_) for name, list_ in found.items()}

    @cached_property
    def referring(self) -> Mapping[tuple[str, str], str]:
        """(object, field) → text that finds the ids of its records that refer to one id, live ones or all."""
        texts = {}
        for references in self.inbound.values():
            for inbound in references:
                table = self.tables[inbound.object]
                own, field = quoted(table.name), inbound.field
                if field.links:
                    link = quoted(table.links[field.name].name)
                    inner = f'"id" IN (SELECT source FROM {link} WHERE target = {self.mark})'  # noqa: S608
                else:
                    inner = f"{quoted(field.name)} = {self.mark}"
                texts[inbound.object, field.name] = f'SELECT "id" FROM {own} WHERE {inner}'  # noqa: S608
        return texts
