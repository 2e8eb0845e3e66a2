"""The yardsticks: hand-written Flask applications for the workload, as a good engineer writes them for one case.

`by_peewee` uses models, checks its values, looks the token up, applies one row rule and writes an audit row;
`by_driver` answers the same requests with fixed SQL on the bare driver and is the limit. Both read the URL in
`BENCH_DATABASE`.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

import orjson
import peewee
from flask import Flask, Response, g, request

from .workload import ACTIVITY, CUSTOMER, SELLERS, activities, customers

VARIABLE = "BENCH_DATABASE"
SYSTEM = ["id", "version", "created_at", "updated_at", "owner", "team"]
OWNER = 1
TEAM = 1


def open_peewee(url: str) -> Any:
    """A peewee database of either engine."""
    if url.startswith("sqlite:///"):
        pragmas = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "cache_size": -16384}
        return peewee.SqliteDatabase(url.removeprefix("sqlite:///"), pragmas=pragmas)
    return peewee.PostgresqlDatabase(url, prefer_psycopg3=True)


class Models:
    """The tables of the hand-written application."""

    def __init__(self, database: Any) -> None:
        class Base(peewee.Model):
            class Meta:
                pass

        Base._meta.set_database(database)

        class Seller(Base):
            name = peewee.CharField()
            team = peewee.IntegerField()

            class Meta:
                database = Base._meta.database

        class Token(Base):
            sha256 = peewee.CharField(unique=True)
            seller = peewee.ForeignKeyField(Seller)
            expires_at = peewee.DateTimeField()

            class Meta:
                database = Base._meta.database

        class Owned(Base):
            version = peewee.IntegerField(default=1)
            created_at = peewee.DateTimeField(index=True)
            updated_at = peewee.DateTimeField(index=True)
            deleted_at = peewee.DateTimeField(null=True, index=True)
            owner = peewee.IntegerField(index=True)
            team = peewee.IntegerField(index=True)

            class Meta:
                database = Base._meta.database

        class Customer(Owned):
            name = peewee.CharField(max_length=120)
            phone = peewee.CharField(null=True)
            email = peewee.CharField(null=True)
            level = peewee.CharField(null=True)
            city = peewee.CharField(null=True, index=True)
            street = peewee.CharField(null=True)
            website = peewee.CharField(null=True)
            revenue = peewee.DecimalField(max_digits=18, decimal_places=2, null=True)
            employees = peewee.IntegerField(null=True)
            discount = peewee.DecimalField(max_digits=18, decimal_places=2, null=True)
            active = peewee.BooleanField(default=True)
            founded = peewee.DateField(null=True)
            seen_at = peewee.DateTimeField(null=True)
            score = peewee.DecimalField(max_digits=18, decimal_places=4, null=True)
            source = peewee.CharField(null=True)
            note = peewee.TextField(null=True)
            industry = peewee.CharField(null=True, index=True)
            rating = peewee.IntegerField(null=True)
            secret = peewee.CharField(null=True)

        class Activity(Owned):
            subject = peewee.CharField(max_length=120)
            customer = peewee.ForeignKeyField(Customer, null=True)
            kind = peewee.CharField(null=True)
            at = peewee.DateTimeField(null=True, index=True)
            minutes = peewee.IntegerField(null=True)

        class Audit(Base):
            record = peewee.IntegerField(index=True)
            at = peewee.DateTimeField()
            by = peewee.IntegerField()
            action = peewee.CharField()
            changes = peewee.TextField()

            class Meta:
                database = Base._meta.database

        self.database = database
        self.seller, self.token, self.customer = Seller, Token, Customer
        self.activity, self.audit = Activity, Audit
        self.all = [Seller, Token, Customer, Activity, Audit]


def stored(values: dict[str, Any]) -> dict[str, Any]:
    """A workload row in the Python form peewee takes."""
    out = dict(values)
    for key in ("revenue", "discount", "score"):
        if key in out:
            out[key] = Decimal(out[key])
    for key in ("seen_at", "at"):
        if key in out:
            out[key] = datetime.fromisoformat(out[key]).replace(tzinfo=None)
    if "founded" in out:
        out["founded"] = date.fromisoformat(out["founded"])
    return out


def make_hand(url: str, rows: int, token: str) -> None:
    """Fill the hand-written tables, indexes in place."""
    models = Models(open_peewee(url))
    db = models.database
    db.connect()
    db.create_tables(models.all)
    now = datetime.now(UTC).replace(tzinfo=None)
    for number in range(1, SELLERS + 1):
        models.seller.create(name=f"seller{number}", team=TEAM)
    sha = hashlib.sha256(token.encode()).hexdigest()
    models.token.create(sha256=sha, seller=OWNER, expires_at=datetime(2100, 1, 1))
    mark = "?" if url.startswith("sqlite") else "%s"
    cursor = db.connection().cursor()
    for name, columns, source in (("customer", CUSTOMER, customers(rows)), ("activity", ACTIVITY, activities(rows))):
        renamed = ["customer_id" if c == "customer" else c for c in columns]
        keys = ["version", "created_at", "updated_at", "owner", "team", *renamed]
        listed = ", ".join(f'"{key}"' for key in keys)
        sql = f'INSERT INTO "{name}" ({listed}) VALUES ({", ".join([mark] * len(keys))})'
        given = ((1, now, now, r["owner"], r["team"], *(r[c] for c in columns)) for r in map(stored, source))
        with db.atomic():
            while chunk := [tuple(_plain(url, value) for value in row) for row in islice(given, 1000)]:
                cursor.executemany(sql, chunk)
    db.execute_sql("ANALYZE")
    db.close()


def _plain(url: str, value: Any) -> Any:
    """As peewee stores it on SQLite."""
    if url.startswith("sqlite") and isinstance(value, (Decimal, date)):
        return str(value)
    return value


def checked(given: Any) -> dict[str, Any]:
    """What such an endpoint checks by hand; ValueError names the field."""
    out = {key: given[key] for key in CUSTOMER if key in given}
    if not isinstance(out.get("name"), str) or not 0 < len(out["name"]) <= 120:
        raise ValueError("name")
    if out.get("level") not in (None, "a", "b"):
        raise ValueError("level")
    if not out.get("phone") and not out.get("email"):
        raise ValueError("phone")
    if out.get("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", out["email"]):
        raise ValueError("email")
    for key in ("employees", "rating"):
        if out.get(key) is not None and type(out[key]) is not int:
            raise ValueError(key)
    try:
        return stored(out)
    except (InvalidOperation, TypeError) as fault:
        raise ValueError("value") from fault


def answer(value: Any, status: int = 200) -> Response:
    """JSON; decimals as texts."""
    return Response(orjson.dumps(value, default=str), status, content_type="application/json")


def by_peewee() -> Flask:
    """The hand-written endpoints over peewee models."""
    app, models = Flask("by_peewee"), Models(open_peewee(os.environ[VARIABLE]))
    customer, activity, audit, db = models.customer, models.activity, models.audit, models.database
    immediate = ("IMMEDIATE",) if os.environ[VARIABLE].startswith("sqlite") else ()
    shown = [getattr(customer, n) for n in [*SYSTEM, *CUSTOMER] if n != "secret"]
    listed = [getattr(activity, n) for n in [*SYSTEM, *ACTIVITY]]

    @app.before_request
    def begin() -> Response | None:
        db.connect(reuse_if_open=True)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        sha = hashlib.sha256(token.encode()).hexdigest()
        query = models.token.select(models.seller.id, models.seller.team).join(models.seller)
        g.me = query.where(models.token.sha256 == sha, models.token.expires_at > datetime.now()).dicts().first()
        return None if g.me else answer({"detail": "log in"}, 401)

    def mine(model: Any) -> Any:
        return model.deleted_at.is_null() & ((model.owner == g.me["id"]) | (model.team == g.me["team"]))

    @app.get("/api/customer/<int:record>")
    def read(record: int) -> Response:
        found = customer.select(*shown).where(customer.id == record, mine(customer)).dicts().first()
        return answer(found) if found else answer({"detail": "nothing here"}, 404)

    @app.get("/api/customer")
    def customers() -> Response:
        args = request.args
        if "q" in args:
            return answer({"data": list(searched(args["q"]).order_by(customer.id).limit(50).dicts())})
        where = mine(customer) & (customer.city == args["city"]) & (customer.level == args["level"])
        query = customer.select(*shown).where(where)
        rows = list(query.order_by(customer.revenue.desc(), customer.id.desc()).limit(50).dicts())
        return answer({"data": rows, "total": customer.select().where(where).count()})

    def searched(q: str) -> Any:
        return customer.select(*shown).where(mine(customer), customer.name.contains(q))

    @app.get("/api/activity")
    def activities() -> Response:
        query = activity.select(*listed, *(getattr(customer, n).alias(f"c_{n}") for n in ["id", *CUSTOMER[:-1]]))
        query = query.join(customer, peewee.JOIN.LEFT_OUTER).where(mine(activity))
        rows = list(query.order_by(activity.at.desc(), activity.id.desc()).limit(50).dicts())
        for row in rows:
            row["customer"] = {name: row.pop(f"c_{name}") for name in ["id", *CUSTOMER[:-1]]}
        return answer({"data": rows})

    @app.post("/api/customer")
    def create() -> Response:
        try:
            values = checked(orjson.loads(request.get_data()))
        except ValueError as fault:
            return answer({"field": str(fault)}, 422)
        now = datetime.now(UTC).replace(tzinfo=None)
        with db.atomic(*immediate):
            row = customer.create(created_at=now, updated_at=now, owner=g.me["id"], team=g.me["team"], **values)
            changes = orjson.dumps(values, default=str).decode()
            audit.create(record=row.id, at=now, by=g.me["id"], action="create", changes=changes)
        return answer(row.__data__, 201)

    @app.patch("/api/customer/<int:record>")
    def update(record: int) -> Response:
        city, now = orjson.loads(request.get_data())["city"], datetime.now(UTC).replace(tzinfo=None)
        if not isinstance(city, str) or len(city) > 255:
            return answer({"field": "city"}, 422)
        with db.atomic(*immediate):
            row = customer.select().where(customer.id == record, mine(customer)).first()
            if row is None:
                return answer({"detail": "nothing here"}, 404)
            before, row.city, row.version, row.updated_at = row.city, city, row.version + 1, now
            row.save(only=[customer.city, customer.version, customer.updated_at])
            changes = orjson.dumps({"city": [before, city]}).decode()
            audit.create(record=record, at=now, by=g.me["id"], action="update", changes=changes)
        return answer(row.__data__)

    return app


class Driver:
    """A connection of either engine, statements written with `?`."""

    def __init__(self, url: str) -> None:
        self.sqlite = url.startswith("sqlite:///")
        if self.sqlite:
            path = url.removeprefix("sqlite:///")
            self.conn: Any = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
            for pragma in ("synchronous=FULL", "busy_timeout=10000", "cache_size=-16384"):
                self.conn.execute(f"PRAGMA {pragma}")
        else:
            import psycopg

            self.conn = psycopg.connect(url, autocommit=True, prepare_threshold=1)

    def text(self, sql: str) -> str:
        """The engine's placeholders; where blanks of a descending index stand."""
        return sql if self.sqlite else sql.replace("?", "%s")

    def run(self, sql: str, params: Iterable[Any] = ()) -> Any:
        """A cursor."""
        return self.conn.execute(sql, tuple(params))


