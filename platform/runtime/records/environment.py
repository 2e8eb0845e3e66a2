"""What an expression may see while a record is written: the row, the row before, the person, the moment, other records.

Other records come from the piece of work, which keeps them; definitions from metadata see every live record, whoever
writes. Budgets are wider than for expressions from outside and still end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.expressions.env import Env

if TYPE_CHECKING:
    from .work import Work

MAX_STEPS = 200_000
MAX_MILLISECONDS = 4_000.0


def environment(
    work: Work,
    object_name: str,
    row: Mapping[str, Any],
    old: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Env:
    """Surroundings for expressions on `row`, a record of `object_name` in Python form."""
    actor, related = work.actor, work.room.related

    def lookup(name: str, record_id: int) -> Mapping[str, Any] | None:
        if name == object_name and record_id == row.get("id") and record_id is not None:
            return row
        return work.row(name, record_id)

    def children(name: str, list_name: str, record_id: int) -> Sequence[Mapping[str, Any]]:
        found = related[name][list_name]
        return work.children(found.object, found.field, record_id)

    return Env(
        row,
        old=old,
        me=actor.me,
        roles=actor.roles,
        teams=actor.teams,
        reports=actor.reports,
        now=work.now,
        zone=actor.zone,
        lookup=lookup,
        children=children,
        calendars=work.room.calendars,
        params=params or {},
        max_steps=MAX_STEPS,
        milliseconds=MAX_MILLISECONDS,
    )
