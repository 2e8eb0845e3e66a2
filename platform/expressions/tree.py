"""The checked tree: names resolved, types known, formulas inlined. Both executors read this and nothing else.

A term's fields are read from a *row term*: the record in focus (`Row`), the one around a child condition (`Outer`),
the record before a change (`Old`), the caller's own user record (`MeRow`), a record handed in as a parameter
(`ParamRow`), or where a reference leads (`Hop`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .types import BLANK, BOOLEAN, ValueType

if TYPE_CHECKING:
    from .functions.model import Function


@dataclass(frozen=True, slots=True)
class Row:
    """The record in focus."""

    object: str


@dataclass(frozen=True, slots=True)
class Outer:
    """The record whose children are being looked at."""

    object: str


@dataclass(frozen=True, slots=True)
class Old:
    """The record as it was before the change; absent on create."""

    object: str


@dataclass(frozen=True, slots=True)
class MeRow:
    """The caller's user record."""

    object: str = "user"


@dataclass(frozen=True, slots=True)
class ParamRow:
    """A record handed in by the place of use."""

    name: str
    object: str


@dataclass(frozen=True, slots=True)
class Hop:
    """Where the reference `field` of `base` leads; absent when it is blank or not visible."""

    base: RowTerm
    field: str
    object: str


RowTerm = Row | Outer | Old | MeRow | ParamRow | Hop


@dataclass(frozen=True, slots=True)
class Const:
    """A literal in Python form."""

    value: Any
    type: ValueType


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """A stored field of a row."""

    row: RowTerm
    name: str
    type: ValueType


@dataclass(frozen=True, slots=True)
class Inline:
    """A formula or roll-up: `tree` evaluated with `row` in focus; blank where the row is absent."""

    row: RowTerm
    name: str
    tree: Term
    type: ValueType


@dataclass(frozen=True, slots=True)
class CallerTerm:
    """What depends on the caller alone: now, today, roles, teams, team_names, reports."""

    name: Literal["now", "today", "roles", "teams", "team_names", "reports"]
    type: ValueType


@dataclass(frozen=True, slots=True)
class ParamTerm:
    """A value parameter of the place of use."""

    name: str
    type: ValueType


@dataclass(frozen=True, slots=True)
class ListTerm:
    """A written list."""

    items: tuple[Term, ...]
    type: ValueType


@dataclass(frozen=True, slots=True)
class Negate:
    """Unary minus."""

    operand: Term
    type: ValueType


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+ - * / // %` on numbers."""

    operator: str
    left: Term
    right: Term
    type: ValueType


@dataclass(frozen=True, slots=True)
class Not:
    """True where the operand is false or blank."""

    operand: Term
    type: ValueType = BOOLEAN


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or`; a blank operand counts as false."""

    operator: str
    operands: tuple[Term, ...]
    type: ValueType = BOOLEAN


@dataclass(frozen=True, slots=True)
class Compare:
    """`== < <= > >=` (`!=` is Not of `==`); both sides of kinds that compare."""

    operator: str
    left: Term
    right: Term
    type: ValueType = BOOLEAN


@dataclass(frozen=True, slots=True)
class IsBlank:
    """True where the operand is blank."""

    operand: Term
    type: ValueType = BOOLEAN


@dataclass(frozen=True, slots=True)
class Member:
    """`item in container`: a ListTerm, a CallerTerm, or a field of kind choices or references."""

    item: Term
    container: Term
    type: ValueType = BOOLEAN


@dataclass(frozen=True, slots=True)
class Choose:
    """`then if condition else other`."""

    condition: Term
    then: Term
    other: Term
    type: ValueType


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first operand that is not blank."""

    operands: tuple[Term, ...]
    type: ValueType


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of the catalogue on values; `calendar` only for working-day functions ("" is Monday to Friday)."""

    function: Function
    arguments: tuple[Term, ...]
    type: ValueType
    calendar: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The children of `row`: records of `object`.

    way: "children" (their column `field` refers to the row), "linked" (their link-table field `field` does), or
    "links" (the row's own references field `field` names them).
    """

    row: RowTerm
    name: str
    object: str
    field: str
    way: Literal["children", "linked", "links"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function` over the children for which `condition` holds; `item` is read on the child."""

    function: Literal["count", "sum", "avg", "min", "max", "any", "all"]
    source: Source
    item: Term | None
    condition: Term | None
    type: ValueType


@dataclass(frozen=True, slots=True)
class IsNew:
    """True while a record is created."""

    type: ValueType = BOOLEAN


@dataclass(frozen=True, slots=True)
class Changed:
    """The two values of a field differ; on create: it is filled."""

    now: Term
    before: Term
    type: ValueType = BOOLEAN


@dataclass(frozen=True, slots=True)
class Bad:
    """Stands where a fault was reported, so that the check can go on."""

    type: ValueType = BLANK


Term = (
    Const | FieldTerm | Inline | CallerTerm | ParamTerm | ListTerm | Negate | Arithmetic | Not | Logic | Compare
    | IsBlank | Member | Choose | Coalesce | Apply | Aggregate | IsNew | Changed | Bad
)  # fmt: skip


def children(term: Term) -> tuple[Term, ...]:
    """The terms directly below, inlined formulas and child conditions included."""
    match term:
        case Inline(tree=tree):
            return (tree,)
        case ListTerm(items=items):
            return items
        case Negate(operand=operand) | Not(operand=operand) | IsBlank(operand=operand):
            return (operand,)
        case Arithmetic(left=left, right=right) | Compare(left=left, right=right):
            return (left, right)
        case Logic(operands=operands) | Coalesce(operands=operands):
            return operands
        case Member(item=item, container=container):
            return (item, container)
        case Choose(condition=condition, then=then, other=other):
            return (condition, then, other)
        case Apply(arguments=arguments):
            return arguments
        case Aggregate(item=item, condition=condition):
            return tuple(t for t in (item, condition) if t is not None)
        case Changed(now=now, before=before):
            return (now, before)
    return ()


def walk(term: Term) -> Iterator[Term]:
    """The term and everything below it."""
    stack = [term]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(children(found))


def root(row: RowTerm) -> RowTerm:
    """Where a chain of hops starts."""
    while isinstance(row, Hop):
        row = row.base
    return row


def needs_row(term: Term) -> bool:
    """True when the value depends on a record; else the caller's environment is enough."""
    if isinstance(term, IsNew | Changed):
        return True
    if isinstance(term, FieldTerm | Inline):
        return not isinstance(root(term.row), MeRow | ParamRow)
    if isinstance(term, Aggregate):
        return not isinstance(root(term.source.row), MeRow | ParamRow)
    return any(needs_row(below) for below in children(term))
