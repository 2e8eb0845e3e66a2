"""A small house of objects built by hand: Registry, tables and rows, for tests of reading on both engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from guanxi.common.clock import FixedClock
from guanxi.common.labels import Label
from guanxi.expressions.check import check
from guanxi.expressions.schema import FieldInfo
from guanxi.expressions.types import BOOLEAN, DATETIME, INTEGER, TEXT, ValueType
from guanxi.fieldtypes import CATALOGUE, FieldContext
from guanxi.registry.access import ObjectGrant, Role
from guanxi.registry.objects import Field, ObjectType, Option, Related
from guanxi.registry.registry import Registry
from guanxi.registry.screens import View
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.query.reader import Reader
from guanxi.runtime.search.index import index_records, search_tables
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.rows import storing_function
from guanxi.runtime.storage.tables import Tables

SYSTEM = {
    "id": ("integer", INTEGER, ""),
    "version": ("integer", INTEGER, ""),
    "created_at": ("datetime", DATETIME, ""),
    "created_by": ("reference", ValueType("reference", "user"), "user"),
    "updated_at": ("datetime", DATETIME, ""),
    "updated_by": ("reference", ValueType("reference", "user"), "user"),
}
OWNED = {
    "owner": ("reference", ValueType("reference", "user"), "user"),
    "team": ("reference", ValueType("reference", "team"), "team"),
    "pool": ("text", TEXT, ""),
}
SQL_TYPES = {
    "sqlite": {"reference": "INTEGER", "integer": "INTEGER", "decimal": "INTEGER", "boolean": "INTEGER"},
    "postgresql": {
        "text": 'text COLLATE "C"', "integer": "bigint", "reference": "bigint", "boolean": "boolean", "date": "date",
        "datetime": "timestamptz", "time": "time", "json": "jsonb",
    },
}  # fmt: skip


def make_field(name: str, spec: Mapping[str, Any]) -> Field:
    """A field from the keys YAML would have."""
    keys = dict(spec)
    kind = CATALOGUE[keys.pop("type")]
    options = {k: Option(k, Label.of(v)) for k, v in keys.pop("options", {}).items()}
    common = {k: keys.pop(k) for k in ("search", "mask", "unique", "index") if k in keys}
    target = keys.pop("to", kind.target)
    keys.pop("value", None)
    related = keys.pop("related", "")
    return Field(
        name, Label(), kind.name, kind.Options(**keys), options=MappingProxyType(options), target=target,
        related=related, **common,
    )  # fmt: skip


def system_fields(owned: bool) -> dict[str, Field]:
    """The platform's own fields."""
    found = SYSTEM | (OWNED if owned else {})
    return {
        name: Field(name, Label(), kind, CATALOGUE[kind].Options(), target=target, system=True)
        for name, (kind, _, target) in found.items()
    }


def info_of(field: Field) -> FieldInfo:
    """What the checker knows of a field."""
    if field.system:
        return FieldInfo(field.name, (SYSTEM | OWNED)[field.name][1])
    context = FieldContext(field.name, frozenset(field.options), field.target)
    return FieldInfo(field.name, CATALOGUE[field.type].value_type(field.settings, context), field.value)


