"""Expressions from outside: checked against what the reader may judge by, bounded in cost, refused with a position."""

from __future__ import annotations

from guanxi.common.errors import BadRequest
from guanxi.expressions.check import check
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import ExpressionErrors, ExpressionFault
from guanxi.expressions.types import BOOLEAN, ValueType
from guanxi.registry.objects import ObjectType
from guanxi.registry.screens import View
from guanxi.runtime.access.expression_sql import cost
from guanxi.runtime.access.gate import ActorSchema, Purpose, verb
from guanxi.runtime.access.grants import Grants

LONGEST = 2_000
MOST_JOINS = 8
MOST_SUBQUERIES = 4


def checked(
    grants: Grants, object_name: str, text: str, purpose: Purpose, expect: ValueType | None = None
) -> Expression:
    """The expression a caller wrote, or BadRequest with an `expression-…` code and its position."""
    if len(text) > LONGEST:
        raise BadRequest(f"An expression has at most {LONGEST:,} characters.", code="expression-limit", position="1:1")
    schema = ActorSchema(grants)
    try:
        found = check(text, schema, object_name, expect=expect, sql=True)
    except ExpressionErrors as errors:
        fault = errors.faults[0]
        masked = [name for name in schema.masked if f"'{name}'" in fault.message]
        if masked:
            message = f"'{masked[0]}' is masked for you: it cannot be used to {verb(purpose)}"
            raise BadRequest(message, code="masked_field", position=fault.position) from None
        raise refused(fault) from None
    _bounded(found)
    return found


def usable_views(grants: Grants, object_type: ObjectType) -> tuple[str, ...]:
    """The views whose own filter the reader might have written: another one would tell what its fields hold."""
    return tuple(view.name for view in object_type.views.values() if _usable(grants, object_type, view))


def _usable(grants: Grants, object_type: ObjectType, view: View) -> bool:
    if view.where is None or grants.unrestricted:
        return True
    try:
        check(view.where.source, ActorSchema(grants), object_type.name, expect=BOOLEAN)
    except ExpressionErrors:
        return False
    return True


def refused(fault: ExpressionFault) -> BadRequest:
    """A fault as the answer to a request."""
    return BadRequest(fault.message, code=fault.code, hint=fault.hint, position=fault.position)


def _bounded(expression: Expression) -> None:
    asked = cost(expression)
    if asked.joins > MOST_JOINS:
        raise too_much(f"follows at most {MOST_JOINS} references")
    if asked.queries > MOST_SUBQUERIES:
        raise too_much(f"looks into at most {MOST_SUBQUERIES} lists")


def too_much(what: str) -> BadRequest:
    """The refusal of an expression that would cost too much."""
    return BadRequest(f"An expression {what}, formulas included.", code="expression-limit", position="1:1")
