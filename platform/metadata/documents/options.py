"""Choices: the `options` of a field and the shared list of choices (`kind: options`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, TypeAdapter, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from guanxi.common.labels import Label

from .aliases import ALIASES_SCHEMA, Aliases
from .base import NAME_SCHEMA, Definition, LabelText, Name, Part, described, fault, is_language, one_of

COLORS = ("slate", "blue", "green", "amber", "red", "violet", "teal", "pink")

Color: Any = one_of(*COLORS, what="a colour")


class OptionPart(Part):
    """One choice in its long form; `a: A` and `a: {en: A, zh: 甲}` are short for `a: {label: …}`."""

    label: LabelText = Field(Label(), description="What people read; made from the name when absent")
    color: Color | None = Field(None, description="A palette name")
    renamed_from: Name | None = Field(None, description="The option's former name")
    aliases: Aliases = Field((), description="Other words for it in imported files")


_KEYS = frozenset(OptionPart.model_fields)


def _short(value: object) -> object:
    if value is None:
        return {}
    if isinstance(value, str):
        return {"label": value}
    if isinstance(value, dict):
        if value and not _KEYS.intersection(value) and all(is_language(str(key)) for key in value):
            return {"label": value}
        return value
    raise fault("wrong-type", f"an option is a label or a map, not {described(value)}")


OptionEntry = Annotated[OptionPart, BeforeValidator(_short)]
OptionMap = Annotated[dict[Name, OptionEntry], Field(min_length=1, max_length=2000)]
_MAP: TypeAdapter[dict[str, OptionPart]] = TypeAdapter(OptionMap)


def _options(value: object) -> str | dict[str, OptionPart]:
    if isinstance(value, str):
        return _set_name(value)
    if isinstance(value, list):
        raise fault("wrong-type", "options are a map from name to label, not a list", "write `options: {a: A, b: B}`")
    if not isinstance(value, dict):
        raise fault("wrong-type", f"options are a map, or the name of a shared list, not {described(value)}")
    try:
        return _MAP.validate_python(value)
    except ValidationError as error:
        raise PydanticCustomError(
            "nested", "nested", {"errors": error.errors(include_url=False), "of": OptionPart}
        ) from None


_NAME: TypeAdapter[str] = TypeAdapter(Name)


def _set_name(value: str) -> str:
    try:
        return _NAME.validate_python(value)
    except ValidationError:
        raise fault("bad-name", f"'{value[:60]}' is not a lawful name of a shared list of options") from None


def _schema() -> dict[str, Any]:
    label = {"type": "string", "minLength": 1, "maxLength": 200}
    long = {
        "type": "object",
        "properties": {
            "label": {"anyOf": [label, {"type": "object", "additionalProperties": label, "minProperties": 1}]},
            "color": {"enum": list(COLORS)},
            "renamed_from": NAME_SCHEMA,
            "aliases": ALIASES_SCHEMA,
        },
        "additionalProperties": label,
    }
    return {
        "description": "The choices: a map from name to label, or the name of a shared list (`kind: options`)",
        "anyOf": [
            NAME_SCHEMA,
            {
                "type": "object",
                "minProperties": 1,
                "propertyNames": NAME_SCHEMA,
                "additionalProperties": {"anyOf": [label, {"type": "null"}, long]},
            },
        ],
    }


OptionsValue = Annotated[Any, PlainValidator(_options), WithJsonSchema(_schema())]
"""A set's name (str), or the options themselves (dict of OptionPart)."""

OptionsOnly = Annotated[
    dict[Name, OptionEntry], Field(min_length=1, max_length=2000), WithJsonSchema(_schema()["anyOf"][1])
]


class OptionsDocument(Definition):
    """A shared list of choices that fields of several objects use by name."""

    kind: Literal["options"]
    label: LabelText = Label()
    options: OptionsOnly = Field(description="The choices, in order")
    renamed_from: Name | None = None