def make_registry(objects: Mapping[str, Mapping[str, Any]], roles: Mapping[str, Mapping[str, Any]]) -> Registry:
    """A registry from maps like YAML's; computed fields are checked in the order they are written."""
    fields = {
        name: system_fields(spec.get("owned", False)) | {n: make_field(n, f) for n, f in spec["fields"].items()}
        for name, spec in objects.items()
    }
    related: dict[str, dict[str, Related]] = {name: {} for name in objects}
    for name, spec in objects.items():
        for field in fields[name].values():
            if field.related:
                many = field.type == "references"
                related[field.target][field.related] = Related(field.related, Label(), name, field.name, many)
        for child, (child_object, child_field) in spec.get("related", {}).items():
            related[name][child] = Related(child, Label(), child_object, child_field)
    infos = {name: {n: info_of(f) for n, f in found.items()} for name, found in fields.items()}
    built = {
        name: ObjectType(
            name, Label.of(name), Label.of(name), fields[name], None, owned=spec.get("owned", False),  # type: ignore[arg-type]
            access=spec.get("access", "private"), related=related[name],
        )
        for name, spec in objects.items()
    }  # fmt: skip
    registry = Registry("test", objects=built, infos=infos)
    for name, spec in objects.items():
        for n, f in spec["fields"].items():
            if "value" in f:
                value = check(f["value"], registry, name, sql=True)
                settings = CATALOGUE[f["type"]].resolved(fields[name][n].settings, value.type)  # type: ignore[attr-defined]
                fields[name][n] = replace(fields[name][n], value=value, settings=settings)
                infos[name][n] = info_of(fields[name][n])
    for name, spec in objects.items():
        views = {
            n: View(
                n, Label(), where=check(v["where"], registry, name, expect=BOOLEAN) if "where" in v else None,
                columns=tuple(v.get("columns", ())),
                sort=tuple((s.lstrip("-"), s[0] == "-") for s in v.get("sort", ())),
            )
            for n, v in spec.get("views", {}).items()
        }  # fmt: skip
        built[name] = replace(built[name], title=check(spec["title"], registry, name, expect=TEXT), views=views)
    return replace(registry, roles={n: make_role(n, r, registry) for n, r in roles.items()})


def make_role(name: str, spec: Mapping[str, Any], registry: Registry) -> Role:
    """A role from what YAML would say."""
    grants = {}
    for object_name, said in spec.get("objects", {}).items():
        keys = dict(said)
        where = keys.pop("where", None)
        grants[object_name] = ObjectGrant(
            create=keys.pop("create", False), import_=keys.pop("import", False), fields=keys.pop("fields", {}),
            where=check(where, registry, object_name, expect=BOOLEAN) if where else None, scopes=keys,
        )  # fmt: skip
    includes = tuple(spec.get("includes", ()))
    return Role(name, Label.of(name), includes, (name, *includes), grants)


OBJECTS: dict[str, dict[str, Any]] = {
    "team": {"title": "name", "access": "read", "fields": {"name": {"type": "text"}}},
    "user": {
        "title": "name",
        "access": "read",
        "fields": {
            "name": {"type": "text", "search": True}, "region": {"type": "text"}, "team": {"type": "team"},
            "phone": {"type": "text"},
        },
    },
    "product": {"title": "name", "access": "read", "fields": {"name": {"type": "text"}}},
    "customer": {
        "title": "name",
        "owned": True,
        "fields": {
            "name": {"type": "text", "search": True},
            "region": {"type": "choice", "options": {"north": "华北", "east": "East"}},
            "level": {"type": "choice", "options": {"a": "A", "b": "B"}},
            "phone": {"type": "text", "search": True, "mask": "keep_last_4"},
            "revenue": {"type": "money"},
            "limit": {"type": "decimal"},
            "secret": {"type": "text", "search": True},
            "due": {"type": "date"},
            "active": {"type": "boolean"},
            "seen_at": {"type": "datetime"},
            "tags": {"type": "tags"},
            "products": {"type": "references", "to": "product", "related": "customers"},
            "parent": {"type": "reference", "to": "customer", "related": "branches"},
            "rest": {"type": "formula", "returns": "money", "value": "limit - revenue"},
            "leak": {"type": "formula", "value": "concat(name, secret)"},
            "won": {"type": "rollup", "returns": "money", "value": 'sum(deals.amount, stage == "won")'},
            "tier": {"type": "formula", "value": '"gold" if won > 100 else "plain"'},
        },
        "views": {
            "big": {"where": "revenue > 500", "columns": ["name", "revenue", "secret"], "sort": ["-revenue"]},
        },
    },
    "deal": {
        "title": "name",
        "owned": True,
        "fields": {
            "name": {"type": "text", "search": True},
            "customer": {"type": "reference", "to": "customer", "related": "deals"},
            "amount": {"type": "money"},
            "stage": {"type": "choice", "options": {"open": "Open", "won": "Won"}},
        },
    },
}  # fmt: skip

