"""Pieces of SQL text with their parameters, and how values become parameters of each engine.

Text never contains an outside value: names are quoted identifiers of checked definitions, everything else is bound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from guanxi.expressions import tree as t
from guanxi.expressions.decimals import shifted
from guanxi.expressions.evaluate import compile_term
from guanxi.expressions.limits import INTEGER_MAX, INTEGER_MIN
from guanxi.runtime.storage.functions_keys import encode
from guanxi.runtime.storage.functions_sqlite import calendar_text
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.rows import instant_text

from .binds import Bind
from .expression_env import moment_env

__all__ = ["Sql", "fill", "joined", "quoted"]
_HOLE = re.compile(r"\{(\d+)\}")
_POSTGRES = {
    "text": "text", "choice": "text", "integer": "bigint", "decimal": "numeric", "boolean": "boolean", "date": "date",
    "datetime": "timestamptz", "time": "time", "reference": "bigint", "blank": "text", "choices": "jsonb",
    "json": "jsonb",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sql:
    """Text with engine placeholders and its parameters in order. For numbers on SQLite: `scale` is set while the value
    is an integer that stands for value × 10^scale; None means a decimal key. `column` marks a bare column. `fast`, on
    SQLite, is the same number in plain integer arithmetic: its text gives an INTEGER that stands for
    value × 10^scale, or a REAL where 64 bits were left and only `text` is right.
    """

    text: str
    params: tuple[Any, ...] = ()
    kind: str = "boolean"
    scale: int | None = None
    column: bool = False
    fast: Sql | None = None

    def of(self, kind: str, scale: int | None = None) -> Sql:
        """The same text as a value of a kind."""
        return replace(self, kind=kind, scale=scale, column=False, fast=None)


def fill(template: str, *parts: Sql) -> Sql:
    """`{0}`, `{1}` replaced by the parts; parameters follow the order of the text."""
    params: list[Any] = []

    def put(found: re.Match[str]) -> str:
        part = parts[int(found.group(1))]
        params.extend(part.params)
        return part.text

    return Sql(_HOLE.sub(put, template), tuple(params))


def joined(separator: str, parts: list[Sql]) -> Sql:
    """The parts one after the other."""
    return Sql(separator.join(p.text for p in parts), tuple(x for p in parts for x in p.params))


class Values:
    """Literals and caller's values as parameters of one engine."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.sqlite = engine == "sqlite"
        self.mark = "?" if self.sqlite else "%s"

    def cast(self, kind: str) -> str:
        """A placeholder of a kind."""
        if self.sqlite:
            return self.mark
        text = f"CAST({self.mark} AS {_POSTGRES[kind]})"
        return f'{text} COLLATE "C"' if _POSTGRES[kind] == "text" else text

    def stored(self, value: Any) -> Any:
        """A Python value as the driver takes it; decimals on SQLite as keys."""
        if not self.sqlite or value is None:
            return list(value) if isinstance(value, tuple | frozenset | set) else value
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, Decimal):
            return encode(value)
        if isinstance(value, datetime):
            return instant_text(value)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, time):
            return value.isoformat(timespec="seconds")
        return value

    def null(self, kind: str) -> Sql:
        """A typed blank."""
        return Sql("NULL" if self.sqlite else f"CAST(NULL AS {_POSTGRES[kind]})", (), kind, self._scale(kind))

    def _scale(self, kind: str) -> int | None:
        return 0 if kind in ("integer", "reference") else None

    def constant(self, value: Any, kind: str) -> Sql:
        """A literal."""
        if value is None:
            return self.null(kind)
        if isinstance(value, bool):
            return Sql(("1" if value else "0") if self.sqlite else ("TRUE" if value else "FALSE"), (), "boolean")
        return Sql(self.cast(kind), (self.stored(value),), kind, self._scale(kind))

    def bind(self, term: t.Term, convert: Callable[[Any], Any] | None = None, kind: str = "") -> Sql:
        """A value of the caller: read and converted when the statement runs."""
        kind = kind or term.type.kind
        return Sql(self.cast(kind), (marker(term, convert or self.stored),), kind, self._scale(kind))

    def bind_list(self, term: t.Term, texts: bool) -> Sql:
        """A list of the caller as one parameter, as the right side of `IN`/`= ANY`."""
        if self.sqlite:
            read = marker(term, lambda found: json.dumps(list(found or ())))
            return Sql("IN (SELECT value FROM json_each(?))", (read,))
        read = marker(term, lambda found: list(found or ()))
        return Sql(f"= ANY(CAST(%s AS {'text' if texts else 'bigint'}[]))", (read,))

    def zone(self) -> Sql:
        """The caller's time zone."""
        return Sql(self.cast("text"), (Bind("zone", lambda moment: moment_env(moment).zone_name),), "text")

    def calendar(self, name: str) -> Sql:
        """A calendar: one text on SQLite, pattern and two arrays on PostgreSQL."""
        if self.sqlite:
            return Sql("?", (Bind(f"calendar {name}", lambda m: calendar_text(moment_env(m).calendar(name))),))

        def week(moment: Any) -> str:
            return "".join("1" if works else "0" for works in moment_env(moment).calendar(name).week)

        return Sql(
            "CAST(%s AS text), CAST(%s AS date[]), CAST(%s AS date[])",
            (
                Bind("week", week),
                Bind("off", lambda m: list(moment_env(m).calendar(name).off)),
                Bind("on", lambda m: list(moment_env(m).calendar(name).on)),
            ),
        )


def marker(term: t.Term, convert: Callable[[Any], Any]) -> Bind:
    """What reads a caller's term when a statement runs."""
    closure = compile_term(term)

    def read(moment: Any) -> Any:
        env = moment_env(moment)
        return convert(closure(env.row, env))

    return Bind(f"{type(term).__name__.lower()}", read)


def scaled_for(operator: str, scale: int) -> Callable[[Any], Any]:
    """How a number is bound to compare with a column of integers that stand for value × 10^scale.

    A number between two steps is moved to the neighbour that keeps the answer; one outside 64 bits becomes an
    infinity; what can equal no integer becomes a half.
    """
    rounding = ROUND_CEILING if operator in ("<", ">=") else ROUND_FLOOR

    def convert(value: Any) -> Any:
        if value is None:
            return None
        exact = shifted(value, scale)
        whole = int(exact.to_integral_value(rounding))
        if operator == "==" and whole != exact:
            return 0.5
        if INTEGER_MIN <= whole <= INTEGER_MAX:
            return whole
        if operator == "==":
            return 0.5
        return float("inf") if whole > 0 else float("-inf")

    return convert


def next_prefix(prefix: str) -> str:
    """The smallest text above every text that starts with `prefix`."""
    for index in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[index])
        if code < 0x10FFFF:
            following = 0xE000 if code == 0xD7FF else code + 1
            return prefix[:index] + chr(following)
    return "\U0010ffff" * (len(prefix) + 1)
