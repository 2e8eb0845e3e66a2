"""How many digits after the point a computed field shows when it does not say.

Money keeps its digits through sums, choices and rates; other decimals show what their expression can give exactly.
A quotient has no natural number of digits: None.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from guanxi.expressions import tree as t
from guanxi.expressions.schema import SchemaView


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
