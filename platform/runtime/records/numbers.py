"""Running numbers: one counter per field and period, moved in the record's own transaction.

A number that a rolled-back write took is given again or skipped, never twice; the counter's row is what two writers
meet at.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from guanxi.fieldtypes.auto_number import AutoNumberFormat

from .plan import ObjectPlan

if TYPE_CHECKING:
    from .work import Work

TAKE = (
    "INSERT INTO gx_counters (object, field, period, value) VALUES (?, ?, ?, ?) ON CONFLICT (object, field, period)"
    " DO UPDATE SET value = gx_counters.value + excluded.value RETURNING value"
)


def assign_numbers(work: Work, plan: ObjectPlan, row: dict[str, Any]) -> None:
    """Give a new row its running numbers; one that is there already (restored data) stays."""
    if not plan.numbered:
        return
    for known in plan.numbered:
        if row.get(known.name) is None:
            row[known.name] = take(work, plan, known.name, 1)[0]


def take(work: Work, plan: ObjectPlan, field: str, count: int) -> list[str]:
    """The next `count` numbers of a field, as texts in order."""
    day: date = work.now.astimezone(work.room.zone).date()
    form = AutoNumberFormat.parse(plan.fields[field].field.settings.format)
    text = TAKE.replace("?", work.room.mark)
    last = work.db.rows(text, (plan.name, field, form.period(day), count))[0][0]
    return [form.render(day, number) for number in range(last - count + 1, last + 1)]
