"""Notices: the bell's panel, the full page, how one wants to be told; and the public page behind unsubscribe links.

The panel is a fragment that the bell loads when it is opened; without script the bell leads to the full page. The
public page changes nothing when it is looked at (mail scanners do that); a button, or the mail program's own one-click
request, does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask_admin import BaseView

from guanxi.common.errors import BadRequest, Invalid
from guanxi.runtime.messages.kinds import CHANNELS, KINDS, VALUES, group_of
from guanxi.runtime.messages.notifications import Notifications

from .approval_inbox import waiting
from .formats import formats
from .refusals import install
from .routes import expose
from .texts import gettext
from .visit import current_visit, safe_target

PAGE = 30
PANEL = 12
SIGNS = {
    "approval": "stamp", "assignment": "user-check", "pool": "droplets", "automation": "zap", "mention": "at-sign",
    "task": "list-checks", "sla": "timer", "message": "mail", "report": "chart-column", "other": "bell",
}  # fmt: skip
VALUE_TEXTS = {"on": "On", "off": "Off", "now": "At once", "hourly": "Every hour", "daily": "Every morning"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice as it is drawn."""

    id: int
    text: str
    moment: str
    at: str
    url: str
    sign: str
    kind: str
    times: int
    read: bool


def bell() -> int:
    """How many notices wait for the visit's person."""
    actor = current_visit().actor
    return _notices().unread(actor.id) if actor is not None and actor.id is not None else 0


def _notices() -> Notifications:
    return current_visit().services.messaging.notifications


def _person() -> int:
    found = current_visit().person.id
    if found is None:
        raise BadRequest("Only people have notifications.")
    return found


def _drawn(rows: Any) -> list[Notice]:
    visit = current_visit()
    shown = formats(visit.locale, visit.person.zone.key)
    return [
        Notice(
            row["id"],
            row["text"],
            shown.instant(row["at"]),
            row["at"],
            safe_target(row["link"], "") if row["link"] else "",
            SIGNS[group_of(row["kind"])],
            KINDS[group_of(row["kind"])].text(visit.language),
            row["times"],
            row["read"],
        )
        for row in rows
    ]


class _Pages(BaseView):  # type: ignore[misc]
    """Base: our answers to errors, somebody logged in."""

    def is_accessible(self) -> bool:
        """The table of routes has asked for somebody already."""
        return current_visit().person is not None

    def _run_view(self, fn: Any, *args: Any, **given: Any) -> Any:
        return fn(self, *args, **given)

    def create_blueprint(self, admin: Any) -> Any:
        """Flask-Admin's blueprint with our answers to errors."""
        blueprint = super().create_blueprint(admin)
        install(blueprint)
        return blueprint


class NotificationPages(_Pages):
    """/notifications/: the page, the panel, marking as read."""

    def __init__(self) -> None:
        super().__init__(name="Notifications", endpoint="notifications", url="/notifications")

    @expose("/")
    def index(self) -> Any:
        """The full page; `unread=1` and `kind=` narrow it."""
        kind = request.args.get("kind", "")
        unread = request.args.get("unread") == "1"
        if kind and kind not in KINDS:
            raise BadRequest("There is no such kind.", code="bad_parameter")
        page = _notices().list(_person(), unread=unread, kind=kind, limit=PAGE, after=request.args.get("after", ""))
        visit = current_visit()
        return render_template(
            "notifications.html",
            notices=_drawn(page.data),
            following=page.next,
            unread=unread,
            kind=kind,
            kinds={name: label.text(visit.language) for name, label in KINDS.items()},
        )

    @expose("/panel/")
    def panel(self) -> Any:
        """The bell's panel: the newest notices, as a fragment; they count as seen now."""
        page = _notices().list(_person(), limit=PANEL)
        _notices().seen(_person())
        return render_template("parts/notices.html", notices=_drawn(page.data))

    @expose("/count/")
    def count(self) -> Any:
        """`{"unread": n, "approvals": n}`: the bell, and decisions that wait."""
        return jsonify({"unread": bell(), "approvals": waiting()})

    @expose("/read/", methods=("POST",))
    def read(self) -> Any:
        """Mark one (`id`) or all as read; then on to `to`, or back."""
        number = request.form.get("id", type=int)
        everything = request.form.get("all") == "1"
        if number is None and not everything:
            raise BadRequest("Name a notification.")
        _notices().read(_person(), None if everything else [number or 0])
        if request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json":
            return jsonify({"unread": bell()})
        return redirect(safe_target(request.form.get("url"), "/notifications/"))

    @expose("/<int:number>/")
    def open(self, number: int) -> Any:
        """Follow a notice: it counts as read, and leads to what it is about."""
        found = _notices().link_of(_person(), number)
        return redirect(safe_target(found, "/notifications/"))


class NotificationSettings(_Pages):
    """/account/notifications/: how one wants to be told."""

    def __init__(self) -> None:
        super().__init__(name="Notifications", endpoint="account_notifications", url="/account/notifications")

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """The form, and saving it."""
        visit, store = current_visit(), current_visit().services.messaging.preferences
        faults: dict[str, str] = {}
        if request.method == "POST":
            try:
                store.save(_person(), _given())
            except Invalid as refusal:
                faults = {error.field: error.message for error in refusal.errors}
            else:
                flash(gettext("Saved"), "ok")
                return redirect("/account/notifications/")
        return render_template(
            "notification_settings.html",
            now=store.of([_person()])[_person()].as_dict(),
            kinds={name: label.text(visit.language) for name, label in KINDS.items()},
            channels={name: label.text(visit.language) for name, label in CHANNELS.items()},
            values=VALUES,
            spoken={name: gettext(text) for name, text in VALUE_TEXTS.items()},
            faults=faults,
            zone=visit.person.zone.key,
            email=visit.person.me.get("email"),
            phone=visit.person.me.get("phone"),
        )


def _given() -> dict[str, Any]:
    form = request.form
    kinds = {kind: {c: form[f"{kind}.{c}"] for c in VALUES if f"{kind}.{c}" in form} for kind in KINDS}
    quiet = {"from": form.get("quiet_from", ""), "to": form.get("quiet_to", "")}
    return {"kinds": kinds, "quiet": quiet, "wecom": form.get("wecom", "").strip()}


letters = Blueprint("letters", __name__, url_prefix="/u")
install(letters)


@letters.route("/<token>", methods=("GET", "POST"))
def unsubscribe(token: str) -> Any:
    """What the link is about; POST ends (or, with `again`, resumes) marketing to the address."""
    consents = current_visit().services.messaging.consents
    about = consents.read_link(token)
    if request.method == "GET":
        off = consents.refusal(about.channel, about.address, marketing=True) in ("unsubscribed", "bouncing")
        return _no_index(render_template("unsubscribe.html", token=token, about=about, off=off, done=False))
    if request.form.get("again") == "1":
        consents.resubscribe(token, "unsubscribe page")
        return redirect(f"/u/{token}")
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    consents.unsubscribe(token, "one-click" if one_click else "unsubscribe page")
    return _no_index(render_template("unsubscribe.html", token=token, about=about, off=True, done=True))


def _no_index(page: str) -> Response:
    answer = Response(page, content_type="text/html; charset=utf-8")
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Cache-Control"] = "no-store"
    return answer
