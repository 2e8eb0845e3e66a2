"""Clocks of service levels as people see them: the lights on a record's page, and a page of what is overdue or due.

The light is never told by colour alone: each has a sign and a word, and how much is left in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request

from .formats import formats
from .pages import Pages
from .routes import expose
from .texts import gettext
from .visit import current_visit

PAGE = 50
TABS = ("overdue", "due_today", "open", "paused", "met")
TAB_TEXT = {"overdue": "Overdue", "due_today": "Due today", "open": "All open", "paused": "Paused", "met": "Met"}
SIGNS = {"red": "triangle-alert", "amber": "timer", "green": "circle-check", "grey": "circle-pause"}
TONES = {"red": "red", "amber": "amber", "green": "green", "grey": "slate"}
STATE_TEXT = {
    "running": "Running",
    "paused": "Paused",
    "met": "Met",
    "breached": "Overdue",
    "cancelled": "No longer counts",
}


@dataclass(frozen=True, slots=True)
class ClockView:
    """One clock as it is drawn. `left` says what is left or how late it is, `due` the moment in the person's zone."""

    target: str
    label: str
    state: str
    tone: str
    sign: str
    left: str
    due: str
    due_at: str
    percent: int
    record: str = ""
    url: str = ""
    object: str = ""
    zone: str = ""


def clock_views(shown: list[dict[str, Any]]) -> list[ClockView]:
    """Clocks as data → as they are drawn for this visit."""
    return [_drawn(one) for one in shown]


def _drawn(one: Mapping[str, Any]) -> ClockView:
    visit = current_visit()
    person, registry = visit.person, visit.services.registry
    shown = formats(visit.locale, person.zone.key)
    item = registry.objects[one["object"]]
    late = one["light"] == "red" and one["ended_at"] is None
    word = STATE_TEXT["breached" if late else one["state"]]
    return ClockView(
        target=one["target_label"],
        label=one["label"],
        state=gettext(word),
        tone=TONES[one["light"]],
        sign=SIGNS[one["light"]],
        left=_left(one),
        due=shown.instant(one["due_at"]) if one["due_at"] else "",
        due_at=one["due_at"] or "",
        percent=max(0, min(100, one["percent"])),
        record=str(one.get("title") or f"#{one['record']}"),
        url=f"/o/{one['object']}/{one['record']}/",
        object=item.label.text(visit.language) or item.name,
        zone=one["zone"] if one["calendar"] and one["zone"] != person.zone.key else "",
    )


def _left(one: Mapping[str, Any]) -> str:
    """How much is left, in words; what has ended says how it did."""
    minutes = one["left_minutes"]
    if one["state"] in ("met", "cancelled"):
        return ""
    working = bool(one["calendar"])
    if minutes < 0 or one["light"] == "red":
        late = span(-minutes if minutes < 0 else 0)
        return gettext("%(time)s of working time late", time=late) if working else gettext("%(time)s late", time=late)
    left = span(minutes)
    return gettext("%(time)s of working time left", time=left) if working else gettext("%(time)s left", time=left)


def span(minutes: int) -> str:
    """A length of time: hours and minutes."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return gettext("%(n)s min", n=rest)
    if not rest:
        return gettext("%(n)s h", n=hours)
    return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)


class ClockPages(Pages):
    """/clocks/: what is overdue, due today, open."""

    def __init__(self) -> None:
        super().__init__(name="Deadlines", endpoint="clocks", url="/clocks")

    def is_accessible(self) -> bool:
        """The table of routes has asked for somebody already."""
        return current_visit().person is not None

    @expose("/")
    def index(self) -> Any:
        """A page of clocks; `clock` chooses which."""
        visit = current_visit()
        which = request.args.get("clock", "overdue")
        found = visit.services.clocks.listed(visit.person, which, limit=PAGE, after=request.args.get("after", ""))
        return render_template(
            "clocks.html",
            clocks=clock_views(found.data),
            which=which,
            tabs=[(name, gettext(TAB_TEXT[name])) for name in TABS],
            counts=visit.services.clocks.counts(visit.person),
            following=f"/clocks/?{urlencode({'clock': which, 'after': found.next})}" if found.next else "",
        )


def deadlines() -> bool:
    """Whether the navigation has the page: there are service levels on something the person may read."""
    visit = current_visit()
    return visit.actor is not None and any(
        visit.services.access.rights(visit.actor, name).visible for name in visit.services.clocks.plans.by_object
    )
