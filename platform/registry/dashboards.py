"""Dashboards, compiled: tiles that ask one aggregate or one list each, under the rights of whoever looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from guanxi.common.labels import Label

TileKind = Literal["number", "trend", "funnel", "bar", "line", "ranking", "target", "list"]
Period = Literal["month", "quarter", "year"]
TILES: tuple[TileKind, ...] = ("number", "trend", "funnel", "bar", "line", "ranking", "target", "list")
COMPARISONS: dict[str, Period] = {
    "previous_month": "month",
    "previous_quarter": "quarter",
    "previous_year": "year",
}
BUCKETS: tuple[Period, ...] = ("month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class Tile:
    """One question. `group` and `measure` are texts of the aggregate API; `date` is the field that says when, for
    comparisons and trends; `width` counts quarters of the page.
    """

    name: str
    label: Label
    kind: TileKind
    object: str
    measure: str = "count()"
    group: str = ""
    where: str = ""
    date: str = ""
    by: Period = "month"
    compare: str = ""
    target: str = ""
    view: str = ""
    columns: tuple[str, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int = 10
    width: int = 1
    help: Label = Label()


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Tiles in order; `roles` empty means everybody."""

    name: str
    label: Label
    tiles: tuple[Tile, ...]
    description: Label = Label()
    icon: str = "layout-dashboard"
    roles: tuple[str, ...] = ()
    layer: str = ""
