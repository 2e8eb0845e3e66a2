"""`kind: data`: seed or sample rows, found again by a natural key."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from guanxi.common.labels import Label

from .base import Definition, LongText, Name, OneOrManyNames


class DataDocument(Definition):
    """Rows of one object, upserted by `key`; a reference is written as the other record's natural key."""

    kind: Literal["data"]
    object: Name
    key: OneOrManyNames = Field(description="The field or fields that tell a row again")
    rows: list[dict[str, Any]] = Field(description="Maps from field to value")
    sample: bool = Field(False, description="Loaded only when somebody asks for sample data")
    description: LongText = Label()
