"""`kind: segment`: a named group of records by a condition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guanxi.common.labels import Label

from .base import Definition, Expr, FieldPath, LabelText, LongText, Name, SortKey


class SegmentDocument(Definition):
    """A group of records that people name: a saved list of the object, asked anew each time."""

    kind: Literal["segment"]
    label: LabelText = Label()
    description: LongText = Label()
    object: Name = Field(description="Whose records")
    where: Expr = Field(description="Which of them; any expression, paths and lists of children included")
    columns: list[FieldPath] = Field(default_factory=list, description="What its list shows; else as `all` does")
    sort: list[SortKey] = Field(default_factory=list, description="Fields; a leading - for descending")
