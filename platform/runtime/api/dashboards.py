"""Dashboards over the API: which there are for the caller, and one with its figures."""

from __future__ import annotations

from flask import Blueprint, Response, request

from . import parse, respond
from .caller import actor, logged_in, services


def register(api: Blueprint) -> None:
    """Add the routes below /dashboards."""
    api.add_url_rule("/dashboards", "dashboards", read_all, methods=["GET"])
    api.add_url_rule("/dashboards/<name>", "dashboard", read_one, methods=["GET"])


@logged_in
def read_all() -> Response:
    """{"data": [{"name", "label", "tiles"}]}."""
    parse.parameters(request, ())
    return respond.answer({"data": services().dashboards.list(actor()), "next": None})


@logged_in
def read_one(name: str) -> Response:
    """One dashboard with the figures of its tiles, as the caller may see them."""
    parse.parameters(request, ())
    return respond.answer(services().dashboards.show(actor(), name))
