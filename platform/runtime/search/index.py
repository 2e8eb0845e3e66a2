"""The search tables: their shape, and keeping them equal to the records, inside the record's own transaction.

`s_<object>` has one row per record and one column `f_<field>` per searchable field: on SQLite an FTS5 table of prepared
tokens (rowid is the record's id), on PostgreSQL `tsvector` columns under one GIN index. A field's text stays in its own
column, so that a reader looks only into fields open to them. Trashed records stay indexed; lists leave them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from guanxi.fieldtypes import CATALOGUE
from guanxi.registry.objects import Field, ObjectType
from guanxi.runtime.ports import Database, Engine
from guanxi.runtime.storage.names import fitted, object_table
from guanxi.runtime.storage.rows import row_function
from guanxi.runtime.storage.tables import column_of, columns_of

from .grams import tokens, tsvector, words_of
from .readings import sounds

CHUNK = 2_000


def searched_fields(object_type: ObjectType) -> tuple[Field, ...]:
    """The fields of the object that are indexed for search, in order."""
    return tuple(
        f for f in object_type.fields.values() if f.search and column_of(f).kind not in ("none", "links", "reference")
    )


def table_name(object_type: ObjectType) -> str:
    """The search table's name."""
    return fitted(f"s_{object_type.name}")


def column_name(field: str) -> str:
    """The column of a field in the search table; the prefix keeps off names FTS5 reserves."""
    return f"f_{field}"


def search_tables(object_type: ObjectType, engine: Engine) -> list[str]:
    """The statements that create the object's search table; [] when nothing is searchable.

    A changed set of searchable fields means: drop the table `table_name(object_type)`, run these, `rebuild`.
    """
    columns = [column_name(f.name) for f in searched_fields(object_type)]
    if not columns:
        return []
    table = table_name(object_type)
    if engine == "sqlite":
        inner = ", ".join(f'"{c}"' for c in columns)
        options = "tokenize=\"unicode61 remove_diacritics 0\", prefix='1 2'"
        return [f'CREATE VIRTUAL TABLE "{table}" USING fts5({inner}, {options})']
    inner = ", ".join(f'"{c}" tsvector' for c in columns)
    listed = ", ".join(f'"{c}"' for c in columns)
    return [
        f'CREATE TABLE "{table}" (record_id bigint PRIMARY KEY, {inner})',
        f'CREATE INDEX "{fitted("ix_" + table)}" ON "{table}" USING gin ({listed}) WITH (gin_pending_list_limit = 64)',
    ]


class Indexer:
    """One object's index on one engine: the statement that puts a record in, and what is bound to it. Made once per
    published version and then only used.
    """

    def __init__(self, object_type: ObjectType, engine: Engine) -> None:
        fields = searched_fields(object_type)
        self.fields = tuple(f.name for f in fields)
        self.table = table_name(object_type)
        self.columns = ("rowid" if engine == "sqlite" else "record_id", *(column_name(name) for name in self.fields))
        self.upsert = _upsert(object_type, fields, engine)
        self._texts = [(f.name, _text_function(f)) for f in fields]
        self._form = _sqlite_form if engine == "sqlite" else tsvector

    def prepared(self, values: Mapping[str, Any]) -> list[str]:
        """The prepared text of each searchable field, from present values in Python form."""
        form, found = self._form, []
        for name, text_function in self._texts:
            value = values.get(name)
            text = "" if value is None or value == () else text_function(value)
            words = words_of(text)
            if not text.isascii():
                words += [s for s in sounds(text) if s not in words]
            found.append(form(words))
        return found

    def put(self, db: Database, record_id: int, values: Mapping[str, Any]) -> None:
        """Put one record into the index; replaces what was there."""
        db.execute(self.upsert, (record_id, *self.prepared(values)))

    def put_new(self, db: Database, rows: Iterable[Mapping[str, Any]]) -> None:
        """Put records into the index that have never been there; each row holds its `id`."""
        prepared = [(row["id"], *self.prepared(row)) for row in rows]
        if db.engine == "sqlite":
            db.execute_many(self.upsert, prepared)
        else:
            db.insert_many(self.table, self.columns, prepared)


