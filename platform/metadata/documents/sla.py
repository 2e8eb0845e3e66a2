"""`kind: sla`: service levels; clocks on records, with targets, pauses, warnings and what a breach sets off."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean

from .base import Definition, Expr, LabelText, LongText, Name, Part, described, fault, one_of
from .steps import MAX_STEPS, Steps

MOST_MINUTES = 5_256_000
MOST_DAYS = 3_650
UNITS = ("hours", "minutes", "days", "working_days")
RESTARTS = ("never", "resume", "reopen")


def _moment(value: object) -> dict[str, int]:
    """When a warning comes: `75%`, 75, {percent: 75} or {minutes_before: 30}."""
    if isinstance(value, str) and value.strip().endswith("%"):
        text = value.strip().removesuffix("%").strip()
        value = {"percent": int(text)} if text.isascii() and text.isdigit() and len(text) < 4 else {"percent": text}
    elif isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        value = {"percent": value}
    if not isinstance(value, dict):
        raise fault("wrong-type", f"a warning comes at 75% or {{minutes_before: 30}}, not at {described(value)}")
    if len(value) != 1 or next(iter(value)) not in ("percent", "minutes_before"):
        key = next((key for key in value if key not in ("percent", "minutes_before")), "")
        hint = did_you_mean(str(key), ("percent", "minutes_before"))
        raise fault("wrong-value", "a warning comes at {percent: 75} or {minutes_before: 30}", hint)
    (unit, number), *_ = value.items()
    most = 99 if unit == "percent" else MOST_MINUTES
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
        said = f"a whole number from 1 to {most:,} is needed here, not {described(number)}"
        raise fault("wrong-value", said)
    return {unit: number}


_WHOLE = {"type": "integer", "minimum": 1}
At = Annotated[
    Any,
    PlainValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[1-9][0-9]?%$", "examples": ["75%"]},
                {"type": "integer", "minimum": 1, "maximum": 99},
                {
                    "type": "object",
                    "properties": {"percent": _WHOLE | {"maximum": 99}, "minutes_before": _WHOLE},
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class WarnPart(Part):
    """One step of the ladder of warnings."""

    at: At = Field(description="75% of the time, or {percent: 75}, or {minutes_before: 30} (working minutes)")
    do: Steps = Field(default_factory=list, max_length=MAX_STEPS, description="The steps; `on_warning` without it")


Warnings = Annotated[list[WarnPart], Field(max_length=20)]


class SlaTargetPart(Part):
    """One clock: how long it may take, and when it starts, stands and stops."""

    label: LabelText = Label()
    hours: int | None = Field(None, ge=1, le=MOST_MINUTES // 60, description="Hours of the calendar's working time")
    minutes: int | None = Field(None, ge=1, le=MOST_MINUTES, description="Minutes of it; may stand beside hours")
    days: int | None = Field(
        None, ge=1, le=MOST_DAYS, description="The same time of day so many (with a calendar: working) days on"
    )
    working_days: int | None = Field(
        None, ge=1, le=MOST_DAYS, description="The end of work so many working days on; needs a calendar"
    )
    start: Expr | None = Field(
        None, description="The date or moment it runs from; blank: not yet. Else when the service level begins to apply"
    )
    stop: Expr | None = Field(
        None, description="The condition that ends it; `first_response` and `resolution` know theirs"
    )
    pause: Expr | None = Field(None, description="The condition under which it stands, in place of the common one")
    warn: Warnings | None = Field(None, description="The ladder of warnings, in place of the common one")
    on_warning: Steps | None = Field(None, description="In place of the common one")
    on_breach: Steps | None = Field(None, description="In place of the common one")
    restart: one_of(*RESTARTS, what="restart") | None = Field(  # type: ignore[valid-type]
        None, description="In place of the common one; `first_response` never restarts unless it is said here"
    )

    @model_validator(mode="after")
    def _one_length(self) -> SlaTargetPart:
        given = [name for name in UNITS if getattr(self, name) is not None]
        if not given:
            raise fault("missing-key", f"say how long it may take, by one of {', '.join(UNITS)}")
        if len(given) > 1 and set(given) != {"hours", "minutes"}:
            raise fault("wrong-value", f"say how long by {given[0]} or by {given[1]}, not by both")
        return self


class SlaDocument(Definition):
    """A service level: clocks that run on records of an object, and what happens when they run out."""

    kind: Literal["sla"]
    label: LabelText = Label()
    description: LongText = Label()
    object: Name = Field(description="The object whose records have the clocks")
    when: Expr | None = Field(None, description="Only records for which this holds; all of them without it")
    calendar: Name | None = Field(None, description="Whose working time counts; round the clock without it")
    targets: dict[Name, SlaTargetPart] = Field(min_length=1, max_length=20, description="The clocks by name")
    pause: Expr | None = Field(None, description="The clocks stand while this holds, such as stage == 'waiting'")
    warn: Warnings = Field(default_factory=list, description="The ladder of warnings: when, and what is done")
    on_warning: Steps = Field(
        default_factory=list,
        max_length=MAX_STEPS,
        description="Steps of every warning that has none of its own; without `warn` at 75%",
    )
    on_breach: Steps = Field(
        default_factory=list, max_length=MAX_STEPS, description="Steps when the time is up and the clock not stopped"
    )
    restart: one_of(*RESTARTS, what="restart") = Field(  # type: ignore[valid-type]
        "resume",
        description="What a stopped clock does when its `stop` no longer holds: nothing, it goes on with what was left "
        "(the time between does not count), or it begins anew",
    )
    priority: int = Field(
        100, ge=0, le=10_000, description="Of several service levels that hold the one with the highest number applies"
    )
    active: bool = Field(True, description="False keeps the service level and ends its clocks")
