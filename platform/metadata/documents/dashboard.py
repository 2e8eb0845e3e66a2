"""`kind: dashboard`: figures, charts and short lists on one page."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.registry.dashboards import BUCKETS, COMPARISONS, TILES

from .base import Definition, Expr, FieldPath, LabelText, LongText, Name, Part, SortKey, Text, described, fault, one_of

MEASURE = re.compile(r"\s*(count|sum|avg|min|max)\s*\((.*)\)\s*\Z", re.DOTALL)


def _measure(value: object) -> str:
    if isinstance(value, str) and MEASURE.match(value):
        return value.strip()
    raise fault("wrong-value", f"a measure is count(), or sum avg min max count of a field, not {described(value)}")


Measure = Annotated[str, PlainValidator(_measure), WithJsonSchema({"type": "string", "pattern": "^[a-z]+\\(.*\\)$"})]


class TilePart(Part):
    """One tile."""

    label: LabelText = Label()
    help: LongText = Label()
    as_: one_of(*TILES, what="as") = Field("number", alias="as", description="How it is shown")  # type: ignore[valid-type]
    object: Name = Field(description="Whose records are asked")
    measure: Measure = Field("count()", description="count(), or count sum avg min max of a field or expression")
    group: Expr | None = Field(None, description="What it is broken down by: a field, a path or an expression")
    where: Expr | None = Field(None, description="Which records count; it may speak of me, today() and paths")
    date: Name | None = Field(None, description="The date that says when; found in `where` when only one stands there")
    by: one_of(*BUCKETS, what="by") = Field("month", description="With trend and line: one point a month …")  # type: ignore[valid-type]
    compare: one_of(*COMPARISONS, what="compare") | None = Field(None, description="The same figure a period before")  # type: ignore[valid-type]
    target: Expr | None = Field(None, description="With target: what is to be reached")
    view: Name | None = Field(None, description="With list: a view of the object")
    columns: list[FieldPath] = Field(default_factory=list, max_length=8, description="With list: what is shown")
    sort: list[SortKey] = Field(default_factory=list, description="With list: fields; a leading - for descending")
    limit: int = Field(10, ge=1, le=50, description="How many groups or records")
    width: int = Field(1, ge=1, le=4, description="Quarters of the page's width")


class DashboardDocument(Definition):
    """A page of tiles."""

    kind: Literal["dashboard"]
    label: LabelText = Label()
    description: LongText = Label()
    icon: Text | None = None
    roles: list[Name] = Field(default_factory=list, description="Who sees it; everybody when empty")
    tiles: dict[Name, TilePart] = Field(min_length=1, max_length=40, description="The tiles in order")
