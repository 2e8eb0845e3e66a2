"""`create_site`: puts the screens on a Flask application.

Registers the assets, Flask-Admin with our index view and the one host of all objects, and the hooks around every
request: one `Visit` per request, the forgery check, who may call the route, error pages. Paths of other rooms (`/api`,
health checks) pass untouched.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, g, get_flashed_messages, request
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from flask_babel import Babel

from guanxi.common.errors import Unauthorized

from .access import demand
from .account import AccountView
from .approval_inbox import used as approvals_used
from .approval_inbox import waiting as approvals_waiting
from .approval_pages import ApprovalPages
from .assets import asset_url, blueprint
from .cells import avatar
from .clock_pages import ClockPages, deadlines
from .consoles.catalogue import CONSOLES, consoles_of
from .dashboard_pages import DashboardPages
from .gate import gate
from .home import Home
from .host import Host
from .icons import fragment_sprite, icon, sprite
from .message_pages import NotificationPages, NotificationSettings, bell, letters
from .navigation import navigation
from .people import PeopleView
from .ports import ServicesSource
from .refusals import install_pages
from .security import check_forgery, forgery_token
from .texts import catalogue, gettext, ngettext
from .visit import LANGUAGE_NAMES, begin_visit, current_visit, unfinished

SESSION_HOURS = 12
OWN_ENDPOINTS = frozenset(
    (
        "admin",
        "records",
        "gate",
        "account",
        "people",
        "approvals",
        "notifications",
        "clocks",
        "dashboards",
        "account_notifications",
        "letters",
        *(f"console_{one.address}" for one in CONSOLES),
    )
)


def create_site(app: Flask, services: ServicesSource) -> Admin:
    """Add the screens to `app`, which must have a `secret_key`. Answers Flask-Admin's `Admin`."""
    _settle(app)
    app.extensions["guanxi_site"] = services
    if "babel" not in app.extensions:
        Babel(app, locale_selector=_locale)
    app.register_blueprint(gate)
    app.register_blueprint(blueprint)  # before Flask-Admin: our templates win over its by name
    host = Host()
    admin = Admin(
        app, name="Guanxi", url="/", index_view=Home(host), theme=Bootstrap4Theme(base_template="admin/base.html")
    )
    admin.add_view(host)
    for console in CONSOLES:
        admin.add_view(console())
    admin.add_view(AccountView())
    admin.add_view(PeopleView())
    admin.add_view(DashboardPages())
    admin.add_view(ApprovalPages(host))
    admin.add_view(NotificationPages())
    admin.add_view(ClockPages())
    admin.add_view(NotificationSettings())
    app.register_blueprint(letters)
    _templates(app)

    @app.before_request
    def begin() -> Response | None:
        if not _ours():
            return None
        g.visit = begin_visit(request, services())
        if request.blueprint != "letters":  # its pages act on a signed link, without a session
            check_forgery(request)
        if g.visit.actor is not None and (limiter := app.extensions.get("guanxi_limiter")) is not None:
            limiter.take(f"u:{g.visit.actor.id}")
        if not demand(request.endpoint or "", g.visit.actor):
            raise Unauthorized
        return unfinished(request, g.visit)

    install_pages(app)
    return admin


def _ours() -> bool:
    """True for requests of the screens."""
    return request.blueprint in OWN_ENDPOINTS


def _locale() -> str:
    return current_visit().locale if "visit" in g else "en"


def _settle(app: Flask) -> None:
    """Cookies' flags and limits that are not set by the settings."""
    app.config.update(
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
        bell=bell,
        deadlines=deadlines,
        approvals_used=approvals_used,
        approvals_waiting=approvals_waiting,
        consoles=lambda: consoles_of(current_visit().actor),
        language_names=LANGUAGE_NAMES,
        script_texts=script_texts,
        flashed=lambda: get_flashed_messages(with_categories=True),
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


SCRIPT_TEXTS = (
    "Cancel",
    "Delete",
    "Leave the page? What you entered is not saved.",
    "Nothing found",
    "The server cannot be reached. Nothing was saved.",
    "Undo",
    "Moved to %(stage)s",
    "Delete these records? They go to the trash.",
    "%(n)s selected",
    "%(n)s could not be changed: %(why)s",
    "Stay",
    "Leave",
    "Remove",
    "Loading",
    "Confirm",
    "Search…",
)


def script_texts() -> dict[str, str]:
    """Texts that scripts show, in the visit's language."""
    texts = catalogue(current_visit().language)
    return {text: texts.get(text, text) for text in SCRIPT_TEXTS}
