"""Choice, choices and tags. The names of the options arrive in the context; labels are matched by the importer.

A blank list is a blank value, an entry stands once, in the order given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from guanxi.common.names import did_you_mean
from guanxi.common.text import fold
from guanxi.expressions.types import ValueType

from .base import Coercer, Column, FieldContext, FieldOptions, FieldType, ValueFault
from .cleaning import clean_line, not_text, type_fault

_SEPARATORS = re.compile(r"[,;,;、|\n]")


def _no_choice(value: str, options: frozenset[str]) -> ValueFault:
    shown = value if len(value) <= 48 else value[:47] + "…"
    hint = did_you_mean(shown, sorted(options)) if shown.isprintable() else ""
    shown = shown if shown.isprintable() else "…"
    return ValueFault(
        "choice", f"'{shown}' is not one of the options{'; ' + hint if hint else '.'}", f"“{shown}”不在选项中。"
    )


def _not_list() -> ValueFault:
    return type_fault("This must be a list of texts.", "必须是文本列表。")


def split_list(value: object) -> object:
    """A typed list (commas, semicolons, 、 or | between) as a list of its entries; other values as they are."""
    if not isinstance(value, str):
        return value
    return [part for part in map(str.strip, _SEPARATORS.split(value)) if part]


class Choice(FieldType):
    """One option."""

    name = "choice"
    summary = "One of the options, by its name."
    widget = "select"
    example: ClassVar[Any] = "north"

    def column(self, options: Any) -> Column:
        """The option's name."""
        return Column("text")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """A choice of the context's options."""
        return ValueType("choice", options=context.option_names)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """The name of an option."""
        names = context.option_names

        def coerce(value: object) -> str | None:
            if value is None:
                return None
            if not isinstance(value, str):
                raise not_text()
            if value in names:
                return value
            name = value.strip()
            if name and name not in names:
                raise _no_choice(name, names)
            return name or None

        return coerce

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string out of the options."""
        return {"type": "string", "enum": sorted(context.option_names)}


class Choices(FieldType):
    """Several options."""

    name = "choices"
    summary = "Any number of the options, by their names, in the order given."
    widget = "multiselect"
    sortable = False
    groupable = False
    can_unique = False
    example: ClassVar[Any] = ("north", "east")
    typed = ("north, east", "north、east")

    def column(self, options: Any) -> Column:
        """A JSON list."""
        return Column("json")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """Choices of the context's options."""
        return ValueType("choices", options=context.option_names)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """A list of option names; none at all is a blank."""
        names = context.option_names

        def coerce(value: object) -> tuple[str, ...] | None:
            if value is None or (isinstance(value, str) and not value.strip()):
                return None
            if not isinstance(value, (list, tuple)):
                raise _not_list()
            for entry in value:
                if not isinstance(entry, str):
                    raise _not_list()
                if entry not in names:
                    raise _no_choice(entry, names)
            return tuple(dict.fromkeys(value)) or None

        return coerce

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Names with commas, semicolons, 、 or | between."""
        coerce = self.coercer(options, context)
        return lambda value: coerce(split_list(value))

    def to_json(self, value: Any) -> Any:
        """A list."""
        return list(value)

    def search_text(self, value: Any) -> str:
        """The entries with spaces between."""
        return " ".join(value)

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A list out of the options."""
        return {"type": "array", "items": {"type": "string", "enum": sorted(context.option_names)}}


class TagsOptions(FieldOptions):
    """Keys of tags."""

    most: int = Field(default=50, ge=1, le=200, description="Most tags on one record.")
    length: int = Field(default=50, ge=1, le=100, description="Most characters of a tag.")


class Tags(Choices):
    """Free words."""

    name = "tags"
    summary = "Free short texts; one that differs only in case or spacing stands once."
    widget = "tags"
    Options = TagsOptions
    searchable = True
    example: ClassVar[Any] = ("VIP", "展会")
    typed = ("VIP, 展会", "VIP;展会")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """Choices without a fixed list."""
        return ValueType("choices")

    def coercer(self, options: TagsOptions, context: FieldContext) -> Coercer:
        """A list of short texts; none at all is a blank."""
        most, length = options.most, options.length

        def coerce(value: object) -> tuple[str, ...] | None:
            if value is None or (isinstance(value, str) and not value.strip()):
                return None
            if not isinstance(value, (list, tuple)):
                raise _not_list()
            if len(value) > most:
                raise ValueFault("length", f"Use at most {most} tags.", f"最多 {most} 个标签。")
            kept: dict[str, str] = {}
            for entry in value:
                tag = clean_line(entry, length)
                if tag is not None:
                    kept.setdefault(tag.casefold() if tag.isalnum() and tag.isascii() else fold(tag), tag)
            return tuple(kept.values()) or None

        return coerce

    def json_schema(self, options: TagsOptions, context: FieldContext) -> Mapping[str, Any]:
        """A list of strings."""
        return {"type": "array", "maxItems": options.most, "items": {"type": "string", "maxLength": options.length}}
