"""Errors as `application/problem+json` (RFC 9457): every refusal has a stable code, none shows the inside."""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from guanxi.common import errors as e

log = logging.getLogger("guanxi.api")


def problem(status: int, title: str, detail: str, *, code: str, extra: dict[str, Any] | None = None) -> Response:
    """One problem document."""
    body: dict[str, Any] = {"type": f"urn:guanxi:problem:{code}", "title": title, "status": status, "detail": detail}
    body["code"] = code
    body |= extra or {}
    response = Response(orjson.dumps(body), status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    return response


def of_error(error: e.GuanxiError) -> Response:
    """The problem of something the platform answers on purpose."""
    extra: dict[str, Any] = {}
    if error.hint:
        extra["hint"] = error.hint
    if isinstance(error, e.Invalid):
        extra["errors"] = [fault.as_dict() for fault in error.errors]
    if isinstance(error, e.BadRequest) and error.position:
        extra["position"] = error.position
    if isinstance(error, e.Merged):
        extra["merged_into"] = error.into
    if isinstance(error, e.Stale):
        extra["current_version"] = error.current_version
    response = problem(error.status, error.title, error.detail, code=error.code, extra=extra)
    if isinstance(error, e.TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, e.Stale):
        response.headers["ETag"] = f'"{error.current_version}"'
    if isinstance(error, e.Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def is_api(path: str) -> bool:
    """True for paths whose errors are problem documents rather than pages."""
    return path.startswith(("/api/", "/healthz", "/readyz", "/metrics", "/forms/", "/hooks/")) or path == "/api"


def install(app: Flask) -> None:
    """Answer every error below the API's paths as a problem; other paths keep their own pages."""

    def platform_error(error: e.GuanxiError) -> Response:
        return of_error(error)

    def http_error(error: HTTPException) -> Response | HTTPException:
        if not is_api(request.path):
            return error
        status = error.code or 500
        title = HTTPStatus(status).phrase
        detail = {404: "Nothing is here.", 405: "This method is not offered here.", 413: "The body is too large."}
        response = problem(status, title, detail.get(status, title), code=title.lower().replace(" ", "_"))
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    def unexpected(error: Exception) -> Response:
        reference = secrets.token_hex(4)
        log.exception("unexpected error %s on %s %s", reference, request.method, request.path, exc_info=error)
        return problem(500, "Something went wrong", f"Reference {reference}.", code="internal")

    app.register_error_handler(e.GuanxiError, platform_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected)
