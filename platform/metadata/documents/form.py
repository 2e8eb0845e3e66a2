"""`kind: form`: a public web form or survey over one object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean, name_fault
from guanxi.common.text import text_fault

from .base import (
    NAME_SCHEMA,
    Definition,
    Expr,
    Fault,
    Inside,
    LabelText,
    LongText,
    Name,
    Part,
    described,
    fault,
    faults,
)

CHANNELS = ("email", "sms")
MOST_FIELDS = 100
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")


class FormFieldPart(Part):
    """How the form asks for a field, where that is not how the object does."""

    label: LabelText = Label()
    help: LabelText = Label()
    placeholder: LabelText = Field(Label(), description="Shown in the empty field: a text, or a map by language")
    required: bool = Field(False, description="Must be filled in, also where the object does not ask for it")
    hidden: bool = Field(False, description="Not shown; taken from the page's address (?source=fair) or a script")


@dataclass(frozen=True, slots=True)
class Asked:
    """One entry of `fields`: where it stands below that key, and how it is asked."""

    path: tuple[str | int, ...]
    name: str
    part: FormFieldPart


def _fields(value: object) -> tuple[Asked, ...]:
    if isinstance(value, dict):
        entries: list[tuple[tuple[str | int, ...], object, object]] = [((name,), name, value[name]) for name in value]
    elif isinstance(value, list):
        entries = []
        for index, one in enumerate(value):
            if isinstance(one, dict):
                entries += [((index, name), name, part) for name, part in one.items()]
            else:
                entries.append(((index,), one, None))
    else:
        raise fault("wrong-type", f"a list of fields is needed here, not {described(value)}")
    if not entries or len(entries) > MOST_FIELDS:
        raise fault("wrong-value", f"a form asks for 1 to {MOST_FIELDS} fields")
    _names(entries)
    return tuple(Asked(path, str(name), _part(path, part)) for path, name, part in entries)


def _names(entries: list[tuple[tuple[str | int, ...], object, object]]) -> None:
    found: list[Fault] = []
    seen: set[object] = set()
    for path, name, _ in entries:
        if not isinstance(name, str):
            found.append((path, "wrong-type", f"a field's name is needed here, not {described(name)}", ""))
        elif said := name_fault(name):
            found.append((path, "bad-name", f"'{name}' is not a lawful name: {said}", ""))
        elif name in seen:
            found.append((path, "clash", f"the field '{name}' stands here twice", ""))
        seen.add(name if isinstance(name, str) else None)
    if found:
        raise faults(found)


def _part(path: tuple[str | int, ...], given: object) -> FormFieldPart:
    if given is None:
        return FormFieldPart.model_validate({})
    try:
        return FormFieldPart.model_validate(given)
    except ValidationError as error:
        inner = [{**one, "loc": (*path, *one["loc"])} for one in error.errors(include_url=False)]
        raise PydanticCustomError("nested", "nested", {"errors": inner, "of": FormFieldPart}) from None


_MAP = {"type": "object", "additionalProperties": {"anyOf": [FormFieldPart.model_json_schema(), {"type": "null"}]}}
FieldsValue = Annotated[
    tuple[Asked, ...],
    PlainValidator(_fields),
    Inside(FormFieldPart),
    WithJsonSchema({"anyOf": [{"type": "array", "minItems": 1, "items": {"anyOf": [NAME_SCHEMA, _MAP]}}, _MAP]}),
]


def _channels(value: object) -> tuple[str, ...]:
    many = [value] if isinstance(value, str) else value
    if not isinstance(many, list):
        raise fault("wrong-type", f"email, sms or a list of them is needed here, not {described(value)}")
    found: list[Fault] = []
    for index, one in enumerate(many):
        if one not in CHANNELS:
            at = (index,) if isinstance(value, list) else ()
            hint = did_you_mean(one, CHANNELS) if isinstance(one, str) else ""
            found.append((at, "wrong-value", f"a channel is one of {', '.join(CHANNELS)}, not {described(one)}", hint))
    if found:
        raise faults(found)
    return tuple(dict.fromkeys(many))


Channels = Annotated[
    tuple[str, ...],
    PlainValidator(_channels),
    WithJsonSchema({"anyOf": [{"enum": list(CHANNELS)}, {"type": "array", "items": {"enum": list(CHANNELS)}}]}),
]


def _version(value: object) -> str:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _VERSION.match(text):
        raise fault("wrong-value", f"a version is a short text such as 2026-03 or 3, not {described(value)}")
    return text


Version = Annotated[str, PlainValidator(_version), WithJsonSchema({"type": ["string", "number"]})]


def _address(value: object) -> str:
    said = "an address on the web such as https://example.com/thanks is needed here"
    if not isinstance(value, str) or len(value) > 500 or text_fault(value) or any(c.isspace() for c in value):
        raise fault("wrong-value", f"{said}, not {described(value)}")
    try:
        parts = urlsplit(value)
        lawful = parts.scheme == "https" and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        lawful = False
    if not lawful or not value.isascii() or set(value) & set("\\\"';,<>"):
        raise fault("wrong-value", f"{said}, not {described(value)}")
    return value


Address = Annotated[str, PlainValidator(_address), WithJsonSchema({"type": "string", "pattern": "^https://"})]


class ConsentPart(Part):
    """What the visitor agrees to; kept word by word with its version."""

    text: LongText = Field(description="The words beside the box: a text, or a map by language")
    version: Version = Field(description="The version of the words; change it with them")
    channels: Channels = Field((), description="What may be sent after it: email, sms or both")
    required: bool = Field(False, description="Without it nothing can be sent")


class ThanksPart(Part):
    """What the visitor sees afterwards."""

    text: LongText = Field(Label(), description="A text, or a map by language")
    redirect: Address | None = Field(None, description="An https address to go on to")


class LimitsPart(Part):
    """Bounds against machines."""

    per_address_per_hour: int = Field(20, ge=1, le=10_000, description="Submissions from one address within an hour")
    per_day: int = Field(1_000, ge=1, le=1_000_000, description="Records this form makes within a day")
    min_seconds: int = Field(3, ge=0, le=120, description="Whoever is faster than this is taken for a machine")
    links: int = Field(3, ge=0, le=100, description="More web addresses than this in the texts are taken for spam")
    megabytes: int = Field(5, ge=1, le=100, description="The largest file")
    page_needed: bool = Field(False, description="Scripts too must first load the form (`started` of its schema)")


class LinkPart(Part):
    """Personal links: signed, about one record."""

    field: Name | None = Field(
        None, description="The reference that takes the record; without it the answers complete the record itself"
    )
    needed: bool = Field(False, description="Without such a link there is no form")
    once: bool = Field(True, description="A link works once; false: again and again until it ends")
    days: int = Field(30, ge=1, le=3_660, description="How long a link works")


class FormDocument(Definition):
    """A page at `/forms/NAME` that anybody may fill in; what is sent becomes a record of the object."""

    kind: Literal["form"]
    object: Name = Field(description="The object whose records it makes")
    label: LabelText = Label()
    description: LongText = Field(Label(), description="A sentence under the heading")
    fields: FieldsValue = Field(description="What it asks: names, or a map from name to how it is asked")
    values: dict[Name, Expr] = Field(
        default_factory=dict, description="What else the record gets: field → expression on the new record"
    )
    button: LabelText = Field(Label(), description="The text of the button")
    consent: ConsentPart | None = Field(None, description="What the visitor agrees to")
    thanks: ThanksPart = Field(
        default_factory=lambda: ThanksPart.model_validate({}), description="What the visitor sees afterwards"
    )
    files: bool = Field(False, description="Whether file and image fields may be among `fields`")
    languages: list[str] = Field(default_factory=list, description="Its languages; else all of the instance's")
    limits: LimitsPart = Field(
        default_factory=lambda: LimitsPart.model_validate({}), description="Bounds against machines"
    )
    link: LinkPart | None = Field(None, description="Personal links: signed, about one record")
    ask_once: bool = Field(False, description="With a link: what its record already says is not asked")
    one_at_a_time: bool = Field(False, description="With a link and `ask_once`: one open question per visit")
    as_: Name | None = Field(
        None, alias="as", description="The role whose rights it has; else it may create records with just these fields"
    )
    active: bool = Field(True, description="False takes the page away")
