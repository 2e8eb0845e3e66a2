"""Messages as a console: what left, what waits or failed, what arrived without a place; retry, drop, give one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from markupsafe import Markup

from guanxi.common.errors import BadRequest, GuanxiError, NotFound
from guanxi.common.text import text_fault
from guanxi.runtime.messages.html import clean_foreign
from guanxi.runtime.messages.log import CHANNELS, DIRECTIONS, STATES

from ..formats import formats
from ..routes import expose
from ..texts import gettext
from ..visit import current_visit
from .base import Console

PAGE = 50
TABS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("out", "Sent and waiting", {"direction": "out"}),
    ("failed", "Failed", {"direction": "out", "state": "failed"}),
    ("in", "Received", {"direction": "in"}),
    ("unmatched", "Without a place", {"direction": "in", "state": "unmatched"}),
)
STATE_TEXTS = {
    "queued": "Waiting", "sending": "Being sent", "sent": "Sent", "local": "Kept here", "refused": "Not sent",
    "failed": "Failed", "bounced": "Bounced", "dropped": "Dropped", "matched": "In place", "created": "Made a record",
    "unmatched": "Without a place", "automatic": "Automatic", "bounce": "Non-delivery report", "ignored": "Put aside",
    "received": "Received",
}  # fmt: skip
TONES = {
    "sent": "green", "matched": "green", "created": "green", "failed": "red", "bounced": "red", "unmatched": "amber",
    "refused": "amber", "queued": "blue", "sending": "blue",
}  # fmt: skip
REASONS = {
    "no_consent": "There is no consent", "cap": "The cap on marketing is reached", "unsubscribed": "Unsubscribed",
    "bouncing": "The address bounces", "no_address": "There is no usable address",
}  # fmt: skip
CHANNEL_SIGNS = {"email": "mail", "sms": "message-square", "wecom": "messages-square", "notification": "bell"}


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it is drawn."""

    message: dict[str, Any]
    moment: str
    state: str
    tone: str
    sign: str
    reason: str


