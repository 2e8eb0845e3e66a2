"""What a form shows for the values it holds now: the conditions of fields and sections asked of the draft of a write.

The same first stages as a write (`take`, `settle`), so form and judge cannot disagree; nothing is judged or stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression

from .create import own
from .draft import take
from .environment import environment
from .judge import settle
from .plan import FieldPlan, ObjectPlan

if TYPE_CHECKING:
    from .work import Work


def form_state(
    work: Work, plan: ObjectPlan, values: Mapping[str, Any], old: Mapping[str, Any] | None
) -> dict[str, frozenset[str]]:
    """See Records.form_state; `old` is the stored row, None for a new record."""
    rights = work.write_rights(plan.name)
    draft = take(plan, rights, work.language, values, old)
    row = draft.new
    if old is None:
        row.update(created_at=work.now, updated_at=work.now, created_by=work.actor.id, updated_by=work.actor.id)
        row.update(id=None, version=None, deleted_at=None)
        if plan.owned:
            own(work, draft)
    env = environment(work, plan.name, row, old)
    settle(draft, env, rights)
    fields = [known for known in plan.fields.values() if rights.visible(known.name)]
    hidden = frozenset(k.name for k in fields if k.when is not None and not k.when(env))
    return {
        "hidden": hidden,
        "hidden_sections": frozenset(
            s.name for s in plan.object.form.sections if s.when is not None and not compile_expression(s.when)(env)
        ),
        "required": frozenset(k.name for k in fields if k.name not in hidden and _required(plan, k, env, row)),
        "read_only": frozenset(k.name for k in fields if k.fixed or _closed(k, env, old)),
    }


def _required(plan: ObjectPlan, known: FieldPlan, env: Env, row: Mapping[str, Any]) -> bool:
    if known.field.required is False and known.stage_rank < 0:
        return False
    if known.stage_rank >= 0 and plan.rank(row) < known.stage_rank:
        return False
    return known.required is None or bool(known.required(env))


def _closed(known: FieldPlan, env: Env, old: Mapping[str, Any] | None) -> bool:
    """`read_only` as a condition is asked of the record as it was, as the judge does."""
    if known.read_only is None:
        return False
    row, env.row = env.row, old or {}
    try:
        return bool(known.read_only(env))
    finally:
        env.row = row
