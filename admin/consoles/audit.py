"""The audit trail as a page: filters, newest first, keyset paging; for administrators and auditors. Read only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import render_template, request

from guanxi.common.errors import BadRequest
from guanxi.common.text import text_fault
from guanxi.runtime.audit import ACTIONS, AuditQuery, Entry, find
from guanxi.runtime.storage.rows import instant_text

from ..formats import formats
from ..routes import expose
from ..texts import gettext
from ..visit import Visit, current_visit
from .base import Console

PAGE = 50
FILTERS = ("action", "actor", "object", "record", "outcome", "from", "to")
OUTCOMES = ("ok", "refused")


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as it is drawn."""

    entry: Entry
    moment: str
    url: str
    detail: str


class AuditConsole(Console):
    """See the module."""

    address = "audit"
    title = "Audit trail"
    sign = "scroll-text"
    roles = frozenset({"auditor"})

    @expose("/")
    def index(self) -> Any:
        """A page of entries that fit the filters."""
        visit = current_visit()
        given = _given()
        query = asked(given, visit.person.zone)
        found = find(visit.services.audit.db, query)
        newest = _url(given) if query.before is not None else ""
        lines = [_line(visit, entry) for entry in found[:PAGE]]
        more = _url(given, found[PAGE - 1].number) if len(found) > PAGE else ""
        return render_template(
            "consoles/audit.html",
            lines=lines,
            given=given,
            actions=sorted(ACTIONS),
            spoken=spoken,
            outcomes=OUTCOMES,
            objects=sorted(visit.services.registry.objects),
            more=more,
            newest=newest,
        )


def spoken(action: str) -> str:
    """An act in the visit's language."""
    return gettext(action.replace("_", " ").capitalize())


def _given() -> dict[str, str]:
    given = {name: request.args.get(name, "").strip() for name in (*FILTERS, "before")}
    for name, value in given.items():
        if text_fault(value) or len(value) > 200:
            raise BadRequest(f"'{name}' cannot be used.", code="bad_parameter")
    return given


def _url(given: Mapping[str, str], before: int | None = None) -> str:
    kept = {name: value for name, value in given.items() if value and name != "before"}
    return "?" + urlencode(kept | ({"before": before} if before is not None else {}))


def asked(given: Mapping[str, str], zone: ZoneInfo) -> AuditQuery:
    """The filters of a page; days are those of the reader's zone, `to` included. Raises BadRequest."""
    if given["action"] and given["action"] not in ACTIONS:
        raise BadRequest("There is no such action.", code="bad_parameter")
    if given["outcome"] and given["outcome"] not in OUTCOMES:
        raise BadRequest("There is no such outcome.", code="bad_parameter")
    return AuditQuery(
        action=given["action"],
        actor=given["actor"],
        object=given["object"],
        record_id=_number(given["record"], "record"),
        outcome=given["outcome"],
        since=_day(given["from"], zone, 0),
        until=_day(given["to"], zone, 1),
        before=_number(given["before"], "before"),
        limit=PAGE + 1,
    )


def _number(text: str, name: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise BadRequest(f"'{name}' is a number.", code="bad_parameter")
    return int(text)


def _day(text: str, zone: ZoneInfo, days: int) -> str:
    if not text:
        return ""
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        return instant_text(datetime.combine(day, time(), zone))
    except (ValueError, OverflowError):
        raise BadRequest("A day is written 2026-03-31.", code="bad_parameter") from None


def _line(visit: Visit, entry: Entry) -> Line:
    shown = formats(visit.locale, visit.person.zone.key)
    item = visit.services.registry.objects.get(entry.object)
    linked = item is not None and entry.record_id is not None and visit.person.administrator
    url = f"/o/{entry.object}/{entry.record_id}/" if linked else ""
    return Line(entry, shown.instant(entry.at), url, "" if entry.detail == "{}" else entry.detail)
