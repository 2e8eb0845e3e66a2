"""The order of a list and the place a page goes on from (keyset paging), the same on both engines.

A blank sorts before every value; the record's id, in the direction of the last key, makes the order total.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import peewee

from guanxi.runtime.access.binds import Bind, bound


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key: its node, its direction, and whether a row may have no value."""

    name: str
    node: Any
    descending: bool
    nullable: bool = True

    def ordering(self, engine: str) -> Any:
        """The ORDER BY term; SQLite sorts blanks first by itself."""
        nulls = None if engine == "sqlite" or not self.nullable else ("LAST" if self.descending else "FIRST")
        return peewee.Ordering(self.node, "DESC" if self.descending else "ASC", nulls=nulls)


def order_name(object_name: str, keys: Sequence[SortKey]) -> str:
    """What a cursor is bound to."""
    return object_name + "|" + ",".join(("-" if k.descending else "") + k.name for k in keys)


def after(keys: Sequence[SortKey], blanks: Sequence[bool]) -> Any:
    """The rows behind the cursor's: a condition over the argument `after`, whose blank values are known by place."""
    if len({k.descending for k in keys}) == 1 and not any(k.nullable for k in keys):
        return _by_tuple(keys)
    same: list[Any] = []
    ways: list[Any] = []
    for at, (key, blank) in enumerate(zip(keys, blanks, strict=True)):
        behind = _behind(key, at, blank)
        if behind is not None:
            ways.append(reduce(operator.and_, [*same, behind]))
        same.append(key.node.is_null() if blank else _compare(key, "=", at))
    start = _start(keys[0], blanks[0])
    condition = reduce(operator.or_, ways)
    return condition if start is None else start & condition


def _by_tuple(keys: Sequence[SortKey]) -> Any:
    sign = "<" if keys[0].descending else ">"
    nodes = peewee.EnclosedNodeList([k.node for k in keys])
    values = peewee.EnclosedNodeList([bound(_value(at)) for at in range(len(keys))])
    return peewee.Expression(nodes, sign, values)


def _behind(key: SortKey, at: int, blank: bool) -> Any:
    """Rows whose value of this key comes later; None when none can."""
    if blank:
        return None if key.descending else key.node.is_null(False)
    later = _compare(key, "<" if key.descending else ">", at)
    return later | key.node.is_null() if key.descending and key.nullable else later


def _start(key: SortKey, blank: bool) -> Any:
    """A plain bound on the first key, so that an index on it can be entered at the right place."""
    if blank:
        return key.node.is_null() if key.descending else None
    bound_ = _compare(key, "<=" if key.descending else ">=", 0)
    return bound_ | key.node.is_null() if key.descending and key.nullable else bound_


def _compare(key: SortKey, sign: str, at: int) -> Any:
    return peewee.Expression(key.node, sign, bound(_value(at)))


def _value(at: int) -> Bind:
    return Bind(f"after{at}", lambda moment: moment.args["after"][at])
