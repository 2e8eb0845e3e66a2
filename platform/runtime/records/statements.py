"""The SQL texts of one object's writes, made once per published version; later only bound.

An insert has one shape (every column), an update one shape per set of changed columns (kept, bounded). Identifiers come
from the Registry through `storage.tables` and are quoted; every value is a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guanxi.runtime.ports import Database
from guanxi.runtime.search.index import Indexer
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.rows import Cell, row_function, storing_function
from guanxi.runtime.storage.tables import ObjectTable, unique_value

KEPT_SHAPES = 512
Params = Callable[[dict[str, Any]], tuple[Any, ...]]


class Statements:
    """Texts, and the functions that turn rows into parameters and back, for one object on one engine."""

    def __init__(self, table: ObjectTable, db: Database, indexer: Indexer, *, events: bool = False) -> None:
        self.table = table
        self.indexer = indexer
        self.engine = db.engine
        self.mark = "?" if db.engine == "sqlite" else "%s"
        self.name = quoted(table.name)
        self.names = tuple(table.columns)
        self.read = row_function(db.engine, "python", table.cells(self.names))
        columns = ", ".join(quoted(n) for n in self.names)
        self.select = f"SELECT {columns} FROM {self.name} WHERE "  # noqa: S608 (names from the registry)
        self.by_id = f'{self.select}"id" = {self.mark}'
        self.lock = self.by_id if db.engine == "sqlite" else f"{self.by_id} FOR UPDATE"
        self.hold = self.by_id if db.engine == "sqlite" else f"{self.by_id} FOR KEY SHARE"
        self.hold_many = "" if db.engine == "sqlite" else ' ORDER BY "id" FOR KEY SHARE'
        self._shadows = [_Shadow(u.column, u.fields) for u in table.uniques.values()]
        self._updates: dict[tuple[str, ...], tuple[str, Params]] = {}
        inserted = [n for n in self.names if n != "id"]
        self.insert_columns = [*inserted, *(s.column for s in self._shadows)]
        self._insert_params = storing_function(db.engine, table.cells(inserted))
        self.insert = self._insert() + ' RETURNING "id"'
        self.known_columns = ("id", *self.insert_columns)
        self.events = events
        self.insert_traced = _traced(self._insert(), indexer, events=events) if db.engine == "postgresql" else ""
        self.links = {field: _LinkTexts(quoted(link.name), self.mark) for field, link in table.links.items()}

    def insert_params(self, row: dict[str, Any]) -> tuple[Any, ...]:
        """The parameters of `insert` for a row in Python form; shadow columns included."""
        return (*self._insert_params(row), *(s.value(row) for s in self._shadows))

    def _insert(self) -> str:
        marks = ", ".join([self.mark] * len(self.insert_columns))
        listed = ", ".join(quoted(c) for c in self.insert_columns)
        return f"INSERT INTO {self.name} ({listed}) VALUES ({marks})"  # noqa: S608

    def update(self, changed: tuple[str, ...]) -> tuple[str, Params]:
        """Text and parameters of an update of these columns; the row's id and old version are bound last."""
        found = self._updates.get(changed)
        if found is None:
            if len(self._updates) >= KEPT_SHAPES:
                self._updates.clear()
            found = self._updates[changed] = self._update(changed)
        return found

    def _update(self, changed: tuple[str, ...]) -> tuple[str, Params]:
        names = ["version", "updated_at", "updated_by", *changed]
        shadows = [s for s in self._shadows if not set(s.fields).isdisjoint(changed)]
        sets = ", ".join(f"{quoted(n)} = {self.mark}" for n in [*names, *(s.column for s in shadows)])
        text = f'UPDATE {self.name} SET {sets} WHERE "id" = {self.mark} AND "version" = {self.mark}'  # noqa: S608
        stored = storing_function(self.engine, self.table.cells(names))
        if not shadows:
            return text, stored
        return text, lambda row: (*stored(row), *(s.value(row) for s in shadows))

    def trash(self) -> str:
        """Into or out of the trash: version, deleted_at, deleted_by, updated_at, updated_by; id, old version last."""
        names = ("version", "deleted_at", "deleted_by", "updated_at", "updated_by")
        sets = ", ".join(f"{quoted(n)} = {self.mark}" for n in names)
        return f'UPDATE {self.name} SET {sets} WHERE "id" = {self.mark} AND "version" = {self.mark}'  # noqa: S608

    def trash_params(self, row: Mapping[str, Any]) -> Sequence[Any]:
        """The first five parameters of `trash`."""
        cells = self.table.cells(("version", "deleted_at", "deleted_by", "updated_at", "updated_by"))
        return storing_function(self.engine, cells)(dict(row))

    def holders(self, key: str) -> str:
        """Live records, other than one, that hold a unique key's value: parameters value, id."""
        column = quoted(self.table.uniques[key].column)
        return (
            f'SELECT "id" FROM {self.name} WHERE {column} = {self.mark} AND "deleted_at" IS NULL'  # noqa: S608
            f' AND "id" <> {self.mark} LIMIT 1'
        )

    def held(self, key: str, count: int) -> str:
        """Which of `count` values of a unique key live records hold."""
        column = quoted(self.table.uniques[key].column)
        marks = ", ".join([self.mark] * count)
        return f'SELECT {column} FROM {self.name} WHERE {column} IN ({marks}) AND "deleted_at" IS NULL'  # noqa: S608

    def reserve(self, db: Database, count: int) -> list[int]:
        """Ids for new rows, never given out again; inside `write()`."""
        if self.engine == "postgresql":
            text = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
            return [row[0] for row in db.rows(text, (self.name, count))]
        last = db.rows("SELECT seq FROM sqlite_sequence WHERE name = ?", (self.table.name,))
        first = (last[0][0] if last else 0) + 1
        return list(range(first, first + count))

    def cell(self, name: str) -> Cell:
        """The place of one column."""
        return self.table.columns[name].cell()


