"""Which value survives a merge, field by field: the master's, blanks filled by the losers in their order, lists and
tags of all together, and what the person chose.

An owner beats a pool. Numbers that the platform gives, and the stage, stay the master's unless chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..records.draft import filled, same
from ..records.plan import FieldPlan, ObjectPlan

Row = Mapping[str, Any]
OWNERSHIP = ("owner", "team", "pool")
UNITED = frozenset({"tags", "choices"})


def survivors(plan: ObjectPlan, master: Row, losers: Sequence[Row], chosen: Mapping[str, Row]) -> dict[str, Any]:
    """The values of the merged record that differ from the master's, in Python form. `chosen`: field → whose value."""
    values: dict[str, Any] = {}
    gone = {master["id"], *(row["id"] for row in losers)}
    for name in plan.writable:
        known = plan.fields[name]
        if name in OWNERSHIP:
            continue
        value = _surviving(known, master, losers, chosen.get(name))
        if known.target == plan.name:
            value = _without(known, value, gone)
        if not same(value, master.get(name)):
            values[name] = value
    if plan.owned:
        values.update(_ownership(plan, master, losers, chosen.get("owner")))
    return values


def _surviving(known: FieldPlan, master: Row, losers: Sequence[Row], chosen: Row | None) -> Any:
    name = known.name
    if chosen is not None:
        return chosen.get(name)
    own = master.get(name)
    if united(known):
        together = dict.fromkeys(own or ())
        for row in losers:
            together.update(dict.fromkeys(row.get(name) or ()))
        kind = tuple if own is None else type(own)
        return kind(together) if together else own
    if filled(own) or known.field.type == "auto_number":
        return own
    return next((row[name] for row in losers if filled(row.get(name))), own)


def united(known: FieldPlan) -> bool:
    """True for fields that hold several values: all of them are kept."""
    return known.links or known.field.type in UNITED


def _without(known: FieldPlan, value: Any, gone: set[int]) -> Any:
    """A record never refers to itself or to one that goes into it."""
    if known.links:
        return tuple(one for one in value or () if one not in gone) or None
    return None if value in gone else value


def _ownership(plan: ObjectPlan, master: Row, losers: Sequence[Row], chosen: Row | None) -> dict[str, Any]:
    giver = chosen
    if giver is None and master.get("owner") is None:
        giver = next((row for row in losers if row.get("owner") is not None), None)
    if giver is None or giver.get("owner") is None:
        return {}
    wanted = {name: giver.get(name) for name in OWNERSHIP if name in plan.fields}
    if "pool" in wanted:
        wanted["pool"] = None
    return {name: value for name, value in wanted.items() if not same(value, master.get(name))}
