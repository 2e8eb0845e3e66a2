"""The steps a plan is made of: objects, fields, link tables, indexes (`steps_data` has those that rewrite values).

Each step is a frozen value with a title (what explain prints) and `run` (what apply does); steps name things by their
new names. All DDL adds, renames and drops columns, which both engines can do: no table is ever rebuilt.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from guanxi.runtime.storage.names import former_name, kept_table, link_index, object_table, quoted

from .dialect import column_sql, column_type, key_name, row_columns
from .moves import in_order
from .shapes import FieldShape
from .tool import Tool

CATALOGUE: dict[str, type[Step]] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the database."""

    kind: ClassVar[str] = ""

    def title(self) -> str:
        """One sentence in the present tense, the same on both engines."""
        raise NotImplementedError(self.kind)

    def run(self, tool: Tool) -> None:
        """Do it, inside the transaction of the application."""
        raise NotImplementedError(self.kind)

    def to_json(self) -> dict[str, Any]:
        """Plain data with the step's kind."""
        return {"step": self.kind, **asdict(self)}


def step_from_json(data: dict[str, Any]) -> Step:
    """The step that `to_json` gave; KeyError or TypeError when it is none."""
    step = CATALOGUE[data["step"]]
    given = {f.name: _frozen(data[f.name]) for f in fields(step)}
    return step(**given)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict) and "kind" in value and "name" in value:
        return FieldShape(**{**value, "options": tuple(value["options"])})
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def listed(step: type[Step]) -> type[Step]:
    """Enter a step in the catalogue."""
    CATALOGUE[step.kind] = step
    return step


# renames --------------------------------------------------------------------------------------------
@listed
@dataclass(frozen=True, slots=True)
class RenameObjects(Step):
    """Objects get other names: (old, new) pairs."""

    kind = "rename_objects"
    pairs: tuple[tuple[str, str], ...]

    def title(self) -> str:
        """See Step."""
        return "rename " + ", ".join(f"object {a} to {b}" for a, b in self.pairs)

    def run(self, tool: Tool) -> None:
        """See Step."""
        for old, new in in_order(dict(self.pairs), tool.old.objects):
            tool.do(f"ALTER TABLE {quoted(object_table(old))} RENAME TO {quoted(object_table(new))}")
            tool.rename_object(old, new)


@listed
@dataclass(frozen=True, slots=True)
class RenameFields(Step):
    """Fields of one object get other names; `columns` are those with a column (links have a table)."""

    kind = "rename_fields"
    object: str
    pairs: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]

    def title(self) -> str:
        """See Step."""
        return f"rename in {self.object}: " + ", ".join(f"{a} to {b}" for a, b in self.pairs)

    def run(self, tool: Tool) -> None:
        """See Step."""
        table, carried = quoted(object_table(self.object)), set(self.columns)
        for old, new in in_order(dict(self.pairs), {*self.columns, *(a for a, _ in self.pairs)}):
            if old in carried:
                tool.do(f"ALTER TABLE {table} RENAME COLUMN {quoted(old)} TO {quoted(new)}")
                carried = carried - {old} | {new}
            tool.rename_field(self.object, old, new)


@listed
@dataclass(frozen=True, slots=True)
class RenameTables(Step):
    """Link tables follow their objects and fields."""

    kind = "rename_tables"
    pairs: tuple[tuple[str, str], ...]

    def title(self) -> str:
        """See Step."""
        return "rename link tables: " + ", ".join(f"{a} to {b}" for a, b in self.pairs)

    def run(self, tool: Tool) -> None:
        """See Step."""
        for old, _ in self.pairs:
            tool.do(f"DROP INDEX {quoted(link_index(old))}")
        for old, new in in_order(dict(self.pairs), {a for a, _ in self.pairs}):
            tool.do(f"ALTER TABLE {quoted(old)} RENAME TO {quoted(new)}")
        for _, new in self.pairs:
            tool.do(f"CREATE INDEX {quoted(link_index(new))} ON {quoted(new)} (target, source)")


# objects --------------------------------------------------------------------------------------------
@listed
@dataclass(frozen=True, slots=True)
class CreateObject(Step):
    """A table with all its columns; foreign keys follow in `Connect` where the engine needs the targets first."""

    kind = "create_object"
    object: str
    fields: tuple[FieldShape, ...]

    def title(self) -> str:
        """See Step."""
        return f"create object {self.object} with {len(self.fields)} fields"

    def run(self, tool: Tool) -> None:
        """See Step."""
        inline = tool.engine == "sqlite"
        columns = row_columns(tool.engine) + [
            column_sql(tool.engine, f, reference=inline) for f in self.fields if f.kind != "links"
        ]
        tool.do(f"CREATE TABLE {quoted(object_table(self.object))} ({', '.join(columns)})")


@listed
@dataclass(frozen=True, slots=True)
class Connect(Step):
    """The foreign keys of a new object: (column, target object) pairs."""

    kind = "connect"
    object: str
    pairs: tuple[tuple[str, str], ...]

    def title(self) -> str:
        """See Step."""
        return f"connect {self.object}: " + ", ".join(f"{c} to {t}" for c, t in self.pairs)

    def run(self, tool: Tool) -> None:
        """See Step."""
        if tool.engine == "sqlite":
            return  # written into the table when it was created
        table = object_table(self.object)
        for column, target in self.pairs:
            tool.do(
                f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(key_name(table, column))} "
                f"FOREIGN KEY ({quoted(column)}) REFERENCES {quoted(object_table(target))}({quoted('id')})"
            )


