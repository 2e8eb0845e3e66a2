"""Conditions in SQL with two-valued meaning.

`compile_true` gives text that is TRUE exactly where the condition holds (else FALSE or NULL), `compile_false` text that
is TRUE exactly where it does not. So a plain `=` is enough wherever a NULL ends up as "no", and indexes can be used;
only under a negation blanks are handled.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from guanxi.expressions import tree as t

from .expression_sql_compare import compare_false, compare_true
from .expression_sql_parts import Sql, fill, joined, next_prefix, quoted, scaled_for
from .expression_sql_scope import Frame
from .expression_sql_terms import as_key, column, compile_value, row_frame

NEVER = Sql("1 = 0")
ALWAYS = Sql("1 = 1")


def compile_true(term: t.Term, frame: Frame) -> Sql:
    """TRUE where the term is true."""
    if isinstance(term, t.Const):
        return ALWAYS if term.value is True else NEVER
    if frame.scope.fold and not t.needs_row(term):
        return _is_true(frame.values.bind(term, kind="boolean"), frame)
    found = _TRUE.get(type(term))
    return found(term, frame) if found is not None else _is_true(compile_value(term, frame), frame)


def compile_false(term: t.Term, frame: Frame) -> Sql:
    """TRUE where the term is false or blank."""
    if isinstance(term, t.Const):
        return NEVER if term.value is True else ALWAYS
    found = _FALSE.get(type(term)) if t.needs_row(term) or not frame.scope.fold else None
    return found(term, frame) if found is not None else fill("(({0}) IS NOT TRUE)", compile_true(term, frame))


def _is_true(part: Sql, frame: Frame) -> Sql:
    if frame.sqlite and part.column:
        return fill("{0} = 1", part)
    return fill("({0})", part)


# logic ----------------------------------------------------------------------------------------------
def _logic(operator: str, compiled: Callable[[t.Term, Frame], Sql]) -> Callable[[Any, Frame], Sql]:
    def run(term: t.Logic, frame: Frame) -> Sql:
        word = operator if term.operator == "and" else {"AND": "OR", "OR": "AND"}[operator]
        return fill("({0})", joined(f" {word} ", [compiled(o, frame) for o in term.operands]))

    return run


def _inline_true(term: t.Inline, frame: Frame) -> Sql:
    at = row_frame(term.row, frame)
    found = compile_true(term.tree, at.formula())
    return fill("({0} IS NOT NULL AND {1})", column(at, "id"), found) if isinstance(term.row, t.Hop) else found


def _inline_false(term: t.Inline, frame: Frame) -> Sql:
    at = row_frame(term.row, frame)
    found = compile_false(term.tree, at.formula())
    return fill("({0} IS NULL OR {1})", column(at, "id"), found) if isinstance(term.row, t.Hop) else found


# blanks ---------------------------------------------------------------------------------------------
def _links(term: t.FieldTerm, frame: Frame) -> tuple[str, Sql, str]:
    """Link table, owning row's id and a fresh alias of a references field."""
    from guanxi.runtime.storage.names import link_table

    at = row_frame(term.row, frame)
    return quoted(link_table(at.object, term.name)), column(at, "id"), quoted(frame.scope.counter.next())


def _is_blank(term: t.IsBlank, frame: Frame) -> Sql:
    operand = term.operand
    if operand.type.kind == "references" and isinstance(operand, t.FieldTerm):
        table, owner, alias = _links(operand, frame)
        return fill(f"NOT EXISTS (SELECT 1 FROM {table} AS {alias} WHERE {alias}.{quoted('source')} = {{0}})", owner)
    found = compile_value(operand, frame)
    if operand.type.kind == "choices":
        empty = "'[]'" if frame.sqlite else "'[]'::jsonb"
        return fill(f"({{0}} IS NULL OR {{0}} = {empty})", found)
    return fill("({0} IS NULL)", found)


def _filled(term: t.IsBlank, frame: Frame) -> Sql:
    if term.operand.type.kind in ("references", "choices"):
        return fill("(NOT ({0}))", _is_blank(term, frame))
    return fill("({0} IS NOT NULL)", compile_value(term.operand, frame))


