"""The own account: profile, password, second factor, tokens, sessions, absences and who acts meanwhile.

Everybody keeps their own, whatever their roles say about users: the values are fixed here to be about the person, and
the record service writes them with the platform's rights under the person's name.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import available_timezones

import segno
from flask import Response, flash, redirect, render_template, request
from flask_admin import BaseView

from guanxi.common.errors import FieldError, Forbidden, GuanxiError, Invalid, NotFound
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.people.tokens import DAYS, MOST_DAYS
from guanxi.runtime.query.request import ListQuery

from .formats import Formats
from .json_pages import message_of
from .navigation import navigation
from .refusals import install
from .routes import expose
from .texts import gettext
from .visit import LANGUAGE_COOKIE, Visit, current_visit

YEAR = 365 * 24 * 3600
PROFILE = ("full_name", "phone", "time_zone")
OWNED = {"absence": ("user_absence", "user"), "delegation": ("user_delegation", "principal")}


class AccountView(BaseView):  # type: ignore[misc]
    """Pages at /account/."""

    def __init__(self) -> None:
        super().__init__(name="My account", endpoint="account", url="/account")

    def create_blueprint(self, admin: Any) -> Any:
        """Flask-Admin's blueprint with our answers to errors."""
        blueprint = super().create_blueprint(admin)
        install(blueprint)
        return blueprint

    def is_accessible(self) -> bool:
        """Somebody must be logged in."""
        return current_visit().person is not None

    @expose("/")
    def index(self) -> Any:
        """Everything on one page."""
        return _page()

    # profile and password --------------------------------------------------------------------------------------
    @expose("/profile/", methods=("POST",))
    def profile(self) -> Any:
        """Name, phone, zone, language, and whether new work is wanted."""
        visit = current_visit()
        values: dict[str, Any] = {name: request.form.get(name, "").strip() or None for name in PROFILE}
        language = request.form.get("language", "")
        values["language"] = language if language in visit.services.languages else None
        values["available"] = request.form.get("available") == "yes"
        if values["time_zone"] is not None and values["time_zone"] not in available_timezones():
            values.pop("time_zone")
            flash(gettext("There is no such time zone."), "error")
        answer = _try(lambda: visit.services.records.update(_self(), "user", _me(), values), gettext("Saved."))
        if values["language"] and isinstance(answer, Response):
            answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR, samesite="Lax", secure=request.is_secure)
        return answer

    @expose("/password/", methods=("POST",))
    def password(self) -> Any:
        """A new password; other sessions and all tokens end, this session gets a new id."""
        visit = current_visit()

        def change() -> None:
            new = request.form.get("password", "")
            if new != request.form.get("again", ""):
                raise Invalid([FieldError("again", "rule", gettext("The two passwords are not the same."))])
            visit.services.accounts.change_password(visit.person, request.form.get("old", ""), new, visit.session)

        return _then_rotated(_try(change, gettext("Your password is changed. Other sessions and tokens have ended.")))

    # what must be done first -------------------------------------------------------------------------------------
    @expose("/first/", methods=("GET", "POST"))
    def first(self) -> Any:
        """What somebody has to do before anything else: a new password, then a second factor."""
        visit = current_visit()
        held, accounts = visit.session, visit.services.accounts
        must = held.must if held is not None else ()
        if held is None or not must:
            return redirect("/")
        if request.method == "POST" and must[0] == "password":
            try:
                if request.form.get("password", "") != request.form.get("again", ""):
                    raise Invalid([FieldError("again", "rule", gettext("The two passwords are not the same."))])
                new = request.form.get("password", "")
                accounts.change_password(visit.person, request.form.get("old", ""), new, held)
            except GuanxiError as refusal:
                return render_template("first.html", must=must[0], fault=gettext(message_of(refusal))), 422
            accounts.sessions.done(held, "password")
            return _then_rotated(redirect("/account/first/"))
        return render_template("first.html", must=must[0], fault="", enrolment=_enrolment(must[0] == "totp"))

    # second factor -----------------------------------------------------------------------------------------------
    @expose("/totp/", methods=("GET", "POST"))
    def totp(self) -> Any:
        """Set up, confirm, renew recovery codes, take away."""
        visit = current_visit()
        second, act = visit.services.accounts.second, request.form.get("act", "")
        if not visit.services.accounts.settings.policy.totp:
            raise NotFound
        if request.method == "POST" and act == "confirm":
            return self._confirm(visit)
        if request.method == "POST" and act in ("codes", "remove") and second.enrolled(_me()):
            return self._again(visit, act)
        if second.enrolled(_me()):
            return redirect("/account/")
        return render_template("totp.html", enrolment=_enrolment(True), codes=None, fault="")

    @staticmethod
    def _confirm(visit: Visit) -> Any:
        accounts = visit.services.accounts
        codes = accounts.second.confirm(_me(), request.form.get("code", ""))
        if codes is None:
            fault = gettext("The code is wrong or was used already.")
            return render_template("totp.html", enrolment=_enrolment(False), codes=None, fault=fault), 422
        accounts.trail.by("second_factor_changed", visit.person, _me(), {"now": "app"})
        if visit.session is not None and "totp" in visit.session.must:
            accounts.sessions.done(visit.session, "totp")
        return _then_rotated(Response(render_template("totp.html", enrolment=None, codes=codes, fault="")))

    @staticmethod
    def _again(visit: Visit, act: str) -> Any:
        """Renewing codes and taking the factor away ask for a code of now."""
        accounts = visit.services.accounts
        if not accounts.login.code(_me(), request.form.get("code", ""), request.remote_addr or ""):
            flash(gettext("The code is wrong or was used already."), "error")
            return redirect("/account/")
        accounts.trail.by("second_factor_changed", visit.person, _me(), {"now": "none" if act == "remove" else "codes"})
        if act == "codes":
            codes = accounts.second.new_recovery_codes(_me())
            return render_template("totp.html", enrolment=None, codes=codes, fault="")
        if accounts.settings.policy.required_for & visit.person.roles:
            flash(gettext("Your role needs a second factor."), "error")
            return redirect("/account/")
        accounts.second.remove(_me())
        flash(gettext("The second factor is taken away."))
        return _then_rotated(redirect("/account/"))

    @expose("/qr.svg")
    def qr(self) -> Any:
        """The QR code of a second factor that waits for its first code."""
        found = current_visit().services.accounts.second.pending(_me(), current_visit().person.name)
        if found is None:
            raise NotFound
        drawn = io.BytesIO()
        segno.make(found.uri, error="m").save(drawn, kind="svg", scale=5, border=3, dark="#15181d", light="#ffffff")
        return Response(drawn.getvalue(), mimetype="image/svg+xml", headers={"Cache-Control": "no-store"})

    # tokens and sessions ---------------------------------------------------------------------------------------
    @expose("/tokens/", methods=("POST",))
    def make_token(self) -> Any:
        """A new token, shown on the page that answers and never again."""
        visit = current_visit()
        days = request.form.get("days", type=int) or DAYS
        scopes = tuple(one for one in request.form.getlist("scope") if one)
        objects = tuple(f"object:{one}" for one in request.form.getlist("object") if one)
        try:
            made = visit.services.accounts.make_token(
                _me(),
                visit.person,
                name=request.form.get("name", ""),
                days=days,
                scopes=scopes + objects,
                objects=list(visit.services.registry.objects),
            )
        except GuanxiError as refusal:
            flash(gettext(message_of(refusal)), "error")
            return redirect("/account/#tokens")
        return _page(made=made)

    @expose("/tokens/<int:key>/end/", methods=("POST",))
    def end_token(self, key: int) -> Any:
        """Revoke a token."""
        visit = current_visit()
        return _try(
            lambda: visit.services.accounts.revoke_token(_me(), key, visit.person),
            gettext("The token has ended."),
            "tokens",
        )

    @expose("/sessions/<int:key>/end/", methods=("POST",))
    def end_session(self, key: int) -> Any:
        """End a session."""
        visit = current_visit()
        return _try(
            lambda: visit.services.accounts.end_session(_me(), key, visit.person),
            gettext("The session has ended."),
            "sessions",
        )

    @expose("/sessions/others/end/", methods=("POST",))
    def end_others(self) -> Any:
        """End every session but this one."""
        visit = current_visit()
        keep = visit.session.id if visit.session is not None else 0
        return _try(
            lambda: visit.services.accounts.end_sessions(_me(), visit.person, keep=keep),
            gettext("The other sessions have ended."),
            "sessions",
        )

    # absences ---------------------------------------------------------------------------------------------------
    @expose("/<any(absence, delegation):what>/", methods=("POST",))
    def add(self, what: str) -> Any:
        """A new absence or delegation of the own."""
        name, field = OWNED[what]
        values: dict[str, Any] = {field: _me(), "reason": request.form.get("reason", "").strip() or None}
        values |= {key: _instant(request.form.get(key, "")) for key in ("starts_at", "ends_at")}
        if what == "delegation":
            values["delegate"] = request.form.get("delegate", type=int)
            values["mode"] = request.form.get("mode", "replace")
            values["flows"] = [word.strip() for word in request.form.get("flows", "").split(",") if word.strip()]
        return _try(lambda: current_visit().services.records.create(_self(), name, values), gettext("Saved."), "away")

    @expose("/<any(absence, delegation):what>/<int:key>/end/", methods=("POST",))
    def remove(self, what: str, key: int) -> Any:
        """Take an own absence or delegation away."""
        name, field = OWNED[what]
        records = current_visit().services.records

        def drop() -> None:
            if records.get(_self(), name, key).get(field) != _me():
                raise NotFound
            records.delete(_self(), name, key)

        return _try(drop, gettext("Taken away."), "away")


