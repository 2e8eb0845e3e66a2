"""`kind: pool`: where ownerless records wait, who may take them, and when they fall back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean
from guanxi.registry.pools import REASONS_OF_COOLDOWN, STRATEGIES

from .base import Definition, Expr, Inside, LabelText, LongText, Name, Part, SortKey, described, fault, one_of
from .base import expression_text as _expression
from .who import WhoSpec

Days = Annotated[int, Field(ge=1, le=3_650)]
Amount = Annotated[int, Field(ge=1, le=10_000_000)]
MAX_PRIORITY = 1_000_000


def _listed(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


class ClaimPart(Part):
    """Limits of taking records out of the pool; what is left out is not limited."""

    per_day: Amount | None = Field(None, description="Records a person may take in a day")
    per_week: Amount | None = Field(None, description="Records a person may take in a week, from Monday")
    per_month: Amount | None = Field(None, description="Records a person may take in a calendar month")
    holding: Amount | None = Field(None, description="Records of the object that one person may own")
    count_when: Expr | None = Field(None, description="Which owned records count as held; all of them without it")
    cooldown_days: Days | None = Field(None, description="Days until whose record it was may take it again")
    cooldown_after: one_of(*REASONS_OF_COOLDOWN, what="cooldown_after") = Field(  # type: ignore[valid-type]
        "both", description="What starts the wait: returned, recycled or both"
    )
    freeze_hours: Annotated[int, Field(ge=1, le=8_760)] | None = Field(
        None, description="Hours after it entered the pool in which nobody takes a record"
    )
    approval: one_of("none", what="approval") = Field(  # type: ignore[valid-type]
        "none", description="none: taking needs nobody's consent"
    )


class ManualPart(Part):
    """Protection by hand."""

    most: Amount = Field(description="Records a person may protect at a time")
    days: Days = Field(30, description="How long, at most")


class ProtectPart(Part):
    """Time in which a record does not fall back."""

    after_claim_days: Days | None = Field(None, description="Days after it was taken")
    after_assign_days: Days | None = Field(None, description="Days after it was given to somebody")
    manual: ManualPart | None = Field(None, description="What owners may protect by hand")


class FollowUpPart(Part):
    """Which records of a list count as a follow-up."""

    list: Name = Field("activities", description="The related list")
    when: Expr | None = Field(None, description="A condition on the record of the list")
    at: Name = Field("created_at", description="Its date or datetime field that says when it was")


def _follow_up(value: object) -> Any:
    if not isinstance(value, dict):
        return FollowUpPart.model_validate({"when": _expression(value)})
    try:
        return FollowUpPart.model_validate(value)
    except ValidationError as error:
        found = [dict(one) for one in error.errors(include_url=False)]
        raise PydanticCustomError("nested", "nested", {"errors": found, "of": FollowUpPart}) from None


FollowUpSpec = Annotated[
    Any,
    PlainValidator(_follow_up),
    Inside(FollowUpPart),
    WithJsonSchema({"anyOf": [{"type": "string"}, FollowUpPart.model_json_schema()]}),
]


class AfterPart(Part):
    """How long: days, or working_days of a calendar."""

    days: Days | None = None
    working_days: Days | None = None


class ClockPart(Part):
    """A clock that runs from the latest of the owner's start, the fields named and the end of protection."""

    from_: list[Name] = Field(
        default_factory=list,
        alias="from",
        description="Date or datetime fields of the record; follow_up (also last_follow_up_at, last_activity_at) "
        "counts follow-ups in. Without it: follow-ups",
    )
    after: AfterPart = Field(description="How long after it the record falls")
    calendar: Name | None = Field(None, description="The calendar of working_days, and of the time zone")


class RecyclePart(Part):
    """A rule that sends a record back."""

    clock: ClockPart
    when: Expr | None = Field(None, description="For which records; all of them without it")
    exempt: Expr | None = Field(None, description="Which records never fall by this rule")
    warn_days: Annotated[list[Annotated[int, Field(ge=0, le=365)]], BeforeValidator(_listed)] = Field(
        default_factory=list, description="Days before the last day on which the owner is told"
    )
    reason: LongText = Label()
    to: Name | None = Field(None, description="The pool it falls into; else the first that holds it")


