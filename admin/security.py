"""What every unsafe request of the screens must carry: the session's token against forgery.

The token lives with the session (before log-in in a signed cookie) and comes back in a form field or, for scripts, in
a header; the check stands before all views at once, so a new route cannot forget it. Cookies' own flags are set in
`site.py`.
"""

from __future__ import annotations

import secrets

from flask import Request, g, session

from guanxi.common.errors import Forbidden
from guanxi.runtime.people.sessions import Session

from .visit import current_visit

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
TOKEN_FIELD = "csrf_token"  # noqa: S105
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105


def forgery_token() -> str:
    """The token of this visit's session; before log-in one in the signed cookie, made when first asked for."""
    if (held := _held()) is not None:
        return held.csrf
    token = session.get("csrf")
    if not isinstance(token, str):
        token = session["csrf"] = secrets.token_urlsafe(24)
    return token


def check_forgery(request: Request) -> None:
    """Raise Forbidden when an unsafe request does not carry the visit's token."""
    if request.method in SAFE_METHODS:
        return
    given = request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")
    held = _held()
    expected = held.csrf if held is not None else session.get("csrf")
    if not isinstance(expected, str) or not secrets.compare_digest(given.encode(), expected.encode()):
        raise Forbidden("The form is out of date. Load the page again.", code="csrf")


def _held() -> Session | None:
    return current_visit().session if "visit" in g else None
