"""count, sum, avg, min, max, any, all over related records, within the step and time budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from . import tree as t
from .decimals import add_exact, divide, limit
from .env import Env, Record
from .evaluate import Closure, compile_row, compile_term

_BATCH = 64


def compile_aggregate(term: t.Aggregate) -> Closure:
    """The closure of an aggregate."""
    source = _source(term.source)
    condition = compile_term(term.condition) if term.condition is not None else None
    if term.function in ("any", "all"):
        return _quantifier(source, condition, term.function == "any")
    if term.item is None:
        return _count(source, condition)
    return _reduce(source, condition, compile_term(term.item), _REDUCERS[term.function], term.type.kind == "decimal")


def _source(source: t.Source) -> Callable[[Any, Env], tuple[Record | None, Sequence[Record]]]:
    base, name, owner = compile_row(source.row), source.name, source.row.object

    def children(row: Any, env: Env) -> tuple[Record | None, Sequence[Record]]:
        found = base(row, env)
        if found is None or found.get("id") is None:
            return found, ()
        return found, env.children(owner, name, found["id"])

    def links(row: Any, env: Env) -> tuple[Record | None, Sequence[Record]]:
        found = base(row, env)
        if found is None:
            return None, ()
        ids = found.get(source.field) or ()
        env.spend(len(ids))
        targets = (env.lookup(source.object, target) for target in ids)
        return found, [target for target in targets if target is not None and target.get("deleted_at") is None]

    return links if source.way == "links" else children


def _matching(row: Record | None, found: Sequence[Record], env: Env, condition: Closure | None) -> Sequence[Record]:
    """The children that meet the condition; `outer` is the record in focus while it is asked."""
    if condition is None:
        return found
    saved, env.outer = env.outer, row
    try:
        kept = []
        for start in range(0, len(found), _BATCH):
            batch = found[start : start + _BATCH]
            env.spend(len(batch))
            kept += [child for child in batch if condition(child, env)]
        return kept
    finally:
        env.outer = saved


def _count(source: Closure, condition: Closure | None) -> Closure:
    def run(row: Any, env: Env) -> int:
        _, found = source(row, env)
        return len(_matching(row, found, env, condition))

    return run


def _quantifier(source: Closure, condition: Closure | None, wanted: bool) -> Closure:
    def run(row: Any, env: Env) -> bool:
        _, found = source(row, env)
        if condition is None:
            return bool(found)
        kept = len(_matching(row, found, env, condition))
        return kept > 0 if wanted else kept == len(found)

    return run


def _reduce(
    source: Closure, condition: Closure | None, item: Closure, reducer: Callable[[list[Any], bool], Any], exact: bool
) -> Closure:
    def run(row: Any, env: Env) -> Any:
        _, found = source(row, env)
        kept = _matching(row, found, env, condition)
        env.spend(len(kept))
        saved, env.outer = env.outer, row
        try:
            values = [v for child in kept if (v := item(child, env)) is not None]
        finally:
            env.outer = saved
        return reducer(values, exact)

    return run


def _total(values: list[Any], exact: bool) -> Any:
    total: Any = Decimal(0) if exact else 0
    for value in values:
        total = add_exact(total, value) if exact else total + value
    return total


def _sum(values: list[Any], exact: bool) -> Any:
    return limit(_total(values, exact))


def _avg(values: list[Any], exact: bool) -> Any:
    return divide(_total(values, True), len(values)) if values else None


def _min(values: list[Any], exact: bool) -> Any:
    return min(values, default=None)


def _max(values: list[Any], exact: bool) -> Any:
    return max(values, default=None)


_REDUCERS: dict[str, Callable[[list[Any], bool], Any]] = {"sum": _sum, "avg": _avg, "min": _min, "max": _max}
