"""What every unsafe request of the screens must carry: the session's token against forgery.

The token lives in the signed session and comes back in a form field or, for scripts, in a header; the check stands
before all views at once, so a new route cannot forget it. Cookies' own flags are set in `site.py`.
"""

from __future__ import annotations

import secrets

from flask import Request, session

from guanxi.common.errors import Forbidden

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
