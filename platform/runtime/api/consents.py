"""What a record's customer agreed to, and the messages of a record: the gate is the record's own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest, Forbidden, NotFound

from ..files.kinds import SAFE_IMAGES
from ..messages.addresses import key_of
from ..query.request import MAX_LIMIT
from . import parse, respond
from .caller import actor, logged_in, services
from .records import known_object

CHANNEL_FIELDS = {"email": "email", "phone": "sms"}


def register(api: Blueprint) -> None:
    """Add the routes below /api/<object>/<record>, and the preview of templates."""
    api.add_url_rule("/<object_name>/<record>/consents", "consents", list_consents, methods=["GET"])
    api.add_url_rule("/<object_name>/<record>/consents", "note_consent", note_consent, methods=["POST"])
    api.add_url_rule("/<object_name>/<record>/messages", "record_messages", list_messages, methods=["GET"])
    path = "/<object_name>/<record>/messages/<message>/attachments/<position>"
    api.add_url_rule(path, "message_file", download, methods=["GET"])
    api.add_url_rule("/meta/templates/<name>/preview", "template_preview", preview, methods=["GET"])


def addresses_of(name: str, row: dict[str, Any]) -> list[tuple[str, str]]:
    """(channel, key) of the addresses in a record's e-mail and phone fields that the caller reads unmasked."""
    grants = services().records.permissions(actor(), name).get("fields", {})
    found = []
    for field in services().registry.objects[name].fields.values():
        channel = CHANNEL_FIELDS.get(field.type)
        value = row.get(field.name)
        if channel and value and grants.get(field.name) in ("read", "edit"):
            key = key_of(channel, str(value))
            if key:
                found.append((channel, key))
    return found


@logged_in
def list_consents(object_name: str, record: str) -> Response:
    """`{"data": [entry…], "channels": {channel: {"address": …, "state"}}}` of a record the caller reads."""
    name, number = known_object(object_name), parse.record_id(record)
    parse.parameters(request, ())
    row = dict(services().records.get(actor(), name, number))
    known = addresses_of(name, row)
    consents = services().messaging.consents
    now = [
        {
            "channel": channel,
            "address": key,
            "marketing": not (
                reason := consents.refusal(channel, key, marketing=True, object_name=name, record_id=number)
            ),
            "reason": reason or None,
        }
        for channel, key in known
    ]
    entries = consents.of_record(name, number, known)
    for entry in entries:
        if entry["address"] and (entry["channel"], entry["address"]) not in known:
            entry["address"] = "***"
    return respond.answer({"data": entries, "addresses": now})


@logged_in
def note_consent(object_name: str, record: str) -> Response:
    """`{"channel", "state": "given"|"withdrawn", "source", "wording", "address"}` → 201; needs the right to change the
    record. `address` is one of the record's own; without it the consent is the record's, whatever its address.
    """
    name, number = known_object(object_name), parse.record_id(record)
    given = parse.body(request, ("channel", "state", "source", "wording", "address"))
    row = dict(services().records.get(actor(), name, number))
    if not services().records.permissions(actor(), name, number).get("update"):
        raise Forbidden("You may not change this record.")
    channel = parse.typed(given, "channel", str, "")
    address = parse.typed(given, "address", str, "")
    if address and (channel, key_of(channel, address)) not in addresses_of(name, row):
        raise BadRequest("The address is none of this record's.", code="address")
    made = services().messaging.consents.note(
        channel,
        parse.typed(given, "state", str, ""),
        source=parse.typed(given, "source", str, ""),
        address=address,
        object=name,
        record_id=number,
        wording=parse.typed(given, "wording", str, ""),
        by=actor().id,
    )
    return respond.answer({"id": made}, 201)


@logged_in
def list_messages(object_name: str, record: str) -> Response:
    """A record's messages over all channels, newest first; `after` is the id of the last one."""
    name, number = known_object(object_name), parse.record_id(record)
    args = parse.parameters(request, ("limit", "after"))
    limit = parse.whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else 50
    before = parse.whole_number(args["after"], "after", 1, parse.MAX_ID) if "after" in args else 0
    services().records.get(actor(), name, number, fields=("id",))
    found = services().messaging.log.of_record(actor(), name, number, limit + 1, before)
    following = str(found[limit - 1]["id"]) if len(found) > limit else None
    return respond.answer({"data": found[:limit], "next": following})


@logged_in
def download(object_name: str, record: str, message: str, position: str) -> Response:
    """A file that came or went with a message, for who may read the message; never shown in place unless a picture."""
    parse.parameters(request, ())
    services().records.get(actor(), known_object(object_name), parse.record_id(record), fields=("id",))
    if not position.isdigit() or len(position) > 3:
        raise NotFound("There is no such file.")
    log = services().messaging.log
    file = log.attachment(actor(), parse.record_id(message), int(position))
    response = Response(services().messaging.room.files.read(file), content_type=file.type)
    shown = "inline" if file.type in SAFE_IMAGES else "attachment"
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in file.name)
    response.headers["Content-Disposition"] = (
        f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@logged_in
def preview(name: str) -> Response:
    """What a template would say of a record, as far as the caller may see it: `object`, `record`, `language`."""
    args = parse.parameters(request, ("object", "record", "language"))
    templates = services().messaging.templates
    template = templates.get(name)
    object_name = args.get("object") or template.object
    if not object_name or "record" not in args:
        raise BadRequest("Name the 'object' and the 'record'.", code="bad_parameter")
    known_object(object_name)
    language = args.get("language") or actor().language
    return respond.answer(templates.preview(actor(), name, object_name, parse.record_id(args["record"]), language))
