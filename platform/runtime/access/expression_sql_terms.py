"""Values in SQL: every term of the checked tree as text of either engine, NULL where Python gives None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from guanxi.expressions import tree as t
from guanxi.expressions.decimals import shifted
from guanxi.expressions.faults import ExpressionErrors, ExpressionFault
from guanxi.expressions.functions.numbers import MAX, MIN, TO_DECIMAL

from .expression_sql_parts import Sql, fill, joined, quoted
from .expression_sql_scope import Frame

_LONGEST = 400  # characters of plain arithmetic, which stands twice or three times in the text
_FINEST = 18  # digits after the point
_NAMES = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "//": "floor_divide", "%": "modulo"}
_POSTGRES = {
    "/": "gx_divide(({0})::numeric, ({1})::numeric)",
    "//": "gx_floor_divide(({0})::numeric, ({1})::numeric)",
    "%": "gx_modulo(({0})::numeric, ({1})::numeric)",
}


def compile_value(term: t.Term, frame: Frame) -> Sql:
    """The value of a term."""
    fold = frame.scope.fold or isinstance(term, t.FieldTerm | t.Inline | t.Aggregate)
    if fold and not isinstance(term, t.Const | t.ListTerm) and not t.needs_row(term):
        return frame.values.bind(term)
    compiler = _COMPILERS.get(type(term))
    if compiler is None:
        raise impossible("what depends on a change")
    return compiler(term, frame)


def impossible(what: str) -> ExpressionErrors:
    """The fault of an expression that was not checked for use in SQL."""
    return ExpressionErrors([ExpressionFault("expression-sql", f"{what} cannot be asked of the database")])


# forms of numbers -----------------------------------------------------------------------------------
def as_key(part: Sql, frame: Frame) -> Sql:
    """A number as an exact decimal: a key on SQLite, numeric on PostgreSQL."""
    if not frame.sqlite:
        return part if part.kind == "decimal" else fill("({0})::numeric", part).of("decimal")
    if part.scale is None:
        if part.fast is None:
            return part
        text = f"CASE typeof({{0}}) WHEN 'integer' THEN gx_dec({{0}}, {part.fast.scale}) WHEN 'real' THEN {{1}} END"
        return fill(text, part.fast, part).of("decimal")
    return fill(f"gx_dec({{0}}, {part.scale})", part).of("decimal")


def ready(part: Sql, frame: Frame) -> Sql:
    """A value to hand out: decimals in one form, text in code-point order."""
    if part.kind == "decimal":
        return as_key(part, frame)
    if not frame.sqlite and part.kind in ("text", "choice") and not part.column:
        return fill('({0}) COLLATE "C"', part).of(part.kind)
    return part


def alike(parts: list[Sql], kind: str, frame: Frame) -> list[Sql]:
    """Values of one type brought to one form."""
    if kind != "decimal":
        return parts
    if frame.sqlite and len({p.scale for p in parts}) == 1 and parts[0].scale is not None:
        return parts
    return [as_key(p, frame) for p in parts]


# rows -----------------------------------------------------------------------------------------------
def row_frame(row: t.RowTerm, frame: Frame) -> Frame:
    """The frame of the row that a row term means."""
    match row:
        case t.Row():
            return frame
        case t.Outer():
            if frame.outer is None:
                raise impossible("an outer record")
            return frame.outer
        case t.Hop(base, field, target):
            found = row_frame(base, frame)
            return found.at(found.scope.hop(field, target, found.alias, live=True), target)
    raise impossible("the record before a change")


def column(frame: Frame, name: str) -> Sql:
    """A column of the row in focus."""
    return Sql(f"{quoted(frame.alias)}.{quoted(name)}", (), column=True)


def _field(term: t.FieldTerm, frame: Frame) -> Sql:
    found = column(row_frame(term.row, frame), term.name)
    kind, scale = term.type.kind, None
    if kind in ("integer", "reference"):
        scale = 0
    elif kind == "decimal":
        scale = (term.type.scale or 0) if frame.sqlite else None
    return Sql(found.text, (), kind, scale, column=True)


def _inline(term: t.Inline, frame: Frame) -> Sql:
    at = row_frame(term.row, frame)
    found = compile_value(term.tree, at.formula())
    if not isinstance(term.row, t.Hop):
        return found
    return fill("CASE WHEN {0} IS NOT NULL THEN {1} END", column(at, "id"), found).of(found.kind, found.scale)


# numbers --------------------------------------------------------------------------------------------
def _whole(text: Sql, whole: bool) -> Sql:
    return fill("gx_int({0})" if whole else "gx_limit({0})", text).of(*(("integer", 0) if whole else ("decimal", None)))


def _operand(term: t.Term, frame: Frame) -> Sql:
    found = compile_value(term, frame)
    return as_key(found, frame) if frame.sqlite and term.type.kind == "decimal" else found


def _negate(term: t.Negate, frame: Frame) -> Sql:
    whole = term.type.kind == "integer"
    found = _operand(term.operand, frame)
    if frame.sqlite:
        return fill("gx_negate({0})", found).of(*(("integer", 0) if whole else ("decimal", None)))
    return _whole(fill("-(({0})::numeric)", found), whole)


def _fast(term: t.Term, part: Sql) -> Sql | None:
    """A number in plain integers, when it is a column, a literal, or plain arithmetic on such."""
    if part.fast is not None or part.scale is None:
        return part.fast
    return part if part.column or isinstance(term, t.Const) else None


def _exact_constant(term: t.Term, frame: Frame) -> Sql | None:
    """A written decimal as a scaled integer."""
    if not isinstance(term, t.Const) or not isinstance(term.value, Decimal):
        return None
    scale = max(0, -int(term.value.as_tuple().exponent))
    whole = int(shifted(term.value, scale))
    return Sql(frame.values.mark, (whole,), "integer", scale) if scale <= 9 and abs(whole) < 2**53 else None


def _fast_arithmetic(term: t.Arithmetic, left: Sql | None, right: Sql | None) -> Sql | None:
    """`+ - *` of two fast numbers, brought to one scale; None where it would grow too long or too fine."""
    if left is None or right is None or left.scale is None or right.scale is None or term.operator not in "+-*":
        return None
    if len(left.text) + len(right.text) > _LONGEST:
        return None
    scale = left.scale + right.scale if term.operator == "*" else max(left.scale, right.scale)
    if scale > _FINEST:
        return None
    if term.operator != "*":
        left, right = (
            p if p.scale == scale else fill(f"({{0}} * {10 ** (scale - (p.scale or 0))})", p) for p in (left, right)
        )
    return fill(f"({{0}} {term.operator} {{1}})", left, right).of("integer", scale)


def _quotient(left: Sql, right: Sql, exact: Sql) -> Sql:
    """A division of plain integers where they are ones, else of exact decimals."""
    if len(left.text) + len(right.text) > _LONGEST:
        return exact
    quick = fill(f"gx_quotient({{0}}, {left.scale}, {{1}}, {right.scale})", left, right)
    return fill(
        "CASE WHEN typeof({0}) = 'real' OR typeof({1}) = 'real' THEN {2} ELSE {3} END", left, right, exact, quick
    )


def _sqlite_arithmetic(term: t.Arithmetic, frame: Frame) -> Sql:
    left, right = compile_value(term.left, frame), compile_value(term.right, frame)
    plain_left = _exact_constant(term.left, frame) or _fast(term.left, left)
    plain_right = _exact_constant(term.right, frame) or _fast(term.right, right)
    fast = _fast_arithmetic(term, plain_left, plain_right)
    if term.type.kind == "integer" and fast is not None:
        # Beyond 64 bits the result is blank, so nothing slower is needed.
        found = fill("CASE typeof({0}) WHEN 'integer' THEN {0} END", fast)
        return replace(found.of("integer", 0), fast=fast)
    if fast is not None:
        # This text only runs where integers did not suffice: its operands need no quick way of their own.
        left, right = replace(left, fast=None), replace(right, fast=None)
    operands = [
        as_key(p, frame) if x.type.kind == "decimal" else p for p, x in ((left, term.left), (right, term.right))
    ]
    found = fill(f"gx_{_NAMES[term.operator]}({{0}}, {{1}})", *operands)
    if term.operator == "/" and plain_left is not None and plain_right is not None:
        return _quotient(plain_left, plain_right, found).of("decimal")
    return found.of("integer", 0) if term.type.kind == "integer" else replace(found.of("decimal"), fast=fast)


def _arithmetic(term: t.Arithmetic, frame: Frame) -> Sql:
    if frame.sqlite:
        return _sqlite_arithmetic(term, frame)
    whole = term.type.kind == "integer"
    left, right = compile_value(term.left, frame), compile_value(term.right, frame)
    text = _POSTGRES.get(term.operator)
    if text is not None:
        return _whole(fill(text, left, right), True) if whole else fill(text, left, right).of("decimal")
    return _whole(fill(f"(({{0}})::numeric {term.operator} ({{1}})::numeric)", left, right), whole)


# choices --------------------------------------------------------------------------------------------
def _choose(term: t.Choose, frame: Frame) -> Sql:
    """One CASE for a whole chain of `a if x else b if y else c`: SQLite's parser allows no deep nesting."""
    from .expression_sql_conditions import compile_true

    conditions: list[Sql] = []
    results: list[t.Term] = []
    rest: t.Term = term
    while isinstance(rest, t.Choose) and (rest is term or rest.type.kind == term.type.kind):
        conditions.append(compile_true(rest.condition, frame))
        results.append(rest.then)
        rest = rest.other
    parts = alike([compile_value(x, frame) for x in (*results, rest)], term.type.kind, frame)
    cases = [fill("WHEN {0} THEN {1}", c, p) for c, p in zip(conditions, parts[:-1], strict=True)]
    found = fill("CASE {0} ELSE {1} END", joined(" ", cases), parts[-1])
    return found.of(term.type.kind, parts[0].scale if term.type.kind != "blank" else None)