class MessagesConsole(Console):
    """See the module."""

    address = "messages"
    title = "Messages"
    sign = "mail"

    @expose("/")
    def index(self) -> Any:
        """A page of the log."""
        tab = request.args.get("tab", "out")
        asked = next((given for name, _, given in TABS if name == tab), None)
        if asked is None:
            raise NotFound("There is no such page.")
        given = {name: request.args.get(name, "").strip() for name in ("channel", "state", "q", "after")}
        for name, known in (("channel", CHANNELS), ("state", STATES)):
            if given[name] and given[name] not in known:
                raise BadRequest(f"'{name}' is one of {', '.join(known)}.", code="bad_parameter")
        if len(given["q"]) > 200 or text_fault(given["q"]):
            raise BadRequest("'q' cannot be used.", code="bad_parameter")
        log = current_visit().services.messaging.log
        found = log.page(limit=PAGE, **{**given, **asked})
        kept = {name: value for name, value in given.items() if value and name != "after"} | {"tab": tab}
        return render_template(
            "consoles/messages.html",
            tab=tab,
            tabs=[(name, gettext(text), counted(log.counts(), given)) for name, text, given in TABS],
            lines=[_line(row) for row in found.data],
            given=given,
            channels=CHANNELS,
            spoken=_spoken(),
            older="?" + urlencode(kept | {"after": found.next}) if found.next else "",
            directions=DIRECTIONS,
        )

    @expose("/templates/")
    def templates(self) -> Any:
        """The templates, and one of them filled from a record."""
        visit = current_visit()
        templates = visit.services.messaging.templates
        given = {name: request.args.get(name, "").strip() for name in ("template", "object", "record", "language")}
        shown, fault = None, ""
        if given["template"] and given["record"]:
            try:
                shown = self._preview(given)
            except GuanxiError as refusal:
                fault = refusal.detail
        objects = {
            name: item.label.text(visit.language) or name
            for name, item in visit.services.registry.objects.items()
            if not item.system
        }
        return render_template(
            "consoles/templates.html",
            templates=[(one, one.label.text(visit.language) or one.name) for one in templates.list()],
            given=given,
            objects=objects,
            languages=visit.services.languages,
            shown=shown,
            fault=fault,
            signs=CHANNEL_SIGNS,
            safe_html=_safe,
        )

    @staticmethod
    def _preview(given: dict[str, str]) -> dict[str, Any]:
        visit = current_visit()
        templates = visit.services.messaging.templates
        template = templates.get(given["template"])
        name = template.object or given["object"]
        number = given["record"]
        if (
            name not in visit.services.registry.objects
            or not number.isascii()
            or not number.isdigit()
            or len(number) > 18
        ):
            raise BadRequest("Name an object and the number of its record.")
        language = given["language"] if given["language"] in visit.services.languages else visit.language
        return templates.preview(visit.person, template.name, name, int(number), language)

    @expose("/<int:number>/")
    def one(self, number: int) -> Any:
        """One message: text first, HTML after it, what became of it."""
        visit = current_visit()
        found = visit.services.messaging.log.one(number)
        objects = {
            name: item.label.text(visit.language) or name
            for name, item in visit.services.registry.objects.items()
            if not item.system
        }
        places = [
            {**one, "label": objects.get(one["object"], one["object"]), "title": _title(one["object"], one["id"])}
            for one in found["records"]
        ]
        return render_template(
            "consoles/message.html",
            line=_line(found),
            message=found,
            places=places,
            objects=objects,
            spoken=_spoken(),
            safe_html=_safe,
        )

    @expose("/<int:number>/<act>/", methods=("POST",))
    def act(self, number: int, act: str) -> Any:
        """retry, drop, ignore, or assign to `object` and `record`."""
        messaging, back = current_visit().services.messaging, f"/console/messages/{number}/"
        messaging.log.one(number)
        try:
            done = self._done(act, number)
        except GuanxiError as refusal:
            flash(refusal.detail, "error")
            return redirect(back)
        flash(
            gettext("Done") if done else gettext("The message is in a state where this cannot be done."),
            "ok" if done else "error",
        )
        return redirect(back)

    @staticmethod
    def _done(act: str, number: int) -> bool:
        visit = current_visit()
        messaging = visit.services.messaging
        if act == "retry":
            return messaging.delivery.retry(number)
        if act == "drop":
            return messaging.delivery.drop(number)
        if act == "ignore":
            return messaging.inbox.ignore(number)
        if act != "assign":
            raise NotFound("There is no such act.")
        name, record = request.form.get("object", ""), request.form.get("record", type=int)
        if name not in visit.services.registry.objects or record is None:
            raise BadRequest("Name an object and the number of its record.")
        visit.services.records.get(visit.person, name, record, fields=("id",))
        return messaging.inbox.assign(number, name, record)


def counted(counts: dict[str, int], given: dict[str, str]) -> int:
    """How many of a tab's state there are, for the tabs that ask for somebody."""
    return counts.get(given.get("state", ""), 0)


def _safe(html: str) -> Markup:
    """HTML of a message, cleaned to a fixed list of tags: no styles, no pictures, nothing that runs."""
    return Markup(clean_foreign(html))  # noqa: S704


def _spoken() -> dict[str, str]:
    return {name: gettext(text) for name, text in STATE_TEXTS.items()}


def _title(object_name: str, record_id: int) -> str:
    visit = current_visit()
    if object_name not in visit.services.registry.objects:
        return ""
    return visit.services.records.titles(visit.person, object_name, [record_id]).get(record_id, "")


def _line(row: dict[str, Any]) -> Line:
    visit = current_visit()
    shown = formats(visit.locale, visit.person.zone.key)
    state, reason = row["state"], row["error"]
    return Line(
        row,
        shown.instant(row["at"]),
        gettext(STATE_TEXTS.get(state, state)),
        TONES.get(state, "slate"),
        CHANNEL_SIGNS[row["channel"]],
        gettext(REASONS[reason]) if reason in REASONS else reason,
    )
