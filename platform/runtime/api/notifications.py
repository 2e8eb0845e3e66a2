"""Notices of the caller: list, count, mark read, and how he wants to be told."""

from __future__ import annotations

from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest, Forbidden

from ..messages.kinds import KINDS
from ..messages.notifications import Notifications
from ..query.request import DEFAULT_LIMIT, MAX_LIMIT
from . import parse, respond
from .caller import actor, logged_in, services

MOST_MARKED = 1_000


def register(api: Blueprint) -> None:
    """Add /notifications."""
    api.add_url_rule("/notifications", "notifications", list_notices, methods=["GET"])
    api.add_url_rule("/notifications/unread", "notifications_unread", count_unread, methods=["GET"])
    api.add_url_rule("/notifications/read", "notifications_read", mark_read, methods=["POST"])
    api.add_url_rule("/notifications/settings", "notification_settings", read_settings, methods=["GET"])
    api.add_url_rule("/notifications/settings", "change_notification_settings", change_settings, methods=["PATCH"])


def _notices() -> Notifications:
    return services().messaging.notifications


def person() -> int:
    """The caller's user id; the platform itself has no notices."""
    found = actor().id
    if found is None:
        raise Forbidden("Only people have notifications.")
    return found


@logged_in
def list_notices() -> Response:
    """`{"data": […], "next", "unread"}`, newest first; `unread=true` and `kind=` narrow the list."""
    args = parse.parameters(request, ("unread", "kind", "limit", "after"))
    kind = args.get("kind", "")
    if len(kind) > 60:
        raise BadRequest("'kind' is a name.", code="bad_parameter")
    page = _notices().list(
        person(),
        unread=parse.truth(args.get("unread", "false"), "unread"),
        kind=kind,
        limit=parse.whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else DEFAULT_LIMIT,
        after=args.get("after", ""),
    )
    return respond.answer({"data": page.data, "next": page.next, "unread": _notices().unread(person())})


@logged_in
def count_unread() -> Response:
    """`{"unread": n}`."""
    parse.parameters(request, ())
    return respond.answer({"unread": _notices().unread(person())})


@logged_in
def mark_read() -> Response:
    """`{"ids": […]}` or `{"all": true}` → `{"changed", "unread"}`; `"read": false` makes the named ones unread."""
    given = parse.body(request, ("ids", "all", "read"))
    ids, everything = given.get("ids"), parse.typed(given, "all", bool, False)
    as_read = parse.typed(given, "read", bool, True)
    if everything == (ids is not None) or (everything and not as_read):
        raise BadRequest("Give 'ids', or 'all' with true to mark everything read.", code="type")
    if ids is not None:
        good = isinstance(ids, list) and all(type(one) is int and 0 < one <= parse.MAX_ID for one in ids)
        if not good or len(ids) > MOST_MARKED:
            raise BadRequest(f"'ids' is a list of at most {MOST_MARKED} ids.", code="type")
    changed = _notices().read(person(), ids) if as_read else _notices().unmark(person(), ids or ())
    return respond.answer({"changed": changed, "unread": _notices().unread(person())})


@logged_in
def read_settings() -> Response:
    """How the caller is told: `{"kinds": {kind: {channel: value}}, "quiet": {"from", "to"}, "wecom", "labels"}`."""
    parse.parameters(request, ())
    user, language = person(), actor().language
    found = services().messaging.preferences.of([user])[user].as_dict()
    return respond.answer({**found, "labels": {kind: label.text(language) for kind, label in KINDS.items()}})


@logged_in
def change_settings() -> Response:
    """Change what is given of `kinds`, `quiet` and `wecom`; the settings as they are then."""
    given = parse.body(request, ("kinds", "quiet", "wecom"))
    return respond.answer(services().messaging.preferences.save(person(), given).as_dict())
