"""One request as the screens see it: the published version, the person, the language and the theme, read once.

A `Visit` is made by `site.py` before each request and kept in Flask's `g`; views, renderers and templates read it
and never ask the services source a second time, so that no page mixes two versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote, urlsplit

from flask import Request, Response, g, redirect

from guanxi.common.errors import Unauthorized
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.people.sessions import Session

from .ports import SiteServices

THEMES = ("light", "dark")
LONGEST_TARGET = 4000
LANGUAGE_COOKIE = "gx_language"
THEME_COOKIE = "gx_theme"
LOCALES = {"zh": "zh_CN"}  # Babel resolves zh_CN to the catalogue names Flask-Admin and WTForms ship
LANGUAGE_NAMES = {"en": "English", "zh": "中文"}


@dataclass(frozen=True, slots=True)
class Visit:
    """What stays the same during one request."""

    services: SiteServices
    actor: Actor | None
    language: str
    theme: str
    session: Session | None = None

    @property
    def locale(self) -> str:
        """The Babel locale of the language."""
        return LOCALES.get(self.language, self.language)

    @property
    def html_language(self) -> str:
        """The value of `<html lang>`."""
        return self.locale.replace("_", "-")

    @property
    def person(self) -> Actor:
        """The actor; raises Unauthorized when nobody is logged in."""
        if self.actor is None:
            raise Unauthorized
        return self.actor

    @property
    def display_name(self) -> str:
        """What the person is called: the full name, else the log-in name."""
        return str(self.person.me.get("full_name") or self.person.name)


def current_visit() -> Visit:
    """The visit of this request."""
    return cast(Visit, g.visit)


def begin_visit(request: Request, services: SiteServices) -> Visit:
    """Read session and cookies once."""
    language = choose_language(request, services.languages)
    theme = request.cookies.get(THEME_COOKIE, "")
    held = services.door.session_of(request)
    actor = services.actor(held, language) if held is not None else None
    return Visit(services, actor, language, theme if theme in THEMES else "", held if actor is not None else None)


# What somebody may open who has to do something first: the page for it, its QR code, log-out, language.
OPEN_BEFORE = ("/account/first/", "/account/totp/", "/account/qr.svg", "/logout/", "/preferences/", "/login/")


def unfinished(request: Request, visit: Visit) -> Response | None:
    """The way to the page where somebody does what has to be done first; None when nothing has."""
    if visit.session is None or not visit.session.must or request.path in OPEN_BEFORE:
        return None
    return cast(Response, redirect("/account/first/"))


def choose_language(request: Request, languages: tuple[str, ...]) -> str:
    """The cookie's language, else the browser's best, else the instance's first."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in languages:
        return chosen
    for wanted, _quality in request.accept_languages:
        short = wanted.replace("_", "-").split("-")[0].lower()
        if short in languages:
            return short
    return languages[0] if languages else "en"


def safe_target(url: str | None, fallback: str = "/") -> str:
    r"""A path on this site to go back to, or `fallback`: no scheme, no host, nothing that a browser or a server on the
    way could read as one (`//`, `/\`, also written %2f and %5c, dots before it, control characters and separators).
    """
    if not url or len(url) > LONGEST_TARGET:
        return fallback
    path = unquote(url.partition("?")[0].partition("#")[0])
    if not path.startswith("/") or "//" in path or not all(char.isprintable() for char in path + url):
        return fallback
    if "\\" in path or "\\" in url:
        return fallback
    parts = urlsplit(url)
    return url if not parts.scheme and not parts.netloc else fallback
