"""`kind: app`: navigation, one entry after the other."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.common.names import name_fault

from .base import Definition, LabelText, LongText, Name, Text, described, fault


def _entry(value: object) -> str:
    if not isinstance(value, str):
        raise fault("wrong-type", f"a menu entry is an object's name or kind:name, not {described(value)}")
    parts = value.split(":")
    if len(parts) > 2 or any(name_fault(part) for part in parts):
        raise fault("bad-name", f"a menu entry is an object's name or kind:name, not {described(value)}")
    return value


MenuEntry = Annotated[
    str, PlainValidator(_entry), WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9_]*(:[a-z][a-z0-9_]*)?$"})
]


class AppDocument(Definition):
    """A menu of objects and dashboards for some roles."""

    kind: Literal["app"]
    label: LabelText = Label()
    description: LongText = Label()
    icon: Text | None = Field(None, description="A Lucide icon's name")
    menu: list[MenuEntry] = Field(description="Object names, or kind:name as in dashboard:sales")
    roles: list[Name] = Field(default_factory=list, description="Who sees it; everybody when empty")
    renamed_from: Name | None = None
