"""What administrators do with somebody's account: invite, reset, end sessions, second factors, tokens of programs."""

from __future__ import annotations

from flask import Blueprint, Response, request

from guanxi.common.errors import Conflict, NotFound

from ..people.tokens import DAYS
from . import parse, respond
from .auth import scopes_of
from .caller import actor, administrators, host, services


def register(api: Blueprint) -> None:
    """Add the acts on people; they stand before the general route of actions."""
    for name, view in (
        ("invite", invite),
        ("reset_password", reset_password),
        ("reset_totp", reset_totp),
        ("end_sessions", end_sessions),
        ("make_token", make_token),
    ):
        path = f"/user/<int:record_id>/actions/{name}"
        api.add_url_rule(path, f"user_{name}", view, methods=["POST"])


@administrators
def invite(record_id: int) -> Response:
    """A link with which the person sets the password; mailed too where there is an address."""
    _nothing()
    return _link(host().accounts.invite(record_id, actor()))


@administrators
def reset_password(record_id: int) -> Response:
    """Take the password away, end sessions and tokens, and answer a link that sets a new one."""
    _nothing()
    return _link(host().accounts.reset_by_administrator(record_id, actor()))


@administrators
def reset_totp(record_id: int) -> Response:
    """Take the second factor away; ends the sessions."""
    _nothing()
    _there(record_id)
    host().accounts.reset_second(record_id, actor())
    return respond.no_content()


@administrators
def end_sessions(record_id: int) -> Response:
    """End the person's sessions of the screens."""
    _nothing()
    _there(record_id)
    return respond.answer({"ended": host().accounts.end_sessions(record_id, actor())})


@administrators
def make_token(record_id: int) -> Response:
    """`{"name", "days", "scopes"}`: a token of a service account, shown this once."""
    parse.parameters(request, ())
    body = parse.body(request, ("name", "days", "scopes"))
    account = host().accounts.credentials.account(record_id)
    if account is None:
        raise NotFound("There is no such record.")
    if not account.service:
        raise Conflict("People make their own tokens.", code="not_a_service_account")
    made = host().accounts.make_token(
        record_id,
        actor(),
        name=parse.typed(body, "name", str, ""),
        days=parse.typed(body, "days", int, DAYS),
        scopes=scopes_of(body),
        objects=list(services().registry.objects),
    )
    return respond.answer(made, 201)


def _nothing() -> None:
    """These acts take nothing."""
    parse.parameters(request, ())
    parse.body(request, (), empty=True)


def _there(record_id: int) -> None:
    if host().accounts.credentials.account(record_id) is None:
        raise NotFound("There is no such record.")


def _link(path: str) -> Response:
    accounts = host().accounts
    base = accounts.settings.address or request.url_root.rstrip("/")
    return respond.answer({"link": base + path})
