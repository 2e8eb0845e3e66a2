"""Renames followed through expressions: the names are found by the checker, only their characters are exchanged, so
the writing and the precedence of the rest stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .check import NO_PARAMS, mentions
from .printer import quote
from .schema import SchemaView
from .types import ValueType


@dataclass(frozen=True, slots=True)
class Renames:
    """`fields`: (object, old field or list name) → new name; `options`: (object, field, old option) → new option.

    Objects and fields are named as the schema that the text was written for names them.
    """

    fields: Mapping[tuple[str, str], str] = field(default_factory=dict)
    options: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


def rename(
    text: str,
    schema: SchemaView,
    object_name: str,
    renames: Renames,
    *,
    params: Mapping[str, ValueType] = NO_PARAMS,
    outer: str | None = None,
) -> str:
    """The text with every renamed field, list and option exchanged.

    `schema` is the one the text was written for. Raises ExpressionErrors when the text does not check against it.
    """
    edits: dict[int, tuple[int, str]] = {}
    for mention in mentions(text, schema, object_name, params=params, outer=outer):
        if mention.option:
            new = renames.options.get((mention.object, mention.name, mention.option))
            replacement = quote(new) if new is not None else None
        else:
            replacement = renames.fields.get((mention.object, mention.name))
        if replacement is not None:
            edits[mention.span.start] = (mention.span.end, replacement)
    for start in sorted(edits, reverse=True):
        end, replacement = edits[start]
        text = text[:start] + replacement + text[end:]
    return text
