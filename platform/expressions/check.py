"""The door of the checker: text and schema in, an `Expression` or all its faults out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from guanxi.common.names import did_you_mean

from . import syntax as s
from . import tree as t
from .checker import Checker, Mention, Place
from .expression import Expression
from .faults import ExpressionErrors
from .functions.catalogue import ENTRIES
from .parser import parse
from .printer import print_literal
from .schema import SchemaView
from .types import ValueType
from .typing_rules import TEXTS, as_date, coerce, named

NO_PARAMS: Mapping[str, ValueType] = {}


def check(
    text: str,
    schema: SchemaView,
    object_name: str,
    *,
    expect: ValueType | None = None,
    change: bool = False,
    params: Mapping[str, ValueType] = NO_PARAMS,
    outer: str | None = None,
    sql: bool = False,
    people: bool = True,
) -> Expression:
    """Check a text for a place of use.

    `expect` is the wanted type (an integer may stand for a decimal, a blank for anything, a written text for a choice
    when it is an option); `change` allows the old record; `params` are value parameters by name; `outer` is the
    object that `outer.x` reads; `sql` refuses what cannot run in the database; `people` False refuses what depends on
    the caller. Raises ExpressionErrors with every fault found.
    """
    node = parse(text)
    checker = Checker(text, schema, object_name, Place(change or sql, people, params), outer)
    tree = checker.term(node)
    if sql and not change and checker.change:
        _refuse_change(checker, node)
    if expect is not None and not isinstance(tree, t.Bad):
        tree = expected(checker, node, tree, expect)
    if checker.faults:
        raise ExpressionErrors(checker.faults)
    return finished(checker, text, object_name, tree)


def finished(checker: Checker, text: str, object_name: str, tree: t.Term) -> Expression:
    """The value handed out when a check found no fault."""
    return Expression(
        source=text,
        object=object_name,
        type=tree.type,
        tree=tree,
        uses=frozenset(checker.uses),
        own=frozenset(checker.own),
        roles=frozenset(checker.roles),
        change=checker.change,
        volatile=checker.volatile or any(isinstance(x, t.CallerTerm) for x in t.walk(tree)),
    )


def mentions(
    text: str, schema: SchemaView, object_name: str, *, params: Mapping[str, ValueType], outer: str | None
) -> list[Mention]:
    """Every field, list and option named in a text that checks; raises ExpressionErrors."""
    checker = Checker(text, schema, object_name, Place(True, True, params), outer)
    checker.term(parse(text))
    if checker.faults:
        raise ExpressionErrors(checker.faults)
    return checker.mentions


def _refuse_change(checker: Checker, node: s.Node) -> None:
    message = "what depends on a change (old, changed, was, is_new) cannot be asked of the database"
    checker.fault(node.span, "sql", message)


def expected(checker: Checker, node: s.Node, tree: t.Term, wanted: ValueType) -> t.Term:
    """The term with the wanted type, or a fault."""
    have = tree.type
    if have.kind == "blank":
        return t.Const(None, wanted) if isinstance(tree, t.Const) else tree
    if wanted.kind == "choice" and have.kind in TEXTS:
        _expected_options(checker, node, wanted)
        return tree
    if wanted.kind == "text" and have.kind in TEXTS:
        return tree
    if wanted.kind == "decimal" and have.kind == "integer":
        return coerce(tree, replace(wanted, scale=None))
    if wanted.kind == "time" and isinstance(tree, t.Const) and have.kind == "text":
        from .typing_rules import _as_time

        found = _as_time(tree)
        if found is not None:
            return found
    if wanted.kind == "date" and have.kind == "datetime":
        checker.volatile = True
        return as_date(tree)
    if have.kind == wanted.kind and (not have.object or not wanted.object or have.object == wanted.object):
        return tree
    if {have.kind, wanted.kind} == {"reference", "integer"}:
        return tree
    if isinstance(tree, t.ListTerm) and wanted.kind in ("choices", "references", "json") and _fits(tree, wanted):
        _expected_options(checker, node, wanted)
        return tree
    hint = _expect_hint(node, have, wanted)
    return checker.fault(node.span, "type", f"{named(wanted)} is needed here, this is {named(have)}", hint)


def _fits(tree: t.ListTerm, wanted: ValueType) -> bool:
    element = tree.type.element
    kinds = TEXTS if wanted.kind == "choices" else frozenset({"integer", "reference"})
    return wanted.kind == "json" or element is None or element.kind in kinds | {"blank"}


def _expect_hint(node: s.Node, have: ValueType, wanted: ValueType) -> str:
    if wanted.kind == "boolean":
        return "a condition compares: amount > 0, filled(phone)"
    if wanted.kind in TEXTS and have.kind in ("integer", "decimal", "date"):
        return "concat(…) writes numbers and dates as text"
    if wanted.kind in ("date", "datetime") and isinstance(node, s.Literal):
        return 'a date is written date("2024-06-01"), an instant datetime("2024-06-01T08:00:00Z")'
    return ""


def _expected_options(checker: Checker, node: s.Node, wanted: ValueType) -> None:
    match node:
        case s.Literal(str(name), span) if wanted.options is not None and name not in wanted.options:
            hint = did_you_mean(name, sorted(wanted.options))
            checker.fault(span, "name", f"there is no option '{name}'", hint)
        case s.Choice(_, then, other):
            _expected_options(checker, then, wanted)
            _expected_options(checker, other, wanted)
        case s.Items(items):
            for item in items:
                _expected_options(checker, item, wanted)


def check_value(
    value: object,
    schema: SchemaView,
    object_name: str,
    wanted: ValueType,
    *,
    change: bool = False,
    params: Mapping[str, ValueType] = NO_PARAMS,
    outer: str | None = None,
    people: bool = True,
) -> Expression:
    """What YAML sets a field to: a bare option name for a choice, else an expression on `object_name`.

    Numbers, booleans and None, as YAML reads them, stand for themselves. `wanted` is the type of the field that is set.
    """
    if not isinstance(value, str):
        number = Decimal(str(value)) if isinstance(value, float) else value
        value = print_literal(number)
    elif _bare_option(value.strip(), wanted):
        return Expression(value, object_name, wanted, t.Const(value.strip(), wanted))
    elif wanted.kind == "choice" and value.strip().isidentifier() and wanted.options:
        _unknown_option(value, schema, object_name, wanted, params)
    return check(value, schema, object_name, expect=wanted, change=change, params=params, outer=outer, people=people)


def _bare_option(text: str, wanted: ValueType) -> bool:
    return wanted.kind == "choice" and wanted.options is not None and text in wanted.options


def _unknown_option(
    text: str, schema: SchemaView, object_name: str, wanted: ValueType, params: Mapping[str, ValueType]
) -> None:
    name = text.strip()
    if name in params or name in ("me", "None", "none", "null") or schema.field(object_name, name) is not None:
        return
    checker = Checker(text, schema, object_name, Place(), None)
    known = [*(wanted.options or ()), *schema.field_names(object_name), *ENTRIES]
    checker.unknown(s.Span(text.index(name), len(text)), "no option and no field", name, known)
    raise ExpressionErrors(checker.faults)
