"""The steps a plan is made of, second part: those that rewrite values, fill keys and bring back what was kept aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from guanxi.runtime.search.index import rebuild, search_tables
from guanxi.runtime.storage.names import former_name, object_table, quoted
from guanxi.runtime.storage.rows import instant_from_text
from guanxi.runtime.storage.tables import ROW_COLUMNS, unique_value

from .convert import Refused, converter, keeps_options, reader, writer
from .dialect import column_type
from .shapes import FieldShape
from .steps import Step, listed
from .tool import Tool


def _attempt(convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except Refused:
        return None


@listed
@dataclass(frozen=True, slots=True)
class Retype(Step):
    """A field changes its column: each value is converted by the new type; the old column is kept aside.

    `restore` is the column that was kept when the field was changed the other way (a rollback): rows that nobody has
    touched since that moment, and blanks, get their original value instead of a conversion of a conversion.
    """

    kind = "retype"
    object: str
    old: FieldShape
    new: FieldShape
    kept: str
    restore: str = ""
    since: str = ""

    def title(self) -> str:
        """See Step."""
        place = f"{self.object}.{self.new.name}"
        return f"change {place} from {self.old.type} to {self.new.type}, keep the old values aside as {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        table = object_table(self.object)
        tool.set_aside(table, self.old, self.kept)
        tool.add_column(table, self.new)
        tool.note_kept(self.object, self.old, "column", self.kept, "retyped")
        value_of = self._reader(tool)
        write = writer(tool.engine, self.new)
        columns = [self.kept, *(["updated_at", self.restore] if self.restore else [])]
        sql = f"UPDATE {quoted(table)} SET {quoted(self.new.name)} = ? WHERE id = ?"  # noqa: S608
        for chunk in tool.chunks(table, columns):
            results = [(value_of(*stored), number) for number, *stored in chunk]
            written = [(write(value), number) for value, number in results if value is not None]
            if written:
                tool.many(sql, written)
        if self.restore:
            tool.drop_column(table, self.restore)
            tool.forget_kept(self.restore)

    def _reader(self, tool: Tool) -> Callable[..., Any]:
        """(old stored value[, updated_at, kept original]) → new Python value."""
        read, original = reader(tool.engine, self.old), reader(tool.engine, self.new)
        convert = converter(self.old, self.new, tool.registry.objects[self.object].fields[self.new.name])
        moment = reader(tool.engine, FieldShape("updated_at", "datetime", "datetime"))
        since = instant_from_text(self.since) if self.since else None

        def value_of(stored: Any, updated: Any = None, kept: Any = None) -> Any:
            value = read(stored)
            if kept is not None and since is not None and (value is None or moment(updated) <= since):
                return original(kept)
            return _attempt(convert, value)

        return value_of


@listed
@dataclass(frozen=True, slots=True)
class RetypeLinks(Step):
    """A reference becomes a list of references, or the other way round; the old column or table is kept aside."""

    kind = "retype_links"
    object: str
    old: FieldShape
    new: FieldShape
    kept: str

    def title(self) -> str:
        """See Step."""
        place = f"{self.object}.{self.new.name}"
        return f"change {place} from {self.old.type} to {self.new.type}, keep the old values aside as {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        table = object_table(self.object)
        if self.new.kind == "links":
            tool.do(
                f"INSERT INTO {quoted(self.new.link)} (source, target, position) "  # noqa: S608
                f"SELECT id, {quoted(self.old.name)}, 0 FROM {quoted(table)} WHERE {quoted(self.old.name)} IS NOT NULL"
            )
            tool.set_aside(table, self.old, self.kept)
            tool.note_kept(self.object, self.old, "column", self.kept, "retyped")
            return
        tool.add_column(table, self.new)
        link = quoted(self.old.link)
        tool.do(
            f"UPDATE {quoted(table)} SET {quoted(self.new.name)} = (SELECT max(target) FROM {link} "  # noqa: S608
            f"WHERE source = {quoted(table)}.id) "
            f"WHERE (SELECT count(*) FROM {link} WHERE source = {quoted(table)}.id) = 1"
        )
        tool.copy_table(self.old.link, self.kept)
        tool.note_kept(self.object, self.old, "table", self.kept, "retyped")
        tool.drop_table(self.old.link)


@listed
@dataclass(frozen=True, slots=True)
class FillBlanks(Step):
    """A field that is now required gets its default where it is blank; `value` is in JSON form."""

    kind = "fill_blanks"
    object: str
    field: FieldShape
    value: str

    def title(self) -> str:
        """See Step."""
        return f"fill blank {self.object}.{self.field.name} with {self.value}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        field = tool.registry.objects[self.object].fields[self.field.name]
        constant = field.default.constant if field.default else None
        stored = writer(tool.engine, self.field)(constant)
        name = quoted(self.field.name)
        tool.do(f"UPDATE {quoted(object_table(self.object))} SET {name} = ? WHERE {name} IS NULL", (stored,))  # noqa: S608


@listed
@dataclass(frozen=True, slots=True)
class RenameOptions(Step):
    """Options of a choice get other names: (old, new) pairs, in every row."""

    kind = "rename_options"
    object: str
    field: FieldShape
    pairs: tuple[tuple[str, str], ...]

    def title(self) -> str:
        """See Step."""
        return f"rename options of {self.object}.{self.field.name}: " + ", ".join(f"{a} to {b}" for a, b in self.pairs)

    def run(self, tool: Tool) -> None:
        """See Step."""
        table, name, new = object_table(self.object), self.field.name, dict(self.pairs)
        if not self.field.many:
            cases = " ".join("WHEN ? THEN ?" for _ in self.pairs)
            marks = ", ".join("?" for _ in self.pairs)
            flat = [part for pair in self.pairs for part in pair]
            tool.do(
                f"UPDATE {quoted(table)} SET {quoted(name)} = CASE {quoted(name)} {cases} END "  # noqa: S608
                f"WHERE {quoted(name)} IN ({marks})",
                (*flat, *new),
            )
            return
        _rewrite(tool, table, self.field, lambda value: tuple(dict.fromkeys(new.get(v, v) for v in value)))


@listed
@dataclass(frozen=True, slots=True)
class RemoveOptions(Step):
    """Options go; rows that hold them lose them, and keep the old value aside."""

    kind = "remove_options"
    object: str
    field: FieldShape
    options: tuple[str, ...]
    kept: str

    def title(self) -> str:
        """See Step."""
        gone = ", ".join(self.options)
        return f"take options {gone} from {self.object}.{self.field.name}, keep the old values aside as {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        table, gone = object_table(self.object), set(self.options)
        tool.do(
            f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(self.kept)} {column_type(tool.engine, self.field.kind)}"
        )
        tool.note_kept(self.object, self.field, "options", self.kept, "options")

        def without(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(v for v in value if v not in gone) or None
            return None if value in gone else value

        _rewrite(tool, table, self.field, without, self.kept)


def _rewrite(tool: Tool, table: str, field: FieldShape, change: Callable[[Any], Any], kept: str = "") -> None:
    """Change a column's values row by row; the old stored value goes to `kept`."""
    read, write, name = reader(tool.engine, field), writer(tool.engine, field), quoted(field.name)
    aside = f", {quoted(kept)} = {name}" if kept else ""
    sql = f"UPDATE {quoted(table)} SET {name} = ?{aside} WHERE id = ?"  # noqa: S608
    for chunk in tool.chunks(table, [field.name], f"{name} IS NOT NULL"):
        written = []
        for number, stored in chunk:
            before = read(stored)
            after = change(before)
            if after != before:
                written.append((write(after), number))
        if written:
            tool.many(sql, written)