def _me() -> int:
    found = current_visit().person.id
    if found is None:
        raise Forbidden
    return found


def _self() -> Actor:
    """The person with the platform's rights, for values that this page has fixed to be about the person."""
    return replace(current_visit().person, system=True)


def _try(act: Callable[[], object], done: str, place: str = "") -> Any:
    """Carry out, say how it went, back to the page."""
    try:
        act()
        flash(done)
    except GuanxiError as refusal:
        if refusal.status == 404:
            raise
        flash(gettext(message_of(refusal)), "error")
    return redirect("/account/" + (f"#{place}" if place else ""))


def _then_rotated(answer: Any) -> Any:
    """The same answer with a new id for the session."""
    if isinstance(answer, Response) and current_visit().session is not None:
        current_visit().services.door.rotate_session(request, answer)
    return answer


def _enrolment(wanted: bool) -> Any:
    """The secret that waits; a new one when there is none."""
    second, person = current_visit().services.accounts.second, current_visit().person
    found = second.pending(_me(), person.name)
    return second.begin(_me(), person.name) if found is None and wanted else found


def _instant(text: str) -> str | None:
    """A local date and time of the form as an instant in JSON form."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return None
    if local.tzinfo is None:
        local = local.replace(tzinfo=current_visit().person.zone)
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(made: dict[str, Any] | None = None) -> str:
    visit = current_visit()
    person, services = visit.person, visit.services
    shown = Formats(visit.locale, person.zone)
    accounts = services.accounts
    account = accounts.credentials.account(_me())
    return render_template(
        "account.html",
        own=person.me,
        made=made,
        shown=shown,
        has_password=account is not None and bool(account.password),
        second=accounts.settings.policy.totp,
        enrolled=accounts.second.enrolled(_me()),
        codes_left=accounts.second.left(_me()),
        tokens=accounts.tokens.of(_me()),
        sessions=accounts.sessions.of(_me()),
        current=visit.session.id if visit.session is not None else 0,
        zones=sorted(available_timezones()),
        days=DAYS,
        most_days=MOST_DAYS,
        entries=navigation(visit).entries,
        absences=_own("absence"),
        delegations=_own("delegation"),
        picks=any(e.object == "user" for e in navigation(visit).entries),
    )


def _own(what: str) -> list[Any]:
    name, field = OWNED[what]
    expand = ("delegate",) if what == "delegation" else ()
    query = ListQuery(name, where=f"{field} == me and ends_at > now()", sort=(("starts_at", False),), expand=expand)
    return list(current_visit().services.records.list(_self(), query).data)
