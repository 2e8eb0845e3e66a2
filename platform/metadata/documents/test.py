"""`kind: test`: metadata is tested like code; records to make, things to do, and what must then hold.

A step is a map with one verb. The catalogue of verbs below is the whole grammar of `when` and `then`; what a step names
(fields, people, records) is judged when documents are linked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean

from .base import Definition, Fault, LabelText, LongText, Name, Text, described, faults


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb of a test takes: keys it needs, keys it may have, and what it means."""

    said: str
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys."""
        return (*self.needs, *self.may)


_BY = ("as", "refused")
_TASK = ("record", "approval", "comment", *_BY)
DOING: dict[str, Verb] = {
    "create": Verb("Make a record; `record` names it from here on", ("object",), ("record", "values", "force", *_BY)),
    "update": Verb("Change fields of a record", ("record", "values"), ("force", *_BY)),
    "delete": Verb("Put a record into the trash", ("record",), _BY),
    "restore": Verb("Take a record out of the trash", ("record",), _BY),
    "move_stage": Verb("Move a record along its path", ("record", "to"), ("values", *_BY)),
    "assign": Verb("Give a record to somebody", ("record", "owner"), ("reason", *_BY)),
    "action": Verb("Press a button of the record", ("record", "name"), _BY),
    "submit": Verb("Send a record into an approval", ("record",), ("approval", "comment", "approvers", *_BY)),
    "approve": Verb("Agree, as somebody who is asked", (), ("values", "approvers", *_TASK)),
    "reject": Verb("Refuse, as somebody who is asked", (), ("values", *_TASK)),
    "return": Verb("Send back: to start, previous, or a step", (), ("to", *_TASK)),
    "transfer": Verb("Give one's own task to somebody else", ("user",), _TASK),
    "add_signer": Verb("Have more people sign: before, after or beside", ("users",), ("where", "sign", *_TASK)),
    "withdraw": Verb("Take a submission back", (), _TASK),
    "wait": Verb("Move the clock on, and do what becomes due", (), ("weeks", "days", "hours", "minutes", "until")),
}
HOLDING: dict[str, Verb] = {
    "check": Verb("A condition holds for a record", ("record", "that"), ("as",)),
    "visible": Verb("Somebody may read a record", ("record", "to")),
    "hidden": Verb("Somebody may not read a record, or it is gone", ("record", "to")),
    "grant": Verb(
        "What somebody may do with a field of a record: none, masked, read or edit", ("record", "field", "to", "is")
    ),
    "count": Verb("How many records there are", ("object", "is"), ("where", "as")),
    "waiting_on": Verb(
        "At which steps an approval waits ([]: at none), in which state it is, and who is asked",
        ("is",),
        ("approval", "record", "state", "people"),
    ),
    "clock": Verb(
        "A clock of the record is running, paused, met, breached, cancelled or none (it has none of this target)",
        ("record", "target", "is"),
        ("sla",),
    ),
    "ran": Verb("An automation ran, so many times (0: it did not)", ("automation",), ("record", "times")),
}
# Verbs of definitions that are not there yet, by what they need.
_ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(("claim", "release", "recycle", "distribute", "in_pool"), "pool"),
}

OF_APPROVALS = ("submit", "approve", "reject", "return", "transfer", "add_signer", "withdraw", "waiting_on")
"""Verbs about an approval; without `record` they mean the record submitted last."""


def _fault(verbs: Mapping[str, Verb], step: object) -> Fault | None:
    if not isinstance(step, dict) or not step:
        return (), "wrong-type", f"a step is a map with a verb, not {described(step)}", ""
    if len(step) != 1:
        return (), "wrong-value", "a step has exactly one verb; write several steps as several entries", ""
    (name, given), *_ = step.items()
    if name not in verbs:
        return _unknown(verbs, name)
    if not isinstance(given, dict):
        return (name,), "wrong-type", f"a map is needed here, not {described(given)}", ""
    verb = verbs[name]
    for key in given:
        if key not in verb.keys:
            return (name, key), "unknown-key", f"unknown key '{key}' of {name}", did_you_mean(key, verb.keys)
    missing = [key for key in verb.needs if key not in given]
    if missing:
        return (name,), "missing-key", f"'{missing[0]}' is missing", f"{name}: {verb.said}"
    return None


def _unknown(verbs: Mapping[str, Verb], name: str) -> Fault:
    if name in DOING or name in HOLDING:
        right = "when" if name in DOING else "then"
        return (name,), "unknown-key", f"'{name}' belongs under '{right}'", ""
    if name in _ELSEWHERE:
        said = f"'{name}' needs definitions of kind {_ELSEWHERE[name]}, which this version does not have"
        return (name,), "unknown-key", said, ""
    return (name,), "unknown-key", f"unknown step '{name}'", did_you_mean(name, verbs)


def _judged(verbs: Mapping[str, Verb]) -> PlainValidator:
    def judge(value: object) -> list[Any]:
        many = [value] if isinstance(value, dict) else value
        if not isinstance(many, list):
            raise faults([((), "wrong-type", f"a list of steps is needed here, not {described(value)}", "")])
        found: list[Fault] = []
        for index, step in enumerate(many):
            one = _fault(verbs, step)
            if one is not None:
                found.append(((index, *one[0]), *one[1:]))
        if found:
            raise faults(found)
        return many

    return PlainValidator(judge)


def _schema(verbs: Mapping[str, Verb]) -> WithJsonSchema:
    steps = {
        name: {
            "type": "object",
            "description": verb.said,
            "properties": {key: {} for key in verb.keys},
            "required": list(verb.needs),
            "additionalProperties": False,
        }
        for name, verb in verbs.items()
    }
    step = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": steps,
        "additionalProperties": False,
    }
    return WithJsonSchema({"anyOf": [{"type": "array", "items": step}, step]})


Doing = Annotated[list[Any], _judged(DOING), _schema(DOING)]
Holding = Annotated[list[Any], _judged(HOLDING), _schema(HOLDING)]


class TestDocument(Definition):
    """A test that `guanxi test` runs on a scratch database with a set clock."""

    __test__ = False

    kind: Literal["test"]
    label: LabelText = Label()
    description: LongText = Label()
    at: Text | None = Field(
        None,
        description="The moment the clock stands at, such as 2026-03-01T09:00:00Z; without a zone, local time",
    )
    users: dict[Name, dict[str, Any]] = Field(
        default_factory=dict,
        description="People by log-in name: roles, team, manager and other fields. Who has no `roles` here, and who is "
        "only mentioned elsewhere, is an administrator",
    )
    given: dict[Name, dict[Name, dict[str, Any]]] = Field(
        default_factory=dict,
        description="Records to make: object → name in this test → values; a reference names another one of them",
    )
    when: Doing = Field(
        default_factory=list,
        description="What is done, one verb each, by an administrator or by the person in `as`; `refused: {code, "
        "field, rule}` says that it must be refused",
    )
    then: Holding = Field(default_factory=list, description="What must hold afterwards")
