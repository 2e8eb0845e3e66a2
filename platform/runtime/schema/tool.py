"""What a step works with while a plan is applied: statements with a fault point before each, and the few operations on
tables that differ between the engines. Everything happens inside one transaction of the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson

from guanxi.common.clock import Clock
from guanxi.registry.registry import Registry
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.names import former_name, object_table, quoted
from guanxi.runtime.storage.rows import instant_text
from guanxi.runtime.storage.system import NAMING_FIELDS, NAMING_OBJECTS

from .approval_names import renamed
from .dialect import column_sql
from .shapes import FieldShape, Shape, field_json

OnStatement = Callable[[int, str], None]
CHUNK = 1000


class Tool:
    """One application of one plan. `on_statement(number, sql)` is called before every statement."""

    def __init__(
        self,
        db: Handle,
        registry: Registry,
        old: Shape,
        *,
        version: int,
        clock: Clock,
        on_statement: OnStatement | None = None,
    ) -> None:
        self.db = db
        self.engine = db.engine
        self.registry = registry
        self.old = old
        self.version = version
        self.clock = clock
        self._count = 0
        self._on_statement = on_statement

    # statements -------------------------------------------------------------------------------------
    def do(self, sql: str, params: Sequence[Any] = ()) -> int:
        """One statement with `?` for values; rows touched."""
        self._point(sql)
        return self.db.execute(self.db.sql(sql), params)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for many rows."""
        self._point(sql)
        self.db.execute_many(self.db.sql(sql), rows)

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read."""
        return self.db.rows(self.db.sql(sql), params)

    def _point(self, sql: str) -> None:
        self._count += 1
        if self._on_statement:
            self._on_statement(self._count, sql)

    def chunks(self, table: str, columns: Sequence[str], where: str = "") -> Iterator[list[tuple[Any, ...]]]:
        """(id, columns…) of all rows by id, in lists of at most CHUNK."""
        listed = ", ".join(quoted(c) for c in ("id", *columns))
        condition = f" AND ({where})" if where else ""
        sql = f"SELECT {listed} FROM {quoted(table)} WHERE id > ?{condition} ORDER BY id LIMIT {CHUNK}"  # noqa: S608
        last = 0
        while found := self.rows(sql, (last,)):
            yield found
            last = found[-1][0]

    # columns ----------------------------------------------------------------------------------------
    def add_column(self, table: str, field: FieldShape, *, reference: bool = True) -> None:
        """A new column, empty in every row."""
        self.do(f"ALTER TABLE {quoted(table)} ADD COLUMN {column_sql(self.engine, field, reference=reference)}")

    def set_aside(self, table: str, field: FieldShape, kept: str) -> None:
        """Rename a column out of the way; a reference loses its foreign key, so that it never holds a record back."""
        if field.kind == "reference" and field.target:
            if self.engine == "sqlite":
                self.do(f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(kept)} INTEGER")
                self.do(f"UPDATE {quoted(table)} SET {quoted(kept)} = {quoted(field.name)}")  # noqa: S608
                self.drop_column(table, field.name)
                return
            self.drop_foreign_keys(table, field.name)
        self.do(f"ALTER TABLE {quoted(table)} RENAME COLUMN {quoted(field.name)} TO {quoted(kept)}")

    def drop_column(self, table: str, column: str) -> None:
        """Remove a column and what it held."""
        self.do(f"ALTER TABLE {quoted(table)} DROP COLUMN {quoted(column)}")

    def drop_foreign_keys(self, table: str, column: str = "", *, to: str = "") -> None:
        """PostgreSQL: drop the foreign keys of a column, or (to) all that point at a table."""
        name = quoted(to or table)
        found = self.rows(
            "SELECT c.conname, t.relname, a.attname FROM pg_catalog.pg_constraint c "
            "JOIN pg_catalog.pg_class t ON t.oid = c.conrelid "
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "WHERE c.contype = 'f' AND ((? AND c.confrelid = to_regclass(?)) OR (? AND c.conrelid = to_regclass(?)))",
            (bool(to), name, not to, name),
        )
        for constraint, owner, attribute in found:
            if not column or attribute == column:
                self.do(f"ALTER TABLE {quoted(owner)} DROP CONSTRAINT {quoted(constraint)}")

    # tables -----------------------------------------------------------------------------------------
    def has_table(self, table: str) -> bool:
        """True when the table is there."""
        if self.engine == "sqlite":
            return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))
        return bool(self.rows("SELECT to_regclass(?) IS NOT NULL", (quoted(table),))[0][0])

    def copy_table(self, table: str, copy: str) -> None:
        """The same rows under another name, without keys or indexes."""
        self.do(f"CREATE TABLE {quoted(copy)} AS SELECT * FROM {quoted(table)}")  # noqa: S608

    def drop_table(self, table: str) -> None:
        """Remove a table that nothing refers to any more."""
        if self.engine == "postgresql":
            self.drop_foreign_keys(table, to=table)
        self.do(f"DROP TABLE {quoted(table)}")

    # what was set aside -----------------------------------------------------------------------------
    def note_kept(self, object_name: str, field: FieldShape | None, place: str, name: str, reason: str) -> None:
        """Remember where values went, for a rollback or a purge."""
        shape = field_json(field) if field else Shape({object_name: self.old.objects[object_name]}).to_json()
        self.do(
            "INSERT INTO gx_kept (object, field, version, at, place, name, shape, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                object_name,
                field.name if field else "",
                self.version,
                instant_text(self.clock.now()),
                place,
                name,
                shape,
                reason,
            ),
        )

    def forget_kept(self, name: str) -> None:
        """The values are back where they belong."""
        self.do("DELETE FROM gx_kept WHERE name = ?", (name,))

    # names in the platform's own tables -------------------------------------------------------------
    def rename_object(self, old: str, new: str, *, kept: bool = True) -> None:
        """Rows about an object follow its new name; without `kept`, those about what was set aside do not."""
        for table in NAMING_OBJECTS if kept else [t for t in NAMING_OBJECTS if t != "gx_kept"]:
            self.do(f"UPDATE {table} SET object = ? WHERE object = ?", (new, old))  # noqa: S608

    def rename_field(self, object_name: str, old: str, new: str) -> None:
        """Rows about a field follow its new name; the history too."""
        for table in NAMING_FIELDS:
            self.do(f"UPDATE {table} SET field = ? WHERE object = ? AND field = ?", (new, object_name, old))  # noqa: S608
        self._rewrite_history(object_name, old, new)
        self._rewrite_approvals(object_name, old, new)

    def _rewrite_approvals(self, object_name: str, old: str, new: str) -> None:
        """Approvals that run, or lock lastingly, follow the new name."""
        select = "SELECT id, definition, proposal, locked FROM gx_approvals WHERE object = ? AND locked <> ''"
        for number, *texts in self.rows(select, (object_name,)):
            written = [orjson.dumps(renamed(orjson.loads(t), old, new)).decode() if t else "" for t in texts]
            if written != texts:
                sql = "UPDATE gx_approvals SET definition = ?, proposal = ?, locked = ? WHERE id = ?"
                self.do(sql, (*written, number))

    def set_field_aside(self, object_name: str, field: str, kept: str) -> None:
        """Rows about a dropped field no longer bear its name: a later field of that name starts without a past."""
        self._rename_traces(object_name, field, former_name(kept))

    def bring_field_back(self, object_name: str, field: str, kept: str) -> None:
        """The other way round, for a rollback."""
        self._rename_traces(object_name, former_name(kept), field)

    def _rename_traces(self, object_name: str, old: str, new: str) -> None:
        for table in NAMING_FIELDS:
            if table != "gx_kept":
                self.do(f"UPDATE {table} SET field = ? WHERE object = ? AND field = ?", (new, object_name, old))  # noqa: S608
        self._rewrite_history(object_name, old, new)

    def _rewrite_history(self, object_name: str, old: str, new: str) -> None:
        last, pattern = 0, f'%"{old}"%'
        select = "SELECT id, changes FROM gx_history WHERE object = ? AND id > ? AND changes LIKE ?"
        sql = f"{select} ORDER BY id LIMIT {CHUNK}"
        while found := self.rows(sql, (object_name, last, pattern)):
            last = found[-1][0]
            written = []
            for number, text in found:
                changes = orjson.loads(text)
                if isinstance(changes, dict) and old in changes:
                    moved = {new if k == old else k: v for k, v in changes.items()}
                    written.append((orjson.dumps(moved).decode(), number))
            if written:
                self.many("UPDATE gx_history SET changes = ? WHERE id = ?", written)

    @staticmethod
    def table(object_name: str) -> str:
        """An object's table."""
        return object_table(object_name)
