"""What every document model shares: the base classes, texts, names, expressions and their faults.

A value that may have several forms (a label, a boolean or an expression) is one plain validator with its own JSON
Schema: so a fault is one sentence at one place, never one per form. Faults carry codes of `common.codes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from guanxi.common import text as texts
from guanxi.common.labels import Label
from guanxi.common.names import NAME, did_you_mean, name_fault
from guanxi.common.text import text_fault

described = texts.described
is_language = texts.is_language
MAX_LABEL = 200
MAX_TEXT = 20_000
LANGUAGE_PATTERN = "^[a-z]{2,3}([_-][A-Za-z]{2,8})*$"

Fault = tuple[tuple[str | int, ...], str, str, str]
"""A fault below the value that was judged: (path from it, code, sentence, hint)."""


def faults(found: list[Fault]) -> PydanticCustomError:
    """One exception that carries several faults to `validate`."""
    return PydanticCustomError("faults", "{count} faults", {"count": len(found), "faults": found})


def fault(code: str, sentence: str, hint: str = "") -> PydanticCustomError:
    """A fault of the value itself."""
    return faults([((), code, sentence, hint)])


class Part(BaseModel):
    """Base of every map in the grammar: unknown keys refused, frozen, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())


@dataclass(frozen=True, slots=True)
class Inside:
    """Marks a value of several forms with the model of its map, for the reference."""

    model: type[BaseModel]


# texts ----------------------------------------------------------------------------------------------------------
def _text_fault(value: object, most: int) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "wrong-type", f"a text is needed here, not {described(value)}"
    if len(value) > most:
        return "bad-label", f"the text has {len(value)} characters; at most {most} are allowed"
    if not value.strip():
        return "bad-label", "the text is empty"
    if said := text_fault(value):
        return "bad-label", said
    return None


def _label(most: int) -> PlainValidator:
    def judge(value: object) -> Label:
        if type(value) is str:
            if len(value) <= most and value.isprintable() and not value.isspace() and value:
                return Label((("", value),))
            found = _text_fault(value, most)
            if found:
                raise fault(*found)
            return Label((("", value),))
        if isinstance(value, Label):
            return value
        if not isinstance(value, dict):
            raise fault("wrong-type", f"a text or a map by language is needed here, not {described(value)}")
        return _by_language(value, most)

    return PlainValidator(judge)


def _by_language(value: Mapping[str, object], most: int) -> Label:
    found: list[Fault] = []
    if not value:
        found.append(((), "bad-label", "a map by language needs at least one text", ""))
    for language, text in value.items():
        if not is_language(language):
            hint = "put a text that contains a comma in quotes" if text is None else ""
            found.append(((language,), "unknown-key", f"'{language}' is not a language code such as en or zh", hint))
        elif said := _text_fault(text, most):
            found.append(((language,), *said, ""))
    if found:
        raise faults(found)
    return Label(tuple(value.items()))  # type: ignore[arg-type]


def _label_schema(most: int) -> WithJsonSchema:
    text = {"type": "string", "minLength": 1, "maxLength": most}
    by_language = {
        "type": "object",
        "propertyNames": {"pattern": LANGUAGE_PATTERN},
        "additionalProperties": text,
        "minProperties": 1,
    }
    return WithJsonSchema({"anyOf": [text, by_language]})


LabelText = Annotated[Label, _label(MAX_LABEL), _label_schema(MAX_LABEL)]
LongText = Annotated[Label, _label(MAX_TEXT), _label_schema(MAX_TEXT)]


def _plain_text(value: object) -> str:
    found = _text_fault(value, MAX_TEXT)
    if found or not isinstance(value, str):
        raise fault(*(found or ("wrong-type", "a text is needed here")))
    return value


Text = Annotated[
    str, PlainValidator(_plain_text), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_TEXT})
]


# names ----------------------------------------------------------------------------------------------------------
def _name(value: object) -> str:
    if type(value) is str and NAME.match(value) and "__" not in value and value[-1] != "_":
        return value
    if not isinstance(value, str):
        raise fault("wrong-type", f"a name is needed here, not {described(value)}")
    said = name_fault(value)
    if said:
        raise fault("bad-name", f"'{value}' is not a lawful name: {said}" if len(value) <= 60 else said)
    return value


NAME_SCHEMA = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,47}$"}
Name = Annotated[str, PlainValidator(_name), WithJsonSchema(NAME_SCHEMA)]
"""A name of a definition: judged by the rules of `common.names`."""


def _path(value: object) -> str:
    if not isinstance(value, str):
        raise fault("wrong-type", f"a field name is needed here, not {described(value)}")
    for part in value.split("."):
        _name(part)
    return value


