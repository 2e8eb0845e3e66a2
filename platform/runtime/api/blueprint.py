"""Put the API together: routes, problems, limits, headers; every route must say who may call it."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, g, request

from ..jobs.engine import Engine
from ..jobs.queue import make_queue
from . import (
    accounts,
    approval_links,
    approvals,
    audit,
    auth,
    automations,
    clocks,
    consents,
    dashboards,
    docs,
    files,
    imports,
    jobs,
    messages,
    meta,
    notifications,
    pools,
    problems,
    record_page,
    records,
    rights,
    submissions,
    webhooks,
)
from .forms import forms
from .health import Metrics, create_health
from .hooks import hooks
from .host import ApiHost
from .limits import WINDOW, Counters, Limiter
from .paths import ObjectPart, RecordPart

DEFAULT_PER_MINUTE = 6000
PEOPLE_PER_ADDRESS = 10
LOGIN_TRIES = 120
# One part a line; records come last, since their addresses take any object's name.
PARTS = (
    auth,
    accounts,
    docs,
    approval_links,
    approvals,
    audit,
    clocks,
    pools,
    messages,
    meta,
    files,
    jobs,
    webhooks,
    imports,
    notifications,
    consents,
    dashboards,
    record_page,
    automations,
    rights,
    submissions,
    records,
)
UNCOUNTED = ("guanxi_health.", "guanxi_api.static", "assets.")


def create_api(
    app: Flask,
    host: ApiHost,
    counters: Counters | None = None,
    *,
    engine: Engine | None = None,
    worker: bool = False,
) -> None:
    """Install the API on an application.

    `limits` of the host may set `requests_per_minute`, `requests_per_minute_per_address` (else ten times that) and
    `login_tries_per_minute`; `counters` are shared by workers.
    Without an engine, work waits until somebody does it; with `worker` this process does it, from its first request on.
    """
    app.extensions["guanxi_api"] = host
    app.extensions["guanxi_jobs"] = engine or Engine(cast(Any, host.services), make_queue("memory", "", secret=b"none"))
    if worker:
        app.before_request(app.extensions["guanxi_jobs"].start)
    app.url_map.converters.update(object=ObjectPart, record=RecordPart)
    app.url_map.merge_slashes = False
    each = host.limits.get("requests_per_minute", DEFAULT_PER_MINUTE)
    whole = host.limits.get("requests_per_minute_per_address", each * PEOPLE_PER_ADDRESS)
    app.extensions["guanxi_limiter"] = Limiter(each, counters)
    app.extensions["guanxi_address_limiter"] = Limiter(whole, counters)
    app.extensions["guanxi_login_limiter"] = Limiter(
        host.limits.get("login_tries_per_minute", LOGIN_TRIES), counters, "login:"
    )
    api = Blueprint("guanxi_api", __name__, url_prefix="/api", template_folder="templates", static_folder="static")
    for part in PARTS:
        part.register(api)
    app.before_request(_count_address)
    app.after_request(_budget)
    app.register_blueprint(api)
    messages.install_hook(app)
    metrics = Metrics()
    metrics.install(app)
    app.register_blueprint(create_health(metrics))
    app.register_blueprint(hooks)
    app.register_blueprint(forms)
    problems.install(app)


def _count_address() -> None:
    """Every request counts against its address, whoever sends it; the caller's own count follows with the caller."""
    if request.endpoint is not None and request.endpoint.startswith(UNCOUNTED):
        return
    limiter: Limiter = current_app.extensions["guanxi_address_limiter"]
    g.guanxi_budget = limiter.take(f"a:{request.remote_addr}")


def _budget(response: Response) -> Response:
    budget = g.get("guanxi_budget")
    if budget is not None:
        response.headers["RateLimit-Policy"] = f'"default";q={budget.limit};w={WINDOW}'
        response.headers["RateLimit"] = f'"default";r={budget.remaining};t={budget.reset}'
    return response


def undeclared(app: Flask) -> list[str]:
    """Endpoints below the API that do not say who may call them; empty in a releasable product."""
    missing = []
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith(("guanxi_api.", "guanxi_health.")) or rule.endpoint.endswith(".static"):
            continue
        if not hasattr(app.view_functions[rule.endpoint], "guanxi_access"):
            missing.append(rule.endpoint)
    return missing