@listed
@dataclass(frozen=True, slots=True)
class KeepTable(Step):
    """Copy a table's rows to where they stay until they are purged."""

    kind = "keep_table"
    object: str
    field: FieldShape | None
    table: str
    kept: str

    def title(self) -> str:
        """See Step."""
        what = f"{self.object}.{self.field.name}" if self.field else self.object
        return f"keep the rows of {what} aside as {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        tool.copy_table(self.table, self.kept)
        tool.note_kept(self.object, self.field, "table", self.kept, "dropped")


@listed
@dataclass(frozen=True, slots=True)
class DropTable(Step):
    """Drop an object's or a link's table (its rows were kept); `cut` are (table, column) that still point at it."""

    kind = "drop_table"
    object: str
    field: str
    table: str
    cut: tuple[tuple[str, str], ...] = ()

    def title(self) -> str:
        """See Step."""
        return f"drop field {self.object}.{self.field}" if self.field else f"drop object {self.object}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        if tool.engine == "sqlite":
            for table, column in self.cut:
                if tool.has_table(table):
                    tool.do(f"UPDATE {quoted(table)} SET {quoted(column)} = NULL")  # noqa: S608
        tool.drop_table(self.table)
        if self.field:
            tool.set_field_aside(self.object, self.field, kept_table(self.table, tool.version))
        else:
            # Columns set aside earlier are inside the copy now; a later object of this name starts without a past.
            tool.do("DELETE FROM gx_kept WHERE object = ? AND place <> 'table'", (self.object,))
            tool.rename_object(self.object, former_name(f"{self.object}_{tool.version}"), kept=False)


# fields ---------------------------------------------------------------------------------------------
@listed
@dataclass(frozen=True, slots=True)
class AddField(Step):
    """A new column, empty in every row."""

    kind = "add_field"
    object: str
    field: FieldShape

    def title(self) -> str:
        """See Step."""
        return f"add field {self.object}.{self.field.name} ({self.field.type})"

    def run(self, tool: Tool) -> None:
        """See Step."""
        tool.add_column(object_table(self.object), self.field)


@listed
@dataclass(frozen=True, slots=True)
class DropField(Step):
    """A column goes out of use; its values stay in `kept` until they are purged."""

    kind = "drop_field"
    object: str
    field: FieldShape
    kept: str

    def title(self) -> str:
        """See Step."""
        return f"drop field {self.object}.{self.field.name}, keep its values aside as {self.kept}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        tool.set_aside(object_table(self.object), self.field, self.kept)
        tool.note_kept(self.object, self.field, "column", self.kept, "dropped")
        tool.set_field_aside(self.object, self.field.name, self.kept)


@listed
@dataclass(frozen=True, slots=True)
class CreateLinks(Step):
    """The link table of a `references` field."""

    kind = "create_links"
    object: str
    field: FieldShape

    def title(self) -> str:
        """See Step."""
        return f"add field {self.object}.{self.field.name} (references to {self.field.target})"

    def run(self, tool: Tool) -> None:
        """See Step."""
        number = column_type(tool.engine, "integer")
        source, target = quoted(object_table(self.object)), quoted(object_table(self.field.target))
        link = self.field.link
        tool.do(
            f"CREATE TABLE {quoted(link)} (source {number} NOT NULL REFERENCES {source}(id) ON DELETE CASCADE, "
            f"target {number} NOT NULL REFERENCES {target}(id), position {number} NOT NULL, "
            "PRIMARY KEY (source, target))"
        )
        tool.do(f"CREATE INDEX {quoted(link_index(link))} ON {quoted(link)} (target, source)")


# indexes --------------------------------------------------------------------------------------------
_NEVER_BLANK = frozenset({"id", "version", "created_at", "updated_at"})


@listed
@dataclass(frozen=True, slots=True)
class CreateIndex(Step):
    """An index; `where` is a fixed condition (live or trash) or empty."""

    kind = "create_index"
    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str = ""

    def title(self) -> str:
        """See Step."""
        return f"create {'unique ' if self.unique else ''}index {self.name} on {self.table}({', '.join(self.columns)})"

    def run(self, tool: Tool) -> None:
        """See Step."""
        conditions = {"live": " WHERE deleted_at IS NULL", "trash": " WHERE deleted_at IS NOT NULL", "": ""}
        # Lists sort blanks before every value: on PostgreSQL an index serves that order only when it is built so.
        first = " NULLS FIRST" if tool.engine == "postgresql" and not self.unique else ""
        columns = ", ".join(quoted(c) + ("" if c in _NEVER_BLANK else first) for c in self.columns)
        unique = "UNIQUE " if self.unique else ""
        tool.do(f"CREATE {unique}INDEX {quoted(self.name)} ON {quoted(self.table)} ({columns}){conditions[self.where]}")


@listed
@dataclass(frozen=True, slots=True)
class DropIndex(Step):
    """An index goes."""

    kind = "drop_index"
    name: str

    def title(self) -> str:
        """See Step."""
        return f"drop index {self.name}"

    def run(self, tool: Tool) -> None:
        """See Step."""
        tool.do(f"DROP INDEX {quoted(self.name)}")
