"""PostgreSQL: every table by COPY from one snapshot, with the schema as the server tells it; back in one transaction.

The schema is what lies in the connection's current schema: functions, tables, sequences, constraints, indexes and
triggers. That is all the product makes; owners and grants are the server's affair and stay there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql

from guanxi.common.errors import Unavailable
from guanxi.runtime.storage.locks import APPLY_LOCK

from .archive import BadArchive, Reader, Writer
from .fresh import Count

SCHEMA = "database/schema.json"
Conn = psycopg.Connection[Any]

_FUNCTIONS = """
SELECT pg_get_functiondef(oid), oid::regprocedure::text FROM pg_proc
WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'gx\\_%' ORDER BY oid"""
_TABLES = """
SELECT oid, relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY relname"""
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid),
       CASE WHEN a.attcollation <> t.typcollation THEN l.collname END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_CONSTRAINTS = (
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = %s AND contype IN ('p', 'u', 'c', 'f') ORDER BY contype = 'f', conname"
)
_INDEXES = (
    "SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = %s AND NOT EXISTS "
    "(SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')) ORDER BY 1"
)
_TRIGGERS = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s AND NOT tgisinternal ORDER BY tgname"


def connected(url: str) -> Conn:
    """A connection of its own, without the product's time limits."""
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="guanxi backup")
    except psycopg.Error as fault:
        raise Unavailable("The database cannot be reached.") from fault


# out ------------------------------------------------------------------------------------------------------------
def save(url: str, out: Writer) -> None:
    """Add every table as it is at one moment; writers are not held up."""
    with connected(url) as db:
        db.execute("SELECT pg_advisory_lock_shared(%s)", (APPLY_LOCK,))  # nobody publishes meanwhile; writes go on
        db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        tables = {name: _table(db, oid) for oid, name in db.execute(_TABLES).fetchall()}
        place = str(_one(db, "SELECT current_schema()"))
        functions = [row[0] for row in db.execute(_FUNCTIONS).fetchall()]
        out.head["tables"] = {}
        for name, table in tables.items():
            table["next"] = _next(db, name, table)
            out.add(_member(name), _rows(db, name, table))
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            out.head["tables"][name] = _one(db, count)
        schema = {"schema": place, "functions": functions, "tables": tables}
        out.add(SCHEMA, [json.dumps(schema, ensure_ascii=False).encode()])
        db.execute("COMMIT")


def _table(db: Conn, oid: int) -> dict[str, Any]:
    def texts(query: str) -> list[str]:
        return [row[0] for row in db.execute(query, (oid,)).fetchall()]

    return {
        "columns": [list(row) for row in db.execute(_COLUMNS, (oid,)).fetchall()],
        "constraints": [list(row) for row in db.execute(_CONSTRAINTS, (oid,)).fetchall()],
        "indexes": texts(_INDEXES),
        "triggers": texts(_TRIGGERS),
    }


def _rows(db: Conn, name: str, table: Mapping[str, Any]) -> Iterator[bytes | bytearray | memoryview]:
    columns = sql.SQL(", ").join(sql.Identifier(column[0]) for column in table["columns"])
    query = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(name), columns)
    with db.cursor() as cursor, cursor.copy(query) as copy:
        yield from copy


def _next(db: Conn, name: str, table: Mapping[str, Any]) -> list[list[Any]]:
    """[column, last value, whether it was given out] of the identities."""
    found = []
    for column, *_ in (one for one in table["columns"] if one[3]):
        sequence = _one(db, "SELECT pg_get_serial_sequence(%s, %s)", (f'"{name}"', column))
        row = db.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()  # noqa: S608 (quoted by the server)
        found.append([column, *(row or ())])
    return found


def _member(table: str) -> str:
    return f"database/tables/{table}.copy"


def _one(db: Conn, query: Any, params: Any = None) -> Any:
    row = db.execute(query, params).fetchone()
    return row[0] if row else None


# back -----------------------------------------------------------------------------------------------------------
def counts(db: Conn) -> tuple[list[str], Count]:
    """The tables that are there, and how to count one."""

    def count(name: str) -> int:
        return int(_one(db, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))))

    return [name for _, name in db.execute(_TABLES).fetchall()], count


def restore(source: Reader, url: str) -> Mapping[str, int]:
    """Put everything back in place of what is there; rows by table. One transaction: nothing changed when it raises."""
    schema = json.loads(source.read(SCHEMA))
    try:
        with connected(url) as db, db.transaction():
            db.execute("SET LOCAL check_function_bodies = off")
            place = str(_one(db, "SELECT current_schema()"))
            if place != schema["schema"]:
                raise BadArchive(f"the backup is of the schema {schema['schema']}, and this database uses {place}.")
            _clear(db)
            for text in schema["functions"]:
                db.execute(text)
            for name, table in schema["tables"].items():
                db.execute(_create(name, table["columns"]))
                _load(db, source, name, table)
            _tie(db, schema["tables"])
            _, count = counts(db)
            found = {name: count(name) for name in schema["tables"]}
        with connected(url) as db:
            db.execute("ANALYZE")
    except psycopg.Error as fault:
        raise BadArchive(
            f"the database did not take the backup: {type(fault).__name__} {fault.diag.message_primary}"
        ) from None
    return found


def _clear(db: Conn) -> None:
    """Take away what a new instance begins with."""
    for name in counts(db)[0]:
        db.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(name)))
    for _, name in db.execute(_FUNCTIONS).fetchall():
        db.execute(f"DROP FUNCTION IF EXISTS {name} CASCADE")


def _create(name: str, columns: list[list[Any]]) -> sql.Composed:
    parts = []
    for column, kind, needed, identity, default, collation in columns:
        text = sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
        if collation:
            text += sql.SQL(" COLLATE {}").format(sql.Identifier(collation))
        if identity:
            text += sql.SQL(" GENERATED {} AS IDENTITY").format(sql.SQL("ALWAYS" if identity == "a" else "BY DEFAULT"))
        elif default is not None:
            text += sql.SQL(" DEFAULT ") + sql.SQL(default)
        parts.append(text + sql.SQL(" NOT NULL" if needed else ""))
    return sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(name), sql.SQL(", ").join(parts))


def _load(db: Conn, source: Reader, name: str, table: Mapping[str, Any]) -> None:
    columns = sql.SQL(", ").join(sql.Identifier(column[0]) for column in table["columns"])
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), columns)
    with db.cursor() as cursor, cursor.copy(query) as copy:
        for chunk in source.chunks(_member(name)):
            copy.write(chunk)
    for column, last, given in table["next"]:
        db.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)", (f'"{name}"', column, last, given))


def _tie(db: Conn, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Keys and indexes once the rows are there, references once the keys are, triggers last."""
    for foreign in (False, True):
        for name, table in tables.items():
            for key, text in table["constraints"]:
                if text.startswith("FOREIGN KEY") is foreign:
                    add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
                    db.execute(add.format(sql.Identifier(name), sql.Identifier(key), sql.SQL(text)))
    for kind in ("indexes", "triggers"):
        for table in tables.values():
            for text in table[kind]:
                db.execute(text)