FieldPath = Annotated[
    str, PlainValidator(_path), WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$"})
]
"""A field, or a path over references (`account.owner`)."""


def _sort_key(value: object) -> str:
    if not isinstance(value, str):
        raise fault("wrong-type", f"a field name is needed here, not {described(value)}")
    _path(value.removeprefix("-"))
    return value


SortKey = Annotated[
    str, PlainValidator(_sort_key), WithJsonSchema({"type": "string", "pattern": "^-?[a-z][a-z0-9_.]*$"})
]
"""A field to sort by; a leading `-` turns the order."""


# expressions ----------------------------------------------------------------------------------------------------
def expression_text(value: object) -> str:
    """The text of an expression; a YAML boolean or number stands for its own literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal | float):
        return str(value)
    if not isinstance(value, str):
        raise fault("wrong-type", f"an expression is needed here, not {described(value)}")
    if not value.strip():
        raise fault("expression-syntax", "the expression is empty")
    if len(value) > MAX_TEXT:
        raise fault("expression-limit", f"the expression has {len(value)} characters; at most {MAX_TEXT} are allowed")
    return value


Expr = Annotated[
    str,
    PlainValidator(expression_text),
    WithJsonSchema({"type": ["string", "boolean", "number"], "description": "An expression"}),
]


def _bool_or_expression(value: object) -> bool | str:
    return value if isinstance(value, bool) else expression_text(value)


BoolOrExpr = Annotated[
    bool | str,
    PlainValidator(_bool_or_expression),
    WithJsonSchema({"type": ["boolean", "string"], "description": "true, false or an expression"}),
]


# choices --------------------------------------------------------------------------------------------------------
def one_of(*words: str, what: str = "value") -> Any:
    """An annotated str that must be one of `words`; a wrong one is named with its nearest."""
    known = frozenset(words)
    listed = ", ".join(words)

    def judge(value: object) -> str:
        if isinstance(value, str) and value in known:
            return value
        hint = did_you_mean(value, words) if isinstance(value, str) else ""
        raise fault("wrong-value", f"{what} must be one of {listed}, not {described(value)}", hint)

    return Annotated[str, PlainValidator(judge), WithJsonSchema({"type": "string", "enum": list(words)})]


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


OneOrManyNames = Annotated[
    tuple[Name, ...],
    BeforeValidator(_one_or_many),
    Field(strict=False),
    WithJsonSchema({"anyOf": [NAME_SCHEMA, {"type": "array", "items": NAME_SCHEMA}]}),
]


MEANINGS: dict[str, str] = {
    "kind": "What the document defines",
    "name": "Its name, unique among definitions of its kind",
    "label": "What people read: a text, or a map by language; made from the name when absent",
    "plural": "What people read for several: a text, or a map by language",
    "description": "A sentence about it: a text, or a map by language",
    "message": "What people read: a text, or a map by language",
    "help": "A sentence that helps: a text, or a map by language",
    "icon": "A Lucide icon's name",
    "renamed_from": "The former name; what is stored under it moves along",
    "reason": "Why: a text, or a map by language",
    "version": "The version, such as 1.2.0",
    "timezone": "A time zone such as Asia/Shanghai",
    "concurrency": "optimistic, or strict: a change must name the version it was made from",
    "object": "The object's name",
    "field": "The field's name",
    "fields": "The fields",
    "by": "How values are compared or grouped",
    "action": "What is done about it",
    "columns": "How many columns",
    "target": "kind/name, for example object/customer",
    "unique": "Keys of one or several fields that no two live records share",
    "rules": "Conditions that every saved record meets",
    "duplicates": "Rules that find records that look like the same",
    "stages": "The path that records take",
    "form": "Sections of fields",
    "views": "Saved lists",
    "page": "The record page",
    "actions": "Buttons on the record and calls of the API",
    "match": "The parts that must agree",
    "sections": "Groups of fields, in order",
    "as": "table, board or calendar",
    "sort": "Fields; a leading - for descending",
    "highlights": "Fields in the head of the page",
    "when": "What is done, one verb each",
    "then": "What must hold afterwards",
    "restore": "Take out of the trash; else as delete",
    "to": "Where it leads",
}
"""What a key means where its model says nothing else; read by the JSON Schema and the reference."""


class Definition(Part):
    """Keys of every document."""

    kind: str = Field(description="What this document defines")
    name: Name = Field(description="Its name, unique among definitions of its kind")
    extend: Name | None = Field(
        None, description="Instead of `name`: the definition of the same kind that this document is merged into by key"
    )
    remove: list[str] | None = Field(None, description="With `extend`: dotted paths that are taken away")
