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
    return Bind(name, lambda moment: _listed(frozenset(moment.args[name]), moment.engine))


def id_list(name: str, read: Callable[[Actor], frozenset[int] | frozenset[str]]) -> Bind:
    """A set of ids (or names) as one parameter, so that its length does not change the statement's text."""
    return Bind(name, lambda moment: _listed(read(moment.actor), moment.engine))


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


def bind_all(params: Sequence[Any], moment: Moment) -> list[Any]:
    """The driver's parameters of a statement: markers read, everything else as it stands."""
    return [p.read(moment) if isinstance(p, Bind) else p for p in params]
