"""Log-in by token, and who the caller is."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from guanxi.common.errors import Unauthorized

from . import parse, respond
from .caller import actor, host, logged_in, public, services
from .limits import Limiter

TOKEN_DAYS = 30


def register(api: Blueprint) -> None:
    """Add /auth/token and /me."""
    api.add_url_rule("/auth/token", "token", issue_token, methods=["POST"])
    api.add_url_rule("/auth/token", "revoke_token", revoke_token, methods=["DELETE"])
    api.add_url_rule("/me", "me", who_am_i, methods=["GET"])


@public
def issue_token() -> Response:
    """Name and password for a bearer token. An unknown user and a wrong password are answered alike."""
    parse.parameters(request, ())
    body = parse.body(request, ("name", "password", "code", "days"))
    name = parse.typed(body, "name", str, "")
    password = parse.typed(body, "password", str, "")
    tries: Limiter = current_app.extensions["guanxi_login_limiter"]
    tries.take(f"a:{request.remote_addr}")
    tries.take(f"n:{name.casefold()[:200]}:{request.remote_addr}")
    user_id = host().people.authenticate(name, password, parse.typed(body, "code", str, ""))
    if user_id is None:
        raise Unauthorized("The name or the password is wrong.", code="credentials")
    days = parse.typed(body, "days", int, TOKEN_DAYS)
    token, expires = host().people.issue_token(user_id, name="api", days=max(1, min(days, 365)))
    expiry = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return respond.answer({"token": token, "token_type": "Bearer", "expires_at": expiry})


@logged_in
def revoke_token() -> Response:
    """End the token this request carries."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        host().people.revoke_token(token.strip())
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
            "roles": sorted(who.roles),
            "team": who.team,
            "teams": sorted(who.teams),
            "administrator": who.administrator,
            "language": who.language,
            "time_zone": str(who.zone),
            "objects": rights,
        }
    )
