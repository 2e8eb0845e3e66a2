"""Reading in one process: Guanxi's reader against hand-written fixed SQL on the bare driver and against peewee's dicts.

`python -m benchmarks.read [sqlite|postgresql] [rows]` prints microseconds and ratios: one record, a list of 50 with two
filters, a sort and a total, the list with an expanded reference, and searches against `LIKE '%x%'`. The reader works
for a person with row and field rules, not for an administrator.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import peewee

from guanxi.common.clock import FixedClock
from guanxi.fieldtypes.base import ColumnKind
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.storage.database import open_database
from guanxi.runtime.storage.rows import from_stored
from guanxi.runtime.storage.system import create_platform_tables
from tests.runtime.query.house import OBJECTS, House, build, person

REGIONS, LEVELS = ("north", "east"), ("a", "b")
SYLLABLES = "al be cor dan ex fin gro hol in ja ko lum mar nor om pra qua ros sil tor un ver wil xen yor zen".split()
FAMILY, GIVEN = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗",
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉鑫宇浩然",
)
FIELDS = ["id", "version", "created_at", "created_by", "updated_at", "updated_by", "owner", "team", "pool", "name",
          "region", "level", "phone", "revenue", "limit", "due", "active", "seen_at", "parent"]  # fmt: skip
CONVERTED: dict[str, ColumnKind] = {
    "created_at": "datetime",
    "updated_at": "datetime",
    "seen_at": "datetime",
    "due": "date",
    "active": "boolean",
}
ROLES = {
    "seller": {
        "objects": {
            "customer": {"read": "team", "fields": {"secret": "none"}},
            "user": {"read": "all"},
            "deal": {"read": "all"},
        }
    },
}


def name(number: int) -> str:
    """A company or a person, the same for the same number."""
    pick = random.Random(number)
    if number % 2:
        return " ".join("".join(pick.choices(SYLLABLES, k=3)).capitalize() for _ in range(2))
    return pick.choice(FAMILY) + "".join(pick.choices(GIVEN, k=2))


def fill(house: House, rows: int) -> None:
    """Customers of ten people in one team."""
    house.add("team", {"id": 1, "name": "One"})
    house.add("user", *({"id": n, "name": f"user {n}", "team": 1} for n in range(1, 11)))
    pick = random.Random(1)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    chunk: list[dict[str, Any]] = []
    for number in range(1, rows + 1):
        chunk.append(
            {
                "id": number,
                "name": name(number),
                "owner": pick.randint(1, 10),
                "team": 1,
                "region": pick.choice(REGIONS),
                "level": pick.choice(LEVELS),
                "phone": f"138{pick.randint(0, 99999999):08}",
                "secret": "s",
                "active": True,
                "revenue": Decimal(pick.randint(0, 10**8)).scaleb(-2),
                "limit": Decimal(pick.randint(0, 10**6)),
                "due": date(2026, 1, 1) + timedelta(days=pick.randint(0, 365)),
                "seen_at": start + timedelta(seconds=pick.randint(0, 10**7)),
            }
        )
        if len(chunk) == 5000:
            house.add("customer", *chunk)
            chunk = []
    house.add("customer", *chunk) if chunk else None
    for column in ("region", "level", "updated_at", "revenue", "owner"):
        first = " NULLS FIRST" if house.db.engine == "postgresql" and column != "updated_at" else ""
        house.db.execute(f'CREATE INDEX "bench_{column}" ON o_customer ("{column}"{first}, id)')
    house.db.execute('CREATE INDEX bench_deals ON o_deal ("customer")')
    house.db.execute("ANALYZE")


def best(work: Callable[[], Any], seconds: float = 0.6) -> float:
    """The least time of a call, in microseconds."""
    work()
    least, until = 1e9, perf_counter() + seconds
    while perf_counter() < until:
        start = perf_counter()
        work()
        least = min(least, perf_counter() - start)
    return least * 1e6


class Bare:
    """What one would write by hand for this one object: fixed SQL, the bare driver, dictionaries."""

    def __init__(self, house: House) -> None:
        self.db = house.db
        columns = ", ".join(f't."{f}"' for f in FIELDS)
        live, mine = "t.deleted_at IS NULL", "(t.owner = ? OR t.team = ?)"
        where = f"{live} AND {mine} AND t.region = ? AND t.level = ?"
        sql = house.db.sql
        self.one_sql = sql(f"SELECT {columns} FROM o_customer t WHERE t.id = ? AND {live} AND {mine}")
        order = "ORDER BY t.revenue DESC, t.id DESC LIMIT 51"
        if house.db.engine == "postgresql":
            order = order.replace("DESC,", "DESC NULLS LAST,")
        self.list_sql = sql(f"SELECT {columns} FROM o_customer t WHERE {where} {order}")
        self.count_sql = sql(f"SELECT count(*) FROM o_customer t WHERE {where}")
        self.expand_sql = sql(
            f"SELECT {columns}, u.id, u.name, u.region, u.team, u.phone"
            " FROM o_customer t LEFT JOIN o_user u ON u.id = t.owner"
            f" WHERE {where} {order}"
        )
        self.converts = [(f, from_stored(house.db.engine, "json", kind)) for f, kind in CONVERTED.items()]
        self.decimals = [
            (f, from_stored(house.db.engine, "json", "decimal", s)) for f, s in (("revenue", 2), ("limit", 4))
        ]

    def row(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """A dictionary in JSON form."""
        row = dict(zip(FIELDS, values, strict=False))
        for field, convert in (*self.converts, *self.decimals):
            if convert is not None and row[field] is not None:
                row[field] = convert(row[field])
        return row

    def one(self, number: int) -> dict[str, Any]:
        """One record."""
        return self.row(self.db.rows(self.one_sql, (number, 1, 1))[0])

    def page(self) -> tuple[list[dict[str, Any]], int]:
        """Fifty with a total."""
        args = (1, 1, "north", "a")
        found = self.db.rows(self.list_sql, args)
        return [self.row(r) for r in found[:50]], self.db.rows(self.count_sql, args)[0][0]

    def expand(self) -> list[dict[str, Any]]:
        """Fifty with their owner."""
        rows = []
        for found in self.db.rows(self.expand_sql, (1, 1, "north", "a"))[:50]:
            row = self.row(found)
            number, title, region, team, phone = found[-5:]
            row["owner"] = {"id": number, "title": title, "name": title, "region": region, "team": team, "phone": phone}
            rows.append(row)
        return rows


def peewee_model(house: House) -> Any:
    """A peewee model of the same columns, bound to a database of its own on the same data."""
    if house.db.engine == "sqlite":
        database: Any = peewee.SqliteDatabase(str(house.db.path))  # type: ignore[attr-defined]
    else:
        database = peewee.PostgresqlDatabase(house.db.url, prefer_psycopg3=True)
    kinds = {"id": peewee.AutoField(), "revenue": peewee.DecimalField(null=True)}
    body: dict[str, Any] = {f: kinds.get(f, peewee.TextField(null=True)) for f in [*FIELDS, "deleted_at"]}
    body["Meta"] = type("Meta", (), {"database": database, "table_name": "o_customer"})
    return type("Customer", (peewee.Model,), body)


def show(label: str, guanxi: float, bare: float, other: float | None = None) -> None:
    """A line of the table."""
    more = "" if other is None else f"   peewee {other:9.0f} µs  ({other / guanxi:5.2f}x)"
    print(f"{label:34} guanxi {guanxi:9.0f} µs   bare {bare:9.0f} µs  ({bare / guanxi:5.2f} of the limit){more}")


def run(house: House) -> None:
    """Measure and print."""
    reader, bare, model = house.reader, Bare(house), peewee_model(house)
    actor = person(1, "seller")
    fields = tuple(FIELDS)
    asked = ListQuery(
        "customer", where='region == "north" and level == "a"', sort=(("revenue", True),), total="exact", fields=fields
    )
    mine = (model.owner == 1) | (model.team == 1)
    chosen = model.select().where(model.deleted_at.is_null(), mine, model.region == "north", model.level == "a")

    def by_peewee() -> tuple[list[Any], int]:
        return list(chosen.order_by(model.revenue.desc()).limit(50).dicts()), chosen.count()

    def one_by_peewee() -> Any:
        return model.select().where(model.id == 77, model.deleted_at.is_null(), mine).dicts().get()

    assert reader.get(actor, "customer", 77, fields=fields) == bare.one(77)
    page = reader.list(actor, asked)
    assert (list(page.data), page.total) == bare.page()
    show("one record", best(lambda: reader.get(actor, "customer", 77, fields=fields)), best(lambda: bare.one(77)),
         best(one_by_peewee))  # fmt: skip
    show("list 50, two filters, sort, total", best(lambda: reader.list(actor, asked)), best(bare.page), best(by_peewee))
    opened = ListQuery("customer", where=asked.where, sort=asked.sort, fields=fields, expand=("owner",))
    assert list(reader.list(actor, opened).data) == bare.expand()
    show("list 50 with an expanded owner", best(lambda: reader.list(actor, opened)), best(bare.expand))
    complex_ = ListQuery(
        "customer",
        where=f'{asked.where} and owner.team.name == "One"',
        sort=asked.sort,
        fields=(*fields, "rest", "tier"),
    )
    plain = ListQuery("customer", where=asked.where, sort=asked.sort, fields=fields)
    print(f"{'formulas, roll-up and a path':34} {best(lambda: reader.list(actor, complex_)):9.0f} µs against "
          f"{best(lambda: reader.list(actor, plain)):9.0f} µs of the plain list")  # fmt: skip
    like = "ILIKE" if house.db.engine == "postgresql" else "LIKE"
    sql = house.db.sql(
        f"SELECT id, name FROM o_customer WHERE deleted_at IS NULL AND name {like} ? ORDER BY id LIMIT 50"
    )
    for label, q in (
        ("part of a Latin name", "rosxen"),
        ("two Chinese characters", "张伟"),
        ("pinyin initials", "zwf"),
    ):
        found = ListQuery("customer", q=q, fields=("id", "name"))
        show(
            f"search: {label}",
            best(partial(reader.list, actor, found)),
            best(partial(house.db.rows, sql, (f"%{q}%",))),
        )


def main() -> None:
    """Build a database, fill it, measure."""
    engine = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        if engine == "postgresql":
            from tests.support.databases import new_postgres_url

            url = new_postgres_url()
        db = open_database(url)
        create_platform_tables(db)
        house = build(db, FixedClock(datetime(2026, 3, 1, tzinfo=UTC)), OBJECTS, ROLES)
        fill(house, rows)
        print(f"{engine}, {rows:,} rows")
        run(house)
        db.close()


if __name__ == "__main__":
    main()