def _coalesce(term: t.Coalesce, frame: Frame) -> Sql:
    parts = alike([compile_value(o, frame) for o in term.operands], term.type.kind, frame)
    if len(parts) == 1:
        return parts[0]
    return fill("coalesce({0})", joined(", ", parts)).of(term.type.kind, parts[0].scale)


def _boolean(term: Any, frame: Frame) -> Sql:
    """A condition as a value: never NULL."""
    from .expression_sql_conditions import compile_true

    return fill("(({0}) IS TRUE)", compile_true(term, frame)).of("boolean")


# functions ------------------------------------------------------------------------------------------
def arguments(term: t.Apply, frame: Frame) -> list[Sql]:
    """The arguments of a function in the form its code asks for, zone and calendar included."""
    function = term.function
    codes = [c for c in function.arguments if c not in ("zone", "calendar")]
    found = []
    for index, argument in enumerate(term.arguments):
        code = codes[min(index, len(codes) - 1)]
        part = compile_value(argument, frame)
        numeric = code in ("number", "decimal") and argument.type.kind == "decimal"
        found.append(as_key(part, frame) if numeric else part)
    if function.arguments[-1] == "zone":
        found.append(frame.values.zone())
    elif function.arguments[-1] == "calendar":
        found.append(frame.values.calendar(term.calendar))
    return found