def _traced(insert: str, indexer: Indexer, *, events: bool) -> str:
    """One statement, one way to the server and back, for a new row and everything it leaves behind. Parameters: the
    row's, those of `store._first_traces`, the prepared texts of the index.
    """
    index = event = ""
    if events:
        event = (
            ", o AS (INSERT INTO gx_outbox (at, kind, object, record_id, payload, key, due_at) SELECT %s::text,"
            " 'record.created', %s::text, r.id, %s::text, %s::text || '-' || r.id || '-1-create', %s::text FROM r)"
        )
    if indexer.fields:
        columns = ", ".join(quoted(c) for c in indexer.columns)
        texts = ", ".join(["%s::tsvector"] * len(indexer.fields))
        kept = ", ".join(f"{quoted(c)} = excluded.{quoted(c)}" for c in indexer.columns[1:])
        index = (
            f", s AS (INSERT INTO {quoted(indexer.table)} ({columns}) SELECT r.id, {texts} FROM r"  # noqa: S608
            f" ON CONFLICT (record_id) DO UPDATE SET {kept})"
        )
    return (
        f'WITH r AS ({insert} RETURNING "id"),'  # noqa: S608 (names from the registry)
        " h AS (INSERT INTO gx_history (object, record_id, version, at, by_id, action, channel, changes)"
        " SELECT %s::text, r.id, 1, %s::text, %s::bigint, 'create', %s::text, %s::text FROM r)"
        f"{event}{index} SELECT id FROM r"
    )


class _Shadow:
    """A unique key's shadow column and how its value is made."""

    __slots__ = ("column", "fields")

    def __init__(self, column: str, fields: tuple[str, ...]) -> None:
        self.column = column
        self.fields = fields

    def value(self, row: Mapping[str, Any]) -> str | None:
        """The folded value, None when a part is blank."""
        return unique_value([row.get(name) for name in self.fields])


class _LinkTexts:
    """Reading and replacing the links of one record in one `references` field."""

    __slots__ = ("add", "clear", "read", "sources")

    def __init__(self, table: str, mark: str) -> None:
        self.read = f"SELECT target FROM {table} WHERE source = {mark} ORDER BY position, target"  # noqa: S608
        self.clear = f"DELETE FROM {table} WHERE source = {mark}"  # noqa: S608
        self.add = f"INSERT INTO {table} (source, target, position) VALUES ({mark}, {mark}, {mark})"  # noqa: S608
        self.sources = f"SELECT source FROM {table} WHERE target = {mark} ORDER BY source"  # noqa: S608
