"""Clocks of service levels over the API: those of a record, and those of everything the caller may read."""

from __future__ import annotations

from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest

from ..query.request import MAX_LIMIT
from . import parse, respond
from .caller import actor, logged_in, services
from .records import known_object


def register(api: Blueprint) -> None:
    """Add /clocks and the clocks of a record."""
    api.add_url_rule("/clocks", "clocks", read_clocks, methods=["GET"])
    api.add_url_rule("/<object:object_name>/<record:record>/clocks", "record_clocks", of_record, methods=["GET"])


@logged_in
def read_clocks() -> Response:
    """`{"data": [clock …], "next"}`, the soonest due first; `clock` (open without it), `object` and `sla` narrow it."""
    args = parse.parameters(request, ("clock", "object", "sla", "limit", "after"))
    limit = parse.whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else 50
    name, sla = args.get("object", ""), args.get("sla", "")
    if name:
        known_object(name)
    if sla and sla not in services().registry.others.get("sla", {}):
        raise BadRequest(f"There is no service level {sla[:60]!r}.", code="bad_parameter")
    found = services().clocks.listed(actor(), args.get("clock", "open"), name, sla, limit, args.get("after", ""))
    return respond.answer({"data": found.data, "next": found.next})


@logged_in
def of_record(object_name: str, record: str) -> Response:
    """The clocks of a record, open ones first."""
    name, number = known_object(object_name), parse.record_id(record)
    parse.parameters(request, ())
    return respond.answer({"data": services().clocks.of_record(actor(), name, number), "next": None})
