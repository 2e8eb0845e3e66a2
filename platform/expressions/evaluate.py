"""Checked tree → Python closure. A closure takes the record in focus and the environment; formulas of other records
and child conditions run the same closures with another record in focus. Built once per published version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import tree as t
from .decimals import OPERATORS, negate
from .env import Env, Record
from .expression import Expression

Closure = Callable[[Any, Env], Any]
Evaluator = Callable[[Env], Any]


def compile_expression(expression: Expression) -> Evaluator:
    """A function from an environment to the value in Python form; kept with the expression."""
    found: Evaluator | None = expression.cache.get("python")
    if found is None:
        closure = compile_term(expression.tree)
        found = expression.cache["python"] = _entry(closure)
    return found


def evaluate(expression: Expression, env: Env) -> Any:
    """The value for one environment."""
    return compile_expression(expression)(env)


def holds(expression: Expression, env: Env) -> bool:
    """Whether a condition is true (a blank is not)."""
    return compile_expression(expression)(env) is True


def _entry(closure: Closure) -> Evaluator:
    def run(env: Env) -> Any:
        return closure(env.row, env)

    return run


def compile_term(term: t.Term) -> Closure:
    """The closure of one term."""
    return _COMPILERS[type(term)](term)


def _const(term: t.Const) -> Closure:
    value = term.value
    return lambda row, env: value


# rows -----------------------------------------------------------------------------------------------
def compile_row(row: t.RowTerm) -> Callable[[Any, Env], Record | None]:
    """How to get at the record that a row term means."""
    match row:
        case t.Row():
            return lambda row, env: row
        case t.Outer():
            return lambda row, env: env.outer
        case t.Old():
            return lambda row, env: env.old
        case t.MeRow():
            return lambda row, env: env.me
        case t.ParamRow(name, object_name):
            return _param_row(name, object_name)
        case t.Hop(base, field, object_name):
            return _hop(compile_row(base), field, object_name)


def _param_row(name: str, object_name: str) -> Closure:
    def run(row: Any, env: Env) -> Record | None:
        value = env.params.get(name)
        return value if value is None or isinstance(value, Mapping) else env.lookup(object_name, value)

    return run


def _hop(base: Closure, field: str, object_name: str) -> Closure:
    def run(row: Any, env: Env) -> Record | None:
        found = base(row, env)
        if found is None:
            return None
        target = found.get(field)
        return None if target is None else env.lookup(object_name, target)

    return run


def _field(term: t.FieldTerm) -> Closure:
    name = term.name
    if isinstance(term.row, t.Row):
        return lambda row, env: row.get(name)
    base = compile_row(term.row)

    def run(row: Any, env: Env) -> Any:
        found = base(row, env)
        return None if found is None else found.get(name)

    return run


def _inline(term: t.Inline) -> Closure:
    inner = compile_term(term.tree)
    if isinstance(term.row, t.Row):
        return inner
    base = compile_row(term.row)

    def run(row: Any, env: Env) -> Any:
        found = base(row, env)
        return None if found is None else inner(found, env)

    return run


# the caller -----------------------------------------------------------------------------------------
def _caller(term: t.CallerTerm) -> Closure:
    name = term.name
    return lambda row, env: getattr(env, name)


def _param(term: t.ParamTerm) -> Closure:
    name = term.name

    def run(row: Any, env: Env) -> Any:
        value = env.params.get(name)
        return value.get("id") if isinstance(value, Mapping) and term.type.kind == "reference" else value

    return run


def _list(term: t.ListTerm) -> Closure:
    items = [compile_term(i) for i in term.items]
    return lambda row, env: tuple(i(row, env) for i in items)


# numbers --------------------------------------------------------------------------------------------
def _negate(term: t.Negate) -> Closure:
    operand = compile_term(term.operand)

    def run(row: Any, env: Env) -> Any:
        value = operand(row, env)
        return None if value is None else negate(value)

    return run


def _arithmetic(term: t.Arithmetic) -> Closure:
    left, right, operator = compile_term(term.left), compile_term(term.right), OPERATORS[term.operator]

    def run(row: Any, env: Env) -> Any:
        a = left(row, env)
        if a is None:
            return None
        b = right(row, env)
        return None if b is None else operator(a, b)

    return run


# logic ----------------------------------------------------------------------------------------------
def _not(term: t.Not) -> Closure:
    operand = term.operand
    if isinstance(operand, t.IsBlank):
        filled = compile_term(operand.operand)
        return lambda row, env: (v := filled(row, env)) is not None and v != ()
    if isinstance(operand, t.Compare) and operand.operator == "==" and isinstance(operand.right, t.Const):
        left, constant = compile_term(operand.left), operand.right.value
        return lambda row, env: left(row, env) != constant
    inner = compile_term(operand)
    return lambda row, env: not inner(row, env)


def _logic(term: t.Logic) -> Closure:
    operands = tuple(compile_term(o) for o in term.operands)
    if len(operands) == 2:
        left, right = operands
        if term.operator == "and":
            return lambda row, env: bool(left(row, env) and right(row, env))
        return lambda row, env: bool(left(row, env) or right(row, env))
    return _all_of(operands) if term.operator == "and" else _any_of(operands)


def _all_of(operands: tuple[Closure, ...]) -> Closure:
    def run(row: Any, env: Env) -> bool:
        for operand in operands:  # noqa: SIM110 (a generator would cost more than the operands)
            if not operand(row, env):
                return False
        return True

    return run


def _any_of(operands: tuple[Closure, ...]) -> Closure:
    def run(row: Any, env: Env) -> bool:
        for operand in operands:  # noqa: SIM110
            if operand(row, env):
                return True
        return False

    return run


def _is_blank(term: t.IsBlank) -> Closure:
    operand = compile_term(term.operand)
    return lambda row, env: (v := operand(row, env)) is None or v == ()


def _compare(term: t.Compare) -> Closure:
    left = compile_term(term.left)
    if isinstance(term.right, t.Const):
        return _compare_constant(term.operator, left, term.right.value)
    right = compile_term(term.right)
    if term.operator == "==":
        return lambda row, env: left(row, env) == right(row, env)

    def run(row: Any, env: Env) -> bool:
        a = left(row, env)
        if a is None:
            return False
        b = right(row, env)
        return b is not None and _ORDER[operator](a, b)

    operator = term.operator
    return run


def _compare_constant(operator: str, left: Closure, c: Any) -> Closure:
    match operator:
        case "==":
            return lambda row, env: left(row, env) == c
        case "<":
            return lambda row, env: (v := left(row, env)) is not None and v < c
        case "<=":
            return lambda row, env: (v := left(row, env)) is not None and v <= c
        case ">":
            return lambda row, env: (v := left(row, env)) is not None and v > c
    return lambda row, env: (v := left(row, env)) is not None and v >= c


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _member(term: t.Member) -> Closure:
    item = compile_term(term.item)
    container = term.container
    if isinstance(container, t.ListTerm) and all(isinstance(i, t.Const) for i in container.items):
        constants = frozenset(i.value for i in container.items if isinstance(i, t.Const))
        return lambda row, env: item(row, env) in constants
    values = compile_term(container)
    if isinstance(container, t.ListTerm):
        return lambda row, env: item(row, env) in values(row, env)

    def run(row: Any, env: Env) -> bool:
        found = values(row, env)
        return bool(found) and (value := item(row, env)) is not None and value in found

    return run


def _choose(term: t.Choose) -> Closure:
    condition, then, other = compile_term(term.condition), compile_term(term.then), compile_term(term.other)
    return lambda row, env: then(row, env) if condition(row, env) else other(row, env)


def _coalesce(term: t.Coalesce) -> Closure:
    operands = tuple(compile_term(o) for o in term.operands)

    def run(row: Any, env: Env) -> Any:
        for operand in operands:
            value = operand(row, env)
            if value is not None:
                return value
        return None

    return run


# functions ------------------------------------------------------------------------------------------
def _apply(term: t.Apply) -> Closure:
    function, arguments = term.function, tuple(compile_term(a) for a in term.arguments)
    python, strict, calendar = function.python, function.strict, term.calendar
    extra = function.arguments[-1] if function.arguments[-1] in ("zone", "calendar") else ""

    def run(row: Any, env: Env) -> Any:
        values = []
        for argument in arguments:
            value = argument(row, env)
            if value is None and strict:
                return None
            values.append(value)
        if extra:
            values.append(env.zone if extra == "zone" else env.calendar(calendar))
        return python(*values)

    if strict and not extra and len(arguments) == 1:
        only = arguments[0]
        return lambda row, env: None if (v := only(row, env)) is None else python(v)
    return run


def _is_new(term: t.IsNew) -> Closure:
    return lambda row, env: env.old is None


def _changed(term: t.Changed) -> Closure:
    now, before = compile_term(term.now), compile_term(term.before)
    return lambda row, env: _plain(now(row, env)) != _plain(before(row, env))


def _plain(value: Any) -> Any:
    return None if value == () else value


def _aggregate(term: t.Aggregate) -> Closure:
    from .evaluate_children import compile_aggregate

    return compile_aggregate(term)


_COMPILERS: dict[type, Callable[[Any], Closure]] = {
    t.Const: _const,
    t.FieldTerm: _field,
    t.Inline: _inline,
    t.CallerTerm: _caller,
    t.ParamTerm: _param,
    t.ListTerm: _list,
    t.Negate: _negate,
    t.Arithmetic: _arithmetic,
    t.Not: _not,
    t.Logic: _logic,
    t.Compare: _compare,
    t.IsBlank: _is_blank,
    t.Member: _member,
    t.Choose: _choose,
    t.Coalesce: _coalesce,
    t.Apply: _apply,
    t.IsNew: _is_new,
    t.Changed: _changed,
    t.Aggregate: _aggregate,
}
