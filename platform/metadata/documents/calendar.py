"""`kind: calendar`: working hours, holidays and make-up days of one place."""

from __future__ import annotations

import re
from datetime import date, time
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean

from .base import Definition, Fault, LabelText, LongText, Name, described, fault, faults

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_INTERVAL = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)\Z")
Interval = tuple[time, time]


def days_of(key: str) -> tuple[int, ...]:
    """Weekdays of `mon`, `mon-fri` or `sat,sun` (Monday is 0); empty when it is none of these."""
    found: list[int] = []
    for part in key.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            return ()
        start, end = DAYS.index(first), DAYS.index(last or first)
        span = range(start, end + 1) if start <= end else (*range(start, 7), *range(end + 1))
        found.extend(span)
    return tuple(found)


def interval_of(text: str) -> Interval | None:
    """`09:00-12:00` as two times; `24:00` is the day's last moment. None when it is no interval."""
    if not isinstance(text, str) or not _INTERVAL.match(text):
        return None
    begin, _, end = text.partition("-")
    until = time.max if end == "24:00" else time.fromisoformat(end)
    since = time.fromisoformat(begin)
    return (since, until) if since < until else None


def _hours(value: object) -> dict[int, tuple[Interval, ...]]:
    if not isinstance(value, dict):
        raise fault("wrong-type", f"hours are a map from days to intervals, not {described(value)}")
    found: list[Fault] = []
    hours: dict[int, tuple[Interval, ...]] = {}
    for key, given in value.items():
        days = days_of(str(key))
        if not days:
            found.append(((key,), "wrong-value", f"'{key}' is no weekday or range of them, such as mon or mon-fri", ""))
            continue
        intervals = _intervals(key, given, found)
        for day in days:
            if day in hours:
                found.append(((key,), "clash", f"{DAYS[day]} has hours twice", ""))
            hours[day] = intervals
    if found:
        raise faults(found)
    return hours


def _intervals(key: str, given: object, found: list[Fault]) -> tuple[Interval, ...]:
    many = [given] if isinstance(given, str) else given
    if not isinstance(many, list):
        found.append(
            ((key,), "wrong-type", f"intervals such as '09:00-12:00' are needed here, not {described(given)}", "")
        )
        return ()
    made: list[Interval] = []
    for index, text in enumerate(many):
        at = (key,) if many is not given else (key, index)
        interval = interval_of(text)
        if interval is None:
            found.append((at, "wrong-value", f"an interval is written 09:00-12:00, not {described(text)}", ""))
        elif made and interval[0] < made[-1][1]:
            found.append((at, "wrong-value", "intervals of a day follow each other and do not overlap", ""))
        else:
            made.append(interval)
    return tuple(made)


def _day(value: object) -> date:
    try:
        if isinstance(value, date):
            return value
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise fault("wrong-value", f"a day is written 2026-10-01, not {described(value)}")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_name(value: object) -> str:
    """A time zone of the IANA list, such as Asia/Shanghai."""
    if not isinstance(value, str):
        raise fault("wrong-type", f"a time zone such as Asia/Shanghai is needed here, not {described(value)}")
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise fault("wrong-value", f"unknown time zone {described(value)}", did_you_mean(value, _zones())) from None
    return value


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    from holidays import list_supported_countries

    return frozenset(list_supported_countries(include_aliases=False))


def _country(value: object) -> str:
    if isinstance(value, str) and (value == "CN" or value in _countries()):
        return value
    raise fault("wrong-value", f"holidays take a country code such as CN, not {described(value)}")


Day = Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Zone = Annotated[str, PlainValidator(zone_name), WithJsonSchema({"type": "string", "examples": ["Asia/Shanghai"]})]
Country = Annotated[str, PlainValidator(_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]
_TIMES = {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"}
Hours = Annotated[
    Any,
    PlainValidator(_hours),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"anyOf": [_TIMES, {"type": "array", "items": _TIMES}]},
        }
    ),
]


class CalendarDocument(Definition):
    """Working time, for deadlines and day counts."""

    kind: Literal["calendar"]
    label: LabelText = Label()
    description: LongText = Label()
    timezone: Zone
    hours: Hours = Field(description="By weekday or range: mon, mon-fri, or sat,sun")
    holidays: Country | None = Field(None, description="A country whose public holidays are off (CN with make-up days)")
    off: list[Day] = Field(default_factory=list, description="Further days off")
    work: list[Day] = Field(default_factory=list, description="Days that are worked although they would be off")
    renamed_from: Name | None = None
