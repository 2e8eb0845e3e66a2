"""Public forms as a console: where each stands, what came in, and what was held back: let in or put aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request

from guanxi.common.errors import BadRequest, GuanxiError, NotFound
from guanxi.runtime.forms.service import Forms
from guanxi.runtime.forms.service import forms as forms_of
from guanxi.runtime.forms.store import STATES

from ..formats import formats
from ..json_pages import message_of
from ..routes import expose
from ..texts import gettext
from ..visit import current_visit
from .base import Console

PAGE = 50
STATE_TEXTS = {"accepted": "Taken", "spam": "Held back", "refused": "Put aside"}
TONES = {"accepted": "green", "spam": "amber", "refused": "slate"}
REASONS = {
    "bait": "A hidden field was filled in", "fast": "Sent too quickly", "links": "Too many web addresses",
    "known": "There is such a record already",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One submission as it is drawn."""

    row: dict[str, Any]
    moment: str
    label: str
    state: str
    tone: str
    reason: str
    record: str
    url: str
    answers: list[tuple[str, str]]


class FormsConsole(Console):
    """See the module."""

    address = "forms"
    title = "Public forms"
    sign = "clipboard-list"

    @expose("/")
    def index(self) -> Any:
        """The forms, and a page of what came in."""
        service, visit = _service(), current_visit()
        given = {name: request.args.get(name, "").strip() for name in ("form", "state", "after")}
        if given["form"] and given["form"] not in service.all():
            raise NotFound("There is no such form.")
        if given["state"] and given["state"] not in STATES:
            raise BadRequest("There is no such state.", code="bad_parameter")
        found = service.submissions.page(limit=PAGE, **given)
        kept = {name: value for name, value in given.items() if value and name != "after"}
        return render_template(
            "consoles/forms.html",
            forms=[(form, form.label.text(visit.language)) for form in service.all().values()],
            lines=[_line(service, row) for row in found.data],
            given=given,
            counts=service.submissions.counts(),
            states={name: gettext(STATE_TEXTS[name]) for name in STATES},
            older="?" + urlencode(kept | {"after": found.next}) if found.next else "",
        )

    @expose("/<int:number>/<act>/", methods=("POST",))
    def act(self, number: int, act: str) -> Any:
        """accept or refuse what was held back."""
        service, person = _service(), current_visit().person
        if act not in ("accept", "refuse"):
            raise NotFound("There is no such act.")
        try:
            _ = service.accept(number, person.id) if act == "accept" else service.refuse(number, person.id)
        except GuanxiError as refusal:
            flash(message_of(refusal), "error")
        else:
            flash(gettext("Done"), "ok")
        return redirect("/console/forms/?state=spam")


def _service() -> Forms:
    return forms_of(cast(Any, current_visit().services.records).room)


def _line(service: Forms, row: dict[str, Any]) -> Line:
    visit = current_visit()
    form = service.all().get(row["form"])
    kind = visit.services.registry.objects.get(row["object"])
    title = ""
    if kind is not None and row["record_id"] is not None:
        title = visit.services.records.titles(visit.person, kind.name, [row["record_id"]]).get(row["record_id"], "")
    content = row["content"] or {}
    answers = []
    for name, value in content.get("values", {}).items():
        field = kind.fields.get(name) if kind is not None else None
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        answers.append((field.label.text(visit.language) if field is not None else name, shown[:500]))
    return Line(
        row,
        formats(visit.locale, visit.person.zone.key).instant(row["at"]),
        form.label.text(visit.language) if form is not None else row["form"],
        gettext(STATE_TEXTS[row["state"]]),
        TONES[row["state"]],
        gettext(REASONS[row["reason"]]) if row["reason"] in REASONS else row["reason"],
        title or (f"#{row['record_id']}" if row["record_id"] else ""),
        f"/o/{row['object']}/{row['record_id']}/" if title else "",
        answers,
    )
