"""count, sum, avg, min, max, any, all over related records as correlated sub-queries, exact on both engines."""

from __future__ import annotations

from guanxi.expressions import tree as t
from guanxi.runtime.storage.functions_keys import ZERO
from guanxi.runtime.storage.names import link_table

from .expression_sql_conditions import compile_false, compile_true
from .expression_sql_parts import Sql, fill, joined, quoted
from .expression_sql_scope import Frame
from .expression_sql_terms import as_key, column, compile_value, ready, row_frame


def compile_aggregate(term: t.Aggregate, frame: Frame) -> Sql:
    """The sub-query of an aggregate value."""
    if term.function in ("any", "all"):
        return compile_exists(term, frame).of("boolean")
    base = row_frame(term.source.row, frame)
    child = _child(base, frame, term.source.object)
    if term.item is None:
        what = Sql("count(*)", (), "integer", 0)
    else:
        what = measure(term.function, compile_value(term.item, child), child)
    conditions = [*_links(term.source, base, child)]
    if term.condition is not None:
        conditions.append(compile_true(term.condition, child))
    return _select(what, child, conditions).of(what.kind, what.scale)


def compile_exists(term: t.Aggregate, frame: Frame) -> Sql:
    """any and all as EXISTS; never NULL."""
    base = row_frame(term.source.row, frame)
    child = _child(base, frame, term.source.object)
    conditions = [*_links(term.source, base, child)]
    if term.condition is not None:
        compiled = compile_true if term.function == "any" else compile_false
        conditions.append(compiled(term.condition, child))
    found = _select(Sql("1"), child, conditions)
    return fill("(EXISTS {0})" if term.function == "any" else "(NOT EXISTS {0})", found)


def _child(base: Frame, frame: Frame, object_name: str) -> Frame:
    """The child's frame; `outer` inside its condition is the row in focus."""
    found = base.child(object_name)
    found.outer = frame
    return found


def _select(what: Sql, child: Frame, conditions: list[Sql]) -> Sql:
    return fill("(SELECT {0} FROM {1} WHERE {2})", what, child.scope.source_sql(), joined(" AND ", conditions))


def _links(source: t.Source, base: Frame, child: Frame) -> list[Sql]:
    """What ties the children to the record, and what they must be: not deleted, and past the guard."""
    owner = column(base, "id")
    if source.way == "children":
        tie = fill("{0} = {1}", column(child, source.field), owner)
    else:
        linked = source.way == "linked"
        table = link_table(source.object, source.field) if linked else link_table(base.object, source.field)
        own, other = ("source", "target") if linked else ("target", "source")
        alias = quoted(child.scope.counter.next())
        text = f"SELECT {alias}.{quoted(own)} FROM {quoted(table)} AS {alias} WHERE {alias}.{quoted(other)} = {{1}}"
        tie = fill(f"{{0}} IN ({text})", column(child, "id"), owner)
    found = [tie, fill("{0} IS NULL", column(child, "deleted_at"))]
    guarded = child.scope.guarded(source.object, child.alias)
    return found if guarded is None else [*found, guarded]


def measure(function: str, item: Sql, frame: Frame) -> Sql:
    """An aggregate call over a value: sum, avg, min, max (blanks left out) or count of filled values."""
    if function == "count":
        return fill("count({0})", item).of("integer", 0)
    if function in ("min", "max"):
        found = ready(item, frame) if item.scale is None else item
        return fill(f"{function}({{0}})", found).of(item.kind, item.scale)
    if function == "avg":
        return _mean(item, frame)
    return _sum(item, frame)


def _sum(item: Sql, frame: Frame) -> Sql:
    whole = item.kind != "decimal"
    if not frame.sqlite:
        text = "gx_int(coalesce(sum(({0})::numeric), 0))" if whole else "gx_limit(coalesce(sum({0}), 0))"
        return fill(text, item).of(*(("integer", 0) if whole else ("decimal", None)))
    if item.column and item.scale is not None:
        # Upper and lower halves apart: SQLite's own sum() fails where 64 bits are left.
        halves = "sum({0} >> 32), sum({0} & 4294967295)"
        if whole:
            return fill(f"gx_wide_integer({halves})", item).of("integer", 0)
        return fill(f"gx_wide({halves}, {item.scale})", item).of("decimal")
    # An aggregate of Python's is not asked at all when there is no row.
    if whole:
        return fill("CASE WHEN count(*) > 0 THEN gx_sum_integer({0}) ELSE 0 END", item).of("integer", 0)
    return fill(f"CASE WHEN count(*) > 0 THEN gx_sum({{0}}) ELSE '{ZERO}' END", as_key(item, frame)).of("decimal")


def _mean(item: Sql, frame: Frame) -> Sql:
    if not frame.sqlite:
        return fill("gx_divide(sum(({0})::numeric), count({0}))", item).of("decimal")
    if item.column and item.scale is not None:
        text = f"gx_divide(gx_wide(sum({{0}} >> 32), sum({{0}} & 4294967295), {item.scale}), count({{0}}))"
        return fill(text, item).of("decimal")
    return fill("gx_mean({0})", item if item.kind != "decimal" else as_key(item, frame)).of("decimal")
