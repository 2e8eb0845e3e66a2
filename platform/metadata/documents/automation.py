"""`kind: automation`: when something happens to a record and a condition holds, do steps.

`on` is a list of events (`EVENTS`), or one trigger of time (`schedule`, `date`), or an incoming call (`webhook`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean, name_fault

from .base import Definition, Expr, Fault, LabelText, LongText, Name, described, fault, faults, one_of
from .steps import MAX_STEPS, Steps

EVENTS: dict[str, str] = {
    "create": "a record was made",
    "update": "a field of a record moved, by whatever channel; moves along the path and changes of hands too",
    "stage": "a record moved along its path",
    "delete": "a record went into the trash",
    "restore": "a record came out of the trash",
    "assigned": "a record was given to somebody",
    "claimed": "somebody took a record out of a pool",
    "released": "somebody gave a record back to a pool",
    "recycled": "a record fell back to a pool",
    "submitted": "an approval flow was started for a record",
    "approved": "an approval flow ended with yes",
    "rejected": "an approval flow ended with no",
    "returned": "an approver sent a record back",
    "withdrawn": "an approval flow was taken back",
}
# Events of rooms that are not there yet. A room that brings them takes its rows away.
EVENTS_WAITING: dict[str, str] = {}
TRIGGERS = ("schedule", "date", "webhook")
_DATE_KEYS = ("date", "offset_days", "offset_hours", "offset_working_days", "calendar", "at")
MAX_OFFSET = 3_660


def _cron_fault(text: object) -> str:
    from cronsim import CronSim, CronSimError

    if not isinstance(text, str) or len(text.split()) != 5:
        return "a schedule has five parts: minute, hour, day, month, weekday, such as '0 9 * * 1-5'"
    try:
        from datetime import UTC, datetime

        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return f"'{text[:60]}' is no schedule: {error}"
    except StopIteration:
        return f"'{text[:60]}' never comes"
    return ""


def _event(value: object) -> tuple[str, str]:
    """(sentence, hint) of what is wrong with an event, or ("", "")."""
    if not isinstance(value, str):
        return f"an event such as create or update is needed here, not {described(value)}", ""
    if value in EVENTS_WAITING:
        return f"'{value}' needs {EVENTS_WAITING[value]}, which this version does not have", ""
    if value not in EVENTS:
        return f"unknown event '{value}'", did_you_mean(value, EVENTS)
    return "", ""


def _on(value: object) -> Any:
    if isinstance(value, dict):
        found = _trigger(value)
        if found:
            raise faults(found)
        return value
    many = [value] if isinstance(value, str) else value
    if not isinstance(many, list):
        raise fault(
            "wrong-type", f"a list of events, or a map such as {{schedule: …}}, is needed, not {described(value)}"
        )
    if not many:
        raise fault("wrong-value", "no event is named, so the rule would never run")
    found = []
    for index, one in enumerate(many):
        said, hint = _event(one)
        at = (index,) if many is value else ()
        if isinstance(one, dict):
            said = "a trigger of time stands alone: write it as the value of 'on', in a rule of its own"
        if said:
            found.append((at, "wrong-value", said, hint))
    if found:
        raise faults(found)
    return list(dict.fromkeys(many))


def _trigger(value: Mapping[str, Any]) -> list[Fault]:
    kinds = [key for key in TRIGGERS if key in value]
    if len(kinds) != 1:
        unknown = next((key for key in value if key not in (*TRIGGERS, *_DATE_KEYS)), None)
        if unknown is not None and not kinds:
            return [((unknown,), "unknown-key", f"unknown key '{unknown}'", did_you_mean(unknown, TRIGGERS))]
        return [((), "wrong-value", f"a trigger has exactly one of {', '.join(TRIGGERS)}", "")]
    kind = kinds[0]
    known = _DATE_KEYS if kind == "date" else (kind,)
    found: list[Fault] = [
        ((key,), "unknown-key", f"unknown key '{key}'", did_you_mean(key, known)) for key in value if key not in known
    ]
    if kind == "schedule":
        if said := _cron_fault(value["schedule"]):
            found.append((("schedule",), "wrong-value", said, ""))
    elif kind == "webhook":
        name = value["webhook"]
        said = name_fault(name) if isinstance(name, str) else "a name is needed"
        if said:
            found.append((("webhook",), "bad-name", f"{described(name)} is not a lawful name: {said}", ""))
    else:
        found += _date(value)
    return found


def _date(value: Mapping[str, Any]) -> list[Fault]:
    found: list[Fault] = []
    if not isinstance(value["date"], str) or name_fault(value["date"]):
        found.append((("date",), "wrong-type", f"a field of the record is needed, not {described(value['date'])}", ""))
    for key in ("offset_days", "offset_hours", "offset_working_days"):
        given = value.get(key, 0)
        if not isinstance(given, int) or isinstance(given, bool) or abs(given) > MAX_OFFSET:
            said = f"a whole number from -{MAX_OFFSET:,} to {MAX_OFFSET:,} is needed here, not {described(given)}"
            found.append(((key,), "wrong-value", said, ""))
    if "offset_days" in value and "offset_working_days" in value:
        found.append((("offset_days",), "wrong-value", "say offset_days or offset_working_days, not both", ""))
    if "calendar" in value and "offset_working_days" not in value:
        found.append((("calendar",), "wrong-value", "a calendar counts offset_working_days", ""))
    return found


def _once(value: object) -> Any:
    if value in ("per_record", "per_change"):
        return value
    if isinstance(value, dict) and list(value) == ["per_record_days"]:
        days = value["per_record_days"]
        if isinstance(days, int) and not isinstance(days, bool) and 1 <= days <= MAX_OFFSET:
            return value
        raise fault("wrong-value", f"a number of days from 1 to {MAX_OFFSET:,} is needed, not {described(days)}")
    said = f"once is per_change, per_record or {{per_record_days: 7}}, not {described(value)}"
    hint = did_you_mean(value, ("per_record", "per_change")) if isinstance(value, str) else ""
    raise fault("wrong-value", said, hint)


def _running(*words: str, what: str) -> Any:
    return one_of(*words, what=what)


_INTEGER = {"type": "integer", "minimum": -MAX_OFFSET, "maximum": MAX_OFFSET}
_READY = [name for name in EVENTS if name not in EVENTS_WAITING]
_ON_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "enum": _READY},
        {"type": "array", "minItems": 1, "items": {"type": "string", "enum": _READY}},
        {
            "type": "object",
            "properties": {"schedule": {"type": "string", "examples": ["0 9 * * 1-5"]}},
            "required": ["schedule"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "date": {"type": "string"},
                "offset_days": _INTEGER,
                "offset_hours": _INTEGER,
                "offset_working_days": _INTEGER,
                "calendar": {"type": "string"},
                "at": {"type": "string", "examples": ["09:00"]},
            },
            "required": ["date"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"webhook": {"type": "string"}},
            "required": ["webhook"],
            "additionalProperties": False,
        },
    ]
}
On = Annotated[Any, PlainValidator(_on), WithJsonSchema(_ON_SCHEMA)]
_DAYS_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_OFFSET}
Once = Annotated[
    Any,
    PlainValidator(_once),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": ["per_change", "per_record"]},
                {
                    "type": "object",
                    "properties": {"per_record_days": _DAYS_SCHEMA},
                    "required": ["per_record_days"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class AutomationDocument(Definition):
    """A rule: when something happens to a record and a condition holds, do steps."""

    kind: Literal["automation"]
    label: LabelText = Label()
    description: LongText = Label()
    object: Name = Field(description="The object whose records it is about")
    on: On = Field(
        description="Events (create, update, stage, delete, restore, assigned …), or {schedule: cron line in the "
        "instance's zone}, or {date: field, offset_days, offset_hours, offset_working_days, calendar, at}, or "
        "{webhook: name}"
    )
    when: Expr | None = Field(
        None, description="Only when this holds; with events it may use changed(), was() and old values"
    )
    do: Steps = Field(min_length=1, max_length=MAX_STEPS, description="The steps, in order")
    run_as: one_of("system", "user", what="run_as") = Field(  # type: ignore[valid-type]
        "system", description="Whose rights the steps have: the definitions' own, or those of the person who acted"
    )
    once: Once = Field(
        "per_change", description="per_change, per_record (once for a record, ever) or {per_record_days: 7}"
    )
    on_error: one_of("continue", "fail", what="on_error") = Field(  # type: ignore[valid-type]
        "continue", description="What a failing step does: it is shown in the trace, or it refuses the person's save"
    )
    priority: int = Field(100, ge=0, le=10_000, description="Rules of one event run from the smallest number up")
    active: bool = Field(True, description="False keeps the rule and does not run it")
    settles: bool = Field(
        False, description="True says that the rule comes to rest although it writes what sets it off again"
    )
