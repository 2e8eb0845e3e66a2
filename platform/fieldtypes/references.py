"""References: reference, references, user and team. Values are ids; whether the record exists is judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from guanxi.expressions.types import ValueType

from .base import Coercer, Column, FieldContext, FieldOptions, FieldType, ValueFault
from .choices import split_list
from .cleaning import MAX_INTEGER, type_fault, typed_text

MOST = 1000


def _not_id() -> ValueFault:
    return type_fault("This must be the id of a record.", "必须是记录的编号(id)。")


def record_id(value: object) -> int | None:
    """An id (1 to 2^63-1), or None for a blank. Raises ValueFault type."""
    if type(value) is int and 0 < value <= MAX_INTEGER:
        return value
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    raise _not_id()


def typed_id(value: object) -> int | None:
    """An id as text; natural keys and titles are looked up by the importer."""
    if isinstance(value, float) and value.is_integer() and 0 < value < 2**53:
        return int(value)
    if not isinstance(value, str):
        return record_id(value)
    text = typed_text(value, 100)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise _not_id()
    return record_id(int(text))


_ID_SCHEMA: Mapping[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}


class Reference(FieldType):
    """One record of another object."""

    name = "reference"
    summary = "One record of another object, by its id."
    widget = "lookup"
    example: ClassVar[Any] = 7
    typed = ("7",)

    def column(self, options: Any) -> Column:
        """An id with a foreign key."""
        return Column("reference")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """A reference to the target."""
        return ValueType("reference", object=self.target or context.target)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """An id."""
        return record_id

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """An id as text."""
        return typed_id

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """An id."""
        return _ID_SCHEMA


class References(FieldType):
    """Several records of another object."""

    name = "references"
    summary = f"Records of another object, by their ids, in order, each once; at most {MOST:,}."
    widget = "lookup_many"
    sortable = False
    groupable = False
    can_unique = False
    example: ClassVar[Any] = (7, 9)
    typed = ("7, 9",)

    def column(self, options: Any) -> Column:
        """A link table."""
        return Column("links")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """References to the target."""
        return ValueType("references", object=context.target)

    def coercer(self, options: FieldOptions, context: FieldContext) -> Coercer:
        """A list of ids; none at all is a blank."""
        return lambda value: _ids(value, record_id)

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Ids with commas between."""
        return lambda value: _ids(split_list(value), typed_id)

    def to_json(self, value: Any) -> Any:
        """A list."""
        return list(value)

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A list of ids."""
        return {"type": "array", "items": _ID_SCHEMA, "maxItems": MOST}


def _ids(value: object, read: Coercer) -> tuple[int, ...] | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, (list, tuple)):
        raise type_fault("This must be a list of ids.", "必须是编号(id)列表。")
    if len(value) > MOST:
        raise ValueFault("length", f"Use at most {MOST} records.", f"最多 {MOST} 条记录。")
    ids = tuple(dict.fromkeys(read(entry) for entry in value))
    if None in ids:
        raise _not_id()
    return ids or None


class User(Reference):
    """A person who can log in."""

    name = "user"
    summary = "A person who uses the system, by id."
    widget = "user"
    target: ClassVar[str] = "user"


class Team(Reference):
    """A team."""

    name = "team"
    summary = "A team of people who use the system, by id."
    widget = "team"
    target: ClassVar[str] = "team"
