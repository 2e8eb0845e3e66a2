"""What fits together: the common type of two values, and how a term is made to have a wanted type."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from decimal import Decimal

from . import tree as t
from .functions.numbers import TO_DECIMAL
from .functions.time import LOCAL_DATE
from .types import BLANK, DATE, DECIMAL, TEXT, TIME, ValueType

NUMBERS = frozenset({"integer", "decimal"})
TEXTS = frozenset({"text", "choice"})
DAYS = frozenset({"date", "datetime"})
ORDERED = NUMBERS | TEXTS | DAYS | {"time"}
LISTS = frozenset({"choices", "references", "list"})
SINGLE = ORDERED | {"boolean", "reference"}


def computed(kind: ValueType) -> ValueType:
    """The type of a value that is worked out: the scale of a column no longer holds."""
    return replace(kind, scale=None) if kind.scale is not None else kind


def unify(left: ValueType, right: ValueType) -> ValueType | None:
    """The type that holds the values of both, or None."""
    if left.kind == "blank" or right.kind == "blank":
        return computed(right if left.kind == "blank" else left)
    if left.kind not in SINGLE or right.kind not in SINGLE:
        return None
    kinds = {left.kind, right.kind}
    if kinds == {"choice"}:
        both = left.options is not None and right.options is not None
        return ValueType(
            "choice", options=(left.options or frozenset()) | (right.options or frozenset()) if both else None
        )
    if kinds <= TEXTS:
        return TEXT
    if kinds == {"integer", "decimal"}:
        return DECIMAL
    if kinds == {"reference", "integer"}:
        return left if left.kind == "reference" else right
    if len(kinds) > 1 or left.object != right.object:
        return None
    return computed(left)


def coerce(term: t.Term, wanted: ValueType) -> t.Term:
    """The term with the wanted type, where `unify` allowed it."""
    if term.type.kind == "blank":  # whatever is written there, its value is always blank
        return t.Const(None, wanted)
    if wanted.kind == "decimal" and term.type.kind == "integer":
        if isinstance(term, t.Const):
            return t.Const(None if term.value is None else Decimal(term.value), DECIMAL)
        return t.Apply(TO_DECIMAL, (term,), DECIMAL)
    return term


def as_date(term: t.Term) -> t.Term:
    """An instant taken by its day in the caller's zone; dates stay."""
    return t.Apply(LOCAL_DATE, (term,), DATE) if term.type.kind == "datetime" else term


def comparable(left: t.Term, right: t.Term, order: bool) -> tuple[t.Term, t.Term] | str:
    """Both sides made ready to compare, or a sentence that says why they do not."""
    a, b = left.type, right.type
    kinds = {a.kind, b.kind}
    if "json" in kinds or kinds & LISTS:
        return f"{_a(a)} cannot be compared with {_a(b)}"
    if BLANK.kind in kinds:
        return "a blank has no order" if order else (left, right)
    if kinds <= NUMBERS:
        return left, right
    if kinds <= TEXTS:
        return left, right
    if kinds == DAYS:
        return as_date(left), as_date(right)
    if kinds == {"time", "text"}:
        pair = _as_time(left), _as_time(right)
        if None not in pair:
            return pair  # type: ignore[return-value]
    if len(kinds) == 1 and kinds <= ORDERED:
        return left, right
    if not order and kinds == {"boolean"}:
        return left, right
    if not order and kinds <= {"reference", "integer"} and (not a.object or not b.object or a.object == b.object):
        return left, right
    return f"{_a(a)} cannot be compared with {_a(b)}" + (" by order" if order and a.kind == b.kind else "")


def _as_time(term: t.Term) -> t.Term | None:
    if term.type.kind == "time":
        return term
    if isinstance(term, t.Const) and isinstance(term.value, str):
        try:
            found = time.fromisoformat(term.value)
        except ValueError:
            return None
        return t.Const(found, TIME) if found.tzinfo is None and not found.microsecond else None
    return None


def _a(kind: ValueType) -> str:
    return named(kind)


def named(kind: ValueType) -> str:
    """The type in a sentence: `a text`, `an integer`, `a reference to customer`."""
    if kind.kind == "list":
        return "a list"
    if kind.kind in ("choices", "references"):
        return "a list of options" if kind.kind == "choices" else f"a list of references to {kind.object}"
    if kind.kind == "blank":
        return "a blank"
    if kind.kind == "json":
        return "a JSON value"
    return f"an {kind}" if kind.kind == "integer" else f"a {kind}"
