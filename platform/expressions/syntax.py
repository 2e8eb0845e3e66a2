"""The syntax tree: what the parser makes of a text, before any name is looked up. Every node knows its span,
as character offsets into the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    """Text, integer, decimal, boolean, or None for the blank."""

    value: str | int | Decimal | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class Path:
    """A name, or names joined by dots; `spans` has one entry per name."""

    names: tuple[str, ...]
    spans: tuple[Span, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function call with positional arguments."""

    name: str
    arguments: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x` or `not x`."""

    operator: str
    operand: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`+ - * / // %`."""

    operator: str
    left: Node
    right: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` over two or more operands."""

    operator: str
    operands: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """`first op1 second op2 third …`."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    """`then if condition else other`."""

    condition: Node
    then: Node
    other: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`; a round-bracketed list reads the same."""

    items: tuple[Node, ...]
    span: Span


Node = Literal | Path | Call | Unary | Binary | Logic | Comparison | Choice | Items
