"""What people see of clocks: those of a record, and the open ones of everything they may read, the most urgent first.

Times are in JSON form; how much is left is working time of the service level's calendar.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from guanxi.common.errors import BadRequest
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.query.clocks import moments, split, word
from guanxi.runtime.records.room import Room
from guanxi.runtime.storage.rows import instant_text, instant_text_json

from . import store
from .clock import Clock
from .plans import plans

MINUTE = timedelta(minutes=1)
AMBER_PERCENT = 75
SCANNED = 200
MOST_SCANNED = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of clocks with the titles of their records."""

    data: list[dict[str, Any]]
    next: str | None


class ClockService:
    """The clocks of one published version."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.plans = plans(room)

    def has(self, object_name: str) -> bool:
        """Whether records of the object may have clocks."""
        return object_name in self.plans.by_object

    @property
    def any(self) -> bool:
        """Whether there are service levels at all."""
        return bool(self.plans.by_object)

    def of_record(self, actor: Actor, object_name: str, record_id: int) -> list[dict[str, Any]]:
        """The clocks of a record that the actor may read, open ones first. NotFound when he may not."""
        self.room.reader.seen(actor, object_name, record_id)
        found = store.of_record(self.room.db, object_name, record_id)
        shown = [self.shown(clock, actor) for clock in found if self._known(clock)]
        return sorted(shown, key=lambda one: (one["ended_at"] is not None, one["state"] == "cancelled", one["id"]))

    def listed(  # noqa: PLR0917
        self, actor: Actor, which: str = "open", object_name: str = "", sla: str = "", limit: int = 50, after: str = ""
    ) -> Listed:
        """Clocks of records that the actor may read, the soonest due first; a page ends early after many others'."""
        condition, params = self._condition(actor, word(which), object_name, sla)
        last = _read_cursor(after)
        found: list[dict[str, Any]] = []
        for _ in range(MOST_SCANNED):
            place = " AND (coalesce(due_at, '~'), id) > (?, ?)" if last else ""
            where = f"{condition}{place} ORDER BY coalesce(due_at, '~'), id LIMIT {SCANNED}"
            part = store.select(self.room.db, where, [*params, *(last or ())])
            for clock, title in self._readable(actor, part):
                if len(found) == limit:
                    return Listed(found, _cursor(last))
                found.append(self.shown(clock, actor) | {"title": title})
                last = (store.text(clock.due_at) or "~", clock.id)
            if len(part) < SCANNED:
                return Listed(found, None)
            last = (store.text(part[-1].due_at) or "~", part[-1].id)
        return Listed(found, _cursor(last))

    def counts(self, actor: Actor) -> dict[str, int]:
        """How many clocks of readable records are overdue and due today; at most 200 are looked at for each."""
        return {name: len(self.listed(actor, name, limit=SCANNED).data) for name in ("overdue", "due_today")}

    def shown(self, clock: Clock, actor: Actor) -> dict[str, Any]:
        """One clock as data."""
        level = self.plans.levels[clock.sla]
        target = level.sla.targets[clock.target]
        now = self.room.clock.now()
        elapsed, language = clock.elapsed(now, level.time), actor.language
        left = clock.allowed - elapsed
        return {
            "id": clock.id,
            "object": clock.object,
            "record": clock.record_id,
            "sla": clock.sla,
            "label": level.sla.label.text(language),
            "target": clock.target,
            "target_label": target.label.text(language),
            "state": clock.state,
            "light": light(clock, elapsed, now),
            "calendar": level.sla.calendar or None,
            "zone": level.time.zone.key,
            "percent": round(100 * (elapsed / clock.allowed)) if clock.allowed else 100,
            "allowed_minutes": clock.allowed // MINUTE,
            "elapsed_minutes": elapsed // MINUTE,
            "left_minutes": -(-left // MINUTE) if left >= timedelta() else left // MINUTE,
            **{
                name: _json(getattr(clock, name))
                for name in ("started_at", "due_at", "paused_at", "met_at", "breached_at", "ended_at")
            },
        }

    # which ----------------------------------------------------------------------------------------------------
    def _known(self, clock: Clock) -> bool:
        level = self.plans.levels.get(clock.sla)
        return level is not None and clock.target in level.sla.targets

    def _condition(self, actor: Actor, which: str, object_name: str, sla: str) -> tuple[str, list[Any]]:
        text, names = split(which)
        known = moments(actor, self.room.clock.now())
        params: list[Any] = [known[name] for name in names]
        for column, wanted in (("object", object_name), ("sla", sla)):
            if wanted:
                text, params = f"{text} AND {column} = ?", [*params, wanted]
        return text, params

    def _readable(self, actor: Actor, clocks: Sequence[Clock]) -> list[tuple[Clock, str]]:
        titles: dict[str, dict[int, str]] = {}
        for name in {clock.object for clock in clocks if clock.object in self.plans.by_object}:
            if self.room.access.rights(actor, name).visible:
                ids = sorted({clock.record_id for clock in clocks if clock.object == name})
                titles[name] = self.room.reader.titles(actor, name, ids)
        return [
            (clock, titles[clock.object][clock.record_id])
            for clock in clocks
            if self._known(clock) and clock.record_id in titles.get(clock.object, {})
        ]


def light(clock: Clock, elapsed: timedelta, now: datetime) -> str:
    """The traffic light: red ran out, amber from three quarters on, green, grey stands or does not count."""
    if clock.state == "breached" or (clock.open and clock.due_at is not None and clock.due_at <= now):
        return "red"
    if clock.state in ("paused", "cancelled"):
        return "grey"
    if clock.state == "met":
        return "green"
    return "amber" if elapsed * 100 >= clock.allowed * AMBER_PERCENT else "green"


def _json(moment: datetime | None) -> str | None:
    return None if moment is None else instant_text_json(instant_text(moment.astimezone(UTC)))


def _cursor(last: tuple[str, int] | None) -> str | None:
    if last is None:
        return None
    return base64.urlsafe_b64encode(f"{last[0]} {last[1]}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        due, _, number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
        if not (number.isascii() and number.isdigit()) or len(number) > 18 or len(due) > 40:
            raise ValueError
        return due, int(number)
    except (ValueError, binascii.Error):
        raise BadRequest("The cursor cannot be read.", code="bad_cursor") from None
