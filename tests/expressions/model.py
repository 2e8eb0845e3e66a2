"""A fixed model with every kind of value, two levels of parents, children, links and formulas, in both databases."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from guanxi.expressions.calendar import WorkingCalendar
from guanxi.expressions.check import check
from guanxi.expressions.env import Env
from guanxi.expressions.expression import Expression
from guanxi.expressions.schema import FieldInfo, RelatedInfo
from guanxi.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    JSON,
    TEXT,
    TIME,
    ValueType,
)
from guanxi.runtime.storage.functions import postgres_ddl, register_sqlite
from guanxi.runtime.storage.rows import instant_text

STAGE = ValueType("choice", options=frozenset({"new", "won", "lost"}))
TAGS = ValueType("choices", options=frozenset({"red", "green", "blue"}))


def ref(target: str) -> ValueType:
    return ValueType("reference", object=target)


def money(scale: int) -> ValueType:
    return ValueType("decimal", scale=scale)


STORED: dict[str, dict[str, ValueType]] = {
    "deal": {
        "name": TEXT, "note": TEXT, "stage": STAGE, "tags": TAGS, "qty": INTEGER, "rank": INTEGER, "amount": money(2),
        "rate": money(6), "open": BOOLEAN, "due": DATE, "seen_at": DATETIME, "met_at": DATETIME, "at": TIME,
        "account": ref("account"), "owner": ref("user"), "products": ValueType("references", object="product"),
        "extra": JSON,
    },
    "account": {
        "name": TEXT, "level": STAGE, "credit": money(2), "size": INTEGER, "since": DATE, "parent": ref("account"),
        "owner": ref("user"), "created_at": DATETIME, "active": BOOLEAN,
    },
    "line": {"deal": ref("deal"), "title": TEXT, "price": money(3), "count_of": INTEGER, "paid_on": DATE, "done": BOOLEAN,
             "product": ref("product"), "at_time": DATETIME},
    "product": {"name": TEXT, "price": money(2), "launched": DATE, "stock": INTEGER},
    "user": {"name": TEXT, "region": TEXT, "team": ref("team"), "manager": ref("user"), "joined": DATE, "quota": money(2)},
    "team": {"name": TEXT},
}  # fmt: skip
FORMULAS: dict[str, dict[str, tuple[str, ValueType | None]]] = {
    "deal": {
        "net": ("amount * (100 - rate) / 100 if filled(rate) else amount", DECIMAL),
        "tier": ('"gold" if lines_total > 100 else "plain"', TEXT),
        "lines_total": ("sum(lines.price, count_of > 0)", DECIMAL),
        "busy": ("count(lines) > 1 or open", BOOLEAN),
        "deadline": ("add_days(due, 14)", DATE),
    },
    "account": {"deal_sum": ("sum(deals.amount)", DECIMAL), "label": ('concat(name, "/", size)', TEXT)},
    "line": {"total": ("price * count_of", DECIMAL)},
}
RELATED = {
    "deal": {"lines": RelatedInfo("lines", "line", "deal")},
    "account": {"deals": RelatedInfo("deals", "deal", "account"), "branches": RelatedInfo("branches", "account", "parent")},
    "product": {"deals": RelatedInfo("deals", "deal", "products", many=True)},
}  # fmt: skip
CALENDARS = {
    "office": WorkingCalendar.build(
        off=[date(2024, 5, 1), date(2024, 10, 1)], on=[date(2024, 4, 28), date(2024, 5, 11)]
    ),
    "shop": WorkingCalendar.build((True,) * 6 + (False,)),
}


class Model:
    """The schema view of the model."""

    def __init__(self) -> None:
        self.formulas: dict[tuple[str, str], Expression] = {}

    def field(self, object_name: str, name: str) -> FieldInfo | None:
        if name in ("id", "version") and object_name in STORED:
            return FieldInfo(name, INTEGER)
        if name in STORED.get(object_name, {}):
            return FieldInfo(name, STORED[object_name][name])
        if name in FORMULAS.get(object_name, {}):
            text, kind = FORMULAS[object_name][name]
            key = (object_name, name)
            if key not in self.formulas:
                self.formulas[key] = check(text, self, object_name, expect=kind)
            return FieldInfo(name, self.formulas[key].type, self.formulas[key])
        return None

    def field_names(self, object_name: str) -> Iterable[str]:
        return ["id", *STORED.get(object_name, {}), *FORMULAS.get(object_name, {})]

    def related(self, object_name: str, name: str) -> RelatedInfo | None:
        return RELATED.get(object_name, {}).get(name)

    def related_names(self, object_name: str) -> Iterable[str]:
        return RELATED.get(object_name, {}).keys()

    def calendar_names(self) -> Iterable[str]:
        return CALENDARS.keys()


@lru_cache(maxsize=1)
def model() -> Model:
    return Model()


# rows -----------------------------------------------------------------------------------------------
TEXTS = ["a", "A", "b", "ab", "Ab", "北京公司", "客户关系", "😀", "𝒳y", "İstanbul", "ß", "SS", "ss", "ﬀ", "ff", "K", "k",
         "Σας", "ΣΑΣ", "e\u0301", "é", " a ", "a-b-c", "%_", "x'y\"z", "\\", "1,5", "zz\U0010ffff", "\ud7ff", "ÀB", "ǅ", "ŉ", "+86 10"]  # fmt: skip
INTEGERS = [0, 1, -1, 2, 3, 5, 7, -7, 10, 100, -100, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 15]
AMOUNTS = [
    "0",
    "0.01",
    "-0.01",
    "1",
    "1.5",
    "99.99",
    "100",
    "100.00",
    "100000",
    "-5.25",
    "2.5",
    "0.5",
    "12345678901234.56",
]
RATES = ["0", "0.000001", "1.5", "33.333333", "-2.5", "100", "7.125000"]
DATES = ["2024-02-29", "2024-01-31", "2023-12-31", "2024-01-01", "2024-03-10", "2024-11-03", "2024-05-01", "2024-04-28",
         "2024-05-11", "2025-03-30", "1999-12-31", "0001-01-01", "9999-12-31", "2024-05-17", "2024-05-18"]  # fmt: skip
MOMENTS = ["2024-03-10T06:59:59", "2024-03-10T07:00:00", "2024-11-03T05:30:00", "2024-11-03T06:30:00", "2024-03-31T01:00:00",
           "2024-10-27T00:30:00", "2023-12-31T16:00:00", "2023-12-31T15:59:59.999999", "2024-02-29T20:00:00",
           "2024-05-17T03:00:00.000001", "2024-04-06T15:00:00", "2018-02-18T01:30:00", "2011-12-30T09:59:00",
           "1970-01-01T00:00:00", "2024-05-16T16:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"]  # fmt: skip
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/Sao_Paulo", "Pacific/Apia"]  # fmt: skip


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class World:
    """All rows of all objects in Python form."""

    rows: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)

    def lookup(self, object_name: str, record_id: int) -> Mapping[str, Any] | None:
        found = self.rows[object_name].get(record_id)
        return found if found is not None and found["deleted_at"] is None else None

    def children(self, object_name: str, list_name: str, record_id: int) -> list[Mapping[str, Any]]:
        found = RELATED[object_name][list_name]
        rows = [r for r in self.rows[found.object].values() if r["deleted_at"] is None]
        if found.many:
            return [r for r in rows if record_id in (r[found.field] or ())]
        return [r for r in rows if r[found.field] == record_id]

    def env(self, row: Mapping[str, Any] | None, **more: Any) -> Env:
        return Env(
            row,
            lookup=self.lookup,
            children=self.children,
            calendars=CALENDARS,
            max_steps=10**9,
            milliseconds=1e9,
            **more,
        )


def _value(kind: ValueType, rng: random.Random, counts: Mapping[str, int]) -> Any:
    if rng.random() < 0.22:
        return None
    match kind.kind:
        case "text":
            return rng.choice(TEXTS)
        case "choice" | "choices":
            options = sorted(kind.options or ())
            return rng.choice(options) if kind.kind == "choice" else tuple(rng.sample(options, rng.randint(0, 3)))
        case "integer":
            return rng.choice(INTEGERS)
        case "decimal":
            values = RATES if kind.scale == 6 else AMOUNTS
            return Decimal(rng.choice(values)).quantize(Decimal(1).scaleb(-(kind.scale or 0)))
        case "boolean":
            return rng.random() < 0.5
        case "date":
            return date.fromisoformat(rng.choice(DATES))
        case "datetime":
            return moment(rng.choice(MOMENTS))
        case "time":
            return rng.choice([time(0), time(9, 30), time(23, 59, 59)])
        case "reference":
            return rng.randint(1, counts[kind.object])
        case "references":
            return tuple(rng.sample(range(1, counts[kind.object] + 1), rng.randint(0, 3)))
    return rng.choice([{"a": 1}, [1, 2], "x", 5])


def build_world(seed: int) -> World:
    rng = random.Random(seed)
    counts = {"deal": 24, "account": 6, "line": 40, "product": 5, "user": 5, "team": 3}
    world = World()
    for object_name, count in counts.items():
        world.rows[object_name] = {}
        for record_id in range(1, count + 1):
            row = {n: _value(k, rng, counts) for n, k in STORED[object_name].items()}
            dead = rng.random() < 0.12 and object_name != "user"
            row |= {"id": record_id, "version": 1, "deleted_at": moment("2024-01-01T00:00:00") if dead else None}
            if object_name == "team":
                row["name"] = f"team{record_id}"
            if row.get("products") == ():
                row["products"] = None
            world.rows[object_name][record_id] = row
    return world


# databases ------------------------------------------------------------------------------------------
_TYPES = {
    "sqlite": {"decimal": "INTEGER", "integer": "INTEGER", "reference": "INTEGER", "boolean": "INTEGER"},
    "postgresql": {
        "text": 'text COLLATE "C"', "choice": 'text COLLATE "C"', "integer": "bigint", "reference": "bigint",
        "boolean": "boolean", "date": "date", "datetime": "timestamptz", "time": "time", "choices": "jsonb", "json": "jsonb",
    },
}  # fmt: skip


def _column(engine: str, kind: ValueType) -> str:
    if engine == "postgresql" and kind.kind == "decimal":
        return f"numeric(38, {kind.scale})"
    return _TYPES[engine].get(kind.kind, "TEXT")


def _store(engine: str, kind: ValueType, value: Any) -> Any:
    if value is None:
        return None
    if kind.kind in ("choices", "json"):
        plain = list(value) if isinstance(value, tuple) else value
        return json.dumps(plain) if engine == "sqlite" else Jsonb(plain)
    if engine == "postgresql":
        return value
    match kind.kind:
        case "decimal":
            return int(value.scaleb(kind.scale or 0))
        case "boolean":
            return int(value)
        case "date" | "time":
            return value.isoformat()
        case "datetime":
            return instant_text(value)
    return value


class Store:
    """One open database with the world in it."""

    def __init__(self, engine: str, connection: Any) -> None:
        self.engine = engine
        self.connection = connection
        self.mark = "?" if engine == "sqlite" else "%s"

    def rows(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, params).fetchall()

    def load(self, world: World) -> None:
        for object_name, fields in STORED.items():
            stored = {n: k for n, k in fields.items() if k.kind != "references"}
            stored |= {"id": INTEGER, "version": INTEGER, "deleted_at": DATETIME}
            columns = ", ".join(f'"{n}" {_column(self.engine, k)}' for n, k in stored.items())
            self.connection.execute(f'DROP TABLE IF EXISTS "o_{object_name}"')
            self.connection.execute(f'CREATE TABLE "o_{object_name}" ({columns})')
            insert = f'INSERT INTO "o_{object_name}" VALUES ({", ".join(self.mark for _ in stored)})'
            for row in world.rows[object_name].values():
                self.connection.execute(insert, [_store(self.engine, k, row[n]) for n, k in stored.items()])
            for name, kind in fields.items():
                if kind.kind == "references":
                    self._links(object_name, name, world)

    def _links(self, object_name: str, name: str, world: World) -> None:
        table = f'"l_{object_name}_{name}"'
        kind = "INTEGER" if self.engine == "sqlite" else "bigint"
        self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        self.connection.execute(f"CREATE TABLE {table} (source {kind}, target {kind}, position {kind})")
        for row in world.rows[object_name].values():
            for position, target in enumerate(row[name] or ()):
                values = [row["id"], target, position]
                self.connection.execute(f"INSERT INTO {table} VALUES ({', '.join([self.mark] * 3)})", values)


def open_store(engine: str, url: str = "") -> Store:
    if engine == "sqlite":
        connection = sqlite3.connect(":memory:", isolation_level=None)
        register_sqlite(connection)
        return Store(engine, connection)
    server = psycopg.connect(url, autocommit=True)
    for statement in postgres_ddl():
        server.execute(statement)
    return Store(engine, server)


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]
