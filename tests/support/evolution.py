"""A small world for tests of schema changes: publish registries one after the other, put records in, read them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from guanxi.common.clock import FixedClock
from guanxi.registry.registry import Registry
from guanxi.runtime.schema.plan import Plan
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.rows import row_function, storing_function
from guanxi.runtime.storage.tables import Tables, unique_value

from .registries import registry

START = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """One database through its versions; `now` is the registry that is published."""

    def __init__(self, db: Handle) -> None:
        self.db = db
        self.clock = FixedClock(START)
        self.registries: dict[str, Registry] = {}
        self.service = SchemaService(db, self.clock, lambda bundle: self.registries[bundle["mark"]])
        self.now = registry({})

    def plan(self, objects: Mapping[str, Any], allow: Iterable[str] = (), **options: Any) -> Plan:
        """The plan for a registry given as `registry()` takes it."""
        made = registry(objects, **options)
        self.registries[made.fingerprint] = made
        return self.service.plan(made, {"mark": made.fingerprint}, "li", allow=allow)

    def publish(self, objects: Mapping[str, Any], allow: Iterable[str] = (), **options: Any) -> Plan:
        """Plan and apply; the plan that was applied."""
        plan = self.plan(objects, allow, **options)
        self.apply(plan)
        return plan

    def apply(self, plan: Plan, allow: Iterable[str] = ()) -> int:
        """Apply a plan made here."""
        self.clock.advance(minutes=1)
        number = self.service.apply(plan, allow=allow)
        self.now = self.registries[plan.bundle["mark"]]
        return number

    def put(self, name: str, *records: Mapping[str, Any]) -> list[int]:
        """Create records from Python forms; a `references` field takes a tuple of ids."""
        table = Tables(self.now, self.db.peewee)[name]
        ids = []
        for record in records:
            values = {"version": 1, "created_at": self.clock.now(), "updated_at": self.clock.now(), **record}
            cells = [c.cell() for n, c in table.columns.items() if n in values]
            shadows = {u.column: unique_value([values.get(f) for f in u.fields]) for u in table.uniques.values()}
            names = [quoted(n) for n in (*(c.key for c in cells), *shadows)]
            marks = ", ".join("?" * len(names))
            sql = f"INSERT INTO {quoted(table.name)} ({', '.join(names)}) VALUES ({marks}) RETURNING id"
            params = (*storing_function(self.db.engine, cells)(values), *shadows.values())
            with self.db.write():
                ids.append(self.db.rows(self.db.sql(sql), params)[0][0])
                for field, link in table.links.items():
                    for place, target in enumerate(record.get(field, ())):
                        sql = f"INSERT INTO {quoted(link.name)} (source, target, position) VALUES (?, ?, ?)"
                        self.db.execute(self.db.sql(sql), (ids[-1], target, place))
        return ids

    def all(self, name: str, *fields: str) -> list[tuple[Any, ...]]:
        """Python forms of some fields of all records, by id."""
        table = Tables(self.now, self.db.peewee)[name]
        plain = [f for f in fields if f not in table.links]
        listed = ", ".join(quoted(f) for f in ("id", *plain))
        read = row_function(self.db.engine, "python", table.cells(["id", *plain]))
        found = []
        for row in self.db.rows(f"SELECT {listed} FROM {quoted(table.name)} ORDER BY id"):
            values = read(row)
            for field in set(fields) & set(table.links):
                sql = f"SELECT target FROM {quoted(table.links[field].name)} WHERE source = ? ORDER BY position"
                values[field] = tuple(r[0] for r in self.db.rows(self.db.sql(sql), (row[0],)))
            found.append(tuple(values[f] for f in fields))
        return found

    def change(self, name: str, number: int, **values: Any) -> None:
        """Change a record a minute later."""
        self.clock.advance(minutes=1)
        table = Tables(self.now, self.db.peewee)[name]
        values["updated_at"] = self.clock.now()
        cells = [table.columns[n].cell() for n in values]
        sets = ", ".join(f"{quoted(n)} = ?" for n in values)
        sql = f"UPDATE {quoted(table.name)} SET {sets} WHERE id = ?"
        self.db.execute(self.db.sql(sql), (*storing_function(self.db.engine, cells)(values), number))


def codes(plan: Plan) -> dict[str, int]:
    """Finding code → count."""
    return {f.code: f.count for f in plan.findings}
