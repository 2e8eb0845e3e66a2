"""Starting an approval: by hand, or because a change needs one. What cannot be routed is refused, never let through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest, Conflict, FieldError, Forbidden, Invalid
from guanxi.common.names import did_you_mean
from guanxi.common.text import text_fault
from guanxi.expressions.evaluate import compile_expression
from guanxi.registry.approvals import Flow, Who

from ..records.environment import environment
from ..records.extensions import Change
from ..records.plan import ObjectPlan
from . import ending
from .approvers import Approvers, Question
from .definition import Blocked
from .engine import FAULTS, Engine
from .locks import definitions_of, lock_of
from .rows import Instance
from .store import Store

if TYPE_CHECKING:
    from ..records.work import Work

LONGEST_COMMENT = 4_000
CHOICES = ("submitter_choice", "previous_choice")
Row = Mapping[str, Any]


def submit(work: Work, plan: ObjectPlan, record: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """{"approval": name, "comment": text, "approvers": {step: [user ids]}}: start a flow on a record by hand.

    Conflict `no_flow` when none fits, `running` when one is on its way; Forbidden when the person may not.
    """
    for key in payload:
        if key not in ("approval", "comment", "approvers"):
            hint = did_you_mean(str(key)[:60], ("approval", "comment", "approvers"))
            raise BadRequest(f"Submitting has no key {str(key)[:60]!r}.", hint=hint)
    row = work.locked(plan, record)
    waiting = Store(work.db).active_of(plan.name, record)
    if waiting is not None and waiting.state == "returned" and waiting.submitted_by == work.actor.id:
        return _again(work, waiting, payload)
    flow = chosen_flow(work, plan, row, payload.get("approval"))
    may(work, plan, flow, row)
    comment = comment_of(payload.get("comment"), work.language)
    change = Change("submit", row, row)
    number = start(work, plan, flow, "submit", change, comment=comment, chosen=payload.get("approvers"))
    return _short(work, number)


def _again(work: Work, waiting: Instance, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Submitting what was returned goes on with the same approval."""
    from .whole import resubmit

    store = Store(work.db)
    instance = store.lock(waiting.id)
    flow = definitions_of(work.room).of(instance.flow, instance.object, instance.definition)
    resubmit(Engine(work, store, instance, flow), {k: v for k, v in payload.items() if k != "approval"})
    return _short(work, instance.id)


def _short(work: Work, number: int) -> dict[str, Any]:
    from .views import short

    found = Store(work.db).instance(number)
    return short(work, found) if found is not None else {"id": number}


def chosen_flow(work: Work, plan: ObjectPlan, row: Row, name: object) -> Flow:
    """The flow a submission starts: the one named, or the first that holds. Conflict `no_flow` when there is none."""
    flows = [flow for flow in definitions_of(work.room).live(plan.name) if flow.active]
    if name is not None:
        found = next((flow for flow in flows if flow.name == name), None)
        if found is None:
            hint = did_you_mean(str(name)[:60], [flow.name for flow in flows])
            raise Conflict(f"No approval flow {str(name)[:60]!r} can be started here.", code="no_flow", hint=hint)
        flows = [found]
    fitting = [flow for flow in flows if _by_hand(flow, named=name is not None) and holds(work, plan, flow, row)]
    if not fitting:
        raise Conflict("No approval flow fits this record.", code="no_flow")
    return fitting[0]


def _by_hand(flow: Flow, *, named: bool) -> bool:
    """A flow that only watches changes is started by hand only when it is named and guards a stage."""
    return "submit" in flow.start.on or (named and bool(flow.start.stages))


def holds(work: Work, plan: ObjectPlan, flow: Flow, row: Row) -> bool:
    """Whether the start condition holds on a record as it is."""
    condition = flow.start.when
    return condition is None or bool(compile_expression(condition)(environment(work, plan.name, row, row)))


def may(work: Work, plan: ObjectPlan, flow: Flow, row: Row) -> None:
    """Whoever the flow names may submit; without that, whoever may change the record."""
    if work.trusted:
        return
    start = flow.start
    if start.by is not None:
        if compile_expression(start.by)(environment(work, plan.name, row)):
            return
    elif start.who:
        question = Question(flow, next(flow.all_steps()), row, work.actor.id, {}, work.now)
        people = {pick.user for pick in Approvers(work).resolve(start.who, question)}
        if work.actor.id in people or work.actor.administrator:
            return
    elif work.may(plan, "update", row) or "submit" in work.rights(plan.name).actions:
        return
    raise Forbidden("You may not submit this record for approval.")


def may_submit(work: Work, plan: ObjectPlan, row: Row) -> dict[str, Any] | None:
    """For the record page: the flows the actor may start now; None when there is none."""
    if Store(work.db).active_of(plan.name, row["id"]) is not None:
        return None
    offered = []
    for flow in definitions_of(work.room).live(plan.name):
        if not flow.active or not _by_hand(flow, named=bool(flow.start.stages)):
            continue
        try:
            may(work, plan, flow, row)
        except Forbidden:
            continue
        if holds(work, plan, flow, row):
            offered.append({"name": flow.name, "label": flow.label.text(work.language)})
    return {"approvals": offered} if offered else None


