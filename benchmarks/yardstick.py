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
from functools import cached_property
from itertools import islice
from typing import Any

import orjson
import peewee
from flask import Flask, Response, g, request

from .workload import ACTIVITY, CUSTOMER, SELLERS, activities, customers

VARIABLE = "BENCH_DATABASE"
SYSTEM = ["id", "version", "created_at", "updated_at", "owner", "team"]
KEYS = ["version", "created_at", "updated_at", "owner", "team", *CUSTOMER]
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
            id: Any

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
        self.immediate = ("IMMEDIATE",) if isinstance(database, peewee.SqliteDatabase) else ()

    def create(self, given: Any, owner: int, team: int) -> dict[str, Any]:
        """A checked customer with its audit row, in one transaction. Raises ValueError, which names the field."""
        values, now = checked(given), datetime.now(UTC).replace(tzinfo=None)
        with self.database.atomic(*self.immediate):
            row = self.customer.create(created_at=now, updated_at=now, owner=owner, team=team, **values)
            changes = orjson.dumps(values, default=str).decode()
            self.audit.create(record=row.id, at=now, by=owner, action="create", changes=changes)
        return dict(row.__data__)

    def update(self, record: int, city: str, by: int, mine: Any = True) -> dict[str, Any] | None:
        """Another city for a customer, with its audit row; None when `mine` does not hold for it."""
        customer, now = self.customer, datetime.now(UTC).replace(tzinfo=None)
        with self.database.atomic(*self.immediate):
            row = customer.select().where(customer.id == record, mine).first()
            if row is None:
                return None
            before, row.city, row.version, row.updated_at = row.city, city, row.version + 1, now
            row.save(only=[customer.city, customer.version, customer.updated_at])
            changes = orjson.dumps({"city": [before, city]}).decode()
            self.audit.create(record=record, at=now, by=by, action="update", changes=changes)
        return dict(row.__data__)


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
    customer, activity, db = models.customer, models.activity, models.database
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
        rows: list[Any] = list(query.order_by(activity.at.desc(), activity.id.desc()).limit(50).dicts())
        for row in rows:
            row["customer"] = {name: row.pop(f"c_{name}") for name in ["id", *CUSTOMER[:-1]]}
        return answer({"data": rows})

    @app.post("/api/customer")
    def create() -> Response:
        try:
            return answer(models.create(orjson.loads(request.get_data()), g.me["id"], g.me["team"]), 201)
        except ValueError as fault:
            return answer({"field": str(fault)}, 422)

    @app.patch("/api/customer/<int:record>")
    def update(record: int) -> Response:
        city = orjson.loads(request.get_data())["city"]
        if not isinstance(city, str) or len(city) > 255:
            return answer({"field": "city"}, 422)
        row = models.update(record, city, g.me["id"], mine(customer))
        return answer(row) if row else answer({"detail": "nothing here"}, 404)

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

    @cached_property
    def _insert(self) -> str:
        listed = ", ".join(f'"{k}"' for k in KEYS)
        return self.text(f"INSERT INTO customer ({listed}) VALUES ({', '.join('?' * len(KEYS))}) RETURNING id")

    @cached_property
    def _audit(self) -> str:
        return self.text('INSERT INTO audit (record, at, "by", action, changes) VALUES (?, ?, ?, ?, ?)')

    @cached_property
    def _change(self) -> str:
        return self.text("UPDATE customer SET city = ?, version = version + 1, updated_at = ? WHERE id = ?")

    def create(self, given: Any, owner: int, team: int) -> dict[str, Any]:
        """A checked customer with its audit row, in one transaction."""
        values, now = checked(given), _now()
        plain = [_plain("sqlite" if self.sqlite else "", values.get(k)) for k in CUSTOMER]
        self.run("BEGIN")
        made = self.run(self._insert, (1, now, now, owner, team, *plain)).fetchall()[0][0]
        self.run(self._audit, (made, now, owner, "create", orjson.dumps(values, default=str).decode()))
        self.run("COMMIT")
        return {"id": made, "version": 1, **values}

    def update(self, record: int, city: str, by: int, read: str, params: Iterable[Any]) -> Any:
        """Another city for a customer that `read` finds (its city first), with its audit row; the row before."""
        now = _now()
        self.run("BEGIN IMMEDIATE" if self.sqlite else "BEGIN")
        found = self.run(read, params).fetchone()
        self.run(self._change, (city, now, record))
        self.run(self._audit, (record, now, by, "update", orjson.dumps({"city": [found[0], city]}).decode()))
        self.run("COMMIT")
        return found


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
    city_first = db.text(f"SELECT t.city, {columns} FROM customer t WHERE t.id = ? AND {mine}")
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
        return answer(db.create(orjson.loads(request.get_data()), *g.me), 201)

    @app.patch("/api/customer/<int:record>")
    def update(record: int) -> Response:
        city = orjson.loads(request.get_data())["city"]
        found = db.update(record, city, g.me[0], city_first, (record, *g.me))
        return answer(row(found[1:]) | {"city": city})

    return app


def _row_function(names: list[str]) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
    return lambda values: dict(zip(names, values, strict=True))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