@listed
@dataclass(frozen=True, slots=True)
class RestoreOptions(Step):
    """A rollback: values that lost an option get it back where nobody has changed them since."""

    kind = "restore_options"
    object: str
    field: FieldShape
    left: tuple[str, ...]
    kept: str

    def title(self) -> str:
        """See Step."""
        return f"bring back options of {self.object}.{self.field.name} from {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        table, read = object_table(self.object), reader(tool.engine, self.field)
        left, written = frozenset(self.left), []
        for chunk in tool.chunks(table, [self.field.name, self.kept], f"{quoted(self.kept)} IS NOT NULL"):
            written += [(i,) for i, now, kept in chunk if read(now) == keeps_options(read(kept), left)]
        if written:
            name, kept = quoted(self.field.name), quoted(self.kept)
            tool.many(f"UPDATE {quoted(table)} SET {name} = {kept} WHERE id = ?", written)  # noqa: S608
        tool.drop_column(table, self.kept)
        tool.forget_kept(self.kept)


@listed
@dataclass(frozen=True, slots=True)
class RestoreField(Step):
    """A rollback: the values of a field that was dropped come back into its new column."""

    kind = "restore_field"
    object: str
    field: FieldShape
    kept: str

    def title(self) -> str:
        """See Step."""
        return f"bring back the values of {self.object}.{self.field.name} from {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        table, kept = object_table(self.object), quoted(self.kept)
        there = ""
        if self.field.target:
            target = quoted(object_table(self.field.target))
            there = f" AND EXISTS (SELECT 1 FROM {target} p WHERE p.id = {quoted(table)}.{kept})"  # noqa: S608
        tool.do(
            f"UPDATE {quoted(table)} SET {quoted(self.field.name)} = {kept} WHERE {kept} IS NOT NULL{there}"  # noqa: S608
        )
        tool.drop_column(table, self.kept)
        tool.forget_kept(self.kept)
        tool.bring_field_back(self.object, self.field.name, self.kept)


