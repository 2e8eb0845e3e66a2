"""The log of messages for administrators, and the door through which providers hand mail in over HTTP."""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as NotBase64

from flask import Blueprint, Flask, Response, request

from guanxi.common.errors import BadRequest, Conflict, NotFound, TooLarge, Unauthorized

from ..messages.log import CHANNELS, DIRECTIONS, STATES
from ..messages.mail_in import from_json
from ..query.request import MAX_LIMIT
from . import parse, respond
from .caller import actor, administrators, public, services
from .records import known_object

RAW = ("message/rfc822", "application/octet-stream", "text/plain")
KEYS = (
    "from", "to", "cc", "subject", "text", "html", "message_id", "in_reply_to", "references", "date", "headers",
    "attachments",
)  # fmt: skip
ACTS = ("retry", "drop", "ignore", "assign")


def register(api: Blueprint) -> None:
    """Add /meta/messages."""
    api.add_url_rule("/meta/messages", "messages", list_messages, methods=["GET"])
    api.add_url_rule("/meta/messages/<number>", "message", one_message, methods=["GET"])
    api.add_url_rule("/meta/suppressions", "suppressions", list_suppressions, methods=["GET"])
    api.add_url_rule("/meta/suppressions/<channel>/<address>", "lift", lift, methods=["DELETE"])
    api.add_url_rule("/meta/messages/<number>/<act>", "message_act", act, methods=["POST"])


def install_hook(app: Flask) -> None:
    """Add POST /hooks/mail."""
    app.add_url_rule("/hooks/mail", "guanxi_mail_hook", take_mail, methods=["POST"])


@administrators
def list_messages() -> Response:
    """`{"data", "next"}`, newest first; `direction`, `channel`, `state` and `q` (in subjects, addresses) narrow."""
    args = parse.parameters(request, ("direction", "channel", "state", "q", "limit", "after"))
    for name, known in (("direction", DIRECTIONS), ("channel", CHANNELS), ("state", STATES)):
        if args.get(name) and args[name] not in known:
            raise BadRequest(f"'{name}' is one of {', '.join(known)}.", code="bad_parameter")
    limit = parse.whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else 50
    asked = {name: args.get(name, "") for name in ("direction", "channel", "state", "q", "after")}
    return respond.page(services().messaging.log.page(limit=limit, **asked))


@administrators
def one_message(number: str) -> Response:
    """One message with everything that is kept of it."""
    parse.parameters(request, ())
    return respond.answer(services().messaging.log.one(parse.record_id(number)))


@administrators
def act(number: str, act: str) -> Response:
    """retry, drop (what goes out), ignore, assign `{"object", "record"}` (what came in unmatched) → the message."""
    messaging, message = services().messaging, parse.record_id(number)
    if act not in ACTS:
        raise NotFound("There is no such act.")
    messaging.log.one(message)
    given = parse.body(request, ("object", "record") if act == "assign" else (), empty=True)
    if act == "assign":
        name, record = parse.typed(given, "object", str, ""), parse.typed(given, "record", int, 0)
        known_object(name)
        services().records.get(actor(), name, record, fields=("id",))
        done = messaging.inbox.assign(message, name, record)
    elif act == "ignore":
        done = messaging.inbox.ignore(message)
    else:
        done = messaging.delivery.retry(message) if act == "retry" else messaging.delivery.drop(message)
    if not done:
        raise Conflict("The message is in a state where this cannot be done.", code="state")
    return respond.answer(messaging.log.one(message))


@administrators
def list_suppressions() -> Response:
    """Addresses that get no marketing, or nothing because they bounce: `{"data"}`, by address; `after` is one."""
    args = parse.parameters(request, ("limit", "after"))
    limit = parse.whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else 100
    return respond.answer(
        {"data": services().messaging.consents.suppressions(limit=limit, after=args.get("after", ""))}
    )


@administrators
def lift(channel: str, address: str) -> Response:
    """Take an address off that list; consent is still asked for."""
    parse.parameters(request, ())
    if channel not in CHANNELS or not services().messaging.consents.lift(channel, address):
        raise NotFound("The address is not suppressed.")
    return respond.no_content()


@public
def take_mail() -> Response:
    """A mail, raw (message/rfc822) or as JSON, from who knows the secret (Bearer token, or the password of basic
    authentication) → `{"state", "id"}`; handing the same mail in again answers `known`.
    """
    messaging = services().messaging
    if not _proven(messaging.settings.hook_token):
        raise Unauthorized("The secret is missing or wrong.")
    most = messaging.settings.max_megabytes * 1024 * 1024
    if request.content_length is not None and request.content_length > most * 2:
        raise TooLarge(f"A mail has at most {most:,} bytes.")
    if request.mimetype == "application/json":
        given = request.get_json(silent=True)
        if not isinstance(given, dict):
            raise BadRequest("The body must be a JSON object.", code="json")
        for key in given:
            if key not in KEYS:
                raise BadRequest(f"Unknown key '{str(key)[:60]}'.", code="unknown_key")
        raw = from_json(given)
    elif request.mimetype in RAW:
        raw = request.get_data()
    else:
        raise parse.UnsupportedMediaType("The body must be message/rfc822 or application/json.")
    if not raw.strip():
        raise BadRequest("The mail is empty.", code="mail")
    received = messaging.inbox.receive(raw, "hook")
    return respond.answer({"state": received.state, "id": received.id}, 202)


def _proven(secret: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = b64decode(given, validate=True).decode("utf-8").partition(":")[2]
        except (NotBase64, ValueError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return bool(secret) and hmac.compare_digest(given.strip().encode(), secret.encode())
