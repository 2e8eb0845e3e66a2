"""Boolean: JSON true and false only; typed, the usual words and marks of both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from guanxi.expressions.types import BOOLEAN, ValueType

from .base import Coercer, Column, FieldContext, FieldType
from .cleaning import type_fault, typed_text


class Boolean(FieldType):
    """Yes or no."""

    name = "boolean"
    summary = "Yes or no; blank is neither."
    widget = "switch"
    can_unique = False
    example: ClassVar[Any] = True
    typed = ("yes", "是", "TRUE", "1", "否", "√")
    words: ClassVar[dict[str, bool]] = {
        **dict.fromkeys(("yes", "y", "true", "t", "1", "on", "是", "真", "对", "√", "✓", "✔"), True),
        **dict.fromkeys(("no", "n", "false", "f", "0", "off", "否", "假", "错", "×", "✗", "✘"), False),
    }

    def column(self, options: Any) -> Column:
        """A flag."""
        return Column("boolean")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """A boolean."""
        return BOOLEAN

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """JSON true or false, nothing else."""

        def coerce(value: object) -> bool | None:
            if value is True or value is False or value is None:
                return value
            if isinstance(value, str) and not value.strip():
                return None
            raise type_fault("This must be true or false.", "必须是 true 或 false。")

        return coerce

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """The usual words and marks."""
        coerce, words = self.coercer(options, context), self.words

        def read(value: object) -> Any:
            if type(value) in (int, float) and value in (0, 1):
                return bool(value)
            if not isinstance(value, str):
                return coerce(value)
            text = typed_text(value, 100)
            found = words.get(text.casefold()) if text else None
            if text and found is None:
                raise type_fault("This must be yes or no.", "必须是“是”或“否”。")
            return found

        return read

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A boolean."""
        return {"type": "boolean"}
