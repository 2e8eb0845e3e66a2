"""`kind: approval`: who must agree before something happens to a record, in a tree of steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean
from guanxi.registry.approval_source import OVERDUE
from guanxi.registry.approvals import EVENTS, OPERATIONS, REPEATS, SELF_POLICIES

from .base import (
    Definition,
    Expr,
    Fault,
    Inside,
    LabelText,
    LongText,
    Name,
    Part,
    described,
    expression_text,
    fault,
    faults,
    one_of,
)
from .steps import Steps
from .who import BARE, WhoSpec, who_faults

Percent = Annotated[int, Field(ge=1, le=100)]
Count = Annotated[int, Field(ge=1, le=1_000)]
Minutes = Annotated[int, Field(ge=1, le=525_600)]
_EMPTY = ("admin", "auto_pass", "auto_reject", "block")
_ON_REJECT = ("end", "to_start", "to_previous")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _nested(model: type[BaseModel], value: object, *before: str | int) -> BaseModel:
    """Judge a part by its model inside another validator; its faults keep their places."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = [{**one, "loc": (*before, *one["loc"])} for one in error.errors(include_url=False)]
        raise PydanticCustomError("nested", "nested", {"errors": found, "of": model}) from None


# forms with several shapes ---------------------------------------------------------------------------------------
class VotePart(Part):
    """Votes that are counted; `percent` of the weights, or `count` of them."""

    percent: Percent | None = Field(None, description="So many of a hundred parts of the weight must agree")
    count: Count | None = Field(None, description="So many must agree")
    against: Count | None = Field(None, description="With `count`: so many against reject")
    weights: dict[str, Count] = Field(default_factory=dict, description="Log-in name → weight; others weigh 1")
    strict: bool = Field(False, description="More than `percent`, not just as much")
    close_early: bool = Field(True, description="False waits for every vote")


def _sign(value: object) -> Any:
    if isinstance(value, str):
        if value in ("any", "all", "in_order"):
            return value
        raise fault(
            "wrong-value",
            f"sign is any, all, in_order or a map, not {described(value)}",
            did_you_mean(value, ("any", "all", "in_order")),
        )
    if not isinstance(value, dict):
        raise fault("wrong-type", f"sign is any, all, in_order or a map, not {described(value)}")
    model = _nested(VotePart, value)
    if not isinstance(model, VotePart) or (model.percent is None) == (model.count is None):
        raise fault("missing-key", "a vote says either 'percent' or 'count'")
    return value


SignSpec = Annotated[
    Any,
    PlainValidator(_sign),
    Inside(VotePart),
    WithJsonSchema({"anyOf": [{"enum": ["any", "all", "in_order"]}, VotePart.model_json_schema()]}),
]


def _empty(value: object) -> Any:
    if isinstance(value, str) and value in _EMPTY:
        return value
    if isinstance(value, dict) and list(value) == ["assign"]:
        found: list[Fault] = [(("assign", *p), *rest) for p, *rest in who_faults(value["assign"], choices=False)]  # type: ignore[misc]
        if found:
            raise faults(found)
        return value
    hint = did_you_mean(value, _EMPTY) if isinstance(value, str) else ""
    raise fault("wrong-value", f"empty is {', '.join(_EMPTY)} or {{assign: …}}, not {described(value)}", hint)


EmptySpec = Annotated[
    Any, PlainValidator(_empty), WithJsonSchema({"anyOf": [{"enum": list(_EMPTY)}, {"type": "object"}]})
]


def _on_reject(value: object) -> Any:
    if isinstance(value, str) and value in _ON_REJECT:
        return value
    if isinstance(value, dict) and list(value) == ["return_to"] and isinstance(value["return_to"], str):
        return value
    hint = did_you_mean(value, _ON_REJECT) if isinstance(value, str) else ""
    raise fault("wrong-value", f"on_reject is {', '.join(_ON_REJECT)} or {{return_to: step}}", hint)


OnReject = Annotated[
    Any, PlainValidator(_on_reject), WithJsonSchema({"anyOf": [{"enum": list(_ON_REJECT)}, {"type": "object"}]})
]


class OverduePart(Part):
    """What a time limit does, and when after it."""

    after_hours: int = Field(0, ge=0, le=8_760, description="Hours after the task became due")
    every_hours: int = Field(24, ge=1, le=720, description="How far reminders are apart")
    times: int = Field(1, ge=1, le=10, description="How many reminders")
    to: WhoSpec | None = Field(None, description="Who is told or gets the task; else the assignee or his manager")
    by: one_of("transfer", "add", what="by") = "transfer"  # type: ignore[valid-type]


def _overdue(value: object) -> list[Any]:
    found: list[Fault] = []
    many = value if isinstance(value, list) else [value]
    for index, one in enumerate(many):
        word = (
            one if isinstance(one, str) else next(iter(one), None) if isinstance(one, dict) and len(one) == 1 else None
        )
        if word not in OVERDUE:
            said = f"an overdue task does one of {', '.join(OVERDUE)}, not {described(one)}"
            found.append(((index,), "wrong-value", said, did_you_mean(str(word), OVERDUE) if word else ""))
        elif isinstance(one, dict) and one[word] is not None:
            _nested(OverduePart, one[word], index, word)
    if found:
        raise faults(found)
    return many


