"""The pages before somebody is in: log-in, the code of a second factor, single sign-on, invitations and resets.

A right password alone gives nothing but the question for the code: who it was stands for five minutes in the signed
cookie, and the session begins after the code.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, session

from guanxi.common.errors import GuanxiError, Invalid, NotFound, TooManyRequests
from guanxi.runtime.people.credentials import Account
from guanxi.runtime.people.oidc import Asked

from .json_pages import message_of
from .refusals import install
from .texts import gettext
from .visit import current_visit, safe_target

PENDING = "pending"
PENDING_SECONDS = 300
ASKED = "asked"
ASKED_SECONDS = 600

gate = Blueprint("gate", __name__)
install(gate)


def begin(account: Account, target: str, how: str) -> Any:
    """The session of somebody who proved who they are, and the way to where they wanted to go."""
    visit = current_visit()
    accounts = visit.services.accounts
    address = request.remote_addr or ""
    actor = visit.services.person(account.id)
    if actor is None:
        return _login_page(target, gettext("The name or the password is wrong.")), 401
    session.clear()
    must = accounts.login.must(account, actor.roles, by_password=how != "oidc")
    answer = redirect("/account/first/" if must else target)
    assert isinstance(answer, Response)  # noqa: S101 (Flask's own redirect)
    visit.services.door.begin_session(request, answer, account.id, must, how)
    accounts.trail.own("log_in", account, address, detail={"by": how})
    return answer


@gate.route("/login/", methods=("GET", "POST"))
def login() -> Any:
    """The log-in form. An unknown name, a disabled person and a wrong password read the same."""
    target = safe_target(request.values.get("url"))
    visit = current_visit()
    if request.method == "GET":
        return redirect(target) if visit.actor is not None else _login_page(target)
    accounts = visit.services.accounts
    name, password = request.form.get("name", ""), request.form.get("password", "")
    try:
        account = accounts.login.password(name, password, request.remote_addr or "")
    except TooManyRequests as wait:
        return _waiting(_login_page(target, _too_many()), wait)
    if account is None:
        return _login_page(target, gettext("The name or the password is wrong.")), 401
    if accounts.login.asks_code(account.id):
        session.clear()
        session[PENDING] = [account.id, account.changed_at, int(time.time()), target]
        return redirect("/login/code/")
    return begin(account, target, "password")


@gate.route("/login/code/", methods=("GET", "POST"))
def code() -> Any:
    """The code of the second factor, after a right password."""
    pending = _pending()
    if pending is None:
        session.pop(PENDING, None)
        return redirect("/login/")
    account, target = pending
    if request.method == "GET":
        return render_template("code.html", fault="")
    login = current_visit().services.accounts.login
    try:
        right = login.code(account.id, request.form.get("code", ""), request.remote_addr or "")
    except TooManyRequests as wait:
        return _waiting(render_template("code.html", fault=_too_many()), wait)
    if not right:
        return render_template("code.html", fault=gettext("The code is wrong or was used already.")), 401
    return begin(account, target, "code")


def _pending() -> tuple[Account, str] | None:
    """Who gave a right password a moment ago; nobody when it was changed since."""
    held = session.get(PENDING)
    if not isinstance(held, list) or len(held) != 4 or time.time() - float(held[2]) > PENDING_SECONDS:
        return None
    account = current_visit().services.accounts.credentials.account(int(held[0]))
    if account is None or not account.usable or account.changed_at != held[1]:
        return None
    return account, safe_target(str(held[3]))


@gate.route("/login/oidc/")
def single_sign_on() -> Any:
    """To the provider of single sign-on. A link and not a form: the policy `form-action 'self'` holds for the addresses
    a form's answer leads on to as well. What is remembered here only serves the answer with the same `state`.
    """
    single = current_visit().services.accounts.single
    if single is None:
        raise NotFound
    try:
        url, asked = single.ask(_callback())
    except GuanxiError as refusal:
        return _login_page("/", gettext(refusal.detail)), refusal.status
    session.clear()
    session[ASKED] = [asked.state, asked.nonce, asked.verifier, int(time.time()), safe_target(request.args.get("url"))]
    return redirect(url)


@gate.route("/login/oidc/callback/")
def single_sign_on_answer() -> Any:
    """Back from the provider."""
    accounts = current_visit().services.accounts
    held = session.pop(ASKED, None)
    if accounts.single is None:
        raise NotFound
    if not isinstance(held, list) or len(held) != 5 or time.time() - float(held[3]) > ASKED_SECONDS:
        return _login_page("/", gettext("The answer belongs to another log-in. Try again.")), 403
    try:
        claims = accounts.single.answer(_callback(), Asked(*held[:3]), request.args)
        records = current_visit().services.records
        account = accounts.identities.account(claims, accounts.single.settings, records)
    except GuanxiError as refusal:
        accounts.trail.own("log_in_failed", None, request.remote_addr or "", outcome="refused", detail={"by": "oidc"})
        return _login_page("/", gettext(refusal.detail)), refusal.status
    return begin(account, safe_target(str(held[4])), "oidc")


def _callback() -> str:
    """The address the provider sends people back to; it must be known there."""
    address = current_visit().services.accounts.settings.address or request.url_root
    return address.rstrip("/") + "/login/oidc/callback/"


@gate.route("/logout/", methods=("POST",))
def logout() -> Any:
    """End the session."""
    visit = current_visit()
    answer = redirect("/login/")
    assert isinstance(answer, Response)  # noqa: S101 (Flask's own redirect)
    visit.services.door.end_session(request, answer)
    if visit.actor is not None:
        visit.services.accounts.trail.by("log_out", visit.actor, visit.actor.id or 0)
    session.clear()
    return answer


@gate.route("/reset/", methods=("GET", "POST"))
def ask_reset() -> Any:
    """Ask for a link to a new password; the answer is the same whoever is asked for."""
    if request.method == "GET":
        return render_template("reset.html", sent=False, fault="")
    visit = current_visit()
    try:
        name = request.form.get("name", "")
        visit.services.accounts.request_reset(name, request.remote_addr or "", visit.language)
    except TooManyRequests as wait:
        return _waiting(render_template("reset.html", sent=False, fault=_too_many()), wait)
    return render_template("reset.html", sent=True, fault="")


@gate.route("/invite/<token>", methods=("GET", "POST"), defaults={"kind": "invite"})
@gate.route("/reset/<token>", methods=("GET", "POST"), defaults={"kind": "reset"})
def choose(token: str, kind: str) -> Any:
    """Choose a password by an invitation or a reset link; the link is used up by it, not by looking."""
    accounts = current_visit().services.accounts
    found = accounts.by_link(token)
    if found is None or found[0].kind != kind:
        return render_template("choose.html", account=None, kind=kind, fault=""), 404
    account, fault = found[1], ""
    if request.method == "POST":
        password = request.form.get("password", "")
        try:
            if password != request.form.get("again", ""):
                raise Invalid([])
            accounts.set_by_link(token, password, request.remote_addr or "")
        except NotFound:
            return render_template("choose.html", account=None, kind=kind, fault=""), 404
        except Invalid as refusal:
            fault = message_of(refusal) if refusal.errors else gettext("The two passwords are not the same.")
        except GuanxiError as refusal:
            fault = message_of(refusal)
        else:
            session.clear()
            flash(gettext("Your password is set. Log in with it."))
            return redirect("/login/")
    page = render_template("choose.html", account=account, kind=kind, fault=gettext(fault) if fault else "")
    return page, 422 if fault else 200


def _too_many() -> str:
    return gettext("Too many tries. Wait a little and try again.")


def _waiting(page: str, wait: TooManyRequests) -> Any:
    return page, 429, {"Retry-After": str(wait.retry_after)}


def _login_page(target: str, fault: str = "") -> str:
    accounts = current_visit().services.accounts
    return render_template(
        "login.html",
        target=target,
        fault=fault,
        name=request.form.get("name", ""),
        single=accounts.single.label if accounts.single is not None else "",
        empty=not accounts.anybody(),
    )
