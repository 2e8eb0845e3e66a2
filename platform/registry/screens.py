"""Forms, views and record pages, compiled: every field name in them exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression


@dataclass(frozen=True, slots=True)
class Section:
    """A group of fields on forms and the details tab; shown `when`."""

    name: str
    label: Label
    fields: tuple[str, ...]
    columns: int = 2
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """All sections in order; the compiler makes one of all editable fields when the object declares none."""

    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A saved list. `sort` is (field or path, descending) pairs; `by` the choice field of a board,
    `sum` a number field totalled per lane, `date`/`end` the fields of a calendar.
    """

    name: str
    label: Label
    shape: Literal["table", "board", "calendar"] = "table"
    where: Expression | None = None
    columns: tuple[str, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    by: str = ""
    sum: str = ""
    date: str = ""
    end: str = ""
    layer: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """The record page: fields in the head, tabs in order (details, timeline, history, a related list, …)."""

    highlights: tuple[str, ...] = ()
    tabs: tuple[str, ...] = ("details",)
    labels: Mapping[str, Label] = field(default_factory=lambda: MappingProxyType({}))
