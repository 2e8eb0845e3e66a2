"""One statement while it is built: the object's table as `t`, the parents joined to it, and expressions compiled on it.

Every hop joins with the reader's row rule in its ON, so that a parent the reader may not see is blank: for expansions,
paths in sort and filter, and children alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from guanxi.common.errors import BadRequest
from guanxi.expressions import tree as t
from guanxi.expressions.expression import Expression
from guanxi.expressions.types import ValueType
from guanxi.registry.objects import ObjectType
from guanxi.registry.registry import Registry
from guanxi.runtime.access.binds import argument, member_of
from guanxi.runtime.access.gate import Purpose, operand, target_name
from guanxi.runtime.access.grants import AccessTable, Grants
from guanxi.runtime.access.predicate import row_predicate
from guanxi.runtime.ports import Database, Engine
from guanxi.runtime.storage.tables import ObjectTable, Tables

from .order import SortKey
from .outside import checked
from .shape import Shape

NEVER_BLANK = frozenset({"id", "version", "created_at", "updated_at"})


class ReadModel:
    """What reading knows of one published version: definitions, tables, rights, the engine."""

    def __init__(self, registry: Registry, database: Database, access: AccessTable, tables: Tables) -> None:
        self.registry = registry
        self.access = access
        self.tables = tables
        self.engine: Engine = database.engine
        self.peewee = database.peewee

    def sql(self, query: Any) -> tuple[str, tuple[Any, ...]]:
        """The text of a statement and its parameters, markers among them."""
        text, params = self.peewee.get_sql_context().sql(query).query()
        return text, tuple(params)


@dataclass(frozen=True, slots=True)
class Parent:
    """A table in the statement: the object, its table and the alias it stands under."""

    object: ObjectType
    table: ObjectTable
    source: Any


class AliasScope:
    """A RowScope on one alias; conditions on it may need joins, which stay inside an EXISTS of their own."""

    def __init__(self, frame: Frame, parent: Parent) -> None:
        self._frame = frame
        self._parent = parent
        self.engine: str = frame.engine

    def column(self, name: str) -> Any:
        """See RowScope."""
        return peewee.Column(self._parent.source, name)

    def condition(self, expression: Expression) -> Any:
        """See RowScope."""
        inner = Frame(self._frame.model, self._parent.object, None, f"v{self._frame.next_number()}")
        condition = (inner.column("id") == self.column("id")) & inner.condition(expression)
        return peewee.fn.EXISTS(inner.select([peewee.SQL("1")]).where(condition))


class Frame:
    """See the module. `grants` None builds without rights, for conditions that definitions bring along."""

    def __init__(self, model: ReadModel, object_type: ObjectType, grants: Grants | None, alias: str = "t") -> None:
        self.model = model
        self.object = object_type
        self.grants = grants
        self.table = model.tables[object_type.name]
        self.source = self.table.alias(alias)
        self.root = Parent(object_type, self.table, self.source)
        self.engine = model.engine
        self._alias = alias
        self._numbers = 0
        self._parents: dict[tuple[str, ...], Parent] = {}
        self._joins: list[tuple[Any, Any]] = []
        self._scopes: dict[tuple[int, bool], Any] = {}

    @property
    def reader(self) -> Grants:
        """The rights the statement is built for."""
        if self.grants is None:
            raise RuntimeError("an answer is built for a reader")
        return self.grants

    def next_number(self) -> int:
        """A number for an alias that is used nowhere else in the statement."""
        self._numbers += 1
        return self._numbers

    # tables -----------------------------------------------------------------------------------------
    def column(self, name: str) -> Any:
        """See RowScope."""
        return peewee.Column(self.source, name)

    def one_of(self, column: Any, name: str) -> Any:
        """`column` is among the ids of the request's argument `name`."""
        return member_of(column, argument(name), self.engine)

    def target_of(self, base: ObjectType, name: str) -> ObjectType | None:
        """The object a reference field leads to."""
        return self.model.registry.objects.get(target_name(base.fields[name]))

    def parent(self, path: tuple[str, ...]) -> Parent:
        """The parent a path of reference fields leads to, joined once; () is the record itself."""
        if not path:
            return self.root
        found = self._parents.get(path)
        if found is None:
            base = self.parent(path[:-1])
            target = self.model.registry.objects[target_name(base.object.fields[path[-1]])]
            table = self.model.tables[target.name]
            found = Parent(target, table, table.alias(f"{self._alias}p{len(self._parents)}"))
            self._parents[path] = found
            on = peewee.Expression(peewee.Column(found.source, "id"), "=", peewee.Column(base.source, path[-1]))
            rule = self.visible(target.name, found.source)
            if rule is not True:
                on = on & (peewee.SQL("(1 = 0)") if rule is False else rule)
            self._joins.append((found.source, on))
        return found

    def visible(self, object_name: str, source: Any) -> Any:
        """Which rows of `source`, an alias of the object's table, the reader may see: True, False or a condition."""
        if self.grants is None:
            return True
        target = self.model.registry.objects[object_name]
        scope = AliasScope(self, Parent(target, self.model.tables[object_name], source))
        return row_predicate(target, self.grants.on(object_name), "read", scope)

    # expressions ------------------------------------------------------------------------------------
    def scope(self, parent: Parent, *, outside: bool) -> Any:
        """The executor of expressions on one table of the statement; those from outside see through row rules."""
        key = (id(parent.source), outside)
        found = self._scopes.get(key)
        if found is None:
            from guanxi.runtime.access.expression_sql import SqlScope

            found = self._scopes[key] = SqlScope(
                self.model.registry,
                self.model.tables,
                self.engine,
                parent.object.name,
                parent.source,
                visible=self.visible if outside and self.grants is not None else None,
                prefix=f"{self._alias}{'o' if outside else 'i'}{len(self._scopes)}_",
            )
        return found

    def value(self, expression: Expression, parent: Parent | None = None, *, outside: bool = False) -> Any:
        """The node of an expression's value on a table of the statement."""
        base, tree = parent or self.root, expression.tree
        if isinstance(tree, t.FieldTerm) and isinstance(tree.row, t.Row) and tree.name in base.table.columns:
            return peewee.Column(base.source, tree.name)
        return self.scope(base, outside=outside).value(expression)

    def condition(self, expression: Expression, *, outside: bool = False) -> Any:
        """See RowScope: the node of a condition on the record itself."""
        return self.scope(self.root, outside=outside).condition(expression)

    def outside_value(self, text: str, purpose: Purpose) -> tuple[ValueType, Any]:
        """The type and node of an expression from outside."""
        expression = checked(self.reader, self.object.name, text, purpose)
        return expression.type, self.value(expression, outside=True)

    def sort_key(self, path: str, descending: bool) -> SortKey:
        """The key of a path from outside."""
        used = operand(self.reader, self.object, path, "sort")
        parent = self.parent(tuple(hop.name for hop in used.hops))
        if used.field.stored and used.field.name in parent.table.columns:
            spec = parent.table.columns[used.field.name]
            if spec.kind == "json":
                raise BadRequest(f"{path!r} cannot be sorted by.", code="bad_sort")
            nullable = bool(used.hops) or used.field.name not in NEVER_BLANK
            return SortKey(path, peewee.Column(parent.source, used.field.name), descending, nullable)
        if used.field.value is None or used.field.value.type.kind in ("choices", "references", "json", "list"):
            raise BadRequest(f"{path!r} cannot be sorted by.", code="bad_sort")
        return SortKey(path, self.value(used.field.value, parent), descending)

    def title(self, shape: Shape, parent: Parent, key: str) -> str:
        """Code of a record's title: its expression's text when all of it is open to the reader, else its number."""
        number = f"'#' + str({key})"
        title = parent.object.title
        if not all(self.reader.on(use.object).readable(use.field) for use in title.uses):
            return f"({number})"
        name = shape.select(self.value(title, parent))
        return f"({name} or {number})"

    # statements -------------------------------------------------------------------------------------
    def select(self, nodes: Sequence[Any]) -> Any:
        """The statement over everything joined so far."""
        query = peewee.Select([self.source], list(nodes))
        joins = [*self._joins, *(join for scope in self._scopes.values() for join in scope.joins)]
        for source, on in joins:
            query = query.join(source, peewee.JOIN.LEFT_OUTER, on=on)
        return query
