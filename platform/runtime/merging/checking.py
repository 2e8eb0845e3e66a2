"""Looking for duplicates of values that are not saved yet (`POST /api/{object}/duplicates/check`), and the judgement
that two records are not the same (`not_duplicate`).

What is typed half is left out; what the actor may not write is refused as in any write. Records in the trash are named
to those who may read them, so that one can be brought back instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound

from ..records.draft import take
from ..records.inputs import record_id as checked_id
from ..records.messages import fault
from ..records.plan import ObjectPlan
from . import redirect
from .collision import COMMON, disclosed, hits
from .index import book
from .merge import only

if TYPE_CHECKING:
    from ..records.work import Work

MOST = 20


def check(work: Work, plan: ObjectPlan, values: Mapping[str, Any], record: int | None = None) -> list[dict[str, Any]]:
    """What the rules find for a new record with these values, or for `record` when it is given them; inside `write()`.
    Blocking rules first; each record once. Raises Invalid for names that are no fields, Forbidden, NotFound.
    """
    old = work.seen(plan, checked_id(record)) if record is not None else None
    if old is not None:
        work.demand(plan, "update", old)
    elif not work.trusted and not work.rights(plan.name).create:
        raise Forbidden(f"You may not create {plan.name} records.")
    draft = take(plan, work.write_rights(plan.name), work.language, values, old)
    unknown = [error for error in draft.errors if error.code in ("unknown_field", "forbidden")]
    if unknown:
        raise Invalid(unknown)
    book(work.room).ensure(plan.name)
    found: list[dict[str, Any]] = []
    seen: set[tuple[str, int]] = set()
    for rule in sorted(plan.duplicates, key=lambda rule: rule.action != "block"):
        if not {part.field for part in rule.match}.isdisjoint(draft.broken):
            continue
        holders = hits(work, plan, rule, draft.new, trash=True)
        for hit in holders[:MOST]:
            if (hit.object, hit.id) in seen:
                continue
            seen.add((hit.object, hit.id))
            told = disclosed(work, hit, rule)
            if hit.live or "id" in told:
                found.append(told | ({"strength": "weak"} if len(holders) > COMMON else {}))
    return found[:MOST]


def not_duplicate(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """{"other": id}: the two records are different; rules that warn no longer name the one for the other."""
    only(payload, ("other",))
    try:
        other = checked_id(payload.get("other"))
        low, high = sorted((number, other))
        for key in (low, high):
            row = work.locked(plan, key)
            if key == number:
                work.demand(plan, "update", row)
    except NotFound as error:
        said = fault("other", "reference", "gone", work.language)
        raise Invalid([said]) from error
    if low == high:
        raise BadRequest("A record is always its own duplicate.")
    if redirect.next_of(work.db, plan.name, low) or redirect.next_of(work.db, plan.name, high):
        raise Conflict("The records were merged.", code="merged")
    sql = (
        "INSERT INTO gx_different (object, record_id, other_id, at, by_id) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING"
    )
    work.db.execute(work.db.sql(sql), (plan.name, low, high, work.stamp, work.actor.id))
    return {"id": number, "other": other}
