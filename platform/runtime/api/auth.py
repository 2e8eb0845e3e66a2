"""Log-in by token, who the caller is, and what callers do with their own account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request

from guanxi.common.errors import FieldError, Forbidden, Invalid, Unauthorized

from ..people.tokens import DAYS, MOST_DAYS
from . import parse, respond
from .caller import actor, host, logged_in, public, services
from .limits import Limiter

TOKEN_DAYS = 30


def register(api: Blueprint) -> None:
    """Add /auth/token and /me."""
    api.add_url_rule("/auth/token", "token", issue_token, methods=["POST"])
    api.add_url_rule("/auth/token", "revoke_token", revoke_token, methods=["DELETE"])
    api.add_url_rule("/me", "me", who_am_i, methods=["GET"])
    api.add_url_rule("/me/password", "change_password", change_password, methods=["POST"])
    api.add_url_rule("/me/tokens", "tokens", list_tokens, methods=["GET"])
    api.add_url_rule("/me/tokens", "make_token", make_token, methods=["POST"])
    api.add_url_rule("/me/tokens/<int:token_id>", "end_token", end_token, methods=["DELETE"])
    api.add_url_rule("/me/sessions", "sessions", list_sessions, methods=["GET"])
    api.add_url_rule("/me/sessions/<int:session_id>", "end_session", end_session, methods=["DELETE"])


@public
def issue_token() -> Response:
    """Name and password (and `totp` where there is a second factor) for a bearer token.

    An unknown user, a disabled one and a wrong password are answered alike.
    """
    parse.parameters(request, ())
    body = parse.body(request, ("name", "password", "totp", "code", "days"))
    name = parse.typed(body, "name", str, "")
    password = parse.typed(body, "password", str, "")
    code = parse.typed(body, "totp", str, "") or parse.typed(body, "code", str, "")
    days = parse.typed(body, "days", int, TOKEN_DAYS)
    address = request.remote_addr or ""
    tries: Limiter = current_app.extensions["guanxi_login_limiter"]
    tries.take(f"a:{address}")
    accounts = host().accounts
    account = accounts.login.password(name, password, address)
    if account is None:
        raise Unauthorized("The name or the password is wrong.", code="credentials")
    if accounts.login.asks_code(account.id):
        if not code:
            raise Unauthorized("A code of the second factor is needed too (totp).", code="totp")
        if not accounts.login.code(account.id, code, address):
            raise Unauthorized("The code is wrong or was used already.", code="totp")
    who = services().actor(account.id)
    must = accounts.login.must(account, who.roles if who else frozenset())
    if must:
        said = {"password": "Choose a new password on the screens first.", "totp": "Set up a second factor first."}
        raise Forbidden(said[must[0]], code=f"must_{must[0]}")
    token, expires = accounts.tokens.issue(account.id, name="log-in", days=max(1, min(days, MOST_DAYS)))
    accounts.trail.own("log_in", account, address, detail={"by": "token"})
    expiry = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return respond.answer({"token": token, "token_type": "Bearer", "expires_at": expiry})


@logged_in
def revoke_token() -> Response:
    """End the token this request carries."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        who = actor()
        host().accounts.tokens.revoke(token.strip())
        host().accounts.trail.by("log_out", who, who.id or 0)
    return respond.no_content()


@logged_in
def who_am_i() -> Response:
    """The caller with roles, teams and rights in short."""
    parse.parameters(request, ())
    who = actor()
    bundle = services()
    rights = {}
    for name in bundle.registry.objects:
        allowed = bundle.records.permissions(who, name)
        if allowed.get("read") or allowed.get("create"):
            rights[name] = {k: bool(allowed.get(k)) for k in ("create", "read", "update", "delete", "import", "export")}
    return respond.answer(
        {
            "id": who.id,
            "name": who.name,
            "full_name": who.me.get("full_name"),
            "title": who.me.get("title"),
            "email": who.me.get("email"),
            "kind": who.me.get("kind") or "person",
            "roles": sorted(role for role in who.roles if role in bundle.registry.roles),
            "team": who.team,
            "teams": sorted(who.teams),
            "manager": who.me.get("manager"),
            "region": who.me.get("region"),
            "skills": list(who.me.get("skills") or ()),
            "available": who.me.get("available") is not False,
            "administrator": who.administrator,
            "scopes": sorted(who.scopes) if who.scopes is not None else None,
            "second_factor": host().accounts.second.enrolled(who.id or 0),
            "language": who.language,
            "time_zone": str(who.zone),
            "objects": rights,
        }
    )


@logged_in
def change_password() -> Response:
    """`{"old", "password"}`: the caller's own new password; other sessions and all tokens end, this one too."""
    parse.parameters(request, ())
    body = parse.body(request, ("old", "password"))
    old, new = parse.typed(body, "old", str, ""), parse.typed(body, "password", str, "")
    held = host().session_of(request) if not request.headers.get("Authorization") else None
    _unscoped()
    host().accounts.change_password(actor(), old, new, held)
    return respond.no_content()


@logged_in
def list_tokens() -> Response:
    """The caller's living tokens; never their secrets."""
    parse.parameters(request, ())
    return respond.answer({"data": [_shown(row) for row in host().accounts.tokens.of(actor().id or 0)]})


@logged_in
def make_token() -> Response:
    """`{"name", "days", "scopes"}` → the token, shown this once."""
    parse.parameters(request, ())
    body = parse.body(request, ("name", "days", "scopes"))
    _unscoped()
    who = actor()
    made = host().accounts.make_token(
        who.id or 0,
        who,
        name=parse.typed(body, "name", str, ""),
        days=parse.typed(body, "days", int, DAYS),
        scopes=scopes_of(body),
        objects=list(services().registry.objects),
    )
    return respond.answer(made, 201, {"Location": f"/api/me/tokens/{made['id']}"})


def scopes_of(body: Any) -> tuple[str, ...]:
    """The list of scopes in a body. Raises Invalid for anything else."""
    given = body.get("scopes") or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Invalid([FieldError("scopes", "type", "Scopes are a list of texts.")])
    return tuple(given)


@logged_in
def end_token(token_id: int) -> Response:
    """Revoke one of the caller's tokens."""
    parse.parameters(request, ())
    who = actor()
    host().accounts.revoke_token(who.id or 0, token_id, who)
    return respond.no_content()


@logged_in
def list_sessions() -> Response:
    """The caller's living sessions of the screens; `current` marks the one of this request."""
    parse.parameters(request, ())
    held = host().session_of(request)
    rows = host().accounts.sessions.of(actor().id or 0)
    return respond.answer(
        {"data": [_shown(row) | {"current": held is not None and held.id == row["id"]} for row in rows]}
    )


@logged_in
def end_session(session_id: int) -> Response:
    """End one of the caller's sessions."""
    parse.parameters(request, ())
    who = actor()
    host().accounts.end_session(who.id or 0, session_id, who)
    return respond.no_content()


def _unscoped() -> None:
    """A narrowed token neither makes tokens nor changes the password: it would give itself more than it has."""
    if actor().scopes is not None:
        raise Forbidden("This token is narrowed by scopes.", code="scope")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Instants without their fraction."""
    return {k: v[:19] + "Z" if k in ("at", "seen_at", "expires_at", "used_at") and v else v for k, v in row.items()}
