"""Date, datetime and time.

An instant needs its offset: a naive one is refused by the API and read in `FieldContext.zone` when typed. Instants are
UTC inside, with microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field

from guanxi.expressions.types import DATE, DATETIME, TIME, ValueType

from .base import Coercer, Column, FieldContext, FieldType, ValueFault
from .cleaning import range_fault, type_fault, typed_text
from .numbers import RangeOptions, bounded

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(\.[0-9]{1,6}0*)?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z",
    re.IGNORECASE,
)
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?\Z")
_TYPED_DAY = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|\s*年\s*([0-9]{1,2})\s*月\s*([0-9]{1,2})\s*[日号]|([0-9]{2})([0-9]{2}))(?![0-9])"
)
_TYPED_TIME = re.compile(
    r"(上午|下午|中午|晚上|凌晨)?\s*([0-9]{1,2})(?:[::]([0-9]{2})(?:[::]([0-9]{2})(?:\.([0-9]{1,6}))?)?|\s*[点时]\s*(?:([0-9]{1,2})\s*分)?)\s*(am|pm)?\Z",
    re.IGNORECASE,
)


def _not_date() -> ValueFault:
    return type_fault("This is not a date of the form 2026-03-01.", "日期应写成 2026-03-01。")


def _not_instant() -> ValueFault:
    return type_fault(
        "This is not an instant of the form 2026-03-01T08:00:00Z (an offset is needed).",
        "时间应写成 2026-03-01T08:00:00Z(须带时区)。",
    )


def _not_time() -> ValueFault:
    return type_fault("This is not a time of the form 08:30:00.", "时刻应写成 08:30:00。")


def parse_date(text: str) -> date:
    """An ISO date. Raises ValueFault type."""
    if len(text) == 10 and text[4] == "-" and text[7] == "-":  # fromisoformat also reads 20260301 and weeks
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise _not_date()


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant as UTC. Raises ValueFault type or range."""
    found = _INSTANT.match(text)
    if found is None:
        raise _not_instant()
    fraction = (found[2] or "")[:7]
    try:
        return _in_utc(datetime.fromisoformat(found[1].upper() + fraction + found[3].upper()))
    except ValueError:
        raise _not_instant() from None


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise range_fault("The instant is out of range.", "时间超出范围。") from None


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_date(value)
    except ValueFault as fault:
        raise ValueError(fault.message) from None


Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=str)]


class DateOptions(RangeOptions):
    """Keys of date."""

    min: Day | None = Field(default=None, description="Earliest day allowed (2026-03-01).")
    max: Day | None = Field(default=None, description="Latest day allowed.")


class Date(FieldType):
    """Calendar day."""

    name = "date"
    summary = "A calendar day without a time or zone."
    widget = "date"
    Options = DateOptions
    example: ClassVar[Any] = "2026-03-01"
    typed = ("2026/3/1", "2026.3.1", "2026年3月1日", "20260301", "2026-03-01 00:00:00")

    def column(self, options: Any) -> Column:
        """A day."""
        return Column("date")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """A date."""
        return DATE

    def coercer(self, options: DateOptions, context: FieldContext) -> Coercer:
        """An ISO date within the bounds."""
        check = bounded(options.min, options.max)

        def coerce(value: object) -> date | None:
            if isinstance(value, str):
                if not value.strip():
                    return None
                day = parse_date(value.strip())
            elif value is None:
                return None
            elif isinstance(value, date) and not isinstance(value, datetime):
                day = value
            else:
                raise _not_date()
            return day if check is None else check(day)

        return coerce

    def from_text(self, options: DateOptions, context: FieldContext) -> Coercer:
        """Year first, in the usual forms; a time of midnight behind it is a spreadsheet's and is dropped."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            if isinstance(value, datetime) and value.time() == time():
                return coerce(value.date())
            if not isinstance(value, str):
                return coerce(value)
            text = typed_text(value, 100)
            if text is None:
                return None
            day, rest = _typed_day(text)
            if rest and _typed_time(rest) != time():
                raise _not_date()
            return coerce(day)

        return read

    def to_json(self, value: Any) -> Any:
        """ISO."""
        return value.isoformat()

    def json_schema(self, options: DateOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string of format date."""
        return {"type": "string", "format": "date"}


def _typed_day(text: str) -> tuple[date, str]:
    """The day at the start of a folded text, and what follows it."""
    found = _TYPED_DAY.match(text)
    if found is None:
        raise _not_date()
    parts = [int(g) for g in (found[1], found[3] or found[5] or found[7], found[4] or found[6] or found[8])]
    try:
        return date(*parts), text[found.end() :].removeprefix("T").strip()
    except ValueError:
        raise _not_date() from None