class ReturnPart(Part):
    """What holds for giving a record back."""

    reasons: list[Name] = Field(default_factory=list, description="The reasons to choose from; any text without it")
    block_when: Expr | None = Field(None, description="Giving back is refused while this holds")
    warn_when: Expr | None = Field(None, description="Giving back needs a note while this holds")
    per_day: Amount | None = Field(None, description="Records a person may give back in a day")


def _strategy(value: object) -> Any:
    if isinstance(value, str):
        if value in STRATEGIES[:3]:
            return value
        raise fault(
            "wrong-value",
            f"by is {', '.join(STRATEGIES[:3])} or {{match: [fields], then: …}}, not {described(value)}",
            did_you_mean(value, STRATEGIES),
        )
    if not isinstance(value, dict) or "match" not in value:
        said = f"by is {', '.join(STRATEGIES[:3])} or {{match: [fields], then: …}}, not {described(value)}"
        raise fault("wrong-type", said)
    try:
        return MatchPart.model_validate(value)
    except ValidationError as error:
        found = [dict(one) for one in error.errors(include_url=False)]
        raise PydanticCustomError("nested", "nested", {"errors": found, "of": MatchPart}) from None


class MatchPart(Part):
    """People whose own fields have the record's values, then one of the other ways among them."""

    match: list[Name] = Field(min_length=1, description="Fields that the object and user have by the same name")
    then: one_of(*STRATEGIES[:3], what="then") = "round_robin"  # type: ignore[valid-type]


StrategySpec = Annotated[
    Any,
    PlainValidator(_strategy),
    Inside(MatchPart),
    WithJsonSchema({"anyOf": [{"enum": list(STRATEGIES[:3])}, MatchPart.model_json_schema()]}),
]
Weights = Annotated[dict[str, Annotated[int, Field(ge=1, le=1_000)]], Field(description="Log-in name → weight, else 1")]


class DistributePart(Part):
    """Records of the pool that are handed out by themselves."""

    by: StrategySpec = "round_robin"
    when: Expr | None = Field(None, description="Which records of the pool; all of them without it")
    to: WhoSpec | None = Field(None, description="Who gets them; the members without it")
    weights: Weights = Field(default_factory=dict, description="Log-in name → weight, else 1")
    per_user_day: Amount | None = Field(None, description="Records a person is given in a day")
    accept_minutes: Annotated[int, Field(ge=1, le=43_200)] | None = Field(
        None, description="Minutes to accept, after which the next one is asked"
    )
    most_hops: Annotated[int, Field(ge=1, le=50)] = Field(3, description="How many people are asked at most")


class PoolDocument(Definition):
    """A pool of ownerless records: its people, what they see of it, limits of taking, and when records fall back."""

    kind: Literal["pool"]
    label: LabelText = Label()
    description: LongText = Label()
    active: bool = Field(True, description="False: nobody takes from it and nothing new falls into it")
    object: Name = Field(description="Whose records it holds; the object is owned")
    holds: Expr | None = Field(None, description="Which ownerless records belong here; all of them without it")
    priority: int = Field(
        0, ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="The highest holds a record that several would"
    )
    members: WhoSpec | None = Field(
        None, description="Who sees the pool and takes from it: user, role, team, team_tree"
    )
    managers: WhoSpec | None = Field(None, description="Who sees everything in it and gives its records to others")
    visible: list[Name] | None = Field(
        None, description="Fields that members see of a record in the pool; the rest is masked. All without it"
    )
    claim: ClaimPart = Field(default_factory=lambda: ClaimPart.model_validate({}))
    protect: ProtectPart = Field(default_factory=lambda: ProtectPart.model_validate({}))
    follow_up: FollowUpSpec | None = Field(
        None, description="Which activities count as a follow-up: a condition on the list `activities`, or a map"
    )
    recycle: dict[Name, RecyclePart] = Field(default_factory=dict, description="Rules; any that is due counts")
    min_notice_days: Annotated[int, Field(ge=0, le=90)] = Field(
        3, description="Days a record keeps at least when a change of rules makes it due"
    )
    return_: ReturnPart = Field(default_factory=lambda: ReturnPart.model_validate({}), alias="return")
    distribute: DistributePart | None = Field(None, description="Records that are handed out by themselves")
    order: list[SortKey] = Field(default_factory=list, description="How the pool is sorted")
    renamed_from: Name | None = None
