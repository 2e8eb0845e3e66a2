"""Webhooks for administrators: destinations with their state, what became of each try, sending again, pausing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from guanxi.common.errors import Conflict, Forbidden, NotFound

from ..storage.rows import instant_text_json
from ..webhooks import destinations, log
from ..webhooks.again import redeliver
from . import parse, respond
from .caller import actor, logged_in, services


def register(api: Blueprint) -> None:
    """Add the routes."""
    api.add_url_rule("/webhooks", "webhooks", list_webhooks, methods=["GET"])
    api.add_url_rule("/webhooks/<name>/deliveries", "webhook_deliveries", list_deliveries, methods=["GET"])
    api.add_url_rule(
        "/webhooks/<name>/deliveries/<number>/redeliver", "webhook_redeliver", send_again, methods=["POST"]
    )
    api.add_url_rule("/webhooks/<name>/<any(pause, resume):act>", "webhook_state", change_state, methods=["POST"])


def _administrator() -> None:
    if not actor().administrator:
        raise Forbidden("Webhooks are for administrators.")


def _known(name: str) -> None:
    _administrator()
    if name not in services().outside.webhooks:
        raise NotFound("There is no such webhook.")


def shown(name: str) -> dict[str, Any]:
    """A destination as the API tells it; never its secret or the whole of its address."""
    hook, state = services().outside.webhooks[name], destinations.states(services()).get(name)
    failing = state is not None and state.failing_since
    return {
        "name": name,
        "host": hook.url.partition("://")[2].partition("/")[0],
        "on": list(hook.on),
        "fields": list(hook.fields),
        "as": hook.role or None,
        "state": "paused" if state and state.paused_at else "failing" if failing else "well",
        "failing_since": instant_text_json(state.failing_since) if state and state.failing_since else None,
        "reason": state.reason if state else "",
    }


@logged_in
def list_webhooks() -> Response:
    """All destinations."""
    _administrator()
    parse.parameters(request, ())
    return respond.answer({"data": [shown(name) for name in services().outside.webhooks], "next": None})


@logged_in
def list_deliveries(name: str) -> Response:
    """The newest tries."""
    _known(name)
    args = parse.parameters(request, ("after", "limit"))
    limit = parse.whole_number(args.get("limit", "50"), "limit", 1, 500)
    before = parse.whole_number(args.get("after", "0"), "after", 0, 2**62)
    found = log.tries(services().database, webhook=name, before=before, limit=limit)
    following = str(found[-1].id) if len(found) == limit else None
    return respond.answer({"data": [log.as_json(one) for one in found], "next": following})


@logged_in
def send_again(name: str, number: str) -> Response:
    """Send the message of a try again, under the same `webhook-id`: 202."""
    _known(name)
    parse.parameters(request, ())
    parse.body(request, (), empty=True)
    found = log.find(services().database, parse.record_id(number))
    if found is None or found.webhook != name:
        raise NotFound("There is no such delivery.")
    with services().database.write():
        if not redeliver(services().database, found, services().clock.now()):
            raise Conflict("The message is no longer kept, or is still being tried.", code="not_repeatable")
        services().audit.record("redelivered", actor(), record_id=found.id, detail={"webhook": name})
    return respond.answer({"message_id": found.message_id}, 202)


@logged_in
def change_state(name: str, act: str) -> Response:
    """Leave a destination alone, or try it again at once."""
    _known(name)
    parse.parameters(request, ())
    parse.body(request, (), empty=True)
    bundle = services()
    with bundle.database.write():
        if act == "pause":
            destinations.pause(bundle, name, "paused by hand")
        elif not destinations.resume(bundle, name):
            raise Conflict("The webhook is not paused.", code="not_paused")
        bundle.audit.record(f"webhook_{act}d", actor(), detail={"webhook": name})
    return respond.answer(shown(name))
