"""`kind: assignment`: who gets a new or ownerless record; the first rule that holds decides."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.common.names import name_fault

from .base import Definition, Expr, LabelText, LongText, Name, Part, described, fault, faults
from .pool import MAX_PRIORITY, Amount, StrategySpec, Weights
from .who import who_faults


def _to(value: object) -> Any:
    if isinstance(value, dict) and "pool" in value:
        name = value["pool"]
        if len(value) != 1 or not isinstance(name, str) or name_fault(name):
            raise fault("wrong-value", f"a pool is named as {{pool: name}}, not {described(value)}")
        return value
    found = who_faults(value)
    if found:
        raise faults(found)
    return value


Receiver = Annotated[
    Any,
    PlainValidator(_to),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "minItems": 1},
                {"type": "object", "minProperties": 1, "maxProperties": 2},
            ]
        }
    ),
]


class AssignmentRulePart(Part):
    """Whom records that meet `when` go to."""

    when: Expr | None = Field(None, description="Which records; all of them without it")
    to: Receiver = Field(description="People (user, role, team, team_tree), or {pool: name}")
    by: StrategySpec = "round_robin"
    weights: Weights = Field(default_factory=dict, description="Log-in name → weight, else 1")
    per_user_day: Amount | None = Field(None, description="Records a person is given in a day by this rule")


class AssignmentDocument(Definition):
    """Rules for records that nobody was named as the owner of, whatever the channel."""

    kind: Literal["assignment"]
    label: LabelText = Label()
    description: LongText = Label()
    active: bool = Field(True, description="False: the rules are not asked")
    object: Name = Field(description="Whose records are assigned; the object is owned")
    priority: int = Field(0, ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="Of several the highest is asked first")
    rules: dict[Name, AssignmentRulePart] = Field(min_length=1, description="In order; the first that holds decides")
    renamed_from: Name | None = None
