"""`kind: template`: a message with holes, for one channel, in every language of the instance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from guanxi.common.labels import Label

from .base import Definition, LabelText, LongText, Name, one_of

Channel: Any = one_of("email", "sms", "wecom", "notification", what="the channel")


class TemplateDocument(Definition):
    """A message. `{name}` in its texts is filled from the record; `{{` and `}}` are the brackets themselves."""

    kind: Literal["template"]
    label: LabelText = Label()
    description: LongText = Label()
    channel: Channel = Field(description="How it reaches people: email, sms, wecom or notification")
    object: Name | None = Field(
        None, description="The object whose records fill it; without one, each place that uses it is checked by itself"
    )
    subject: LabelText = Field(Label(), description="An e-mail's subject: a text, or a map by language")
    body: LongText = Field(Label(), description="The text: a text, or a map by language")
    html: LongText = Field(
        Label(), description="An e-mail's HTML, when it is to be more than the text; values in it are escaped"
    )
    attachments: list[Name] = Field(default_factory=list, description="File fields of the object that go along")
    marketing: bool = Field(
        False,
        description="Whether it is advertising: it then needs consent, obeys the cap and can be unsubscribed from",
    )
    renamed_from: Name | None = None
