"""Dashboards: one page of tiles, drawn on the server as SVG with a table beside each chart.

Figures come from `runtime.dashboards` under the viewer's rights. Every figure leads to the very list behind it, by the
condition that it was counted with. Colours are classes, sizes are attributes: the policy allows no inline style.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from flask import render_template

from guanxi.common.errors import NotFound

from .formats import Formats, formats, to_decimal
from .pages import Pages
from .routes import expose
from .texts import gettext
from .visit import Visit, current_visit

COMPARED = {
    "previous_month": "against last month",
    "previous_quarter": "against last quarter",
    "previous_year": "against last year",
}
CHART_HEIGHT = 120
STEP = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One group of a chart: `share` is its part of the largest in percent; `x`, `y`, `height` its place in a trend."""

    label: str
    text: str
    url: str
    share: int
    x: int = 0
    y: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A tile ready for the template."""

    name: str
    label: str
    help: str
    kind: str
    width: int
    url: str
    value: str = ""
    change: str = ""
    trend: str = ""
    compared: str = ""
    target: str = ""
    reached: int = 0
    bars: tuple[Bar, ...] = ()
    points: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    breadth: int = 0


class DashboardPages(Pages):
    """Below /dashboards/."""

    def __init__(self) -> None:
        super().__init__(name="Dashboards", endpoint="dashboards", url="/dashboards")

    def is_accessible(self) -> bool:
        """Whoever is logged in; which dashboards there are for him is asked by name."""
        return True

    @expose("/")
    def index(self) -> Any:
        """The first dashboard somebody has."""
        visit = current_visit()
        known = visit.services.dashboards.of(visit.person)
        if not known:
            raise NotFound("There is no dashboard for you.")
        return self.show(known[0].name)

    @expose("/<board>/")
    def show(self, board: str) -> Any:
        """One dashboard."""
        visit = current_visit()
        shown = visit.services.dashboards.show(visit.person, board)
        others = visit.services.dashboards.list(visit.person)
        tiles = [draw(visit, tile) for tile in shown["tiles"]]
        return render_template("dashboard.html", board=shown, tiles=tiles, others=others)


def draw(visit: Visit, tile: dict[str, Any]) -> Drawn:
    """One tile's figures as texts, shares and places."""
    shown = formats(visit.locale, visit.person.zone.key)
    base = {
        "name": tile["name"],
        "label": tile["label"],
        "help": tile["help"],
        "kind": tile["as"],
        "width": tile["width"],
        "url": list_url(tile["object"], tile["where"]),
    }
    if tile["as"] in ("number", "target"):
        return Drawn(**base, **_number(shown, visit, tile))
    if tile["as"] == "list":
        return Drawn(**base, **_list(visit, tile))
    return Drawn(**base, **_chart(shown, visit, tile))


def list_url(object_name: str, where: str) -> str:
    """The list of the records behind a figure."""
    pairs = [("view", "all")] + ([("where", where)] if where else [])
    return f"/o/{object_name}/?{urlencode(pairs)}"


def _written(shown: Formats, visit: Visit, tile: dict[str, Any], value: Any) -> str:
    """A figure with its currency where it measures money."""
    if value is None:
        return "—"
    name = tile["measure"].partition("(")[2].rstrip(") ")
    field = visit.services.registry.objects[tile["object"]].fields.get(name)
    money = field is not None and field.type == "money" and not tile["measure"].startswith("count")
    currency = getattr(field.settings, "currency", "") if money and field is not None else ""
    return shown.money(value, currency) if currency else shown.number(value, 2)


def _number(shown: Formats, visit: Visit, tile: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"value": _written(shown, visit, tile, tile["value"])}
    if tile.get("compare"):
        now, before = to_decimal(tile["value"] or 0), to_decimal(tile["previous"] or 0)
        text = COMPARED[tile["compare"]]
        found["compared"] = gettext(text)
        if now is not None and before:
            change = (now - before) * 100 / before
            found["change"] = f"{change:+.0f} %"
            found["trend"] = "up" if change > 0 else "down" if change < 0 else "same"
        else:
            found["change"] = _written(shown, visit, tile, tile["previous"])
            found["trend"] = "same"
    if "target" in tile:
        wanted, have = to_decimal(tile["target"] or 0), to_decimal(tile["value"] or 0)
        found["target"] = _written(shown, visit, tile, tile["target"])
        found["reached"] = int(min(have * 100 / wanted, Decimal(100))) if wanted and have and have > 0 else 0
    return found


def _chart(shown: Formats, visit: Visit, tile: dict[str, Any]) -> dict[str, Any]:
    values = [to_decimal(row["value"]) or Decimal(0) for row in tile["rows"]]
    most = max((abs(value) for value in values), default=Decimal(0)) or Decimal(1)
    bars = []
    for place, (row, value) in enumerate(zip(tile["rows"], values, strict=True)):
        height = int(max(value, Decimal(0)) * CHART_HEIGHT / most)
        bars.append(
            Bar(
                label=row["label"],
                text=_written(shown, visit, tile, row["value"]),
                url=list_url(tile["object"], row["where"]),
                share=int(max(value, Decimal(0)) * 100 / most),
                x=place * STEP,
                y=CHART_HEIGHT - height,
                height=height,
            )
        )
    points = " ".join(f"{bar.x + STEP // 2},{bar.y + 4}" for bar in bars)
    return {"bars": tuple(bars), "points": points, "breadth": max(len(bars), 1) * STEP}


def _list(visit: Visit, tile: dict[str, Any]) -> dict[str, Any]:
    item = visit.services.registry.objects[tile["object"]]
    shown = formats(visit.locale, visit.person.zone.key)
    rows = []
    for row in tile["rows"]:
        cells = tuple(_cell(shown, visit, item, name, row.get(name)) for name in tile["columns"])
        rows.append((row["title"], f"/o/{tile['object']}/{row['id']}/", cells))
    labels = tuple(item.fields[name].label.text(visit.language) or name for name in tile["columns"])
    return {"columns": labels, "rows": tuple(rows)}


def _cell(shown: Formats, visit: Visit, item: Any, name: str, value: Any) -> str:
    field = item.fields[name]
    if value is None:
        return "—"
    if field.type == "money":
        return shown.money(value, getattr(field.settings, "currency", "") or "CNY")
    if field.options and str(value) in field.options:
        return str(field.options[str(value)].label.text(visit.language))
    if field.type == "date":
        return shown.day(str(value))
    if field.type == "datetime":
        return shown.instant(str(value))
    return str(value)