def by_driver() -> Flask:
    """The same requests with fixed SQL on the bare driver."""
    app, db = Flask("by_driver"), Driver(os.environ[VARIABLE])
    names = [*SYSTEM, *CUSTOMER[:-1]]
    columns = ", ".join(f't."{n}"' for n in names)
    mine = "t.deleted_at IS NULL AND (t.owner = ? OR t.team = ?)"
    where = f"{mine} AND t.city = ? AND t.level = ?"
    token_sql = db.text(
        "SELECT s.id, s.team FROM token t JOIN seller s ON s.id = t.seller_id WHERE t.sha256 = ? AND t.expires_at > ?"
    )
    one_sql = db.text(f"SELECT {columns} FROM customer t WHERE t.id = ? AND {mine}")
    list_sql = db.text(f"SELECT {columns} FROM customer t WHERE {where} ORDER BY t.revenue DESC, t.id DESC LIMIT 50")
    count_sql = db.text(f"SELECT count(*) FROM customer t WHERE {where}")
    like = "LIKE" if db.sqlite else "ILIKE"
    search_sql = db.text(f"SELECT {columns} FROM customer t WHERE {mine} AND t.name {like} ? ORDER BY t.id LIMIT 50")
    inner = ["id", *CUSTOMER[:-1]]
    outer = [*SYSTEM, "subject", "kind", "at", "minutes"]
    many = ", ".join([*(f't."{n}"' for n in outer), *(f'c."{n}"' for n in inner)])
    expand_sql = db.text(
        f"SELECT {many} FROM activity t LEFT JOIN customer c ON c.id = t.customer_id WHERE {mine} "
        "ORDER BY t.at DESC, t.id DESC LIMIT 50"
    )
    keys = ["version", "created_at", "updated_at", "owner", "team", *CUSTOMER]
    listed = ", ".join(f'"{k}"' for k in keys)
    insert_sql = db.text(f"INSERT INTO customer ({listed}) VALUES ({', '.join('?' * len(keys))}) RETURNING id")
    audit_sql = db.text('INSERT INTO audit (record, at, "by", action, changes) VALUES (?, ?, ?, ?, ?)')
    change_sql = db.text("UPDATE customer SET city = ?, version = version + 1, updated_at = ? WHERE id = ?")
    row = _row_function(names)

    @app.before_request
    def begin() -> Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        sha = hashlib.sha256(token.encode()).hexdigest()
        g.me = db.run(token_sql, (sha, _now())).fetchone()
        return None if g.me else answer({"detail": "log in"}, 401)

    @app.get("/api/customer/<int:record>")
    def read(record: int) -> Response:
        found = db.run(one_sql, (record, *g.me)).fetchone()
        return answer(row(found)) if found else answer({"detail": "nothing here"}, 404)

    @app.get("/api/customer")
    def customers() -> Response:
        args = request.args
        if "q" in args:
            return answer({"data": [row(r) for r in db.run(search_sql, (*g.me, f"%{args['q']}%")).fetchall()]})
        params = (*g.me, args["city"], args["level"])
        rows = [row(r) for r in db.run(list_sql, params).fetchall()]
        total = len(rows) if len(rows) < 50 else db.run(count_sql, params).fetchone()[0]
        return answer({"data": rows, "total": total})

    @app.get("/api/activity")
    def activities() -> Response:
        rows = []
        for found in db.run(expand_sql, g.me).fetchall():
            one = dict(zip(outer, found, strict=False))
            one["customer"] = dict(zip(inner, found[len(outer) :], strict=True))
            rows.append(one)
        return answer({"data": rows})

    @app.post("/api/customer")
    def create() -> Response:
        values, now = checked(orjson.loads(request.get_data())), _now()
        plain = [_plain("sqlite" if db.sqlite else "", values.get(k)) for k in CUSTOMER]
        db.run("BEGIN")
        made = db.run(insert_sql, (1, now, now, *g.me, *plain)).fetchall()[0][0]
        db.run(audit_sql, (made, now, g.me[0], "create", orjson.dumps(values, default=str).decode()))
        db.run("COMMIT")
        return answer({"id": made, "version": 1, **values}, 201)

    @app.patch("/api/customer/<int:record>")
    def update(record: int) -> Response:
        city, now = orjson.loads(request.get_data())["city"], _now()
        db.run("BEGIN IMMEDIATE" if db.sqlite else "BEGIN")
        found = db.run(one_sql, (record, *g.me)).fetchone()
        db.run(change_sql, (city, now, record))
        before = found[names.index("city")]
        db.run(audit_sql, (record, now, g.me[0], "update", orjson.dumps({"city": [before, city]}).decode()))
        db.run("COMMIT")
        return answer(row(found) | {"city": city})

    return app


def _row_function(names: list[str]) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
    return lambda values: dict(zip(names, values, strict=True))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