def _typed_time(text: str) -> time:
    """A folded text as a time of day."""
    found = _TYPED_TIME.match(text)
    if found is None or (found[1] and found[7]):
        raise _not_time()
    hour, minute, second = int(found[2]), int(found[3] or found[6] or 0), int(found[4] or 0)
    half = found[7].lower() if found[7] else {"上午": "am", "凌晨": "am"}.get(found[1] or "", "pm" if found[1] else "")
    if half and hour > 12:
        raise _not_time()
    if half == "pm" and hour < 12 and not (found[1] == "中午" and hour == 11):
        hour += 12
    elif half == "am" and hour == 12:
        hour = 0
    try:
        return time(hour, minute, second, int((found[5] or "0").ljust(6, "0")))
    except ValueError:
        raise _not_time() from None


class DateTime(FieldType):
    """Instant."""

    name = "datetime"
    summary = "An instant, kept in UTC and shown in the reader's zone; needs Z or an offset in the API."
    widget = "datetime"
    example: ClassVar[Any] = "2026-03-01T08:00:00Z"
    typed = ("2026-03-01 16:00", "2026/3/1 16:00:00", "2026年3月1日 下午4:00", "2026-03-01")

    def column(self, options: Any) -> Column:
        """An instant."""
        return Column("datetime")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """A datetime."""
        return DATETIME

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """RFC 3339 with at most six digits of a second's fraction."""

        def coerce(value: object) -> datetime | None:
            if isinstance(value, str):
                return parse_instant(value.strip()) if value.strip() else None
            if value is None:
                return None
            if isinstance(value, datetime) and value.tzinfo is not None:
                return _in_utc(value)
            raise _not_instant()

        return coerce

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Local forms are read in the context's zone; an hour that happens twice or never is refused."""
        coerce = self.coercer(options, context)
        try:
            zone = ZoneInfo(context.zone)
        except (ZoneInfoNotFoundError, ValueError):
            zone = ZoneInfo("UTC")

        def read(value: object) -> Any:
            if isinstance(value, datetime) and value.tzinfo is None:
                return _localised(value, zone)
            if not isinstance(value, str):
                return coerce(value)
            text = typed_text(value, 100)
            if text is None or _INSTANT.match(text.replace(" ", "T", 1)):
                return coerce(text and text.replace(" ", "T", 1))
            day, rest = _typed_day(text)
            return _localised(datetime.combine(day, _typed_time(rest) if rest else time()), zone)

        return read

    def to_json(self, value: Any) -> Any:
        """RFC 3339 with Z; a fraction only when there is one."""
        return value.isoformat()[:-6] + "Z"

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string of format date-time."""
        return {"type": "string", "format": "date-time"}

    def input_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """The same, with at most six digits of a second's fraction."""
        moment = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-5][0-9])?(\.[0-9]{1,6}0*)?"
        pattern = f"^{moment}([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})$"
        return {"type": "string", "format": "date-time", "pattern": pattern}


def _localised(naive: datetime, zone: ZoneInfo) -> datetime:
    """A local time of day as an instant. Raises ValueFault when the clock change makes it double or void."""
    try:
        early, late = naive.replace(tzinfo=zone, fold=0), naive.replace(tzinfo=zone, fold=1)
        if early.utcoffset() != late.utcoffset():
            raise type_fault("The clock changes at this hour; add an offset.", "该时刻处于夏令时切换,请注明时区。")
        return early.astimezone(UTC)
    except OverflowError:
        raise range_fault("The instant is out of range.", "时间超出范围。") from None


class Time(FieldType):
    """Time of day."""

    name = "time"
    summary = "A time of day without a zone, to the second."
    widget = "time"
    example: ClassVar[Any] = "08:30:00"
    typed = ("8:30", "下午3:05", "8点30分", "3:05 pm")

    def column(self, options: Any) -> Column:
        """A time."""
        return Column("time")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """A time."""
        return TIME

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """HH:MM or HH:MM:SS."""

        def coerce(value: object) -> time | None:
            if isinstance(value, str):
                text = value.strip()
                if not text:
                    return None
                try:
                    if _TIME.match(text):
                        return time.fromisoformat(text)
                except ValueError:
                    pass
            elif value is None:
                return None
            elif isinstance(value, time) and value.tzinfo is None and not value.microsecond:
                return value.replace(fold=0)
            raise _not_time()

        return coerce

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """One digit for the hour, 上午 and 下午, am and pm are understood."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            if not isinstance(value, str):
                return coerce(value)
            text = typed_text(value, 100)
            return None if text is None else coerce(_typed_time(text))

        return read

    def to_json(self, value: Any) -> Any:
        """HH:MM:SS."""
        return value.isoformat()

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string HH:MM:SS."""
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}
