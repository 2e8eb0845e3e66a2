"""Per request: the services read once, the caller identified once, the rate limit counted once.

Every route declares its access with one of the decorators here; a route without one is refused at start-up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, g, request

from guanxi.common.errors import Forbidden, NotFound, Unauthorized

from ..access.actor import Actor
from ..people.scopes import may_write
from .host import ApiHost, ApiServices

View = TypeVar("View", bound=Callable[..., Any])
AUDITOR = "auditor"
SAFE = ("GET", "HEAD", "OPTIONS")


def host() -> ApiHost:
    """The wiring room's side of this application."""
    found: ApiHost = current_app.extensions["guanxi_api"]
    return found


def services() -> ApiServices:
    """The services of this request: one version from its first line to its last."""
    if "guanxi_services" not in g:
        g.guanxi_services = host().services()
    found: ApiServices = g.guanxi_services
    return found


def hold(found: ApiServices) -> None:
    """Keep the services that were read on the way for the rest of this request, unless it began with others."""
    if "guanxi_services" not in g:
        g.guanxi_services = found


def actor() -> Actor:
    """The caller. Raises Unauthorized when nobody is logged in."""
    if "guanxi_actor" not in g:
        g.guanxi_actor = host().identify(request)
    found: Actor | None = g.guanxi_actor
    if found is None:
        raise Unauthorized("Log in first.")
    return found


def count_request(limiter: Any) -> None:
    """Take one from the caller's budget; of it and the address's the smaller rest is told in the headers."""
    budget = limiter.take(f"u:{g.guanxi_actor.id}")
    before = g.get("guanxi_budget")
    g.guanxi_budget = budget if before is None or budget.remaining < before.remaining else before


def public(view: View) -> View:
    """Anybody may call this route."""
    view.guanxi_access = "public"  # type: ignore[attr-defined]
    return view


def logged_in(view: View) -> View:
    """Only somebody logged in may call this route; a session's unsafe request carries its token."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        who = actor()
        limiter = current_app.extensions.get("guanxi_limiter")
        if limiter is not None:
            count_request(limiter)
        if request.method not in SAFE and not host().csrf_ok(request):
            raise Forbidden("The form's token is missing or old; reload the page.", code="csrf")
        if request.method not in SAFE and not may_write(who):
            raise Forbidden("This token only reads.", code="scope")
        return view(*args, **kwargs)

    guarded.guanxi_access = "logged_in"  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def administrators(view: View) -> View:
    """Only administrators may call this route."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        who = actor()
        if not who.administrator:
            raise Forbidden("Only administrators may do this.")
        if who.scopes is not None and "admin" not in who.scopes:
            raise Forbidden("This token is not for administration.", code="scope")
        return view(*args, **kwargs)

    inner = logged_in(guarded)
    inner.guanxi_access = "administrators"  # type: ignore[attr-defined]
    return inner  # type: ignore[return-value]


def auditors(view: View) -> View:
    """Administrators and the role `auditor` may call this route; for others it is not there."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        who = actor()
        if not (who.administrator or AUDITOR in who.roles):
            raise NotFound("Nothing is here.")
        return view(*args, **kwargs)

    inner = logged_in(guarded)
    inner.guanxi_access = "auditors"  # type: ignore[attr-defined]
    return inner  # type: ignore[return-value]
