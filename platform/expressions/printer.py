"""Syntax tree → text, with exactly the brackets that the precedence of the operators asks for."""

from __future__ import annotations

from decimal import Decimal

from . import syntax as s

_CHOICE, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _NEGATIVE, _ATOM = range(9)
_BINARY = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def quote(text: str) -> str:
    """A text as a literal of the language."""
    return '"' + "".join(_ESCAPES.get(c, c) for c in text) + '"'


def print_literal(value: object) -> str:
    """Any literal as text."""
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Decimal):
        plain = format(value, "f")
        return plain if "." in plain else plain + ".0"
    return str(value)


def print_tree(node: s.Node) -> str:
    """The text of a tree; parsing it again gives an equal tree but for the spans."""
    return _print(node)[0]


def _wrap(node: s.Node, level: int) -> str:
    text, own = _print(node)
    return text if own >= level else f"({text})"


def _print(node: s.Node) -> tuple[str, int]:
    match node:
        case s.Literal(value):
            negative = isinstance(value, int | Decimal) and not isinstance(value, bool) and value < 0
            return print_literal(value), _NEGATIVE if negative else _ATOM
        case s.Path(names):
            return ".".join(names), _ATOM
        case s.Call(name, arguments):
            return f"{name}({', '.join(_wrap(a, _CHOICE) for a in arguments)})", _ATOM
        case s.Items(items):
            return f"[{', '.join(_wrap(i, _CHOICE) for i in items)}]", _ATOM
        case s.Unary("not", operand):
            return f"not {_wrap(operand, _NOT)}", _NOT
        case s.Unary(_, operand):
            # `-5` is a literal: the negation of a literal 5 keeps its brackets.
            bare = isinstance(operand, s.Literal)
            return f"-({_print(operand)[0]})" if bare else f"-{_wrap(operand, _NEGATIVE)}", _NEGATIVE
        case s.Binary(operator, left, right):
            level = _BINARY[operator]
            return f"{_wrap(left, level)} {operator} {_wrap(right, level + 1)}", level
        case s.Logic(operator, operands):
            level = _AND if operator == "and" else _OR
            return f" {operator} ".join(_wrap(o, level + 1) for o in operands), level
        case s.Comparison(operands, operators):
            parts = [_wrap(operands[0], _SUM)]
            for operator, operand in zip(operators, operands[1:], strict=True):
                parts += [operator, _wrap(operand, _SUM)]
            return " ".join(parts), _COMPARE
        case s.Choice(condition, then, other):
            return f"{_wrap(then, _OR)} if {_wrap(condition, _OR)} else {_wrap(other, _CHOICE)}", _CHOICE
