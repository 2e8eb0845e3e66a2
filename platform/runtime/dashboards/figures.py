"""The figures of one tile, asked under the rights of whoever looks: what he may not read is not counted.

A tile answers {"name", "label", "as", "object", …}: a number its `value` (and `previous`), a chart its `rows` of
{"key", "label", "value", "where"}, a list its `rows` of records. `where` is the condition of the very records behind a
figure, for the list that opens from it. A tile whose object or fields the viewer may not read is not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from guanxi.expressions.check import check
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.registry.dashboards import COMPARISONS, Period, Tile

from ..access.actor import Actor
from ..query.request import AggregateQuery, ListQuery
from .periods import STARTS, points

if TYPE_CHECKING:
    from ..query.reader import Reader
    from ..records.room import Room

POINTS = 12
Row = dict[str, Any]


class Figures:
    """Asks tiles. `earlier` gives a reader whose clock stands in the period before."""

    def __init__(self, room: Room, earlier: Mapping[str, Reader]) -> None:
        self.room = room
        self.reader = room.reader
        self.earlier = earlier

    def ask(self, actor: Actor, tile: Tile) -> Row:
        """A tile with its figures; raises what the reader raises."""
        base = {
            "name": tile.name,
            "label": tile.label.text(actor.language),
            "help": tile.help.text(actor.language),
            "as": tile.kind,
            "object": tile.object,
            "measure": tile.measure,
            "width": tile.width,
            "where": tile.where,
        }
        if tile.kind in ("number", "target"):
            return base | self._number(actor, tile)
        if tile.kind in ("trend", "line"):
            return base | {"rows": self._trend(actor, tile)}
        if tile.kind == "list":
            return base | self._list(actor, tile)
        return base | {"rows": self._groups(actor, tile)}

    # numbers ----------------------------------------------------------------------------------------
    def _number(self, actor: Actor, tile: Tile) -> Row:
        found: Row = {"value": self._one(self.reader, actor, tile, tile.where)}
        if tile.compare:
            period = COMPARISONS[tile.compare]
            inside = f"{STARTS[period]}({tile.date}) <= {STARTS[period]}(today())"
            where = f"({tile.where}) and {inside}" if tile.where else inside
            found["compare"] = tile.compare
            found["previous"] = self._one(self.earlier[period], actor, tile, where)
        if tile.target:
            found["target"] = self._target(actor, tile)
        return found

    def _one(self, reader: Reader, actor: Actor, tile: Tile, where: str) -> Any:
        rows = reader.aggregate(actor, AggregateQuery(tile.object, measures=(tile.measure,), where=where))
        value = rows[0][tile.measure] if rows else None
        return 0 if value is None and tile.measure.startswith(("count", "sum")) else value

    def _target(self, actor: Actor, tile: Tile) -> Any:
        expression = check(tile.target, self.room.registry, tile.object)
        env = Env(
            {}, me=actor.me, roles=actor.roles, teams=actor.teams, reports=actor.reports, now=self.reader.clock.now()
        )
        value = evaluate(expression, env)
        return str(value) if isinstance(value, Decimal) else value

    # charts -----------------------------------------------------------------------------------------
    def _groups(self, actor: Actor, tile: Tile) -> list[Row]:
        ranked = tile.kind == "ranking"
        rows = self.reader.aggregate(
            actor,
            AggregateQuery(
                tile.object,
                group=(tile.group,),
                measures=(tile.measure,),
                where=tile.where,
                sort=((tile.measure, True),) if ranked else (),
                limit=tile.limit if ranked else 200,
            ),
        )
        labels = self._labels(actor, tile, [row[tile.group] for row in rows])
        found = [
            {
                "key": row[tile.group],
                "label": labels.get(row[tile.group], ""),
                "value": row[tile.measure] if row[tile.measure] is not None else 0,
                "where": self._behind(tile, row[tile.group]),
            }
            for row in rows
        ]
        if not ranked:
            found = self._in_order(tile, found)
        return found[: tile.limit] if ranked else found

    def _in_order(self, tile: Tile, rows: list[Row]) -> list[Row]:
        """Options in the order they are defined; a funnel shows those that are empty too."""
        field = self.room.registry.objects[tile.object].fields.get(tile.group)
        if field is None or not field.options:
            return rows[: tile.limit]
        places = {name: place for place, name in enumerate(field.options)}
        return sorted(rows, key=lambda row: places.get(row["key"], len(places)))

    def _labels(self, actor: Actor, tile: Tile, keys: Sequence[Any]) -> Mapping[Any, str]:
        blank = {"en": "(blank)", "zh": "(空)"}.get(actor.language, "(blank)")
        found: dict[Any, str] = {None: blank}
        expression = check(tile.group, self.room.registry, tile.object)
        if expression.type.kind == "reference":
            ids = [key for key in keys if isinstance(key, int)]
            found |= self.reader.titles(actor, expression.type.object, ids)
            return {key: found.get(key, f"#{key}") for key in keys} | {None: blank}
        field = self.room.registry.objects[tile.object].fields.get(tile.group)
        options = field.options if field is not None else {}
        for key in keys:
            if key in options:
                found[key] = options[key].label.text(actor.language)
            elif isinstance(key, bool):
                found[key] = {"en": ("no", "yes"), "zh": ("否", "是")}.get(actor.language, ("no", "yes"))[key]
            elif key is not None:
                found[key] = str(key)
        return found

    def _behind(self, tile: Tile, key: Any) -> str:
        """The condition of the records of one group."""
        own = f"blank({tile.group})" if key is None else f"{tile.group} == {self._written(tile, key)}"
        return f"({tile.where}) and {own}" if tile.where else own

    def _written(self, tile: Tile, key: Any) -> str:
        """A group's value as an expression."""
        kind = check(tile.group, self.room.registry, tile.object).type.kind
        if isinstance(key, bool):
            return "true" if key else "false"
        if kind in ("date", "datetime"):
            return f"{kind}({json.dumps(str(key))})"
        return str(key) if kind in ("integer", "decimal", "reference") else json.dumps(str(key), ensure_ascii=False)

    def _trend(self, actor: Actor, tile: Tile) -> list[Row]:
        period: Period = tile.by
        bucket = f"{STARTS[period]}({tile.date})"
        today = self.reader.clock.now().astimezone(actor.zone).date()
        wanted = points(today, period, min(tile.limit, POINTS) if tile.limit != 10 else POINTS)
        since = f'{bucket} >= date("{wanted[0].isoformat()}")'
        where = f"({tile.where}) and {since}" if tile.where else since
        rows = self.reader.aggregate(
            actor, AggregateQuery(tile.object, group=(bucket,), measures=(tile.measure,), where=where, limit=200)
        )
        known = {row[bucket]: row[tile.measure] for row in rows}
        found = []
        for day in wanted:
            inside = f'{bucket} == date("{day.isoformat()}")'
            found.append(
                {
                    "key": day.isoformat(),
                    "label": _named(day, period),
                    "value": known.get(day.isoformat()) or 0,
                    "where": f"({tile.where}) and {inside}" if tile.where else inside,
                }
            )
        return found

    # lists ------------------------------------------------------------------------------------------
    def _list(self, actor: Actor, tile: Tile) -> Row:
        columns = tile.columns or ("title",)
        plain = [name for name in columns if "." not in name and name != "title"]
        page = self.reader.list(
            actor,
            ListQuery(
                tile.object, where=tile.where, view=tile.view, sort=tile.sort, limit=tile.limit, fields=("id", *plain)
            ),
        )
        titles = self.reader.titles(actor, tile.object, [row["id"] for row in page.data])
        rows = [{"title": titles.get(row["id"], f"#{row['id']}"), **row} for row in page.data]
        return {"columns": plain, "view": tile.view, "rows": rows}


def _named(day: date, period: Period) -> str:
    if period == "year":
        return str(day.year)
    if period == "quarter":
        return f"{day.year} Q{(day.month - 1) // 3 + 1}"
    return f"{day.year}-{day.month:02d}"
