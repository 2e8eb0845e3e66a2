"""What every answer and every unsafe request of the screens must have: strict headers, and a token against forgery.

The token lives in the signed session and comes back in a form field or, for scripts, in a header; the check stands
before all views at once, so a new route cannot forget it. Cookies' own flags are set in `site.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Request, Response, session

from guanxi.common.errors import Forbidden

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
TOKEN_FIELD = "csrf_token"  # noqa: S105
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105


def forgery_token() -> str:
    """The session's token; made when first asked for."""
    token = session.get("csrf")
    if not isinstance(token, str):
        token = session["csrf"] = secrets.token_urlsafe(24)
    return token


def check_forgery(request: Request) -> None:
    """Raise Forbidden when an unsafe request does not carry the session's token."""
    if request.method in SAFE_METHODS:
        return
    given = request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")
    expected = session.get("csrf")
    if not isinstance(expected, str) or not secrets.compare_digest(given.encode(), expected.encode()):
        raise Forbidden("The form is out of date. Load the page again.", code="csrf")


def harden(response: Response) -> Response:
    """Pages are private and never stored. (`HEADERS` are put on every answer as it leaves the application.)"""
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
        response.headers.add("Vary", "Cookie")
    return response


class ConstantHeaders:
    """WSGI: puts headers on every answer that does not carry its own value for them."""

    def __init__(self, inner: WSGIApplication, headers: Mapping[str, str]) -> None:
        self.inner = inner
        self.pairs = [(name, value, name.lower()) for name, value in headers.items()]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """See PEP 3333."""

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value, low in self.pairs if low not in given]
            return start_response(status, headers, *rest)

        return self.inner(environ, start)
