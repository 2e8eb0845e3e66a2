"""How many digits after the point a computed field shows when it does not say.

Money keeps its digits through sums, choices and rates; other decimals show what their expression can give exactly.
A quotient has no natural number of digits: None.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from guanxi.expressions import tree as t
from guanxi.expressions.expression import Expression
from guanxi.expressions.functions.numbers import ROUND_DECIMAL
from guanxi.expressions.schema import SchemaView
from guanxi.expressions.types import DECIMAL, INTEGER


class Digits(NamedTuple):
    """`shown` is None when the value may have any number of digits; `money` when it is an amount of money."""

    shown: int | None
    money: bool = False


_WHOLE, _ANY = Digits(0), Digits(None)


def digits_of(term: t.Term, view: SchemaView) -> Digits:
    """The digits of a number's expression."""
    match term:
        case t.Const(value=Decimal() as value):
            return Digits(max(0, -int(value.as_tuple().exponent)))
        case t.FieldTerm() | t.Inline():
            info = view.field(term.row.object, term.name)
            scale = 0 if term.type.kind == "integer" else term.type.scale
            return Digits(scale, info is not None and info.money)
        case t.Negate():
            return digits_of(term.operand, view)
        case t.Arithmetic():
            return _arithmetic(term.operator, digits_of(term.left, view), digits_of(term.right, view))
        case t.Choose():
            return _widest(digits_of(term.then, view), digits_of(term.other, view))
        case t.Coalesce():
            return _widest(*(digits_of(one, view) for one in term.operands))
        case t.Aggregate(item=t.Const() | None):
            return _WHOLE
        case t.Aggregate():
            found = digits_of(term.item, view) if term.item is not None else _WHOLE
            return found if term.function in ("sum", "min", "max") or found.money else _ANY
        case t.Apply():
            return _applied(term, view)
    return _WHOLE if term.type.kind in ("integer", "blank") else _ANY


def rounded(value: Expression, settings: Any) -> Expression:
    """The expression held to the digits that the field shows, so that what is compared, sorted by and added up is what
    people see. One that cannot give more digits stays as it is.
    """
    if value.type.kind != "decimal" or settings.digits is None:
        return value
    most = _at_most(value.tree)
    if most is not None and most <= settings.digits:
        return value
    digits = t.Const(settings.digits, INTEGER)
    return replace(value, tree=t.Apply(ROUND_DECIMAL, (value.tree, digits), DECIMAL), cache={})


def _at_most(term: t.Term) -> int | None:
    """The most digits after the point that the term's value can have; None when there is no telling."""
    if term.type.kind in ("integer", "blank"):
        return 0
    match term:
        case t.Const(value=Decimal() as value):
            return max(0, -int(value.as_tuple().exponent))
        case t.FieldTerm() | t.Inline():
            return term.type.scale
        case t.Negate():
            return _at_most(term.operand)
        case t.Arithmetic(operator="+" | "-" | "*"):
            left, right = _at_most(term.left), _at_most(term.right)
            if left is None or right is None:
                return None
            return left + right if term.operator == "*" else max(left, right)
        case t.Choose():
            return _most(term.then, term.other)
        case t.Coalesce():
            return _most(*term.operands)
        case t.Aggregate(function="sum" | "min" | "max") if term.item is not None:
            return _at_most(term.item)
    return None


def _most(*terms: t.Term) -> int | None:
    found = [_at_most(term) for term in terms]
    return None if None in found else max((one for one in found if one is not None), default=0)


def _applied(term: t.Apply, view: SchemaView) -> Digits:
    if term.type.kind == "integer":
        return _WHOLE
    if term.function.name == "round_decimal" and isinstance(term.arguments[1], t.Const):
        inner, digits = digits_of(term.arguments[0], view), max(0, int(term.arguments[1].value))
        return inner if inner.money else Digits(digits)
    return _widest(*(digits_of(one, view) for one in term.arguments))


def _widest(*found: Digits) -> Digits:
    money = [one for one in found if one.money]
    if money:
        return Digits(max((one.shown or 0) for one in money), money=True)
    return _ANY if any(one.shown is None for one in found) else Digits(max((one.shown or 0) for one in found))


def _arithmetic(operator: str, left: Digits, right: Digits) -> Digits:
    if operator in ("+", "-"):
        return _widest(left, right)
    if left.money and right.money:  # a ratio, or what is no amount
        return _ANY
    if left.money or (right.money and operator == "*"):
        return left if left.money else right
    if operator == "//":
        return _WHOLE
    if left.shown is None or right.shown is None or operator == "/":
        return _ANY
    return Digits(left.shown + right.shown if operator == "*" else max(left.shown, right.shown))