OverdueSpec = Annotated[
    list[Any],
    PlainValidator(_overdue),
    Inside(OverduePart),
    WithJsonSchema({"type": "array", "items": {"anyOf": [{"enum": list(OVERDUE)}, {"type": "object"}]}}),
]


class DuePart(Part):
    """The time a task has, from the moment it opens."""

    minutes: Minutes | None = None
    hours: Annotated[int, Field(ge=1, le=8_760)] | None = Field(None, description="Working hours with a calendar")
    days: Annotated[int, Field(ge=1, le=365)] | None = None
    working_days: Annotated[int, Field(ge=1, le=365)] | None = None
    calendar: Name | None = Field(None, description="The calendar that says when people work")
    then: OverdueSpec = Field(default_factory=list, description="remind, escalate, auto_pass or auto_reject, in order")


class CopyPart(Part):
    """People who are told without a vote."""

    who: WhoSpec
    at: one_of("submit", "pass", "end", what="at") = "end"  # type: ignore[valid-type]


def _copies(value: object) -> Any:
    many = value if isinstance(value, list) else [value]
    found: list[Fault] = []
    for index, one in enumerate(many):
        if isinstance(one, dict) and "who" in one:
            _nested(CopyPart, one, *((index,) if isinstance(value, list) else ()))
        else:
            at = (index,) if isinstance(value, list) else ()
            found.extend(((*at, *p), *rest) for p, *rest in who_faults(one))  # type: ignore[misc]
    if found:
        raise faults(found)
    return value


Copies = Annotated[
    Any,
    PlainValidator(_copies),
    Inside(CopyPart),
    WithJsonSchema({"anyOf": [{"type": "array"}, {"type": "object"}, {"enum": ["owner", "submitter"]}]}),
]
Comment: Any = one_of("never", "on_reject", "always", what="comment")
StepEvent: Any = one_of("approved", "rejected", what="event")
FlowEvent: Any = one_of(*EVENTS, what="event")


# the tree ---------------------------------------------------------------------------------------------------------
class StepPart(Part):
    """A step, or a block of branches (`choose`, `parallel`)."""

    label: LabelText = Label()
    help: LongText = Field(Label(), description="What the approver should look at")
    as_: one_of("approve", "cc", "auto_pass", "auto_reject", what="as") = Field(  # type: ignore[valid-type]
        "approve", alias="as", description="approve, or a step that only tells, passes or rejects by itself"
    )
    who: WhoSpec | None = Field(None, description="Who decides")
    sign: SignSpec = Field("any", description="any, all, in_order, {percent, weights, strict} or {count}")
    reject: one_of("first", "after_all", "all", what="reject") = Field(  # type: ignore[valid-type]
        "first", description="With any: `all` rejects only when all do; with all: `after_all` waits for every vote"
    )
    when: Expr | None = Field(None, description="The step is left out when this does not hold")
    due: DuePart | None = Field(None, description="The time for it and what happens then")
    edit: list[Name] = Field(default_factory=list, description="Fields the approver may change with the decision")
    required: list[Name] = Field(default_factory=list, description="Fields the approver must fill to approve")
    hidden: list[Name] = Field(default_factory=list, description="Fields the approver does not see in this step")
    cc: Copies | None = Field(None, description="Who is told when the step has passed")
    on_reject: OnReject = Field("end", description="end, to_start, to_previous or {return_to: step}")
    self_: one_of(*SELF_POLICIES, what="self") | None = Field(None, alias="self", description="Else the flow's")  # type: ignore[valid-type]
    empty: EmptySpec | None = Field(None, description="Else the flow's")
    repeat: one_of(*REPEATS, what="repeat") | None = Field(None, description="Else the flow's")  # type: ignore[valid-type]
    always_ask: bool = Field(False, description="Asked although the person has agreed before")
    comment: Comment | None = Field(None, description="When a comment must be given; else the flow's")
    no_batch: bool = Field(False, description="Cannot be decided together with others")
    on: dict[StepEvent, Steps] = Field(
        default_factory=dict, description="What happens when the step has passed or was rejected"
    )
    choose: dict[Name, BranchPart] | None = Field(None, description="The first branch that holds is taken")
    parallel: dict[Name, BranchPart] | None = Field(None, description="All branches that hold are taken, then joined")


class BranchPart(Part):
    """A way through a block."""

    label: LabelText = Label()
    when: Expr | None = Field(None, description="Taken when this holds; without it the default, or always in parallel")
    steps: dict[Name, StepPart] = Field(default_factory=dict, description="Steps in order; none passes at once")


StepPart.model_rebuild()
BranchPart.model_rebuild()


