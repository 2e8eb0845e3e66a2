"""What every answer and every unsafe request of the screens must have: strict headers, and a token against forgery.

The token lives in the signed session and comes back in a form field or, for scripts, in a header; the check stands
before all views at once, so a new route cannot forget it. Cookies' own flags are set in `site.py`.
"""

from __future__ import annotations

import secrets

from flask import Request, Response, session

from guanxi.common.errors import Forbidden

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
    """Add the security headers; pages are private and never stored."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
        response.headers.add("Vary", "Cookie")
    return response
