"""The place in a statement where expressions are compiled: an object's table under an alias, and the joins that paths
need, shared by conditions, sort, expansion and selected columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import peewee

from guanxi.expressions import tree as t
from guanxi.expressions.expression import Expression
from guanxi.runtime.storage.names import object_table

from .expression_sql_parts import Sql, Values, fill, joined, quoted

Guard = Callable[[str, str], Any]


@dataclass(slots=True)
class Join:
    """One LEFT JOIN: the alias it makes, where it comes from, and the whole clause."""

    alias: str
    object: str
    clause: Sql


class Counter:
    """Hands out aliases that are unique within one statement."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.count = 0

    def next(self) -> str:
        """Another alias."""
        self.count += 1
        return f"{self.prefix}_{self.count}"


class SqlScope:
    """Compile expressions for one table in one statement.

    `guard(object, alias)` gives a further condition (a peewee node, an `Sql`, True or None for nothing, False for
    never) that the rows reached by every hop and every list must meet; records in the trash are left out without it.
    `database` is the peewee database that renders guards' nodes. Compile everything first, then ask for `source()` or
    `joins()`: paths add to them. With `fold` False even what depends on the caller alone is left to the database
    (for tests).
    """

    def __init__(
        self,
        engine: str,
        object_name: str,
        alias: str = "t",
        *,
        guard: Guard | None = None,
        database: Any = None,
        fold: bool = True,
        counter: Counter | None = None,
    ) -> None:
        self.engine = engine
        self.object = object_name
        self.alias = alias
        self.guard = guard
        self.database = database
        self.fold = fold
        self.counter = counter or Counter(alias)
        self.values = Values(engine)
        self.hops: dict[tuple[str, str, bool], Join] = {}
        self._definitions: SqlScope | None = None

    # what callers ask -------------------------------------------------------------------------------
    def condition(self, expression: Expression) -> Any:
        """A peewee node that is true exactly for the rows on which the expression is true."""
        return node(self.condition_sql(expression))

    def condition_sql(self, expression: Expression) -> Sql:
        """The same as text and parameters."""
        from .expression_sql_conditions import compile_true

        frame, parts = self.frame(), conjuncts(expression.tree)
        if self.engine != "sqlite" or not any(map(beyond_a_hop, parts)):
            return compile_true(expression.tree, frame)
        compiled = [(compile_true(part, frame), beyond_a_hop(part)) for part in parts]
        return joined(" AND ", [fill("({0}) IS TRUE" if far else "({0})", sql) for sql, far in compiled])

    def value(self, expression: Expression) -> Any:
        """A peewee node of the value, to select, sort and group by; read it with `result_converter`."""
        return node(self.value_sql(expression))

    def value_sql(self, expression: Expression) -> Sql:
        """The same as text and parameters; decimals on SQLite are keys."""
        from .expression_sql_terms import compile_value, ready

        return ready(compile_value(expression.tree, self.frame()), self.frame())

    def column(self, name: str, alias: str = "") -> Any:
        """A peewee node of a stored column of this table, or of a joined one."""
        return node(Sql(f"{quoted(alias or self.alias)}.{quoted(name)}"))

    def hop(self, field: str, target: str, alias: str = "", *, live: bool = False) -> str:
        """The alias of the row that the reference `field` of `alias` leads to; joined once however often asked for.

        Expressions ask with `live`: a record in the trash is no record to them. To show what a reference once named,
        ask without.
        """
        base = alias or self.alias
        found = self.hops.get((base, field, live))
        if found is None:
            new = self.counter.next()
            clause = fill(
                f"LEFT JOIN {quoted(object_table(target))} AS {quoted(new)} "
                f"ON {quoted(new)}.{quoted('id')} = {quoted(base)}.{quoted(field)}"
            )
            if live:
                clause = joined(" AND ", [clause, Sql(f"{quoted(new)}.{quoted('deleted_at')} IS NULL")])
            guarded = self.guarded(target, new)
            if guarded is not None:
                clause = joined(" AND ", [clause, guarded])
            found = self.hops[base, field, live] = Join(new, target, clause)
        return found.alias

    def joins(self) -> Sql:
        """All LEFT JOIN clauses, in order; empty text for none."""
        clauses = [join.clause for join in self.hops.values()]
        if self._definitions is not None:
            clauses += [join.clause for join in self._definitions.hops.values()]
        return joined(" ", clauses)

    def definitions(self) -> SqlScope:
        """The same place for what definitions say: a formula has one value for all who may read it, so its own
        paths and lists are not guarded.
        """
        if self.guard is None:
            return self
        if self._definitions is None:
            self._definitions = SqlScope(
                self.engine,
                self.object,
                self.alias,
                database=self.database,
                fold=self.fold,
                counter=self.counter,
            )
        return self._definitions

    def source(self) -> Any:
        """A peewee node for FROM: the table under its alias with its joins."""
        return node(self.source_sql())

    def source_sql(self) -> Sql:
        """The same as text and parameters."""
        table = Sql(f"{quoted(object_table(self.object))} AS {quoted(self.alias)}")
        joins = self.joins()
        return joined(" ", [table, joins]) if joins.text else table

    def isolated(self, object_name: str, alias: str, expression: Expression) -> Sql:
        """A rule's condition on the row behind any alias, with no joins of this scope: for guards. The rule's own
        paths are not guarded again.
        """
        inner = SqlScope(self.engine, object_name, alias, counter=self.counter, fold=self.fold)
        condition = inner.condition_sql(expression)
        if not inner.hops:
            return condition
        inner = SqlScope(self.engine, object_name, self.counter.next(), counter=self.counter, fold=self.fold)
        condition = inner.condition_sql(expression)
        link = f"{quoted(inner.alias)}.{quoted('id')} = {quoted(alias)}.{quoted('id')}"
        return fill(f"EXISTS (SELECT 1 FROM {{0}} WHERE {link} AND {{1}})", inner.source_sql(), condition)

    # for the compiler -------------------------------------------------------------------------------
    def frame(self) -> Frame:
        """The row in focus at the top."""
        return Frame(self, self.alias, self.object)

    def guarded(self, object_name: str, alias: str) -> Sql | None:
        """The guard's condition as text."""
        found = self.guard(object_name, alias) if self.guard is not None else None
        if found is None or found is True:
            return None
        if found is False:
            return Sql("1 = 0")
        if isinstance(found, Sql):
            return fill("({0})", found)
        if self.database is None:
            raise ValueError("a guard that gives peewee nodes needs the scope's database")
        text, params = self.database.get_sql_context(scope=peewee.SCOPE_NORMAL).sql(found).query()
        return Sql(f"({text})", tuple(params))


