"""`kind: test`: metadata is tested like code; records to make, things to do, and what must then hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label

from .base import Definition, Fault, LabelText, LongText, Name, Text, described, fault, faults


def _sequence(value: object) -> list[Any]:
    many = [value] if isinstance(value, dict) else value
    if not isinstance(many, list):
        raise fault("wrong-type", f"a list of steps is needed here, not {described(value)}")
    found: list[Fault] = [
        ((index,), "wrong-type", f"a step is a map with a verb, not {described(step)}", "")
        for index, step in enumerate(many)
        if not isinstance(step, dict) or not step
    ]
    if found:
        raise faults(found)
    return many


Sequence = Annotated[
    list[Any],
    PlainValidator(_sequence),
    WithJsonSchema({"type": "array", "items": {"type": "object", "minProperties": 1}}),
]


class TestDocument(Definition):
    """A test that `guanxi test` runs on a scratch database with a set clock."""

    __test__ = False

    kind: Literal["test"]
    label: LabelText = Label()
    description: LongText = Label()
    at: Text | None = Field(None, description="The moment the clock stands at, such as 2026-03-01T09:00:00Z")
    users: dict[Name, dict[str, Any]] = Field(
        default_factory=dict, description="People by log-in name, with their roles"
    )
    given: dict[Name, dict[Name, dict[str, Any]]] = Field(
        default_factory=dict, description="Records to make: object → name in this test → values"
    )
    when: Sequence = Field(default_factory=list, description="What is done, one verb each")
    then: Sequence = Field(description="What must hold afterwards")