@listed
@dataclass(frozen=True, slots=True)
class RestoreRows(Step):
    """A rollback: the rows of a dropped object come back; its references follow in `RestoreReferences`."""

    kind = "restore_rows"
    object: str
    kept: str
    columns: tuple[str, ...]
    version: int

    def title(self) -> str:
        """See Step."""
        return f"bring back the rows of {self.object} from {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        table = quoted(object_table(self.object))
        names = ", ".join(quoted(c) for c in (*ROW_COLUMNS, *self.columns))
        tool.do(f"INSERT INTO {table} ({names}) SELECT {names} FROM {quoted(self.kept)}")  # noqa: S608
        if tool.engine == "postgresql":
            tool.rows(
                f"SELECT setval(pg_get_serial_sequence(?, 'id'), (SELECT coalesce(max(id), 1) FROM {table}))",  # noqa: S608
                (table,),
            )
        former = f"{self.object}_{self.version}"
        tool.rename_object(former_name(former), self.object, kept=False)
        if f"x_{former}" not in tool.old.objects:  # what earlier releases called it
            tool.rename_object(f"x_{former}", self.object, kept=False)


@listed
@dataclass(frozen=True, slots=True)
class RestoreReferences(Step):
    """A rollback: (column, target) of rows that came back, where the record referred to exists."""

    kind = "restore_references"
    object: str
    kept: str
    references: tuple[tuple[str, str], ...]

    def title(self) -> str:
        """See Step."""
        return f"bring back the references of {self.object} from {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        table, kept = quoted(object_table(self.object)), quoted(self.kept)
        for column, target in self.references:
            name = quoted(column)
            tool.do(
                f"UPDATE {table} SET {name} = (SELECT k.{name} FROM {kept} k WHERE k.id = {table}.id "  # noqa: S608
                f"AND EXISTS (SELECT 1 FROM {quoted(object_table(target))} p WHERE p.id = k.{name}))"
            )
        tool.do(f"DROP TABLE {kept}")
        tool.forget_kept(self.kept)


@listed
@dataclass(frozen=True, slots=True)
class RestoreLinks(Step):
    """A rollback: the entries of a dropped link table come back where both ends exist."""

    kind = "restore_links"
    object: str
    field: FieldShape
    kept: str

    def title(self) -> str:
        """See Step."""
        return f"bring back the entries of {self.object}.{self.field.name} from {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        link, kept = quoted(self.field.link), quoted(self.kept)
        source, target = quoted(object_table(self.object)), quoted(object_table(self.field.target))
        tool.do(
            f"INSERT INTO {link} (source, target, position) SELECT k.source, k.target, k.position FROM {kept} k "  # noqa: S608
            f"WHERE EXISTS (SELECT 1 FROM {source} s WHERE s.id = k.source) "
            f"AND EXISTS (SELECT 1 FROM {target} t WHERE t.id = k.target) "
            f"AND NOT EXISTS (SELECT 1 FROM {link} l WHERE l.source = k.source AND l.target = k.target)"
        )
        tool.do(f"DROP TABLE {kept}")
        tool.forget_kept(self.kept)
        tool.bring_field_back(self.object, self.field.name, self.kept)


@listed
@dataclass(frozen=True, slots=True)
class FillUnique(Step):
    """A unique key's shadow column, filled for every row."""

    kind = "fill_unique"
    object: str
    key: str
    column: str
    fields: tuple[FieldShape, ...]

    def title(self) -> str:
        """See Step."""
        return f"make unique key {self.object}.{self.key} over {', '.join(f.name for f in self.fields)}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        table = object_table(self.object)
        tool.add_column(table, FieldShape(self.column, "text", "text"))
        readers = [reader(tool.engine, f) for f in self.fields]
        sql = f"UPDATE {quoted(table)} SET {quoted(self.column)} = ? WHERE id = ?"  # noqa: S608
        for chunk in tool.chunks(table, [f.name for f in self.fields]):
            values = [
                (unique_value([read(v) for read, v in zip(readers, row, strict=True)]), number)
                for number, *row in chunk
            ]
            written = [pair for pair in values if pair[0] is not None]
            if written:
                tool.many(sql, written)


@listed
@dataclass(frozen=True, slots=True)
class DropUnique(Step):
    """A unique key goes, with its index and shadow column (which can always be made again)."""

    kind = "drop_unique"
    object: str
    key: str
    column: str
    index: str

    def title(self) -> str:
        """See Step."""
        return f"drop unique key {self.object}.{self.key}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        tool.do(f"DROP INDEX {quoted(self.index)}")
        tool.drop_column(object_table(self.object), self.column)


@listed
@dataclass(frozen=True, slots=True)
class RebuildSearch(Step):
    """The search table is made anew (or goes, when nothing is searchable any more)."""

    kind = "rebuild_search"
    object: str
    drop: str
    create: bool

    def title(self) -> str:
        """See Step."""
        return f"{'rebuild' if self.create else 'drop'} the search index of {self.object}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        if self.drop:
            tool.do(f"DROP TABLE {quoted(self.drop)}")
        if self.create:
            definition = tool.registry.objects[self.object]
            for statement in search_tables(definition, tool.engine):
                tool.do(statement)
            rebuild(tool.db, definition)


def shown(value: Any) -> str:
    """A default as it stands in a plan."""
    return orjson.dumps(value, default=str).decode()