class Frame:
    """The row in focus while a term is compiled, and the row around it inside a child condition."""

    __slots__ = ("alias", "object", "outer", "scope")

    def __init__(self, scope: SqlScope, alias: str, object_name: str, outer: Frame | None = None) -> None:
        self.scope = scope
        self.alias = alias
        self.object = object_name
        self.outer = outer

    @property
    def values(self) -> Values:
        """Parameters of the engine."""
        return self.scope.values

    @property
    def sqlite(self) -> bool:
        """The engine."""
        return self.scope.values.sqlite

    def at(self, alias: str, object_name: str) -> Frame:
        """Another row of the same scope in focus (a formula behind a path)."""
        return Frame(self.scope, alias, object_name)

    def formula(self) -> Frame:
        """The same row for the inside of a formula."""
        return Frame(self.scope.definitions(), self.alias, self.object, self.outer)

    def child(self, object_name: str) -> Frame:
        """A row of a sub-query, with joins of its own."""
        scope = self.scope
        inner = SqlScope(
            scope.engine,
            object_name,
            scope.counter.next(),
            guard=scope.guard,
            database=scope.database,
            fold=scope.fold,
            counter=scope.counter,
        )
        return Frame(inner, inner.alias, object_name, self)

    def frames(self) -> Iterator[Frame]:
        """This frame and those around it."""
        found: Frame | None = self
        while found is not None:
            yield found
            found = found.outer


def conjuncts(term: t.Term) -> list[t.Term]:
    """What must all be true for the term to be true."""
    if isinstance(term, t.Logic) and term.operator == "and":
        return [part for operand in term.operands for part in conjuncts(operand)]
    return [term]


def beyond_a_hop(term: t.Term) -> bool:
    """True when a field behind two references or more is read.

    SQLite takes a condition on the last table of a chain of LEFT JOINs as leave to read that table first, though the
    ones between still wait for the record: every pair of the two is then looked at, and the index that sorts is lost.
    It does not see through `IS TRUE`.
    """
    return any(isinstance(one, t.FieldTerm | t.Inline) and _hops(one.row) > 1 for one in t.walk(term))


def _hops(row: t.RowTerm) -> int:
    return 1 + _hops(row.base) if isinstance(row, t.Hop) else 0


def node(part: Sql) -> Any:
    """A piece of SQL as a peewee node."""
    return peewee.SQL(part.text, part.params)
