"""Pools over the API: those of the caller with what is left to take, many claims at once, ownership of a record."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from . import parse, respond
from .caller import actor, logged_in, services
from .idempotency import once
from .records import known_object


def register(api: Blueprint) -> None:
    """Add the routes below /pools, and the ownership of a record."""
    api.add_url_rule("/pools", "pools", read_all, methods=["GET"])
    api.add_url_rule("/pools/<pool>", "pool", read_one, methods=["GET"])
    api.add_url_rule("/pools/<pool>/claim", "pool_claim", claim, methods=["POST"])
    api.add_url_rule("/<object:object_name>/<record:record>/ownership", "ownership", ownership, methods=["GET"])


@logged_in
def read_all() -> Response:
    """The pools the caller belongs to."""
    parse.parameters(request, ())
    return respond.answer(services().pools.of(actor()))


@logged_in
def read_one(pool: str) -> Response:
    """One of them in full."""
    parse.parameters(request, ())
    return respond.answer(services().pools.show(actor(), pool))


@logged_in
def claim(pool: str) -> Response:
    """{"ids": […], "mode": "best_effort|all_or_nothing"}: an answer per record."""
    parse.parameters(request, ())
    body = parse.body(request, ("ids", "mode"))
    ids: list[Any] = parse.typed(body, "ids", list, [])
    mode = parse.typed(body, "mode", str, "best_effort")
    bundle = services()
    return once(
        bundle.database,
        request,
        actor().id,
        bundle.clock.now(),
        lambda: respond.answer(bundle.pools.claim(actor(), pool, ids, mode)),
    )


@logged_in
def ownership(object_name: str, record: str) -> Response:
    """Whose a record is, since when, and when it leaves."""
    name = known_object(object_name)
    parse.parameters(request, ())
    return respond.answer(services().pools.ownership(actor(), name, parse.record_id(record)))