# membership -----------------------------------------------------------------------------------------
def _member(term: t.Member, frame: Frame) -> Sql:
    container = term.container
    if isinstance(container, t.ListTerm):
        return _in_list(term.item, container, frame)
    texts = container.type.kind == "choices" or (
        container.type.element is not None and container.type.element.kind in ("text", "choice")
    )
    if not t.needs_row(container):
        return fill("({0} {1})", compile_value(term.item, frame), frame.values.bind_list(container, texts))
    if not isinstance(container, t.FieldTerm):
        raise ValueError(f"{type(container).__name__} is no list in SQL")
    if container.type.kind == "references":
        table, owner, alias = _links(container, frame)
        source, target = f"{alias}.{quoted('source')}", f"{alias}.{quoted('target')}"
        text = f"EXISTS (SELECT 1 FROM {table} AS {alias} WHERE {source} = {{0}} AND {target} = {{1}})"
        return fill(text, owner, compile_value(term.item, frame))
    found, item = compile_value(container, frame), compile_value(term.item, frame)
    if frame.sqlite:
        alias = quoted(frame.scope.counter.next())
        return fill(f"EXISTS (SELECT 1 FROM json_each({{0}}) AS {alias} WHERE {alias}.value = {{1}})", found, item)
    return fill("({0} @> to_jsonb({1}))", found, item)


def _in_list(item: t.Term, container: t.ListTerm, frame: Frame) -> Sql:
    constants = [i for i in container.items if isinstance(i, t.Const)]
    others = [i for i in container.items if not isinstance(i, t.Const)]
    parts: list[Sql] = []
    filled = [c for c in constants if c.value is not None]
    if filled:
        parts.append(_in_constants(item, filled, frame))
    if len(filled) < len(constants):
        parts.append(compile_true(t.IsBlank(item), frame))
    parts += [compile_true(t.Compare("==", item, other), frame) for other in others]
    return fill("({0})", joined(" OR ", parts)) if parts else NEVER


def _in_constants(item: t.Term, constants: list[t.Const], frame: Frame) -> Sql:
    found = compile_value(item, frame)
    if found.kind in ("integer", "decimal", "reference"):
        found, values = _in_numbers(found, [c.value for c in constants], frame)
    else:
        values = [frame.values.constant(c.value, item.type.kind) for c in constants]
    return fill("({0} IN ({1}))", found, joined(", ", values)) if values else NEVER


def _in_numbers(found: Sql, numbers: list[Any], frame: Frame) -> tuple[Sql, list[Sql]]:
    """Numbers in the form of the value they are compared with; those that it can never equal are left out."""
    if frame.sqlite and found.scale is not None:
        scaled = map(scaled_for("==", found.scale), numbers)
        return found, [Sql("?", (n,)) for n in scaled if isinstance(n, int)]
    if not frame.sqlite and found.kind != "decimal" and all(isinstance(n, int) for n in numbers):
        return found, [frame.values.constant(n, "integer") for n in numbers]
    return as_key(found, frame), [frame.values.constant(Decimal(n), "decimal") for n in numbers]


# functions that are conditions ----------------------------------------------------------------------
def _apply(term: t.Apply, frame: Frame) -> Sql:
    if term.function.name == "starts_with" and isinstance(term.arguments[0], t.FieldTerm | t.Inline):
        prefix = term.arguments[1]
        if frame.scope.fold and not t.needs_row(prefix):
            return _starts(term.arguments[0], prefix, frame)
    return _is_true(compile_value(term, frame), frame)


def _starts(text: t.Term, prefix: t.Term, frame: Frame) -> Sql:
    """A range over the text, so that an index serves."""
    found = compile_value(text, frame)
    if isinstance(prefix, t.Const):
        if prefix.value is None:
            return NEVER
        low = frame.values.constant(prefix.value, "text")
        high = frame.values.constant(next_prefix(prefix.value), "text")
    else:
        low = frame.values.bind(prefix, kind="text")
        high = frame.values.bind(prefix, lambda value: None if value is None else next_prefix(value), "text")
    return fill("({0} >= {1} AND {0} < {2})", found, low, high)


def _aggregate_true(term: t.Aggregate, frame: Frame) -> Sql:
    from .expression_sql_children import compile_exists

    return (
        compile_exists(term, frame) if term.function in ("any", "all") else _is_true(compile_value(term, frame), frame)
    )


def _aggregate_false(term: t.Aggregate, frame: Frame) -> Sql:
    from .expression_sql_children import compile_exists

    if term.function in ("any", "all"):
        return fill("(NOT {0})", compile_exists(term, frame))
    return fill("({0} IS NOT TRUE)", compile_value(term, frame))


_TRUE: dict[type, Callable[[Any, Frame], Sql]] = {
    t.Not: lambda term, frame: compile_false(term.operand, frame),
    t.Logic: _logic("AND", compile_true),
    t.Inline: _inline_true,
    t.IsBlank: _is_blank,
    t.Compare: compare_true,
    t.Member: _member,
    t.Apply: _apply,
    t.Aggregate: _aggregate_true,
}
_FALSE: dict[type, Callable[[Any, Frame], Sql]] = {
    t.Not: lambda term, frame: compile_true(term.operand, frame),
    t.Logic: _logic("OR", compile_false),
    t.Inline: _inline_false,
    t.IsBlank: _filled,
    t.Compare: compare_false,
    t.Aggregate: _aggregate_false,
}
