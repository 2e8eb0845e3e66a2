"""Carrying out steps that metadata lists: on entering a stage, and behind a button.

A step is a bare verb or a map with one verb. Texts in it are expressions (a bare option name for a choice), checked
when the metadata was linked and compiled here at first use. Steps write as the platform itself: what the metadata says
is not held by the rights of the person who set it off; rules, required values and unique keys hold all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict
from guanxi.expressions.check import check, check_value
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import ExpressionErrors
from guanxi.expressions.types import BOOLEAN

from .environment import environment
from .plan import Closure, ObjectPlan

if TYPE_CHECKING:
    from .work import Work

DEEPEST = 8
MOST_ROWS = 5_000
Row = Mapping[str, Any]


def entered(work: Work, plan: ObjectPlan, old: Row | None, row: Row) -> None:
    """Carry out what the stage that was just entered lists."""
    stages = plan.stages
    if stages is None or (old is not None and old.get(stages.field) == row.get(stages.field)):
        return
    stage = stages.path.get(row.get(stages.field) or "")
    if stage is not None and stage.on_enter:
        run_steps(work, plan, row["id"], stage.on_enter, old)


def run_steps(work: Work, plan: ObjectPlan, record_id: int, steps: Sequence[Any], old: Row | None = None) -> None:
    """Carry out steps on a record, in order, inside `write()`. Conflict when they set each other off too deep."""
    if work.depth >= DEEPEST:
        raise Conflict(f"Steps set each other off more than {DEEPEST} times in a row.")
    with work.trust():
        for step in steps:
            verb, given = (step, None) if isinstance(step, str) else next(iter(step.items()))
            if verb == "stop":
                return
            carry_out = VERBS.get(verb) or work.room.extensions.verbs.get(verb)
            if carry_out is None:
                raise Conflict(f"The step '{verb}' cannot be carried out here.")
            row = work.row(plan.name, record_id)
            if row is None:
                return
            carry_out(work, plan, row, given, old)


def _compiled(work: Work, text: Any, names: str, target: tuple[str, str] | None, outer: str | None) -> Closure:
    """The closure of a step's value: set in `target` (object, field), or a condition without one. Kept in the room."""
    kept = work.room.step_values
    key = (repr(text), names, target, outer)
    found = kept.get(key)
    if found is None:
        found = kept[key] = compile_expression(_checked(work, text, names, target, outer))
    return found


def _checked(work: Work, text: Any, names: str, target: tuple[str, str] | None, outer: str | None) -> Expression:
    if isinstance(text, Expression):
        return text
    registry = work.room.registry
    try:
        if target is None:
            return check(str(text), registry, names, expect=BOOLEAN, outer=outer, change=outer is None)
        info = registry.field(*target)
        if info is None:
            raise Conflict(f"A step names the field '{target[1]}', which does not exist.")
        return check_value(text, registry, names, info.type, outer=outer, change=outer is None)
    except ExpressionErrors as error:
        raise Conflict(f"A step of {names} cannot be carried out: {error.faults[0].message}") from error


def _values(work: Work, plan: ObjectPlan, row: Row, given: Any, *, target: str, old: Row | None) -> dict[str, Any]:
    """The values a step gives a record of `target`, calculated on `row` of `plan`."""
    env = environment(work, plan.name, row, old)
    return {
        field: _compiled(work, value, plan.name, (target, field), None)(env) for field, value in (given or {}).items()
    }


def _set(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    from .update import update

    update(work, plan, row["id"], _values(work, plan, row, given, target=plan.name, old=old))


def _create(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    from .create import create

    target = work.room.plan(given["object"])
    create(work, target, _values(work, plan, row, given.get("values"), target=target.name, old=old), force=True)


def _update(work: Work, plan: ObjectPlan, row: Row, given: Any, _: Row | None) -> None:
    """Records of a related `list`, or of an `object`, that meet `where`; names are theirs, `outer.x` the record's."""
    from .update import update

    if "list" in given:
        found = work.room.related[plan.name][given["list"]]
        other, rows = work.room.plan(found.object), work.children(found.object, found.field, row["id"])
    else:
        other = work.room.plan(given["object"])
        rows = work.all_rows(other.name, MOST_ROWS)
    for child in list(rows):
        env = environment(work, other.name, child)
        env.outer = row
        where = given.get("where")
        if where is not None and not _compiled(work, where, other.name, None, plan.name)(env):
            continue
        values = {
            field: _compiled(work, value, other.name, (other.name, field), plan.name)(env)
            for field, value in (given.get("values") or {}).items()
        }
        update(work, other, child["id"], values)


def _delete(work: Work, plan: ObjectPlan, row: Row, _: Any, __: Row | None) -> None:
    from .remove import delete

    delete(work, plan, row["id"])


VERBS: Mapping[str, Callable[..., None]] = {"set": _set, "create": _create, "update": _update, "delete": _delete}
