"""Texts with holes, as messages use them: "Large deal: {name}, {amount}". `{{` and `}}` are the brackets themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

from .check import NO_PARAMS, check
from .decimals import decimal_text
from .env import Env
from .evaluate import evaluate
from .expression import Expression
from .faults import ExpressionErrors, ExpressionFault
from .parser import parse
from .scanner import fault_at
from .schema import SchemaView
from .types import ValueType

_HOLE = re.compile(r"\{\{|\}\}|\{((?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^{}\"'])*)\}|[{}]")
H = TypeVar("H")
MAX_TEMPLATE = 20_000
MAX_HOLES = 200


@dataclass(frozen=True, slots=True)
class Template:
    """A checked text: plain parts and expressions in turn."""

    source: str
    parts: tuple[str | Expression, ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The holes."""
        return tuple(p for p in self.parts if isinstance(p, Expression))

    def __str__(self) -> str:
        return self.source


def check_template(
    text: str,
    schema: SchemaView,
    object_name: str,
    *,
    change: bool = False,
    params: Mapping[str, ValueType] = NO_PARAMS,
    people: bool = True,
    outer: str | None = None,
) -> Template:
    """Check every hole; raises ExpressionErrors with positions in the whole text."""

    def judge(hole: str) -> Expression:
        return check(hole, schema, object_name, change=change, params=params, people=people, outer=outer)

    parts = _parts(text, judge)
    if sum(isinstance(p, Expression) for p in parts) > MAX_HOLES:
        raise ExpressionErrors([fault_at(text, 0, "expression-limit", f"a text has at most {MAX_HOLES} holes")])
    return Template(text, _joined(parts))


def parse_template(text: str) -> int:
    """How many holes a text has whose object is not known yet; raises ExpressionErrors for what is no expression."""
    return sum(not isinstance(part, str) for part in _parts(text, parse))


def _parts(text: str, judge: Callable[[str], H]) -> list[str | H]:
    """Plain parts and judged holes in turn; raises ExpressionErrors with every fault."""
    if len(text) > MAX_TEMPLATE:
        message = f"a text has at most {MAX_TEMPLATE:,} characters"
        raise ExpressionErrors([fault_at(text, MAX_TEMPLATE, "expression-limit", message)])
    parts: list[str | H] = []
    faults: list[ExpressionFault] = []
    position = 0
    for found in _HOLE.finditer(text):
        parts.append(text[position : found.start()])
        position = found.end()
        if found.group() in ("{{", "}}"):
            parts.append(found.group()[0])
        elif found.group(1) is None:
            message = "a single '{' or '}' in a text"
            faults.append(
                fault_at(text, found.start(), "expression-syntax", message, "write {{ or }} for the bracket itself")
            )
        else:
            try:
                parts.append(judge(found.group(1)))
            except ExpressionErrors as errors:
                faults += [_moved(text, fault, found.start(1)) for fault in errors.faults]
    parts.append(text[position:])
    if faults:
        raise ExpressionErrors(faults)
    return parts


def _moved(text: str, fault: ExpressionFault, by: int) -> ExpressionFault:
    at = fault_at(text, fault.offset + by, fault.code, fault.message, fault.hint)
    return replace(fault, offset=at.offset, line=at.line, column=at.column)


def _joined(parts: list[str | Expression]) -> tuple[str | Expression, ...]:
    """Neighbouring plain parts as one, empty ones left out."""
    found: list[str | Expression] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)


Show = Callable[[Any, ValueType], str]


def render_template(template: Template, env: Env, show: Show | None = None) -> str:
    """The text with its holes filled. `show` turns a value into text (labels, formats); without it values are
    written plainly, instants as local time.
    """
    parts: list[str] = []
    for part in template.parts:
        if isinstance(part, str):
            parts.append(part)
            continue
        value = evaluate(part, env)
        if value is not None:
            parts.append(show(value, part.type) if show is not None else plain_text(value, env))
    return "".join(parts)


def plain_text(value: Any, env: Env) -> str:
    """A value as text: 1.5, 2026-03-01, 2026-03-01 09:30 (local), yes, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return value.astimezone(env.zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(plain_text(v, env) for v in value)
    return str(value)
