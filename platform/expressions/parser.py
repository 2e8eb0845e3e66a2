"""Text → syntax tree. Python's own `ast` reads the text; a closed list of its nodes is translated, everything else
is refused with its position. Nothing is ever compiled or executed as Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from threading import Lock
from typing import Any

from . import syntax as s
from .faults import ExpressionErrors
from .limits import INTEGER_MAX, MAX_DEPTH, MAX_DIGITS, MAX_LIST, MAX_NODES
from .scanner import fault_at, scan

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "none": None, "null": None}
_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}
_COMPARE = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_REFUSED = {
    ast.Lambda: "functions cannot be defined",
    ast.ListComp: "a loop is not possible; use count, sum, any or all over a related list",
    ast.GeneratorExp: "a loop is not possible; use count, sum, any or all over a related list",
    ast.SetComp: "a loop is not possible; use count, sum, any or all over a related list",
    ast.DictComp: "a loop is not possible; use count, sum, any or all over a related list",
    ast.JoinedStr: "a text with holes is not possible; use concat",
    ast.Subscript: "square brackets after a value are not possible",
    ast.Starred: "'*' cannot stand here",
    ast.NamedExpr: "a value cannot be given a name",
    ast.Dict: "curly brackets have no meaning here",
    ast.Set: "curly brackets have no meaning here",
    ast.Await: "'await' has no meaning here",
    ast.Yield: "'yield' has no meaning here",
    ast.YieldFrom: "'yield' has no meaning here",
}
_NUMBER = re.compile(r"(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d{1,3})?\Z")


# Python 3.11 keeps the depth of its tree builder for the whole process: two threads that parse at once can disturb each
# other and raise SystemError.
_PARSING = Lock()


@lru_cache(maxsize=4096)
def parse(text: str) -> s.Node:
    """The tree of `text`; raises ExpressionErrors. Trees are frozen, so equal texts (`owner == me`) share one."""
    scan(text)
    try:
        # The brackets let an expression run over several lines; `scan` made sure that its own are balanced.
        with _PARSING:
            module = ast.parse(f"({text}\n)", mode="eval")
    except SyntaxError as error:
        raise ExpressionErrors([_syntax_fault(text, error)]) from None
    except (ValueError, RecursionError, MemoryError):
        message = "the expression cannot be read: it is nested too deeply or has odd characters"
        raise ExpressionErrors([fault_at(text, 0, "expression-limit", message)]) from None
    return _Translator(text).translate(module.body)


def _syntax_fault(text: str, error: SyntaxError) -> Any:
    lines = text.split("\n")
    line = min(max(error.lineno or 1, 1), len(lines))
    column = (error.offset or 1) - 1 - (1 if line == 1 else 0)
    offset = sum(len(part) + 1 for part in lines[: line - 1]) + max(0, min(column, len(lines[line - 1])))
    message = (error.msg or "invalid syntax").replace("Perhaps you forgot a comma?", "").strip(" .")
    hint = ""
    if re.search(r"(?<![=!<>])=(?!=)", text):
        hint = "equality is written =="
    elif "&&" in text or "||" in text:
        hint = "write 'and', 'or', 'not'"
    return fault_at(text, offset, "expression-syntax", f"cannot be read: {message}", hint)


class _Translator:
    """Walks Python's tree once, counting nodes and depth."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.nodes = 0
        self.depth = 0
        self.starts = [0]
        self.lines = text.split("\n")
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.handlers: dict[type[ast.AST], Callable[[Any], s.Node]] = {
            ast.Constant: self.constant,
            ast.Name: self.path,
            ast.Attribute: self.path,
            ast.Call: self.call,
            ast.UnaryOp: self.unary,
            ast.BinOp: self.binary,
            ast.BoolOp: self.logic,
            ast.Compare: self.comparison,
            ast.IfExp: self.choice,
            ast.List: self.items,
            ast.Tuple: self.items,
        }

    def offset(self, line: int, column: int) -> int:
        """Character offset of Python's 1-based line and byte column; the opening bracket is taken off again."""
        if line == 1:
            column -= 1
        if line > len(self.lines):
            return len(self.text)
        raw = self.lines[line - 1].encode("utf-8", "surrogatepass")
        return self.starts[line - 1] + len(raw[: max(column, 0)].decode("utf-8", "ignore"))

    def span(self, node: ast.expr) -> s.Span:
        start = self.offset(node.lineno, node.col_offset)
        end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        return s.Span(start, end)

    def fail(self, node: ast.expr, message: str, hint: str = "", code: str = "expression-syntax") -> ExpressionErrors:
        return ExpressionErrors([fault_at(self.text, self.span(node).start, code, message, hint)])

    def translate(self, node: ast.expr) -> s.Node:
        self.nodes += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(node, f"the expression is nested more than {MAX_DEPTH} deep", code="expression-limit")
        if self.nodes > MAX_NODES:
            raise self.fail(node, f"the expression has more than {MAX_NODES:,} parts", code="expression-limit")
        handler = self.handlers.get(type(node))
        if handler is None:
            raise self.fail(node, _REFUSED.get(type(node), "this is not part of the expression language"))
        found = handler(node)
        self.depth -= 1
        return found

    def constant(self, node: ast.Constant) -> s.Node:
        value, span = node.value, self.span(node)
        if value is None or isinstance(value, bool | str):
            return s.Literal(value or None if isinstance(value, str) else value, span)
        source = self.text[span.start : span.end]
        if not isinstance(value, int | float) or not _NUMBER.match(source):
            raise self.fail(node, f"{source[:40]} is not a value of the language")
        if isinstance(value, int):
            if value > INTEGER_MAX:
                raise self.fail(node, "the number does not fit into 64 bits", code="expression-limit")
            return s.Literal(value, span)
        try:
            number = Decimal(source.replace("_", ""))
        except InvalidOperation:
            raise self.fail(node, f"{source[:40]} is not a number") from None
        if number and (number.adjusted() >= MAX_DIGITS or int(number.as_tuple().exponent) < -MAX_DIGITS // 2):
            raise self.fail(node, "the number is too large or too fine", code="expression-limit")
        return s.Literal(number if number else Decimal(0), span)

    def path(self, node: ast.Name | ast.Attribute) -> s.Node:
        names: list[str] = []
        spans: list[s.Span] = []
        part: ast.expr = node
        while isinstance(part, ast.Attribute):
            end = self.span(part).end
            names.append(part.attr)
            spans.append(s.Span(end - len(part.attr), end))
            part = part.value
        if not isinstance(part, ast.Name):
            raise self.fail(node, "a dot is only possible after the name of a reference")
        names.append(part.id)
        spans.append(self.span(part))
        for name, span in zip(names, spans, strict=True):
            if "__" in name or name.startswith("_"):
                message = f"'{name}' is not a name of the language"
                raise ExpressionErrors([fault_at(self.text, span.start, "expression-syntax", message)])
        if len(names) == 1 and names[0] in _WORDS:
            return s.Literal(_WORDS[names[0]], spans[0])
        return s.Path(tuple(reversed(names)), tuple(reversed(spans)), self.span(node))

    def call(self, node: ast.Call) -> s.Node:
        if not isinstance(node.func, ast.Name):
            raise self.fail(node.func, "only the functions of the language can be called")
        if node.keywords:
            raise self.fail(node.keywords[0].value, "arguments are given without names")
        return s.Call(node.func.id, tuple(self.translate(a) for a in node.args), self.span(node))

    def unary(self, node: ast.UnaryOp) -> s.Node:
        if isinstance(node.op, ast.Not):
            return s.Unary("not", self.translate(node.operand), self.span(node))
        if not isinstance(node.op, ast.USub):
            raise self.fail(node, "this operator is not part of the language")
        operand = self.translate(node.operand)
        literal = isinstance(operand, s.Literal) and isinstance(operand.value, int | Decimal)
        if literal and not isinstance(operand.value, bool) and not isinstance(operand, s.Unary):  # type: ignore[union-attr]
            return s.Literal(-operand.value, self.span(node))  # type: ignore[union-attr,operator]
        return s.Unary("-", operand, self.span(node))

    def binary(self, node: ast.BinOp) -> s.Node:
        operator = _BINARY.get(type(node.op))
        if operator is None:
            raise self.fail(node, "this operator is not part of the language", "the operators are + - * / // %")
        return s.Binary(operator, self.translate(node.left), self.translate(node.right), self.span(node))

    def logic(self, node: ast.BoolOp) -> s.Node:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        return s.Logic(operator, tuple(self.translate(v) for v in node.values), self.span(node))

    def comparison(self, node: ast.Compare) -> s.Node:
        operators = []
        for operator in node.ops:
            if type(operator) not in _COMPARE:
                raise self.fail(node, "'is' is not part of the language", "write == or !=")
            operators.append(_COMPARE[type(operator)])
        operands = tuple(self.translate(o) for o in (node.left, *node.comparators))
        return s.Comparison(operands, tuple(operators), self.span(node))

    def choice(self, node: ast.IfExp) -> s.Node:
        return s.Choice(
            self.translate(node.test), self.translate(node.body), self.translate(node.orelse), self.span(node)
        )

    def items(self, node: ast.List | ast.Tuple) -> s.Node:
        if isinstance(node, ast.Tuple) and self.depth == 1:
            raise self.fail(node, "a comma cannot stand here")
        if len(node.elts) > MAX_LIST:
            raise self.fail(node, f"a list has at most {MAX_LIST} items", code="expression-limit")
        return s.Items(tuple(self.translate(e) for e in node.elts), self.span(node))
