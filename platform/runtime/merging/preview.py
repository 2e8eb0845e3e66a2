"""What a merge would do, without doing it: the values side by side, and how much of what moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..records.draft import same
from ..records.plan import ObjectPlan
from .merge import choices, loser_ids, only
from .survivors import survivors, united

if TYPE_CHECKING:
    from ..records.work import Work


def preview(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """{"losers", "fields"} as for `merge` → {"fields": [{"name", "values": {id: JSON}, "result", "united"}], "moved":
    {"object.field": count}}; fields the actor may not read are left out, those in which all agree too.
    """
    only(payload, ("losers", "fields"))
    losers = loser_ids(work, number, payload.get("losers"))
    rows = {key: work.seen(plan, key) for key in (number, *losers)}
    chosen = choices(work, plan, rows, payload.get("fields"))
    values = survivors(plan, rows[number], [rows[key] for key in losers], chosen)
    rights = work.rights(plan.name)
    fields = []
    for name in plan.writable:
        known = plan.fields[name]
        if not rights.readable(name) or all(same(row.get(name), rows[number].get(name)) for row in rows.values()):
            continue
        result = values.get(name, rows[number].get(name))
        shown = {str(key): known.json(row.get(name)) for key, row in rows.items()}
        entry = {"name": name, "values": shown, "result": known.json(result), "united": united(known)}
        fields.append(entry)
    return {"fields": fields, "moved": _moved(work, plan, losers)}


def _moved(work: Work, plan: ObjectPlan, losers: Sequence[int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for inbound in work.room.inbound[plan.name]:
        if not work.rights(inbound.object).visible:
            continue
        inner = work.room.referring[inbound.object, inbound.field.name]
        sql = f'SELECT count(*) FROM ({inner} AND "deleted_at" IS NULL) AS r'  # noqa: S608 (a text of the room's own)
        count = sum(int(work.db.rows(sql, (loser,))[0][0]) for loser in losers)
        if count:
            found[f"{inbound.object}.{inbound.field.name}"] = count
    return found