def step_names(steps: Mapping[str, StepPart]) -> Iterator[str]:
    """Names of all steps of a tree, blocks left out."""
    for name, part in steps.items():
        branches = part.choose or part.parallel
        if branches is None:
            yield name
        for branch in (branches or {}).values():
            yield from step_names(branch.steps)


class RequiredPart(Part):
    """What cannot happen without the approval."""

    stage: Annotated[list[Name], BeforeValidator(_listed)] = Field(
        min_length=1, description="Stages that cannot be entered without it"
    )


def _by(value: object) -> Any:
    if isinstance(value, str):
        return value if value in BARE else expression_text(value)
    found = who_faults(value, choices=False)
    if found:
        raise faults(found)
    return value


class StartPart(Part):
    """When the approval begins."""

    on: Annotated[list[one_of(*OPERATIONS, what="on")], BeforeValidator(_listed)] = Field(  # type: ignore[valid-type]
        default_factory=lambda: ["submit"], min_length=1, description="What sets it off"
    )
    watch: list[Name] = Field(default_factory=list, description="With update: only when one of these changes")
    when: Expr | None = Field(None, description="Only when this holds")
    by: Annotated[Any, PlainValidator(_by), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]})] = (
        Field(None, description="Who may submit: owner, {role: …} or a condition on the person")
    )
    priority: int = Field(0, ge=0, le=10_000, description="Several flows on one object: the highest whose start holds")
    required_for: RequiredPart | None = Field(None, description="Stages that cannot be entered without it")
    no_flow: one_of("allow", "block", what="no_flow") = Field(  # type: ignore[valid-type]
        "allow", description="What an operation does that this flow watches when no flow holds"
    )


class UrgePart(Part):
    """How often somebody may be urged."""

    every_minutes: Minutes = 15
    per_day: Annotated[int, Field(ge=1, le=100)] = 5


def _lock(value: object) -> Any:
    if value in ("all", "none") or (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        return value
    raise fault("wrong-value", f"lock is all, none or a list of fields, not {described(value)}")


Lock = Annotated[
    Any,
    PlainValidator(_lock),
    WithJsonSchema({"anyOf": [{"enum": ["all", "none"]}, {"type": "array", "items": {"type": "string"}}]}),
]


class ApprovalDocument(Definition):
    """An approval flow on one object."""

    kind: Literal["approval"]
    label: LabelText = Label()
    description: LongText = Label()
    object: Name = Field(description="The object whose records are approved")
    active: bool = Field(True, description="False: nothing new starts; what runs goes on")
    start: StartPart = Field(default_factory=lambda: StartPart.model_validate({}), description="When it begins")
    lock: Lock = Field("all", description="What nobody may change meanwhile: all, none or fields")
    lock_children: list[Name] = Field(default_factory=list, description="Related lists that are locked along")
    keep_lock: bool = Field(False, description="The record stays locked after approval")
    always_editable: list[Name] = Field(default_factory=list, description="Fields that stay open although locked")
    editable_on_return: list[Name] | None = Field(None, description="Fields open to the submitter; all when absent")
    material: list[Name] = Field(default_factory=list, description="A change of these voids earlier approvals")
    withdraw: one_of("before_first_decision", "anytime", "never", what="withdraw") = Field(  # type: ignore[valid-type]
        "before_first_decision", description="Until when the submitter may take it back"
    )
    resubmit: one_of("restart", "resume", what="resubmit") = Field(  # type: ignore[valid-type]
        "restart", description="After a return: from the start, or on at the step that returned it"
    )
    resubmit_to: one_of("all", "only_unapproved", what="resubmit_to") = Field(  # type: ignore[valid-type]
        "all", description="With resume: whether those who had agreed there are asked again"
    )
    self_: one_of(*SELF_POLICIES, what="self") = Field(  # type: ignore[valid-type]
        "to_manager", alias="self", description="What happens when the submitter would decide"
    )
    self_is: one_of("submitter", "both", what="self_is") = Field("submitter", description="both: the owner too")  # type: ignore[valid-type]
    empty: EmptySpec = Field("admin", description="What happens when nobody is found")
    repeat: one_of(*REPEATS, what="repeat") = Field(  # type: ignore[valid-type]
        "adjacent", description="Whether somebody who agreed is asked again: adjacent, once: not; each: always"
    )
    require_human: bool = Field(True, description="Nothing is approved without a person's decision")
    comment: Comment = Field("never", description="When a comment must be given")
    admin: WhoSpec | None = Field(None, description="Who looks after it; the administrators when absent")
    cc: Copies | None = Field(None, description="Who is told: {who, at: submit|pass|end}")
    urge: UrgePart | None = Field(None, description="How often somebody may be urged")
    take_back_minutes: int = Field(0, ge=0, le=525_600, description="How long an approver may take back; 0: no limit")
    batch: bool = Field(True, description="May be decided together with others")
    steps: dict[Name, StepPart] = Field(min_length=1, description="The steps in order")
    on: dict[FlowEvent, Steps] = Field(default_factory=dict, description="What happens at the end and on the way")
