"""Values known only when a statement runs: markers inside SQL that is built once per published version.

A peewee tree holds `bound(...)` where a request's value belongs; `query.sql()` then yields the markers among its
parameters, and `bind_all` replaces them for one request. Without them the text of a statement could not be kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import peewee

from guanxi.runtime.storage.rows import instant_text

from .actor import Actor


@dataclass(frozen=True, slots=True)
class Moment:
    """What a statement is run for: who asks, when, on which engine, and the request's own arguments by name."""

    actor: Actor
    now: datetime
    engine: str
    args: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Bind:
    """A marker: `read` gives the driver's value (the stored form) for a moment; `name` serves explanations."""

    name: str
    read: Callable[[Moment], Any] = field(compare=False)

    def __repr__(self) -> str:
        return f":{self.name}"


@dataclass(frozen=True, slots=True)
class ListBind(Bind):
    """A marker of several ids or names, bound as one parameter; `members` gives them for a moment."""

    members: Callable[[Moment], frozenset[Any]] = field(compare=False, kw_only=True)


def bound(marker: Bind) -> Any:
    """A peewee node that binds the marker's value when the statement runs."""
    return peewee.Value(marker, converter=False, unpack=False)


def argument(name: str) -> Bind:
    """The request's own argument `name`."""
    return Bind(name, lambda moment: moment.args[name])


ME_ID = Bind("me.id", lambda moment: moment.actor.id)


@lru_cache(maxsize=4096)
def _listed(values: frozenset[Any], engine: str) -> Any:
    """Several values as one parameter; the same sets come with every request of a person."""
    found: list[Any] = sorted(values)
    return found if engine == "postgresql" else json.dumps(found)


def argument_list(name: str) -> Bind:
    """The request's argument `name`, several ids, as one parameter."""
    return _list_bind(name, lambda moment: frozenset(moment.args[name]))


def id_list(name: str, read: Callable[[Actor], frozenset[int] | frozenset[str]]) -> Bind:
    """A set of ids (or names) as one parameter, so that its length does not change the statement's text."""
    return _list_bind(name, lambda moment: read(moment.actor))


def _list_bind(name: str, members: Callable[[Moment], frozenset[Any]]) -> ListBind:
    return ListBind(name, lambda moment: _listed(members(moment), moment.engine), members=members)


@lru_cache(maxsize=4096)
def _with(teams: frozenset[int], team: int | None) -> frozenset[int]:
    return teams if team is None else teams | {team}


MY_TEAMS = id_list("me.teams", lambda actor: _with(actor.teams, actor.team))
MY_TEAM_TREE = id_list("me.team_tree", lambda actor: _with(actor.team_tree | actor.teams, actor.team))
MY_REPORTS = id_list("me.reports", lambda actor: actor.reports)
MY_SHARES = id_list("me.shared_as", lambda actor: actor.shared_as)
NOW = Bind("now", lambda moment: instant_text(moment.now))


def member_of(column: Any, ids: Bind, engine: str, kind: str = "bigint") -> Any:
    """`column` is one of the ids: one parameter on both engines; `kind` is PostgreSQL's type of a member."""
    if engine == "postgresql":
        return peewee.Expression(column, "=", peewee.fn.ANY(peewee.Cast(bound(ids), f"{kind}[]")))
    return peewee.Expression(
        column,
        "IN",
        peewee.EnclosedNodeList([peewee.NodeList((peewee.SQL("SELECT value FROM"), peewee.fn.json_each(bound(ids))))]),
    )


_LIST = "(SELECT value FROM json_each(?))"
FEW = 32


def statement(sql: str, params: Sequence[Any], moment: Moment) -> tuple[str, list[Any]]:
    """The text and the driver's parameters for a moment. On SQLite short lists are written out: its planner takes a
    list of unknown length for a long one and reads the whole table where an index would do.
    """
    if moment.engine != "sqlite" or _LIST not in sql:
        return sql, bind_all(params, moment)
    lists = [p.members(moment) for p in params if isinstance(p, ListBind)]
    if len(lists) != sql.count(_LIST):
        return sql, bind_all(params, moment)
    values: list[Any] = []
    left = iter(lists)
    for param in params:
        members = next(left) if isinstance(param, ListBind) else None
        if members is not None and 0 < len(members) <= FEW:
            values.extend(sorted(members))
        else:
            values.append(param.read(moment) if isinstance(param, Bind) else param)
    return _written_out(sql, tuple(len(one) for one in lists)), values


@lru_cache(maxsize=2048)
def _written_out(sql: str, sizes: tuple[int, ...]) -> str:
    first, *rest = sql.split(_LIST)
    marks = [f"({', '.join('?' * size)})" if 0 < size <= FEW else _LIST for size in sizes]
    return first + "".join(mark + part for mark, part in zip(marks, rest, strict=True))


def bind_all(params: Sequence[Any], moment: Moment) -> list[Any]:
    """The driver's parameters of a statement: markers read, everything else as it stands."""
    return [p.read(moment) if isinstance(p, Bind) else p for p in params]
