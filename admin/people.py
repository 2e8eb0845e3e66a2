"""What administrators do with somebody's account: invite, reset, shut out, end sessions, tokens of service accounts."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request
from flask_admin import BaseView

from guanxi.common.errors import Conflict, Forbidden, GuanxiError
from guanxi.runtime.people.tokens import DAYS

from .json_pages import message_of
from .refusals import install
from .routes import expose
from .texts import gettext
from .visit import current_visit

ACTS = ("invite", "reset", "disable", "enable", "end_sessions", "reset_totp", "token")


class PeopleView(BaseView):  # type: ignore[misc]
    """Acts at /people/<id>/<act>/."""

    def __init__(self) -> None:
        super().__init__(name="People", endpoint="people", url="/people")

    def create_blueprint(self, admin: Any) -> Any:
        """Flask-Admin's blueprint with our answers to errors."""
        blueprint = super().create_blueprint(admin)
        install(blueprint)
        return blueprint

    def is_accessible(self) -> bool:
        """Administrators only; the table of access says so too."""
        if not current_visit().person.administrator:
            raise Forbidden("Only administrators may do this.")
        return True

    @expose("/")
    def index(self) -> Any:
        """People are records."""
        return redirect("/o/user/")

    @expose("/<int:key>/<act>/", methods=("POST",))
    def act(self, key: int, act: str) -> Any:
        """One act; a link or token that it makes is shown on the page that answers, once."""
        visit = current_visit()
        back = f"/o/user/{key}/"
        try:
            row = visit.services.records.get(visit.person, "user", key)
            shown = self._done(key, act, row)
        except GuanxiError as refusal:
            if refusal.status == 404:
                raise
            flash(gettext(message_of(refusal)), "error")
            return redirect(back)
        if shown:
            return render_template("shown_once.html", act=act, text=shown, row=row, back=back)
        flash(gettext("Done."))
        return redirect(back)

    @staticmethod
    def _done(key: int, act: str, row: Any) -> str:
        visit = current_visit()
        accounts, person, records = visit.services.accounts, visit.person, visit.services.records
        if act in ("invite", "reset"):
            path = accounts.invite(key, person) if act == "invite" else accounts.reset_by_administrator(key, person)
            address = accounts.settings.address or request.url_root
            return address.rstrip("/") + path
        if act in ("disable", "enable"):
            records.update(person, "user", key, {"active": act == "enable"})
        elif act == "end_sessions":
            accounts.end_sessions(key, person)
        elif act == "reset_totp":
            accounts.reset_second(key, person)
        elif act == "token":
            if row.get("kind") != "service":
                raise Conflict("People make their own tokens.", code="not_a_service_account")
            days = request.form.get("days", type=int) or DAYS
            made = accounts.make_token(key, person, name=request.form.get("name", ""), days=days)
            return str(made["token"])
        else:
            raise Conflict("There is no such act.", code="unknown_action")
        return ""
