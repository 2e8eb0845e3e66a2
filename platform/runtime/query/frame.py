"""One statement while it is built: the object's table as `t`, the parents joined to it, and expressions compiled on it.

Every hop joins with the reader's row rule in its ON, so that a parent the reader may not see is blank: for expansions,
paths in sort and filter, and children alike. Expressions of definitions (formulas, titles, row rules) run without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from guanxi.common.errors import BadRequest
from guanxi.expressions import tree as t
from guanxi.expressions.expression import Expression
from guanxi.registry.objects import ObjectType
from guanxi.registry.registry import Registry
from guanxi.runtime.access.binds import argument_list, member_of
from guanxi.runtime.access.expression_sql import SqlScope
from guanxi.runtime.access.expression_sql_scope import Counter, node
from guanxi.runtime.access.gate import Purpose, operand, target_name
from guanxi.runtime.access.grants import AccessTable, Grants
from guanxi.runtime.access.pooled import closed_row, hidden_fields, open_row
from guanxi.runtime.access.predicate import row_predicate
from guanxi.runtime.ports import Database, Engine
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.tables import ObjectTable, Tables

from .order import SortKey
from .outside import checked
from .shape import Shape
from .values import Value

NEVER_BLANK = frozenset({"id", "version", "created_at", "updated_at"})
UNSORTABLE = frozenset({"choices", "references", "json", "list", "blank"})


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
    alias: str

    def column(self, name: str) -> Any:
        """The node of a stored column."""
        return peewee.SQL(f"{quoted(self.alias)}.{quoted(name)}")


class AliasScope:
    """A RowScope on any alias of a statement; what its conditions join stays inside an EXISTS of their own."""

    def __init__(self, scope: SqlScope, parent: Parent) -> None:
        self._scope = scope
        self._parent = parent
        self.engine: str = scope.engine
        self.column = parent.column

    def condition(self, expression: Expression) -> Any:
        """See RowScope."""
        return node(self._scope.isolated(self._parent.object.name, self._parent.alias, expression))


class Frame:
    """See the module. `grants` None builds without rights, for statements of the platform itself."""

    def __init__(self, model: ReadModel, object_type: ObjectType, grants: Grants | None, alias: str = "t") -> None:
        self.model = model
        self.object = object_type
        self.grants = grants
        self.table = model.tables[object_type.name]
        self.root = Parent(object_type, self.table, alias)
        self.column = self.root.column
        self.engine: Engine = model.engine
        self._counter = Counter(alias)
        self._guarded = self._scope(self.root, guarded=grants is not None and not grants.unrestricted)
        self._inner: dict[str, SqlScope] = {}
        self._parents: dict[tuple[str, ...], Parent] = {}
        self.used: set[str] = set()  # own fields that a caller judges by

    @property
    def reader(self) -> Grants:
        """The rights the statement is built for."""
        if self.grants is None:
            raise RuntimeError("an answer is built for a reader")
        return self.grants

    # tables -----------------------------------------------------------------------------------------
    def one_of(self, column: Any, name: str) -> Any:
        """`column` is among the ids of the request's argument `name`."""
        return member_of(column, argument_list(name), self.engine)

    def among(self, ids: Any) -> Any:
        """The record is one of those a sub-query gives; on PostgreSQL as an array, so that they are found by key."""
        if self.engine == "postgresql":
            return peewee.Expression(self.column("id"), "=", peewee.fn.ANY(peewee.fn.ARRAY(ids)))
        return peewee.Expression(self.column("id"), "IN", ids)

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
            alias = self._guarded.hop(path[-1], target.name, base.alias)
            found = self._parents[path] = Parent(target, self.model.tables[target.name], alias)
        return found

    def visible(self, object_name: str, alias: str) -> Any:
        """Which rows of an object under `alias` the reader may see: True, False or a condition."""
        target = self.model.registry.objects[object_name]
        place = AliasScope(self._guarded, Parent(target, self.model.tables[object_name], alias))
        rule = row_predicate(target, self.reader.on(object_name), "read", place)
        pools = frozenset(name for names in self.hidden(object_name).values() for name in names)
        if not pools or rule is False:
            return rule
        shown = open_row(place.column, pools, self.engine)
        return shown if rule is True else rule & shown

    # records in pools -------------------------------------------------------------------------------
    def hidden(self, object_name: str) -> Mapping[str, frozenset[str]]:
        """Field → pools in which this reader sees it masked, unless he manages them."""
        if self.grants is None or self.grants.unrestricted:
            return {}
        return hidden_fields(self.model.registry, object_name)

    def closed(self, parent: Parent, names: Iterable[str]) -> Any:
        """SQL: the row waits in one of these pools, which the reader does not manage."""
        return closed_row(parent.column, names, self.engine)

    def judged(self, expression: Expression) -> Expression:
        """Note the fields of the record that a caller's expression judges by."""
        self.used.update(use.field for use in expression.uses if use.object == self.object.name)
        return expression

    def unjudged(self) -> Any:
        """SQL that leaves out the rows of which the fields judged by are masked; None where there are none."""
        hidden = self.hidden(self.object.name)
        pools = frozenset(name for field in self.used for name in hidden.get(field, ()))
        return open_row(self.column, pools, self.engine) if pools else None

    # expressions ------------------------------------------------------------------------------------
    def _scope(self, parent: Parent, *, guarded: bool) -> SqlScope:
        return SqlScope(
            self.engine,
            parent.object.name,
            parent.alias,
            guard=self.visible if guarded else None,
            database=self.model.peewee,
            counter=self._counter,
        )

    def _definitions(self, parent: Parent) -> SqlScope:
        """The executor of definitions' expressions on one table of the statement."""
        found = self._inner.get(parent.alias)
        if found is None:
            found = self._inner[parent.alias] = self._scope(parent, guarded=False)
        return found

    def value(self, expression: Expression, parent: Parent | None = None, *, outside: bool = False) -> Value:
        """An expression's value on a table of the statement; `outside` when a caller wrote it."""
        base, tree = parent or self.root, expression.tree
        if isinstance(tree, t.FieldTerm) and isinstance(tree.row, t.Row) and tree.name in base.table.columns:
            spec = base.table.columns[tree.name]
            return Value(base.column(tree.name), expression.type, spec.scale if spec.kind == "decimal" else None)
        scope = self._guarded if outside else self._definitions(base)
        return Value(scope.value(expression), expression.type)

    def condition(self, expression: Expression, *, outside: bool = False) -> Any:
        """See RowScope: the node of a condition on the record itself."""
        return (self._guarded if outside else self._definitions(self.root)).condition(expression)

    def outside(self, text: str, purpose: Purpose) -> Expression:
        """An expression from outside, checked for the reader."""
        return self.judged(checked(self.reader, self.object.name, text, purpose))

    def measure(self, function: str, expression: Expression | None) -> Any:
        """The node of an aggregate over a group's rows."""
        from guanxi.runtime.access.expression_sql import measure_node

        return measure_node(function, expression, self._guarded)

    def sort_key(self, path: str, descending: bool) -> SortKey:
        """The key of a path from outside."""
        used = operand(self.reader, self.object, path, "sort")
        parent = self.parent(tuple(hop.name for hop in used.hops))
        spec = parent.table.columns.get(used.field.name)
        pools = self.hidden(parent.object.name).get(used.field.name) if not used.hops else None
        if pools and spec is not None and spec.kind != "json":
            closed = self.closed(parent, pools)
            node_ = peewee.Case(None, [(closed, peewee.SQL("NULL"))], parent.column(used.field.name))
            return SortKey(path, node_, descending, nullable=True)
        if pools:
            raise BadRequest(f"{path!r} is masked for you in pools: it cannot be used to sort.", code="masked_field")
        if spec is not None and spec.kind != "json":
            nullable = bool(used.hops) or used.field.name not in NEVER_BLANK
            return SortKey(path, parent.column(used.field.name), descending, nullable)
        if used.field.value is None or used.field.value.type.kind in UNSORTABLE:
            raise BadRequest(f"{path!r} cannot be sorted by.", code="bad_sort")
        return SortKey(path, self.value(used.field.value, parent).node, descending)

    def title(self, shape: Shape, parent: Parent, key: str) -> str:
        """Code of a record's title: its expression's text when all of it is open to the reader, else its number."""
        number = f"'#' + str({key})"
        title = parent.object.title
        if not all(self.reader.on(use.object).readable(use.field) for use in title.uses):
            return f"({number})"
        name = shape.select(self.value(title, parent).node)
        return f"({name} or {number})"

    # statements -------------------------------------------------------------------------------------
    def select(self, nodes: Sequence[Any]) -> Any:
        """The statement over everything joined so far: compile all parts first."""
        tables = [self._guarded.source()]
        tables += [node(scope.joins()) for scope in self._inner.values() if scope.hops]
        return peewee.Select([peewee.NodeList(tables)], list(nodes))
