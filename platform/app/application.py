"""The Flask application with what every request would pay for twice taken out: nothing here changes an answer.

Views are plain functions, so none is asked whether it is a coroutine; a session is opened only where a cookie came,
with a signer made once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

if TYPE_CHECKING:
    from itsdangerous import URLSafeTimedSerializer


class Sessions(SecureCookieSessionInterface):
    """Flask's signed sessions; the signer is kept as long as the key, and without a cookie there is nothing to read."""

    def __init__(self) -> None:
        self._signer: tuple[Any, URLSafeTimedSerializer | None] = (None, None)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """See Flask."""
        key = (app.secret_key, str(app.config["SECRET_KEY_FALLBACKS"]))
        if self._signer[0] != key:
            self._signer = (key, super().get_signing_serializer(app))
        return self._signer[1]

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:  # type: ignore[override]
        """See Flask."""
        if app.secret_key and "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)


class Application(Flask):
    """See the module."""

    session_interface = Sessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """There are no asynchronous views."""
        return func
