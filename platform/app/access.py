"""Every route of the application with who may call it, gathered from the one table of the screens and the API's
decorators. A route that declares nothing is answered as if it were not there.
"""

from __future__ import annotations

import logging

from flask import Flask, request
from werkzeug.exceptions import NotFound

from guanxi.admin.access import access_of

log = logging.getLogger("guanxi.access")
API_STATIC = ("guanxi_api.static",)


def declared(app: Flask) -> dict[str, str]:
    """Endpoint → who may call it; "" where nobody has said."""
    found = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        said = getattr(view, "guanxi_access", "") or access_of(rule.endpoint) or ""
        found[rule.endpoint] = "public" if rule.endpoint in API_STATIC else said
    return found


def install(app: Flask) -> None:
    """Refuse what is not declared, before any view."""
    undeclared: frozenset[str] | None = None

    def guard() -> None:
        nonlocal undeclared
        if undeclared is None:
            undeclared = frozenset(endpoint for endpoint, said in declared(app).items() if not said)
            for endpoint in sorted(undeclared):
                log.error("the route %s does not say who may call it and is not served", endpoint)
        if request.endpoint in undeclared:
            raise NotFound

    app.before_request(guard)
