"""Questions about a function of a column turned into questions about the column: so an index can answer them.

`days_since(x) > 15` becomes `x < border`, `count(list) > 0` becomes `any(list)`, the day of an instant becomes a range
of instants. Only where the answer stays the same for every value; everything else is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from guanxi.expressions import tree as t
from guanxi.expressions.functions.time import ADD_DAYS, ADD_HOURS, DAYS, HOURS, LOCAL_DATE, WORKING_BORDER, WORKING_DAYS
from guanxi.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER
from guanxi.expressions.zones import start_of_day

from .binds import Bind
from .expression_env import moment_env
from .expression_sql_parts import Sql, fill
from .expression_sql_scope import Frame
from .expression_sql_terms import compile_value

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_MOST = 300_000  # days or hours; further away a border could leave the calendar
_AFTER = {"sqlite": "~", "postgresql": "infinity"}  # later than every instant
_FIRST = datetime(1, 1, 1, tzinfo=UTC)


def rewritten(term: t.Compare) -> t.Term | None:
    """A comparison that means the same and suits an index better, or None."""
    operator, left, right = term.operator, term.left, term.right
    if isinstance(left, t.Const) and not isinstance(right, t.Const):
        operator, left, right = _FLIPPED[operator], right, left
    if not isinstance(right, t.Const) or not isinstance(right.value, int) or isinstance(right.value, bool):
        return None
    if isinstance(left, t.Aggregate) and left.function == "count":
        return _exists(operator, left, right.value)
    if not isinstance(left, t.Apply) or abs(right.value) > _MOST or len(left.arguments) != 2:
        return None
    then, until = left.arguments
    if t.needs_row(until) or not t.needs_row(then) or not isinstance(until, t.CallerTerm):
        return None
    if left.function is DAYS:
        border = t.Apply(ADD_DAYS, (until, t.Const(-right.value, INTEGER)), DATE)
        return t.Compare(_FLIPPED[operator], then, border) if operator != "==" else None
    if left.function is HOURS and operator != "==":
        return _hours(operator, then, until, right.value)
    if left.function is WORKING_DAYS and operator != "==":
        return _working(operator, left, right.value)
    return None


def _exists(operator: str, term: t.Aggregate, count: int) -> t.Term | None:
    some = t.Aggregate("any", term.source, None, term.condition, BOOLEAN)
    if (operator, count) in ((">", 0), (">=", 1)):
        return some
    return t.Not(some) if (operator, count) in (("==", 0), ("<", 1), ("<=", 0)) else None


def _hours(operator: str, then: t.Term, until: t.Term, hours: int) -> t.Term:
    # floor(elapsed) > n exactly when elapsed >= n + 1 hours
    whole = hours + 1 if operator in (">", "<=") else hours
    border = t.Apply(ADD_HOURS, (until, t.Const(-whole, INTEGER)), DATETIME)
    return t.Compare("<=" if operator in (">", ">=") else ">", then, border)


def _working(operator: str, term: t.Apply, days: int) -> t.Term:
    then, until = term.arguments
    left = days if operator in (">", "<=") else days - 1
    border = t.Apply(WORKING_BORDER, (until, t.Const(left, INTEGER)), DATE, term.calendar)
    return t.Compare("<" if operator in (">", ">=") else ">=", then, border)


def day_range(term: t.Compare, frame: Frame) -> Sql | None:
    """The day of an instant compared with a day of the caller's, as a range of instants; None when it is not that."""
    operator, left, right = term.operator, term.left, term.right
    if isinstance(right, t.Apply) and right.function is LOCAL_DATE and t.needs_row(right):
        operator, left, right = _FLIPPED[operator], right, left
    if not isinstance(left, t.Apply) or left.function is not LOCAL_DATE or t.needs_row(right):
        return None
    if not t.needs_row(left) or (operator == "==" and not isinstance(right, t.Const)):
        return None
    found = compile_value(left.arguments[0], frame)
    start, after = _instant(right, 0, frame), _instant(right, 1, frame)
    if operator == "==":
        return fill("({0} >= {1} AND {0} < {2})", found, start, after)
    border = start if operator in ("<", ">=") else after
    return fill("({0} < {1})" if operator in ("<", "<=") else "({0} >= {1})", found, border)


def _instant(term: t.Term, days: int, frame: Frame) -> Sql:
    """The first instant of the day (or of the day after), in the caller's zone."""
    from guanxi.expressions.evaluate import compile_term

    closure: Callable[[Any, Any], Any] = compile_term(term)
    stored = frame.values.stored

    def read(moment: Any) -> Any:
        env = moment_env(moment)
        day: date | None = closure(env.row, env)
        if day is None:
            return None
        if days and day == date.max:
            return _AFTER[frame.values.engine]
        found = start_of_day(day + timedelta(days=days), env.zone)
        if found is None:
            return stored(_FIRST) if day.year < 5000 else _AFTER[frame.values.engine]
        return stored(found)

    return Sql(frame.values.cast("datetime"), (Bind("day", read),), "datetime")
