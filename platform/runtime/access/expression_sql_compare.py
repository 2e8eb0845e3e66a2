"""Comparisons in SQL: blank-safe equality, bare columns against bound values, exact numbers in whichever form they
are cheapest, and questions about days turned into ranges of the column itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guanxi.expressions import tree as t

from .expression_sql_parts import Sql, fill, scaled_for
from .expression_sql_rewrite import day_range, rewritten
from .expression_sql_scope import Frame
from .expression_sql_terms import as_key, compile_value

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_NUMBERS = ("integer", "decimal", "reference")


def compare_true(term: t.Compare, frame: Frame) -> Sql:
    """TRUE where the comparison holds."""
    better = rewritten(term) if frame.scope.fold else None
    if better is not None:
        from .expression_sql_conditions import compile_true

        return compile_true(better, frame)
    days = day_range(term, frame) if frame.scope.fold else None
    if days is not None:
        return days
    operator, left, right = _sides(term)
    quick = _quick(operator, left, right, frame) if frame.sqlite else None
    if quick is not None:
        return quick
    a, b = _pair(operator, left, right, frame)
    if operator != "==":
        return _order(operator, a, b, postgres=not frame.sqlite)
    if _certain(left) or _certain(right):
        return fill("({0} = {1})", a, b)
    if frame.sqlite:
        return fill("({0} IS {1})", a, b)
    if not t.needs_row(right) and frame.scope.fold:
        # With the parameter known the second part folds away, and an index serves the first.
        return fill("({0} = {1} OR ({0} IS NULL AND {1} IS NULL))", a, b)
    return fill("({0} IS NOT DISTINCT FROM {1})", a, b)


def compare_false(term: t.Compare, frame: Frame) -> Sql:
    """TRUE where the comparison does not hold."""
    if term.operator != "==":
        return fill("({0} IS NOT TRUE)", compare_true(term, frame))
    better = rewritten(term) if frame.scope.fold else None
    if better is not None or (frame.scope.fold and day_range(term, frame) is not None):
        return fill("({0} IS NOT TRUE)", compare_true(term, frame))
    operator, left, right = _sides(term)
    a, b = _pair(operator, left, right, frame)
    return fill("({0} IS NOT {1})" if frame.sqlite else "({0} IS DISTINCT FROM {1})", a, b)


def _quick(operator: str, left: t.Term, right: t.Term, frame: Frame) -> Sql | None:
    """Plain arithmetic against a known number: integers where they suffice, exact decimals where they do not."""
    if not isinstance(left, t.Arithmetic) or left.type.kind != "decimal" or not _known(right, frame):
        return None
    if operator == "==" and not _certain(right):
        return None
    slow = compile_value(left, frame)
    if slow.fast is None or slow.fast.scale is None:
        return None
    sign = "=" if operator == "==" else operator
    border = _threshold(operator, right, slow.fast.scale, frame)
    exact = as_key(compile_value(right, frame), frame)
    text = f"CASE typeof({{0}}) WHEN 'integer' THEN {{0}} {sign} {{1}} WHEN 'real' THEN {{2}} {sign} {{3}} END"
    return fill(f"({text})", slow.fast, border, slow, exact)


def _known(term: t.Term, frame: Frame) -> bool:
    return isinstance(term, t.Const) or (frame.scope.fold and not t.needs_row(term))


def _certain(term: t.Term) -> bool:
    return isinstance(term, t.Const) and term.value is not None


def _sides(term: t.Compare) -> tuple[str, t.Term, t.Term]:
    """The side that depends on the row first."""
    if t.needs_row(term.right) and not t.needs_row(term.left):
        return _FLIPPED[term.operator], term.right, term.left
    return term.operator, term.left, term.right


def _order(operator: str, a: Sql, b: Sql, *, postgres: bool) -> Sql:
    texts = postgres and a.kind in ("text", "choice") and not a.column
    return fill(f'(({{0}}) COLLATE "C" {operator} {{1}})' if texts else f"({{0}} {operator} {{1}})", a, b)


def _pair(operator: str, left: t.Term, right: t.Term, frame: Frame) -> tuple[Sql, Sql]:
    """Both sides in forms that compare."""
    a = compile_value(left, frame)
    if a.kind not in _NUMBERS:
        return a, compile_value(right, frame)
    if frame.sqlite and a.scale is not None and _known(right, frame):
        return a, _threshold(operator, right, a.scale, frame)
    b = compile_value(right, frame)
    if b.kind not in _NUMBERS:
        return a, b
    if frame.sqlite:
        same = a.scale is not None and a.scale == b.scale
    else:
        same = (a.kind == "decimal") == (b.kind == "decimal")
    return (a, b) if same else (as_key(a, frame), as_key(b, frame))


def _threshold(operator: str, term: t.Term, scale: int, frame: Frame) -> Sql:
    """A value to compare with a bare scaled column, as an integer of the same scale."""
    convert: Callable[[Any], Any] = scaled_for(operator, scale)
    if isinstance(term, t.Const):
        return Sql("?", (convert(term.value),), "integer", scale)
    return Sql(*_text(frame.values.bind(term, convert, "integer")), "integer", scale)


def _text(part: Sql) -> tuple[str, tuple[Any, ...]]:
    return part.text, part.params
