"""Duration: a length of time in whole seconds, never negative. An integer in every form, so it adds and compares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from guanxi.expressions.types import INTEGER, ValueType

from .base import Coercer, Column, FieldContext, FieldType
from .cleaning import type_fault, typed_text
from .numbers import integer_coercer

MAX_DURATION = 100 * 366 * 86_400
_ISO_DURATION = re.compile(
    r"P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,7})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,10})S)?)?\Z", re.IGNORECASE
)
_CLOCK = re.compile(r"([0-9]{1,6}):([0-5]?[0-9])(?::([0-5]?[0-9]))?\Z")
_WORDS = re.compile(
    r"(?:([0-9]{1,6})\s*(?:days?|d|天|日)\s*)?(?:([0-9]{1,7})\s*(?:hours?|hrs?|h|个?小时|时)\s*)?"
    r"(?:([0-9]{1,9})\s*(?:minutes?|mins?|m|分钟?)\s*)?(?:([0-9]{1,10})\s*(?:seconds?|secs?|s|秒钟?)\s*)?\Z",
    re.IGNORECASE,
)


class Duration(FieldType):
    """Length of time."""

    name = "duration"
    summary = "A length of time in whole seconds, from 0 to 100 years."
    widget = "duration"
    example: ClassVar[Any] = 5400
    typed = ("1:30", "1:30:00", "1h 30m", "1小时30分钟", "PT1H30M", "5400")

    def column(self, options: Any) -> Column:
        """Seconds."""
        return Column("integer")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """An integer of seconds."""
        return INTEGER

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """Whole seconds."""
        return integer_coercer(0, MAX_DURATION)

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Hours and minutes (1:30), words, ISO 8601; a bare number is seconds, as in an export."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            if isinstance(value, timedelta):
                return coerce(value.total_seconds())
            if not isinstance(value, str):
                return coerce(value)
            text = typed_text(value, 100)
            return None if text is None else coerce(_seconds(text))

        return read

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """Seconds."""
        return {"type": "integer", "minimum": 0, "maximum": MAX_DURATION, "description": "seconds"}


def _seconds(text: str) -> int:
    """The seconds that a folded text means. Raises ValueFault type."""
    if text.isdigit() and text.isascii() and len(text) <= 20:
        return int(text)
    clock = _CLOCK.match(text)
    if clock:
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
    found = _ISO_DURATION.match(text) or _WORDS.match(text)
    if found is None or not any(found.groups()):
        raise type_fault("This is not a length of time such as 1:30 or 1h 30m.", "时长应写成 1:30 或 1小时30分钟。")
    return sum(int(part or 0) * unit for part, unit in zip(found.groups(), (86_400, 3600, 60, 1), strict=True))