def _apply(term: t.Apply, frame: Frame) -> Sql:
    function, kind = term.function, term.type.kind
    if function is TO_DECIMAL:
        return as_key(compile_value(term.arguments[0], frame), frame)
    parts = arguments(term, frame)
    if function in (MIN, MAX):
        parts = alike(parts, kind, frame)
    template = function.sqlite if frame.sqlite else function.postgresql
    if not template:
        template = f"{function.sqlite_name}({{all}})"
    if "{all}" in template:
        template = template.replace("{all}", ", ".join(f"{{{i}}}" for i in range(len(parts))))
    scale = parts[0].scale if function in (MIN, MAX) else 0 if kind == "integer" else None
    return fill(template, *parts).of(kind, scale)


def _const(term: t.Const, frame: Frame) -> Sql:
    return frame.values.constant(term.value, term.type.kind)


def _caller(term: t.CallerTerm | t.ParamTerm, frame: Frame) -> Sql:
    return frame.values.bind(term)


def _aggregate(term: t.Aggregate, frame: Frame) -> Sql:
    from .expression_sql_children import compile_aggregate

    return compile_aggregate(term, frame)


_COMPILERS: dict[type, Callable[[Any, Frame], Sql]] = {
    t.Const: _const,
    t.FieldTerm: _field,
    t.Inline: _inline,
    t.CallerTerm: _caller,
    t.ParamTerm: _caller,
    t.Negate: _negate,
    t.Arithmetic: _arithmetic,
    t.Not: _boolean,
    t.Logic: _boolean,
    t.Compare: _boolean,
    t.IsBlank: _boolean,
    t.Member: _boolean,
    t.Choose: _choose,
    t.Coalesce: _coalesce,
    t.Apply: _apply,
    t.Aggregate: _aggregate,
}
