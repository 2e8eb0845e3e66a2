"""The second stage of a write: defaults, conditions, required values, stages and rules, asked of the whole new record.

Works on a `Draft` and an environment whose row is the draft's own dictionary, so each step sees what the steps before
it did. No database here except what expressions themselves read through the environment.
"""

from __future__ import annotations

from typing import Any

from guanxi.common.errors import FieldError
from guanxi.expressions.env import Env
from guanxi.registry.objects import Stage

from .draft import Draft, filled, same
from .messages import named, text
from .plan import FieldPlan
from .rights import WriteRights


def settle(draft: Draft, env: Env, rights: WriteRights) -> None:
    """Fill in what the caller left open: defaults and the first stage of a new record, blanks where a field is off."""
    if draft.old is None:
        _defaults(draft, env)
        _first_stage(draft)
    _conditions(draft, env, rights)


def judge(draft: Draft, env: Env, rights: WriteRights) -> None:
    """Note every fault of the settled record that needs no look at other records of its own object."""
    if draft.old is not None and not rights.trusted:
        _frozen(draft, env)
    entered = _stage(draft, env, rights)
    _required(draft, env, rights, entered)
    _rules(draft, env, rights)


def _defaults(draft: Draft, env: Env) -> None:
    new, given, broken = draft.new, draft.given, draft.broken
    for known in draft.plan.defaulted:
        name = known.name
        if name in given or name in broken:
            continue
        if known.default is not None:
            new[name] = _fitting(known, known.default(env))
        else:
            new[name] = known.constant


def _fitting(known: FieldPlan, value: object) -> object:
    """A computed default in the field's own form; one that does not fit leaves the field blank."""
    try:
        return known.coerce(value)
    except Exception:  # coercers raise ValueFault only, whatever they are given
        return None


def _first_stage(draft: Draft) -> None:
    stages = draft.plan.stages
    if stages is not None and draft.new.get(stages.field) is None and stages.field not in draft.broken:
        draft.new[stages.field] = next(iter(stages.path))


def _conditions(draft: Draft, env: Env, rights: WriteRights) -> None:
    """A field whose `when` does not hold is blank. Where that depends on who looks, the stored value stays."""
    for known in draft.plan.conditional:
        if known.when is None or known.when(env):
            continue
        name = known.name
        if known.when_is_personal:
            before = draft.old.get(name) if draft.old is not None else None
            if not rights.trusted and not same(draft.new.get(name), before):
                draft.new[name] = before
        else:
            draft.new[name] = None


def _frozen(draft: Draft, env: Env) -> None:
    """`read_only` as a condition is asked of the record as it was: what closes a field cannot be undone by the same
    change, and the change that closes it may still fill it.
    """
    old = draft.old or {}
    moved = [k for k in draft.plan.frozen if k.name in draft.given and not same(draft.new.get(k.name), old.get(k.name))]
    if not moved:
        return
    row, env.row = env.row, old
    try:
        closed = [known.name for known in moved if known.read_only is not None and known.read_only(env)]
    finally:
        env.row = row
    for name in closed:
        draft.refuse(name, "read_only", "read_only_now")


def _required(draft: Draft, env: Env, rights: WriteRights, entered: Stage | None) -> None:
    new, broken, plan = draft.new, draft.broken, draft.plan
    refused = plan.stages is not None and plan.stages.field in broken
    rank = plan.rank((draft.old or {}) if refused else new)
    for known in plan.required:
        if filled(new.get(known.name)) or known.name in broken:
            continue
        if known.when is not None and not known.when(env):
            continue
        if known.stage_rank > rank:
            continue
        if known.required is None or known.required(env):
            _miss(draft, rights, known.name, "required")
    if entered is None:
        return
    for name in entered.needs:
        if not filled(new.get(name)) and name not in draft.broken and plan.fields[name].stored:
            _miss(draft, rights, name, "required_stage", stage=named(entered.label, entered.name, draft.language))


def _miss(draft: Draft, rights: WriteRights, name: str, key: str, /, **words: object) -> None:
    """A hidden field is not named: the record as a whole lacks something."""
    draft.refuse(name if rights.visible(name) else "", "required", key, **words)


def _stage(draft: Draft, env: Env, rights: WriteRights) -> Stage | None:
    """Judge a move along the path; returns the stage that is entered, None when the record stays or may not move."""
    stages = draft.plan.stages
    if stages is None or stages.field in draft.broken:
        return None
    name, path = stages.field, stages.path
    new, old = draft.new.get(name), None if draft.old is None else draft.old.get(name)
    if draft.old is not None and same(new, old):
        return None
    stage = path.get(new) if isinstance(new, str) else None
    if stage is None:
        if new is None:
            draft.refuse(name, "required", "required")
        else:
            draft.refuse(name, "stage", "stage_unknown", name=new)
        return None
    if not rights.trusted and not _reachable(draft, rights, name, old, stage):
        return None
    return stage if _admitted(draft, env, rights, name, stage) else None


def _reachable(draft: Draft, rights: WriteRights, name: str, old: Any, stage: Stage) -> bool:
    path, language = draft.plan.stages.path, draft.language  # type: ignore[union-attr]
    if draft.old is None:
        first = path[next(iter(path))]
        if stage.name == first.name or rights.unrestricted:
            return True
        draft.refuse(name, "stage", "stage_start", stage=named(first.label, first.name, language))
        return False
    before = path.get(old)
    if before is None or stage.name in before.to:
        return True
    words = {"old": named(before.label, before.name, language), "new": named(stage.label, stage.name, language)}
    draft.refuse(name, "stage", "stage_path", **words)
    return False


def _admitted(draft: Draft, env: Env, rights: WriteRights, name: str, stage: Stage) -> bool:
    """The gate and the people of a stage."""
    gate, people = draft.plan.gates.get(stage.name, (None, None))
    label = named(stage.label, stage.name, draft.language)
    if gate is not None and not gate(env):
        said = stage.message.text(draft.language) or text("stage_gate", draft.language, stage=label)
        draft.add(FieldError(name, "stage", said))
        return False
    if people is not None and not rights.unrestricted and not people(env):
        draft.refuse(name, "stage", "stage_by", stage=label)
        return False
    return True


def _rules(draft: Draft, env: Env, rights: WriteRights) -> None:
    for rule, check in draft.plan.rules:
        if check(env):
            continue
        said = rule.message.text(draft.language) or text("rule", draft.language, name=rule.name)
        places = [name for name in rule.fields if rights.visible(name)]
        for place in places or [""]:
            if place not in draft.broken or place == "":
                draft.errors.append(FieldError(place, "rule", said))
