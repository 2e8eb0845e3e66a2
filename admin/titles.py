"""A record's name for people: the object's title, which is nearly always one plain field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.registry import ObjectType

from .cells import reference_text


def title_field(item: ObjectType) -> str:
    """The field that is the title, or "" when the title is made of several."""
    source = item.title.source.strip()
    return source if source in item.fields else ""


def title_of(item: ObjectType, row: Mapping[str, Any]) -> str:
    """The title in a row; the record's number when it is blank or hidden."""
    name = title_field(item)
    value = row.get(name) if name else row.get("title")
    if value is None or value == "":
        return f"#{row.get('id', '')}"
    return reference_text(value)[1] if isinstance(value, dict) else str(value)
