"""Public forms, compiled: which fields of an object a visitor may fill in, and what happens with what he sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression

EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FormField:
    """One question. Empty texts are the object's own; a hidden one is filled by the page's address or a script."""

    name: str
    label: Label = Label()
    help: Label = Label()
    placeholder: Label = Label()
    required: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class FormConsent:
    """What a visitor agrees to. `channels` maps email or sms to the form's field with the address."""

    text: Label
    version: str
    channels: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    required: bool = False


@dataclass(frozen=True, slots=True)
class FormLink:
    """Signed links to the form. `object` is whose records they are about; `field` is the reference that takes such a
    record, "" when the answers complete the record itself. `needed`: without a link there is no form.
    """

    object: str
    field: str = ""
    needed: bool = False
    once: bool = True
    days: int = 30


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Bounds of a form; see docs/reference/forms.md."""

    per_address_per_hour: int = 20
    per_day: int = 1_000
    min_seconds: int = 3
    links: int = 3
    megabytes: int = 5
    page_needed: bool = False


@dataclass(frozen=True, slots=True)
class WebForm:
    """One form. `values` are worked out on the new record. Without `role` it may create records of `object` with just
    these fields; with one it has that role's rights. `languages` begins with the one shown when nothing else fits.
    """

    name: str
    label: Label
    object: str
    fields: Mapping[str, FormField]
    values: Mapping[str, Expression] = field(default_factory=lambda: EMPTY)
    description: Label = Label()
    button: Label = Label()
    thanks: Label = Label()
    redirect: str = ""
    consent: FormConsent | None = None
    link: FormLink | None = None
    ask_once: bool = False
    one_at_a_time: bool = False
    role: str = ""
    languages: tuple[str, ...] = ("en",)
    limits: FormLimits = FormLimits()
    active: bool = True
    layer: str = ""
