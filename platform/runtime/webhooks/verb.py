"""The step `webhook: {url_from: name, body: {…}}`: a message with exactly this body, posted with the record's write.

Texts in the body are expressions on the record; numbers, truth values, maps and lists stand for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict
from guanxi.expressions.check import check
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.faults import ExpressionErrors

from ..outbox import post
from ..records.environment import environment
from ..records.plan import ObjectPlan
from ..storage.rows import instant_json

if TYPE_CHECKING:
    from ..records.work import Work

Row = Mapping[str, Any]


def webhook(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """See `records.extensions.Verb`."""
    name = given["url_from"]
    env = environment(work, plan.name, row, old)
    body = value_of(work, plan.name, given.get("body") or {}, env)
    post(
        work.db,
        kind="webhook",
        payload={"event": f"{plan.name}.webhook", "body": body},
        at=work.now,
        object=plan.name,
        record_id=row["id"],
        order=f"webhook:{name}:{plan.name}:{row['id']}",
        destination=name,
    )


def value_of(work: Work, object_name: str, given: Any, env: Env) -> Any:
    """The JSON value of a part of the body."""
    if isinstance(given, Mapping):
        return {str(key): value_of(work, object_name, part, env) for key, part in given.items()}
    if isinstance(given, list | tuple):
        return [value_of(work, object_name, part, env) for part in given]
    return as_json(_closure(work, object_name, given)(env)) if isinstance(given, str) else as_json(given)


def _closure(work: Work, object_name: str, text: str) -> Callable[[Env], Any]:
    kept, key = work.room.step_values, ("webhook", object_name, text)
    found = kept.get(key)
    if found is None:
        try:
            checked = check(text, work.room.registry, object_name, change=True)
        except ExpressionErrors as error:
            raise Conflict(f"A step of {object_name} cannot be carried out: {error.faults[0].message}") from error
        found = kept[key] = compile_expression(checked)
    return found


def as_json(value: Any) -> Any:
    """JSON form of any value in Python form."""
    match value:
        case bool() | None | str() | int() | float():
            return value
        case Decimal():
            return format(value, "f")
        case datetime():
            return instant_json(value)
        case date():
            return value.isoformat()
        case time():
            return value.isoformat(timespec="seconds")
        case Mapping():
            return {str(key): as_json(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [as_json(one) for one in value]
    return str(value)
