"""Refusals and faults as people see them: a page, a message, the way to the log-in; JSON for scripts.

The screens' blueprints answer the platform's errors here; Flask's own errors get a page too, except below the paths of
programs, which keep the handler that was installed before.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import Flask, current_app, flash, g, jsonify, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from guanxi.common.errors import GuanxiError, Invalid, TooManyRequests, Unauthorized

from .json_pages import message_of
from .ports import ServicesSource, SiteServices
from .texts import gettext
from .visit import begin_visit

log = logging.getLogger("guanxi.admin")
ERROR_PAGES = {
    0: ("This did not work", "circle-alert"),
    403: ("You may not do this", "lock"),
    429: ("Please try again in a moment", "clock"),
    404: ("There is no such page", "search-x"),
    405: ("This address works another way", "route-off"),
    413: ("This is too large", "package-x"),
    500: ("Something went wrong.", "circle-alert"),
    503: ("Please try again in a moment", "clock"),
}
PROGRAM_PATHS = ("/api", "/healthz", "/readyz", "/metrics", "/forms", "/hooks")


def install(blueprint: Any) -> None:
    """Answer errors inside a blueprint of the screens."""
    blueprint.register_error_handler(GuanxiError, _refusal)
    blueprint.register_error_handler(Exception, _unexpected)


def install_pages(app: Flask) -> None:
    """Pages for Flask's own errors outside of programs' paths."""
    earlier = app.error_handler_spec[None].get(None, {}).get(HTTPException)
    app.register_error_handler(HTTPException, lambda error: http_error(error, earlier))


def _wants_json() -> bool:
    return (
        request.is_json or request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json"
    )


def _refusal(error: GuanxiError) -> Any:
    """A refusal of the platform as a page, as JSON, or as the way to the log-in."""
    _see()
    if isinstance(error, Unauthorized) and not _wants_json():
        target = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return redirect(f"/login/?url={quote(target)}")
    more = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else {}
    if _wants_json():
        body: dict[str, Any] = {"message": message_of(error), "code": error.code, "status": error.status}
        if isinstance(error, Invalid):
            body["errors"] = [e.as_dict() for e in error.errors]
        return jsonify(body), error.status, more
    if isinstance(error, Invalid) and request.method == "POST":
        flash(message_of(error), "error")
        return redirect(request.path)
    return _error_page(error.status, error.detail), error.status, more


def _error_page(status: int, detail: str) -> str:
    title, sign = ERROR_PAGES.get(status, ERROR_PAGES[0])
    shown = detail if status in (400, 403, 409, 422, 428, 500) else ""
    return render_template("error.html", status=status, title=gettext(title), sign=sign, detail=shown)


def _unexpected(error: Exception) -> Any:
    """A fault of ours: into the log with a reference, and a page that shows nothing of the inside."""
    if isinstance(error, HTTPException):
        return http_error(error, None)
    _see()
    reference = secrets.token_hex(4)
    log.exception("unexpected error %s on %s %s", reference, request.method, request.path, exc_info=error)
    if _wants_json():
        return jsonify({"message": gettext("Something went wrong."), "code": "internal", "status": 500}), 500
    return _error_page(500, reference), 500


def http_error(error: HTTPException, earlier: Callable[[HTTPException], Any] | None) -> Any:
    """Errors of Flask itself: programs' paths keep the form that was there before, people get a page."""
    if request.path.startswith(PROGRAM_PATHS):
        return earlier(error) if earlier else error
    if error.response is not None or not error.code or error.code < 400:
        return error
    _see()
    if _wants_json():
        return jsonify({"message": error.name, "status": error.code}), error.code
    return _error_page(error.code, ""), error.code


def _see() -> None:
    """A page needs its visit, also when the request was refused before it began."""
    if "visit" not in g:
        g.visit = begin_visit(request, _services())


def _services() -> SiteServices:
    source: ServicesSource = current_app.extensions["guanxi_site"]
    return source()
