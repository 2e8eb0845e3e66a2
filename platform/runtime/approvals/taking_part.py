"""How approvals take part in writes: the lock, the action `submit`, the verb `approval`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict

from ..records.extensions import Change, RecordAction, Row
from ..records.plan import ObjectPlan
from .locks import definitions_of, watchers
from .starting import may_submit, start, submit

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work


def _has_flows(room: Room, plan: ObjectPlan) -> bool:
    return bool(definitions_of(room).live(plan.name))


def approval_verb(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:  # noqa: ARG001
    """`approval: name`: start a flow on the record, for the person at work (or its owner where nobody is)."""
    name = given if isinstance(given, str) else (given or {}).get("name", "")
    flow = next((one for one in definitions_of(work.room).live(plan.name) if one.name == name and one.active), None)
    if flow is None:
        raise Conflict(f"There is no approval flow '{name}' to start.", code="no_flow")
    start(work, plan, flow, "submit", Change("submit", dict(row), dict(row)))


SUBMIT = RecordAction("submit", _has_flows, may_submit, submit)
VERBS: Mapping[str, Any] = {"approval": approval_verb}
WATCHERS = watchers
