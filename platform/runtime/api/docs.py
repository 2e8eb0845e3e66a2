"""The API's own pages: the OpenAPI document and a page to read it and try it, without any outside file."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request

from . import parse, respond
from .caller import AUDITOR, actor, host, logged_in, services
from .openapi import build
from .openapi_rooms import Who


def register(api: Blueprint) -> None:
    """Add /openapi.json and /docs."""
    api.add_url_rule("/openapi.json", "openapi", document, methods=["GET"])
    api.add_url_rule("/docs", "docs", page, methods=["GET"])


def _document() -> dict[str, Any]:
    bundle = services()
    rights = {name: bundle.records.permissions(actor(), name) for name in bundle.registry.objects}
    usable = {name: r for name, r in rights.items() if r.get("read") or r.get("create")}
    who = actor()
    level: Who = "administrator" if who.administrator else "auditor" if AUDITOR in who.roles else "person"
    return build(bundle.registry, usable, "Guanxi", level)


@logged_in
def document() -> Response:
    """OpenAPI 3.1 for the caller."""
    parse.parameters(request, ())
    return respond.answer(_document())


@logged_in
def page() -> str:
    """Every operation the caller may use, with a form to try it."""
    found = _document()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            row = {"path": path, "method": method.upper(), "summary": operation["summary"]}
            row["parameters"] = operation.get("parameters", [])
            row["body"] = "requestBody" in operation
            groups.setdefault(operation["tags"][0], []).append(row)
    return render_template("guanxi_api/docs.html", groups=groups, token=host().csrf_token())
