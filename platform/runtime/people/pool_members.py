"""Which pools somebody belongs to and manages, from who he is; asked once when an actor is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guanxi.registry.approvals import Who
from guanxi.registry.pools import Pool


def pools_of(
    pools: Mapping[str, Pool], name: str, roles: frozenset[str], team: str, above: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """(belongs to, manages), by names of pools. `team` is the own team's name, `above` it and those above it. Who
    manages a pool belongs to it.
    """

    def among(people: Iterable[Who]) -> bool:
        own = {"user": {name}, "role": roles, "team": {team} - {""}, "team_tree": above}
        return any(not own.get(who.kind, frozenset()).isdisjoint(who.names) for who in people)

    manages = frozenset(pool.name for pool in pools.values() if among(pool.managers))
    return manages | {pool.name for pool in pools.values() if among(pool.members)}, manages
