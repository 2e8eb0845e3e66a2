"""What members see of a record that waits in a pool: fields outside the pool's `visible` are masked for everybody but
the pool's managers and administrators, row by row, and nothing can be found out by filtering or sorting by them.

The fields of a record's title and the platform's own fields stay open. A record that such a reader meets behind a
reference is blank there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import peewee

from guanxi.registry.pools import Pool
from guanxi.registry.registry import Registry

from .actor import Actor
from .binds import id_list, member_of

MY_MANAGED = id_list("me.manages", lambda actor: actor.manages)
_NOTHING: Mapping[str, frozenset[str]] = MappingProxyType({})


class _Same:
    """A registry as a key: equal only to itself, and kept alive as long as what is known of it."""

    __slots__ = ("registry",)

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.registry is self.registry

    def __hash__(self) -> int:
        return id(self.registry)


def hidden_fields(registry: Registry, object_name: str) -> Mapping[str, frozenset[str]]:
    """Field → names of the pools in which members do not see it; empty for an object without such pools."""
    pools: Mapping[str, Pool] = registry.others.get("pool", {})
    if not pools:
        return _NOTHING
    known = _kept(_Same(registry))
    if object_name not in known:
        known[object_name] = _hidden(registry, pools, object_name)
    return known[object_name]


@lru_cache(maxsize=64)
def _kept(registry: _Same) -> dict[str, Mapping[str, frozenset[str]]]:
    """What was worked out for a published version."""
    del registry
    return {}


def _hidden(registry: Registry, pools: Mapping[str, Pool], object_name: str) -> Mapping[str, frozenset[str]]:
    own = [pool for pool in pools.values() if pool.object == object_name and pool.visible is not None]
    object_type = registry.objects.get(object_name)
    if not own or object_type is None:
        return _NOTHING
    titled = {use.field for use in object_type.title.uses if use.object == object_name}
    found: dict[str, frozenset[str]] = {}
    for name, field in object_type.fields.items():
        closed = frozenset(pool.name for pool in own if not pool.open(name))
        if closed and not field.system and name not in titled:
            found[name] = closed
    return found


def closed_row(column: Any, names: Iterable[str], engine: str) -> Any:
    """SQL: the row waits in one of the pools and the reader does not manage it. `column(name)` gives its columns."""
    listed = peewee.EnclosedNodeList([peewee.Value(name, converter=False) for name in sorted(names)])
    waits = column("owner").is_null() & peewee.Expression(column("pool"), "IN", listed)
    mine = member_of(column("pool"), MY_MANAGED, engine, "text")
    return waits & peewee.Expression(mine, "IS NOT", peewee.SQL("TRUE"))


def open_row(column: Any, names: Iterable[str], engine: str) -> Any:
    """SQL: the row is not closed to the reader."""
    return peewee.Expression(closed_row(column, names, engine), "IS NOT", peewee.SQL("TRUE"))


def hidden_for(registry: Registry, object_name: str, actor: Actor, row: Mapping[str, Any]) -> frozenset[str]:
    """The fields of a row in Python form that the actor sees masked because it waits in a pool."""
    pool = row.get("pool")
    if actor.unrestricted or pool is None or row.get("owner") is not None or pool in actor.manages:
        return frozenset()
    return frozenset(name for name, pools in hidden_fields(registry, object_name).items() if pool in pools)


__all__ = ["MY_MANAGED", "closed_row", "hidden_fields", "hidden_for", "open_row"]