ROLES: dict[str, dict[str, Any]] = {
    "clerk": {"objects": {"customer": {"read": "own", "update": "own", "create": True}, "deal": {"read": "own"}}},
    "sales": {
        "includes": ["clerk"],
        "objects": {
            "customer": {"read": "team", "fields": {"secret": "none", "phone": "masked"}},
        },
    },
    "auditor": {"objects": {"customer": {"read": "all", "fields": {"*": "read"}}, "deal": {"read": "all"}}},
    "northern": {"objects": {"customer": {"read": "all", "where": "region == me.region"}}},
    "intake": {"objects": {"customer": {"create": True, "read": "none"}}},
}


@dataclass
class House:
    """A database with the house's tables, its registry and its reader."""

    db: Handle
    registry: Registry
    tables: Tables
    reader: Reader
    clock: FixedClock

    def add(self, object_name: str, *rows: Mapping[str, Any]) -> None:
        """Insert rows in Python form; `id` must be given."""
        table, obj = self.tables[object_name], self.registry.objects[object_name]
        base = {"version": 1, "created_at": self.clock.now(), "updated_at": self.clock.now()}
        names = list(table.columns)
        store = storing_function(self.db.engine, table.cells(names))
        listed = ", ".join(f'"{n}"' for n in names)
        sql = self.db.sql(f'INSERT INTO "{table.name}" ({listed}) VALUES ({", ".join("?" * len(names))})')
        with self.db.write():
            self.db.execute_many(sql, [store(base | dict(row)) for row in rows])
            for row in rows:
                for name, link in table.links.items():
                    sql = self.db.sql(f'INSERT INTO "{link.name}" (source, target, position) VALUES (?, ?, ?)')
                    for at, target in enumerate(row.get(name, ())):
                        self.db.execute(sql, (row["id"], target, at))
            index_records(self.db, obj, [(row["id"], row) for row in rows])


def build(db: Handle, clock: FixedClock, objects: Mapping[str, Any] = OBJECTS, roles: Any = None) -> House:
    """Tables and reader of a house on an empty database."""
    registry = make_registry(objects, ROLES if roles is None else roles)
    tables = Tables(registry, db.peewee)
    types = SQL_TYPES[db.engine]
    with db.write():
        for name, table in tables.items():
            columns = []
            for spec in table.columns.values():
                kind = f"numeric(38,{spec.scale})" if (spec.kind, db.engine) == ("decimal", "postgresql") else None
                primary = " PRIMARY KEY" if spec.name == "id" else ""
                columns.append(f'"{spec.name}" {kind or types.get(spec.kind, "TEXT")}{primary}')
            db.execute(f'CREATE TABLE "{table.name}" ({", ".join(columns)})')
            for link in table.links.values():
                db.execute(f'CREATE TABLE "{link.name}" (source bigint, target bigint, position bigint)')
            for statement in search_tables(registry.objects[name], db.engine):
                db.execute(statement)
    return House(db, registry, tables, Reader(registry, db, tables=tables, clock=clock), clock)


def person(number: int, *roles: str, **more: Any) -> Actor:
    """A user: 1 to 9 in team 1, 10 to 19 in team 2."""
    team = 1 if number < 10 else 2
    me = {"id": number, "name": f"u{number}", "team": team, "region": more.pop("region", None)}
    flat = set(roles) | {i for r in roles for i in ROLES.get(r, {}).get("includes", ())}
    return Actor(number, f"u{number}", frozenset(flat), team, frozenset({team}), frozenset({team}), me=me, **more)


BOSS = Actor(99, "boss", administrator=True, me={"id": 99})
