"""Aliases: other names that a field or a choice may bear in an imported file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from guanxi.common.text import text_fault

from .base import described, fault

MOST = 50
LONGEST = 200

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
ALIASES_SCHEMA: dict[str, Any] = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "maxItems": MOST}]}


def _aliases(value: object) -> tuple[str, ...]:
    entries = value if isinstance(value, list | tuple) else (value,)
    if len(entries) > MOST:
        raise fault("wrong-value", f"there are at most {MOST} aliases")
    for entry in entries:
        if not isinstance(entry, str):
            raise fault("wrong-type", f"an alias is a text, not {described(entry)}")
        if not entry.strip() or len(entry) > LONGEST or text_fault(entry):
            raise fault("wrong-value", f"an alias is a text of 1 to {LONGEST} characters")
    return tuple(entries)


Aliases = Annotated[tuple[str, ...], PlainValidator(_aliases), WithJsonSchema(ALIASES_SCHEMA)]
"""One text or a list of them."""
