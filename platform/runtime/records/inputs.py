"""The gate for values from outside: what no database should ever meet is refused here, before anything is looked up.

Field types judge a value's meaning; this gate judges its shape: containers of the right kind, text that can be
stored, integers of 64 bits, finite numbers, bounded depth and size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from guanxi.common.errors import BadRequest, FieldError, NotFound
from guanxi.common.text import text_fault

from .messages import fault, printable

LARGEST = 2**63 - 1
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_FIELDS = 2_000
MAX_TEXT = 1_000_000


def record_id(value: object) -> int:
    """A record's id, or NotFound for anything that can never be one (false types, zero, beyond 64 bits)."""
    if type(value) is int and 0 < value <= LARGEST:
        return value
    raise NotFound("There is no such record.")


def version_number(value: object) -> int | None:
    """The version a change was made from; None when none was named, BadRequest when it cannot be a version."""
    if value is None or (type(value) is int and 0 <= value <= LARGEST):
        return value
    raise BadRequest("A version is a whole number.")


def record_values(values: object) -> Mapping[str, Any]:
    """`values` when it is a map of fields small enough to judge, else BadRequest."""
    if not isinstance(values, Mapping):
        raise BadRequest("A record is an object of fields and values.")
    if len(values) > MAX_FIELDS:
        raise BadRequest(f"A record has at most {MAX_FIELDS} fields.")
    return values


def value_fault(name: str, value: object, language: str) -> FieldError | None:
    """Why `value` may not go further, or None. Text, number and containers of JSON only; never raises."""
    if value is None or value is True or value is False:
        return None
    if isinstance(value, str):
        return _text_fault(name, value, language)
    if isinstance(value, int):
        return None if -LARGEST - 1 <= value <= LARGEST else fault(name, "type", "integer", language)
    if isinstance(value, float):
        return None if math.isfinite(value) else fault(name, "type", "type", language)
    if isinstance(value, dict | list | tuple):
        return _nested_fault(name, value, language)
    return None


def _text_fault(name: str, value: str, language: str) -> FieldError | None:
    if len(value) > MAX_TEXT:
        return fault(name, "length", "length", language, most=MAX_TEXT)
    reason = text_fault(value) if not value.isascii() or "\x00" in value else ""
    return FieldError(name, "type", reason) if reason else None


def _nested_fault(name: str, value: object, language: str) -> FieldError | None:
    """Walk a container without recursion, so that a deep one is refused rather than met by the stack's end."""
    level, nodes = [value], 0
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            parts = (*item.keys(), *item.values()) if isinstance(item, dict) else item
            nodes += len(parts)  # type: ignore[arg-type]
            if nodes > MAX_NODES:
                return fault(name, "length", "nesting", language)
            for part in parts:  # type: ignore[attr-defined]
                if isinstance(part, dict | list | tuple):
                    below.append(part)
                elif (found := value_fault(name, part, language)) is not None:
                    return found
        if not below:
            return None
        level = below
    return fault(name, "type", "nesting", language)


def field_name(name: object) -> str:
    """A name from outside as it may be shown in an answer."""
    return name if isinstance(name, str) and name.isascii() and name.isidentifier() else printable(name)
