"""Update the one record with a natural key, or make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from guanxi.common.errors import BadRequest, Conflict, FieldError, Invalid
from guanxi.fieldtypes import ValueFault
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.rows import to_stored
from guanxi.runtime.storage.tables import unique_value

from .create import create
from .inputs import field_name, value_fault
from .messages import fault
from .plan import ObjectPlan
from .update import update

if TYPE_CHECKING:
    from .work import Work

Outcome = Literal["created", "updated", "unchanged"]
MOST_PARTS = 10


def upsert(
    work: Work,
    plan: ObjectPlan,
    key: Any,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    found: Callable[[int], None] | None = None,
) -> tuple[Outcome, dict[str, Any]]:
    """See Records.upsert; inside `write()`. Conflict when the key names several records that the actor may see.
    `found` is told the record that will be changed, and may refuse.
    """
    wanted = key_values(work, plan, key)
    known = find(work, plan, wanted)
    if known is None:
        return "created", create(work, plan, {**key, **values})
    if found is not None:
        found(known)
    moved = {name: value for name, value in values.items() if name not in key}
    row, changed = update(work, plan, known, moved, version=version)
    return ("updated" if changed else "unchanged"), row


def key_values(work: Work, plan: ObjectPlan, key: Any) -> dict[str, Any]:
    """The key's values in Python form. A key is a filter: hidden and masked fields are not known."""
    if not isinstance(key, Mapping) or not key or len(key) > MOST_PARTS:
        raise BadRequest(f"A key is an object of 1 to {MOST_PARTS} fields and values.")
    rights, errors = work.rights(plan.name), []
    wanted: dict[str, Any] = {}
    for name, value in key.items():
        known = plan.fields.get(name) if isinstance(name, str) else None
        shown = field_name(name)
        if known is None or not rights.readable(name):
            errors.append(fault(shown, "unknown_field", "unknown_field", work.language, name=shown))
        elif not known.stored or known.links:
            errors.append(fault(shown, "type", "type", work.language))
        elif (broken := value_fault(name, value, work.language)) is not None:
            errors.append(broken)
        else:
            try:
                wanted[name] = known.coerce(value)
            except ValueFault as problem:
                errors.append(FieldError(name, problem.code, problem.message))
            else:
                if wanted[name] is None:
                    errors.append(fault(name, "required", "required", work.language))
    if errors:
        raise Invalid(errors)
    return wanted


def find(work: Work, plan: ObjectPlan, wanted: Mapping[str, Any]) -> int | None:
    """The id of the live record with these values that the actor may see; a unique key compares folded."""
    texts = work.statements(plan.name)
    for spec in texts.table.uniques.values():
        if set(spec.fields) == set(wanted):
            where = f"{quoted(spec.column)} = {texts.mark}"
            params: list[Any] = [unique_value([wanted[name] for name in spec.fields])]
            break
    else:
        columns = texts.table.columns
        where = " AND ".join(f"{quoted(name)} = {texts.mark}" for name in wanted)
        params = [to_stored(texts.engine, columns[n].kind, columns[n].scale)(v) for n, v in wanted.items()]
    sql = f'{texts.select}{where} AND "deleted_at" IS NULL ORDER BY "id" LIMIT 50'
    rows = [row for row in map(texts.read, work.db.rows(sql, params)) if work.may(plan, "read", row)]
    if len(rows) > 1:
        raise Conflict("The key names more than one record.", code="unique")
    return rows[0]["id"] if rows else None
