"""`kind: object`: what a record has, how it behaves and how it is shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from guanxi.common.labels import Label
from guanxi.common.names import RESERVED_FIELDS, RESERVED_OBJECTS, nearest

from .base import (
    BoolOrExpr,
    Definition,
    Expr,
    FieldPath,
    LabelText,
    LongText,
    Name,
    OneOrManyNames,
    Part,
    SortKey,
    Text,
    described,
    fault,
    one_of,
)
from .fields import AnyField
from .steps import Steps

MAX_FIELDS = 500


def _access_levels() -> Any:
    return one_of("private", "read", "edit", what="access")


class UniquePart(Part):
    """A unique key in its long form; `[name, region]` is short for `{fields: [name, region]}`."""

    fields: list[Name] = Field(min_length=1, max_length=8)
    renamed_from: Name | None = None


def _unique(value: object) -> object:
    if isinstance(value, str):
        return {"fields": [value]}
    return {"fields": value} if isinstance(value, list) else value


class RulePart(Part):
    """A condition that every saved record meets."""

    check: Expr = Field(description="The condition; it may use old values, changed() and was()")
    message: LongText = Field(description="What a person reads when it does not hold")
    fields: list[Name] = Field(default_factory=list, description="The fields at which the message is shown")
    when: Expr | None = Field(None, description="The rule is judged only when this holds")


MATCHERS = ("exact", "text", "company_name", "person_name", "phone", "email", "address", "domain", "code")


class MatchKeys(Part):
    """One part of a duplicate rule."""

    field: Name
    by: one_of(*MATCHERS, what="by") = "exact"  # type: ignore[valid-type]
    in_: dict[Name, Name] = Field(
        default_factory=dict, alias="in", description="The field's name in an object of `across`, where it has another"
    )


def _match(value: object) -> object:
    return {"field": value} if isinstance(value, str) else value


class DuplicatePart(Part):
    """Records that agree on every part of `match` look like the same."""

    match: list[Annotated[MatchKeys, BeforeValidator(_match, json_schema_input_type=MatchKeys | Name)]] = Field(
        min_length=1, max_length=8
    )
    action: one_of("block", "warn", what="action") = "warn"  # type: ignore[valid-type]
    score: Annotated[float, Field(gt=0, le=1, strict=False)] = Field(
        1.0, description="The least likeness of fuzzy parts, 0 to 1"
    )
    message: LongText = Label()
    across: list[Name] = Field(
        default_factory=list, max_length=8, description="Other objects in which the rule looks for the same"
    )


class StagePart(Part):
    """One stage of the path."""

    label: LabelText = Field(Label(), description="Else the option's label")
    to: list[Name] = Field(default_factory=list, description="The stages that may follow; none ends the path")
    needs: list[Name] = Field(default_factory=list, description="Fields that must be filled to enter the stage")
    when: Expr | None = Field(None, description="The stage can be entered when this holds")
    by: Expr | None = Field(None, description="Who may move a record here: a condition on the person")
    on_enter: Steps = Field(default_factory=list, description="What happens on entering")
    message: LongText = Field(Label(), description="What a person reads when the stage cannot be entered")


class StagesPart(Part):
    """The path that records take."""

    field: Name = Field(description="A choice field of the object; its options are the stages")
    path: dict[Name, StagePart] = Field(min_length=1, description="The stages in order; the first is the start")


class SectionPart(Part):
    """A group of fields on the form."""

    label: LabelText = Label()
    columns: int = Field(2, ge=1, le=4)
    fields: list[Name] = Field(min_length=1)
    when: Expr | None = Field(None, description="Shown when this holds")


class FormPart(Part):
    """The form and the details tab."""

    sections: dict[Name, SectionPart] = Field(default_factory=dict)


class ViewPart(Part):
    """A saved list."""

    label: LabelText = Label()
    as_: one_of("table", "board", "calendar", what="as") = Field("table", alias="as")  # type: ignore[valid-type]
    where: Expr | None = Field(None, description="Which records; all that one may read when absent")
    columns: list[FieldPath] = Field(default_factory=list, description="Fields, or paths over references")
    sort: list[SortKey] = Field(default_factory=list, description="Fields; a leading - for descending")
    by: Name | None = Field(None, description="A board's lanes: a choice, reference or user field")
    sum: Name | None = Field(None, description="A number that is totalled per lane")
    date: Name | None = Field(None, description="A calendar's day")
    end: Name | None = Field(None, description="A calendar's last day")


class PagePart(Part):
    """The record page."""

    highlights: list[FieldPath] = Field(default_factory=list, max_length=12)
    tabs: list[Name] | None = Field(None, description="details, timeline, history, approvals or a related list")


class ActionPart(Part):
    """A button on the record, and a call of the API."""

    label: LabelText = Label()
    icon: Text | None = None
    when: BoolOrExpr = Field(True, description="Offered when this holds")
    confirm: LongText = Field(Label(), description="A question asked first")
    do: Steps = Field(description="What it does, step by step")


def _history(value: object) -> Any:
    if value in ("all", "none"):
        return value
    if isinstance(value, list):
        for name in value:
            if not isinstance(name, str):
                raise fault("wrong-type", f"history lists field names, not {described(name)}")
        return value
    raise fault("wrong-value", f"history must be all, none or a list of field names, not {described(value)}")


History = Annotated[
    Any,
    PlainValidator(_history),
    WithJsonSchema({"anyOf": [{"enum": ["all", "none"]}, {"type": "array", "items": {"type": "string"}}]}),
]


def _field_names(fields: dict[str, Any]) -> dict[str, Any]:
    found = [
        ((name,), "reserved-name", f"'{name}' is reserved by the platform and cannot name a field", "")
        for name in fields
        if name in RESERVED_FIELDS
    ]
    if found:
        raise PydanticCustomError("faults", "faults", {"faults": found, "reserved_fields": True})
    return fields


FieldMap = Annotated[dict[Name, AnyField], Field(max_length=MAX_FIELDS), AfterValidator(_field_names)]


class ObjectDocument(Definition):
    """An object: a table, its rules, its lists, its form and its page."""

    kind: Literal["object"]
    label: LabelText = Label()
    plural: LabelText = Label()
    icon: Text | None = Field(None, description="A Lucide icon's name")
    description: LongText = Label()
    title: Expr | None = Field(
        None,
        description="The field or text expression that people read as the record's name; else the first of the fields "
        "name, full_name, title, subject, label, code, number, or the first text field",
    )
    owned: bool = Field(False, description="Records have an owner (a user, or blank), a team and a pool")
    access: _access_levels() = Field(  # type: ignore[valid-type]
        "private", description="What colleagues without a grant get: private, read or edit"
    )
    history: History = Field("all", description="Field history: all, none or field names")
    concurrency: one_of("optimistic", "strict", what="concurrency") = "optimistic"  # type: ignore[valid-type]
    fields: FieldMap = Field(default_factory=dict)
    unique: dict[
        Name, Annotated[UniquePart, BeforeValidator(_unique, json_schema_input_type=UniquePart | list[Name] | Name)]
    ] = Field(default_factory=dict, description="Keys of one or several fields")
    rules: dict[Name, RulePart] = Field(default_factory=dict)
    duplicates: dict[Name, DuplicatePart] = Field(default_factory=dict)
    stages: StagesPart | None = None
    form: FormPart | None = None
    views: dict[Name, ViewPart] = Field(default_factory=dict)
    page: PagePart | None = None
    actions: dict[Name, ActionPart] = Field(default_factory=dict)
    renamed_from: Name | None = None


def reserved_object(name: str) -> str:
    """Why an object may not be called so, as a sentence; "" when it may."""
    return f"'{name}' is reserved by the platform and cannot name an object" if name in RESERVED_OBJECTS else ""


__all__ = ["ObjectDocument", "OneOrManyNames", "nearest", "reserved_object"]