def comment_of(given: object, language: str, *, needed: bool = False) -> str:
    """A comment as a person typed it; Invalid when it is no text, too long, or missing where it is needed."""
    if given is None or given == "":
        if needed:
            raise Invalid([FieldError("comment", "required", "Say why." if language == "en" else "请填写意见")])
        return ""
    if not isinstance(given, str) or text_fault(given):
        raise Invalid([FieldError("comment", "type", "A comment is a text.")])
    if len(given) > LONGEST_COMMENT:
        raise Invalid([FieldError("comment", "length", f"A comment has at most {LONGEST_COMMENT} characters.")])
    return given.strip()


# the instance ---------------------------------------------------------------------------------------------------
def start(
    work: Work,
    plan: ObjectPlan,
    flow: Flow,
    operation: str,
    change: Change,
    *,
    comment: str = "",
    chosen: object = None,
) -> int:
    """A new instance on the record of `change`, walked as far as it goes by itself; returns its number."""
    store = Store(work.db)
    row = change.row
    fields = plan.fields
    proposal = {} if operation in ("submit", "create", "delete") else ending.proposal_of(change, fields)
    instance = Instance(
        id=0,
        flow=flow.name,
        object=plan.name,
        record_id=row["id"],
        operation=operation,
        state="running",
        submitted_by=work.actor.id,
        at=work.stamp,
        version=int(row.get("version") or 0),
        definition=dict(flow.source),
        proposal=proposal,
        title=title_of(work, plan, row),
        comment=comment,
        locked=lock_of(flow),
        previous_id=_previous(store, plan.name, row["id"]),
    )
    instance.chosen = chosen_people(work, flow, instance, row, chosen)
    store.insert(instance)
    engine = Engine(work, store, instance, flow)
    engine.note("submitted", by=work.actor.id, comment=comment, detail={"operation": operation})
    ending.event(engine, "submitted")
    try:
        engine.copy(flow.cc, "", at="submit")
        engine.begin()
    except Blocked as fault:
        raise Conflict(f"The approval cannot start: {fault}.", code="no_approver") from fault
    except FAULTS as fault:
        engine.suspend(str(fault), "begin")
    return instance.id


def _previous(store: Store, object_name: str, record: int) -> int | None:
    earlier = store.of_record(object_name, record, most=1)
    return earlier[0].id if earlier else None


def title_of(work: Work, plan: ObjectPlan, row: Row) -> str:
    """The record's title as definitions give it, for lists of tasks."""
    title = plan.object.title
    value = compile_expression(title)(environment(work, plan.name, row)) if title is not None else None
    return str(value)[:200] if value not in (None, "") else f"#{row['id']}"


def chosen_people(
    work: Work, flow: Flow, instance: Instance, row: Row, given: object, *, kind: str = "submitter_choice"
) -> dict[str, list[int]]:
    """Whom a person picked for later steps: {step: [user ids]}, judged against what the steps allow."""
    kinds = CHOICES if kind == "submitter_choice" else (kind,)
    asked = {step.name: (step, who) for step in flow.all_steps() for who in step.who if who.kind in kinds}
    picked = given if given is not None else {}
    if not isinstance(picked, Mapping):
        raise Invalid([FieldError("approvers", "type", "Name people by step.")])
    for name in picked:
        if name not in asked:
            raise Invalid([FieldError("approvers", "unknown_field", f"Nobody is picked for {str(name)[:60]!r}.")])
    found = dict(instance.chosen)
    for name, (step, who) in asked.items():
        if (who.kind == kind == "submitter_choice" and not found.get(name)) or name in picked:
            question = Question(flow, step, row, instance.submitted_by, {}, work.now)
            found[name] = _people(work, question, who, picked.get(name))
    return found


def _people(work: Work, question: Question, who: Who, given: object) -> list[int]:
    users = given if isinstance(given, Sequence) and not isinstance(given, str) else []
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in users):
        raise Invalid([FieldError("approvers", "type", "People are named by their ids.")])
    if not who.least <= len(set(users)) <= who.most:
        label = question.step.label.text(work.language)
        said = f"Pick between {who.least} and {who.most} people for '{label}'."
        raise Invalid([FieldError("approvers", "required" if not users else "range", said)])
    approvers = Approvers(work)
    people = approvers.organisation.people(users)
    allowed = None
    if who.among:
        allowed = {pick.user for pick in approvers.resolve(who.among, question)}
    for user in users:
        if user not in people or not people[user].active or (allowed is not None and user not in allowed):
            raise Invalid([FieldError("approvers", "reference", "One of the people cannot be picked.")])
    return list(dict.fromkeys(users))
