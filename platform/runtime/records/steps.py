"""Carrying out steps that metadata lists: on entering a stage, behind a button, in an automation.

Steps are compiled when definitions are checked; here they run in order on one record, inside `write()`. They write as
the platform itself unless the caller says otherwise: what the metadata says is not held by the rights of the person who
set it off; rules, required values and unique keys hold all the same. Verbs that change records and those that order
steps live here; the others are other rooms' (`Extensions.verbs`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, Unavailable
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.registry import Step

from .environment import environment
from .plan import ObjectPlan

if TYPE_CHECKING:
    from .work import Work

DEEPEST = 8
MOST_ROWS = 5_000
MOST_STEPS = 10_000
Row = Mapping[str, Any]


class Runaway(Conflict):
    """Steps set each other off without end; the message names the chain. Nothing of the chain is kept."""

    code = "automation_loop"


class Pause(Exception):
    """Raised by `wait`: the rest of the list is done later. Only who runs automations lets it come this far."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.at)
        self.step = step


class _Stopped(Exception):
    """Raised by `stop`: nothing more is done in this list or around it."""


def entered(work: Work, plan: ObjectPlan, old: Row | None, row: Row) -> None:
    """Carry out what the stage that was just entered lists."""
    stages = plan.stages
    if stages is None or (old is not None and old.get(stages.field) == row.get(stages.field)):
        return
    stage = stages.path.get(row.get(stages.field) or "")
    if stage is not None and stage.on_enter:
        run_steps(work, plan, row["id"], stage.on_enter, old)


def run_steps(
    work: Work,
    plan: ObjectPlan,
    record_id: int,
    steps: Sequence[Any],
    old: Row | None = None,
    *,
    trusted: bool = True,
    gone: Row | None = None,
) -> None:
    """Carry out steps on a record, in order, inside `write()`; with `trusted` False by the rights of the actor.

    Steps may also be plain data that an instance kept (`kept_steps`). `gone` is the row as it was when the record is in
    the trash. Runaway when steps set each other off too deep.
    """
    if work.depth >= DEEPEST:
        raise Runaway(f"Steps set each other off more than {DEEPEST} times in a row: {chain(work, plan)}.")
    if steps and not isinstance(steps[0], Step):
        from .kept_steps import kept_steps

        steps = kept_steps(work.room.registry, plan.name, steps)
    with work.deeper(trusted=trusted):
        try:
            _run(work, plan, record_id, steps, old, gone)
        except _Stopped:
            return


def run_apart(work: Work, plan: ObjectPlan, record_id: int, steps: Sequence[Step]) -> list[tuple[Step, Exception]]:
    """Carry out steps as the platform itself, each in a part of its own: one that fails takes back what it did and does
    not stop the others. Returns those that failed, and why.
    """
    failed: list[tuple[Step, Exception]] = []
    with work.deeper(trusted=True):
        for step in steps:
            try:
                with work.db.savepoint():
                    _run(work, plan, record_id, (step,), None)
            except _Stopped:
                break
            except Unavailable:
                raise
            except Exception as error:
                work.forget()
                failed.append((step, error))
    return failed


def chain(work: Work, plan: ObjectPlan) -> str:
    """The rules that set each other off, outermost first."""
    names = [run.name for run in work.chain]
    return " → ".join(names) if names else plan.name


def _run(  # noqa: PLR0917
    work: Work, plan: ObjectPlan, record_id: int, steps: Sequence[Step], old: Row | None, gone: Row | None = None
) -> None:
    for step in steps:
        work.spend(plan)
        row = work.row(plan.name, record_id) or gone
        if row is None:
            return
        if step.verb == "wait":
            raise Pause(step)
        (VERBS.get(step.verb) or work.room.extensions.verbs[step.verb])(work, plan, row, step.given, old)
        if work.chain:
            work.chain[-1].did(step.verb)


# what verbs use ---------------------------------------------------------------------------------------------------
def surroundings(work: Work, plan: ObjectPlan, row: Row, old: Row | None = None) -> Env:
    """What the expressions of a step may see: the record, the one around it inside `for_each`, the row before."""
    env = environment(work, plan.name, row, old)
    env.outer = work.outer
    return env


def value(work: Work, plan: ObjectPlan, row: Row, expression: Expression, old: Row | None = None) -> Any:
    """The value of one expression of a step, in Python form."""
    return compile_expression(expression)(surroundings(work, plan, row, old))


def values(
    work: Work, plan: ObjectPlan, row: Row, given: Mapping[str, Expression], old: Row | None = None
) -> dict[str, Any]:
    """The values that a step sets, calculated on `row` of `plan`."""
    env = surroundings(work, plan, row, old)
    return {field: compile_expression(expression)(env) for field, expression in given.items()}


# verbs: this record and others ------------------------------------------------------------------------------------
def _set(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    from .update import update

    update(work, plan, row["id"], values(work, plan, row, given, old))


def _create(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    from .create import create

    target = work.room.plan(given["object"])
    create(work, target, values(work, plan, row, given["values"], old), force=True)


def _update(work: Work, _plan: ObjectPlan, row: Row, given: Any, _: Row | None) -> None:
    """Records of a related list, or of an object, that meet `where`; names are theirs, `outer.x` the record's."""
    from .update import update

    other = work.room.plan(given["object"])
    with work.around(row):
        for child in _meeting(work, other, given, row["id"]):
            update(work, other, child["id"], values(work, other, child, given["values"]))


def _meeting(work: Work, other: ObjectPlan, given: Mapping[str, Any], record_id: int) -> list[Row]:
    """The rows of a list (or of the whole object) for which the step's condition holds now."""
    field, where = given["field"], given["where"]
    rows = work.children(other.name, field, record_id) if field else work.all_rows(other.name, MOST_ROWS)
    if len(rows) > MOST_ROWS:
        raise Conflict(f"A step would touch more than {MOST_ROWS:,} records.")
    if where is None:
        return list(rows)
    holds = compile_expression(where)
    return [child for child in rows if holds(surroundings(work, other, child))]


def _delete(work: Work, plan: ObjectPlan, row: Row, _: Any, __: Row | None) -> None:
    from .remove import delete

    delete(work, plan, row["id"])


# verbs: order -----------------------------------------------------------------------------------------------------
def _choose(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    env = surroundings(work, plan, row, old)
    for branch in given:
        if branch.when is None or compile_expression(branch.when)(env):
            _run(work, plan, row["id"], branch.do, old, row)
            return


def _for_each(work: Work, _plan: ObjectPlan, row: Row, given: Any, _: Row | None) -> None:
    other = work.room.plan(given["object"])
    with work.around(row):
        for child in _meeting(work, other, given, row["id"]):
            _run(work, other, child["id"], given["do"], None)


def _stop(*_: Any) -> None:
    raise _Stopped


VERBS: Mapping[str, Callable[..., None]] = {
    "set": _set,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "choose": _choose,
    "for_each": _for_each,
    "stop": _stop,
}
