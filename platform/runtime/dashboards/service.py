"""Dashboards as channels see them: which there are for somebody, and one with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.common.errors import BadRequest, Forbidden, NotFound
from guanxi.common.names import did_you_mean
from guanxi.registry.dashboards import Dashboard, Period

from ..access.actor import Actor
from ..query.reader import Reader
from ..records.room import Room
from .figures import Figures
from .periods import EarlierClock

PERIODS: tuple[Period, ...] = ("month", "quarter", "year")


class DashboardService:
    """One per published version; `services.dashboards`."""

    def __init__(self, room: Room, secret: bytes = b"guanxi") -> None:
        self.room = room
        self.figures = Figures(room, {period: self._earlier(period, secret) for period in PERIODS})

    def _earlier(self, period: Period, secret: bytes) -> Reader:
        room = self.room
        clock = EarlierClock(room.clock, period, room.zone)
        return Reader(room.registry, room.db, tables=room.tables, access=room.access, clock=clock, secret=secret)

    def of(self, actor: Actor) -> list[Dashboard]:
        """The dashboards somebody sees, in the order of the metadata."""
        known: Mapping[str, Dashboard] = self.room.registry.others.get("dashboard", {})
        return [one for one in known.values() if self._open(one, actor)]

    @staticmethod
    def _open(dashboard: Dashboard, actor: Actor) -> bool:
        return actor.unrestricted or not dashboard.roles or bool(actor.roles.intersection(dashboard.roles))

    def list(self, actor: Actor) -> list[dict[str, Any]]:
        """Names and labels."""
        return [
            {"name": one.name, "label": one.label.text(actor.language), "tiles": len(one.tiles)}
            for one in self.of(actor)
        ]

    def show(self, actor: Actor, name: str) -> dict[str, Any]:
        """One dashboard with the figures of every tile the viewer may ask; NotFound when it is not for him."""
        seen = {one.name: one for one in self.of(actor)}
        dashboard = seen.get(name)
        if dashboard is None:
            raise NotFound(f"There is no dashboard {name[:60]!r}.", hint=did_you_mean(name[:60], seen))
        tiles = []
        with self.room.db.read():
            for tile in dashboard.tiles:
                try:
                    tiles.append(self.figures.ask(actor, tile))
                except (NotFound, Forbidden, BadRequest):
                    continue  # asks for something the viewer may not read
        return {
            "name": dashboard.name,
            "label": dashboard.label.text(actor.language),
            "description": dashboard.description.text(actor.language),
            "tiles": tiles,
        }
