"""`reveal`: the clear values of masked fields of one record, for those with the right, with a reason, audited.

The values are in the answer and nowhere else: neither history nor the audit trail holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest, Forbidden, Invalid
from guanxi.common.names import did_you_mean
from guanxi.common.text import text_fault
from guanxi.runtime.access.pooled import hidden_for

from .extensions import RecordAction
from .inputs import field_name
from .messages import fault
from .plan import ObjectPlan

if TYPE_CHECKING:
    from .room import Room
    from .work import Work

KEYS = ("fields", "reason")
MOST = 50


def _applies(room: Room, plan: ObjectPlan) -> bool:
    grants = (role.objects.get(plan.name) for role in room.registry.roles.values())
    return any(grant is not None and grant.scopes.get("reveal", "none") != "none" for grant in grants)


def _masked(work: Work, plan: ObjectPlan) -> list[str]:
    fields = work.rights(plan.name).fields
    return [name for name, grant in fields.items() if grant == "masked" and plan.fields[name].stored]


def _state(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> dict[str, Any] | None:
    masked = _masked(work, plan)
    closed = hidden_for(work.room.registry, plan.name, work.actor, row)
    if not masked or closed or not work.may(plan, "reveal", row):
        return None
    return {"fields": masked}


def reveal(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """{"fields": […], "reason": text} → {"id", "values": {field: clear value}}. Raises Invalid, Forbidden, NotFound."""
    for name in payload:
        if name not in KEYS:
            raise BadRequest(f"The action has no key {str(name)[:60]!r}.", hint=did_you_mean(str(name)[:60], KEYS))
    row = work.seen(plan, number)
    work.demand(plan, "reveal", row)
    if hidden_for(work.room.registry, plan.name, work.actor, row):
        raise Forbidden("The record waits in a pool.")
    names, reason = _asked(work, plan, payload), payload.get("reason")
    if not isinstance(reason, str) or not 3 <= len(reason.strip()) <= 500 or text_fault(reason):
        raise Invalid([fault("reason", "required", "reveal_reason", work.language)])
    record = work.room.audit.record
    record("reveal", work.actor, object=plan.name, record_id=number, detail={"fields": names}, reason=reason.strip())
    values = {name: plan.fields[name].json(row[name]) if row.get(name) is not None else None for name in names}
    return {"id": number, "values": values}


def _asked(work: Work, plan: ObjectPlan, payload: Mapping[str, Any]) -> list[str]:
    given = payload.get("fields")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST or not all(isinstance(n, str) for n in given):
        raise Invalid([fault("fields", "required", "reveal_fields", work.language)])
    rights = work.rights(plan.name)
    errors = []
    for name in given:
        if name not in plan.fields or not rights.shown(name) or not plan.fields[name].stored:
            shown = field_name(name)
            errors.append(fault(shown, "unknown_field", "unknown_field", work.language, name=shown))
    if errors:
        raise Invalid(errors)
    return list(dict.fromkeys(given))


ACTIONS = (RecordAction("reveal", _applies, _state, reveal),)
