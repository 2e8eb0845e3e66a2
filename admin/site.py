"""`create_site`: puts the screens on a Flask application.

Registers the assets, Flask-Admin with our index view and the one host of all objects, and the hooks around every
request: one `Visit` per request, the forgery check, security headers, error pages. Paths of other rooms (`/api`, health checks)
pass untouched but for the headers.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, current_app, flash, get_flashed_messages, g, jsonify, redirect, render_template, request
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from flask_babel import Babel
from guanxi.common.errors import GuanxiError, Invalid, Unauthorized
from werkzeug.exceptions import HTTPException

from .assets import asset_url, blueprint
from .cells import avatar
from .home import Home
from .host import Host
from .icons import fragment_sprite, icon, sprite
from .json_pages import message_of
from .navigation import navigation
from .ports import ServicesSource
from .security import check_forgery, forgery_token, harden
from .texts import catalogue, gettext, ngettext
from .visit import LANGUAGE_NAMES, begin_visit, current_visit

log = logging.getLogger("guanxi.admin")

SESSION_HOURS = 12
OWN_ENDPOINTS = ("admin", "records")
PROGRAM_PATHS = ("/api", "/healthz", "/readyz", "/metrics", "/forms")


def create_site(app: Flask, services: ServicesSource) -> Admin:
    """Add the screens to `app`, which must have a `secret_key`. Answers Flask-Admin's `Admin`."""
    _settle(app)
    app.extensions["guanxi_site"] = services
    if "babel" not in app.extensions:
        Babel(app, locale_selector=_locale)
    app.register_blueprint(blueprint)  # before Flask-Admin: our templates win over its by name
    host = Host()
    admin = Admin(app, name="Guanxi", url="/", index_view=Home(host), theme=Bootstrap4Theme(base_template="admin/base.html"))
    admin.add_view(host)
    _templates(app)

    @app.before_request
    def begin() -> Response | None:
        if not _ours():
            return None
        g.visit = begin_visit(request, services())
        check_forgery(request)
        return None

    app.after_request(harden)
    for name in OWN_ENDPOINTS:
        app.blueprints[name].register_error_handler(GuanxiError, _refusal)
        app.blueprints[name].register_error_handler(Exception, _unexpected)
    earlier = app.error_handler_spec[None].get(None, {}).get(HTTPException)
    app.register_error_handler(HTTPException, lambda error: _http_error(error, earlier))
    return admin


def _ours() -> bool:
    """True for requests of the screens."""
    return request.blueprint in OWN_ENDPOINTS


def _locale() -> str:
    return current_visit().locale if "visit" in g else "en"


def _settle(app: Flask) -> None:
    """Cookies' flags and limits that are not set by the settings."""
    app.config.update(
        SESSION_COOKIE_NAME=app.config.get("GUANXI_SESSION_COOKIE", "gx_session"),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=SESSION_HOURS),
    )
    if app.config.get("MAX_CONTENT_LENGTH") is None:
        app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024


def _templates(app: Flask) -> None:
    app.jinja_env.globals.update(
        _=gettext,
        _n=ngettext,
        icon=icon,
        sprite=sprite,
        fragment_sprite=fragment_sprite,
        avatar=avatar,
        asset_url=asset_url,
        csrf_token=forgery_token,
        visit=current_visit,
        navigation=lambda: navigation(current_visit()),
        language_names=LANGUAGE_NAMES,
        script_texts=script_texts,
        flashed=lambda: get_flashed_messages(with_categories=True),
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


SCRIPT_TEXTS = (
    "Cancel",
    "Delete",
    "Discard",
    "Leave the page? What you entered is not saved.",
    "Nothing found",
    "The server cannot be reached. Nothing was saved.",
    "Undo",
    "Moved to %(stage)s",
    "Move",
    "Delete these records? They go to the trash.",
    "%(n)s selected",
    "%(n)s could not be changed: %(why)s",
    "Stay",
    "Leave",
    "Remove",
    "Pages",
    "Please fix the marked fields.",
    "Loading",
    "Confirm",
    "Saved.",
)


def script_texts() -> dict[str, str]:
    """Texts that scripts show, in the visit's language."""
    texts = catalogue(current_visit().language)
    return {text: texts.get(text, text) for text in SCRIPT_TEXTS}


def _wants_json() -> bool:
    return request.is_json or request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json"


def _refusal(error: GuanxiError) -> Any:
    """A refusal of the platform as a page, as JSON, or as the way to the log-in."""
    if isinstance(error, Unauthorized) and not _wants_json():
        target = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return redirect(f"/login/?url={quote(target)}")
    if _wants_json():
        body: dict[str, Any] = {"message": message_of(error), "code": error.code, "status": error.status}
        if isinstance(error, Invalid):
            body["errors"] = [e.as_dict() for e in error.errors]
        return jsonify(body), error.status
    if isinstance(error, Invalid) and request.method == "POST":
        flash(message_of(error), "error")
        return redirect(request.path)
    return _error_page(error.status, error.detail), error.status


def _error_page(status: int, detail: str) -> str:
    texts = {
        403: ("You may not do this", "lock"),
        404: ("There is no such page", "search-x"),
        405: ("This address works another way", "route-off"),
        413: ("This is too large", "package-x"),
        503: ("Please try again in a moment", "clock"),
    }
    title, sign = texts.get(status, ("This did not work", "circle-alert"))
    shown = detail if status in (400, 403, 409, 422, 428, 500) else ""
    return render_template("error.html", status=status, title=gettext(title), sign=sign, detail=shown)


def _unexpected(error: Exception) -> Any:
    """A fault of ours: into the log with a reference, and a page that shows nothing of the inside."""
    if isinstance(error, HTTPException):
        return _http_error(error, None)
    reference = secrets.token_hex(4)
    log.exception("unexpected error %s on %s %s", reference, request.method, request.path, exc_info=error)
    if _wants_json():
        return jsonify({"message": gettext("Something went wrong."), "code": "internal", "status": 500}), 500
    return _error_page(500, reference), 500


def _http_error(error: HTTPException, earlier: Callable[[HTTPException], Any] | None) -> Any:
    """Errors of Flask itself: programs' paths keep the form that was there before, people get a page."""
    if request.path.startswith(PROGRAM_PATHS):
        return earlier(error) if earlier else error
    if error.response is not None or not error.code or error.code < 400:
        return error
    if "visit" not in g:
        g.visit = begin_visit(request, _services())
    if _wants_json():
        return jsonify({"message": error.name, "status": error.code}), error.code
    return _error_page(error.code, ""), error.code


def _services() -> Any:
    source: ServicesSource = current_app.extensions["guanxi_site"]
    return source()

