"""The step `webhook: {url_from: name, body: {…}}`: a message with exactly this body, posted with the record's write.

Texts in the body are expressions on the record; numbers, truth values, maps and lists stand for themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression

from ..outbox import post
from ..records.plan import ObjectPlan
from ..records.steps import surroundings
from ..storage.rows import instant_json

if TYPE_CHECKING:
    from ..records.work import Work

Row = Mapping[str, Any]


def webhook(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """See `records.extensions.Verb`."""
    name = given["url_from"]
    body = value_of(given.get("body") or {}, surroundings(work, plan, row, old))
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


def value_of(given: Any, env: Env) -> Any:
    """The JSON value of a part of the body."""
    if isinstance(given, Expression):
        return as_json(compile_expression(given)(env))
    if isinstance(given, Mapping):
        return {str(key): value_of(part, env) for key, part in given.items()}
    if isinstance(given, list | tuple):
        return [value_of(part, env) for part in given]
    return as_json(given)


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
