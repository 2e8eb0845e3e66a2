"""From who asks and when to the environment that expressions see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guanxi.expressions.env import Env

from .actor import Actor
from .binds import Moment


def actor_env(actor: Actor, now: datetime, row: Mapping[str, Any] | None = None, **ports: Any) -> Env:
    """The environment of an actor; `ports` are further arguments of `Env` (old, lookup, calendars, …)."""
    teams = actor.teams if actor.team is None else actor.teams | {actor.team}
    me = actor.me if actor.me or actor.id is None else {"id": actor.id, "team": actor.team}
    given = {"roles": actor.roles, "teams": teams, "reports": actor.reports, "zone": actor.zone}
    return Env(row, me=me, now=now, **{**given, **ports})


def moment_env(moment: Moment) -> Env:
    """The environment of a statement: its argument `env` when given, else the actor with the arguments `lookup`,
    `children`, `calendars`, `params` and `team_names`.
    """
    given = moment.args.get("env")
    if given is not None:
        return given  # type: ignore[no-any-return]
    names = ("lookup", "children", "calendars", "params", "team_names")
    return actor_env(moment.actor, moment.now, **{n: moment.args[n] for n in names if n in moment.args})
