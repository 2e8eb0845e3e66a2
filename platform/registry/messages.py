"""Message templates, compiled: texts by language with their holes checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from guanxi.common.labels import Label
from guanxi.expressions.template import Template

TemplateChannel = Literal["email", "sms", "wecom", "notification"]


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """One template. `checked` maps subject, body and html to language ("" for any) to the checked text where `object`
    is given; without it the holes are checked against the object of each place that uses the template.
    `attachments` are file fields of the object.
    """

    name: str
    label: Label
    channel: TemplateChannel
    object: str = ""
    subject: Label = Label()
    body: Label = Label()
    html: Label = Label()
    attachments: tuple[str, ...] = ()
    marketing: bool = False
    layer: str = ""
    checked: Mapping[str, Mapping[str, Template]] = field(default_factory=lambda: MappingProxyType({}))