def index_record(db: Database, object_type: ObjectType, record_id: int, values: Mapping[str, Any]) -> None:
    """Put one record's present values (Python form, all searchable fields) into the index; replaces what was there."""
    if searched_fields(object_type):
        Indexer(object_type, db.engine).put(db, record_id, values)


def index_records(db: Database, object_type: ObjectType, rows: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """`index_record` for many records."""
    if searched_fields(object_type):
        indexer = Indexer(object_type, db.engine)
        db.execute_many(indexer.upsert, ((record_id, *indexer.prepared(values)) for record_id, values in rows))


def remove(db: Database, object_type: ObjectType, record_ids: Sequence[int]) -> None:
    """Take records out of the index (they were deleted for good)."""
    if not searched_fields(object_type):
        return
    key, mark = ("rowid", "?") if db.engine == "sqlite" else ("record_id", "%s")
    sql = f'DELETE FROM "{table_name(object_type)}" WHERE {key} = {mark}'  # noqa: S608 (names from the registry)
    db.execute_many(sql, [(record_id,) for record_id in record_ids])


def touched(object_type: ObjectType, changed: Iterable[str]) -> bool:
    """True when a change of these fields must be indexed."""
    return not {f.name for f in searched_fields(object_type)}.isdisjoint(changed)


def rebuild(db: Database, object_type: ObjectType) -> int:
    """Index every record anew, inside `write()`; returns how many."""
    fields = searched_fields(object_type)
    if not fields:
        return 0
    db.execute(f'DELETE FROM "{table_name(object_type)}"')  # noqa: S608 (names from the registry)
    count = 0
    for chunk in _stored(db, object_type, fields):
        index_records(db, object_type, chunk)
        count += len(chunk)
    return count


def _stored(
    db: Database, object_type: ObjectType, fields: tuple[Field, ...]
) -> Iterator[list[tuple[int, Mapping[str, Any]]]]:
    """All records' searchable values in chunks, by id."""
    mark = "?" if db.engine == "sqlite" else "%s"
    listed = ", ".join(f'"{f.name}"' for f in fields)
    table = f'"{object_table(object_type.name)}"'
    sql = f"SELECT id, {listed} FROM {table} WHERE id > {mark} ORDER BY id LIMIT {CHUNK}"  # noqa: S608 (registry names)
    columns = columns_of(object_type)
    values = row_function(db.engine, "python", [columns[f.name].cell() for f in fields], start=1)
    last = 0
    while found := db.rows(sql, (last,)):
        yield [(row[0], values(row)) for row in found]
        last = found[-1][0]


def _upsert(object_type: ObjectType, fields: tuple[Field, ...], engine: Engine) -> str:
    columns = [f'"{column_name(f.name)}"' for f in fields]
    table = table_name(object_type)
    if engine == "sqlite":
        marks = ", ".join("?" * (len(columns) + 1))
        return f'INSERT OR REPLACE INTO "{table}" (rowid, {", ".join(columns)}) VALUES ({marks})'  # noqa: S608
    marks = ", ".join(["%s"] + ["%s::tsvector"] * len(columns))
    kept = ", ".join(f"{c} = excluded.{c}" for c in columns)
    return (
        f'INSERT INTO "{table}" (record_id, {", ".join(columns)}) VALUES ({marks})'  # noqa: S608
        f" ON CONFLICT (record_id) DO UPDATE SET {kept}"
    )


def _sqlite_form(words: Sequence[str]) -> str:
    return " ".join(tokens(words))


def _text_function(field: Field) -> Callable[[Any], str]:
    """What a person would look for in a value that is not blank: an option also by its labels, anything else as its
    type says.
    """
    if not field.options:
        return CATALOGUE[field.type].search_text
    known = {name: [text for _, text in option.label.texts] for name, option in field.options.items()}

    def with_labels(value: Any) -> str:
        names = value if isinstance(value, tuple) else (value,)
        return " ".join([*names, *(label for name in names for label in known.get(name, ()))])

    return with_labels
