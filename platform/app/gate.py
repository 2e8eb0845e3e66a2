"""The gate before the application: every request passes it before Flask sees it, every answer leaves through it.

In: the address behind declared proxies, the host, and for writes where the browser says it comes from. Out: the
headers of docs/reference/security.md, the request's number, one structured line in the log. It knows no routes and no
people; what it refuses it answers itself, as a problem document.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.middleware.proxy_fix import ProxyFix

from guanxi.runtime.audit import Place, place

from . import logs
from .hosts import Hosts

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("guanxi.access")

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = (
    ("Content-Security-Policy", CSP),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_ALWAYS = tuple((name, value, name.lower()) for name, value in HEADERS)
HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
PROBES = ("/healthz", "/readyz")  # asked by address, and they tell nothing
FROM_ANYWHERE = "/forms/"  # public forms stand on other people's sites


class Gate:
    """WSGI middleware; see the module."""

    def __init__(self, inner: WSGIApplication, hosts: Hosts, proxies: int = 0, *, access_log: bool = True) -> None:
        self.inner = inner
        self.access_log = access_log
        self.hosts = hosts
        self.outer: WSGIApplication = self._pass
        if proxies:
            self.outer = ProxyFix(self._pass, x_for=proxies, x_proto=proxies, x_host=proxies)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """See PEP 3333."""
        return self.outer(environ, start_response)

    def _pass(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = perf_counter()
        number = secrets.token_hex(8)
        place.set(Place(environ.get("REMOTE_ADDR", ""), number))
        secure = environ.get("wsgi.url_scheme") == "https"

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value, low in _ALWAYS if low not in given]
            headers.append(("X-Request-Id", number))
            if secure:
                headers.append(HSTS)
            _keep_private(headers, given)
            if self.access_log and log.isEnabledFor(logging.INFO):
                line = _line(environ, status, began, number)
                if not logs.access(line):
                    log.info("request", extra={"access": line})
            return start_response(status, headers, *rest)

        refusal = self._refusal(environ)
        if refusal is not None:
            return refuse(environ, start, *refusal)
        return self.inner(environ, start)

    def _refusal(self, environ: WSGIEnvironment) -> tuple[str, str, str] | None:
        """Status, code and sentence when the request may not pass."""
        host = environ.get("HTTP_HOST", "")
        path = environ.get("PATH_INFO", "")
        if not self.hosts.knows(host) and path not in PROBES:
            if not self.hosts.lawful(host):
                return "400 Bad Request", "bad_host", "The Host header is missing or malformed."
            return "421 Misdirected Request", "unknown_host", "This instance does not serve that host."
        if environ.get("REQUEST_METHOD", "GET") not in SAFE and not path.startswith(FROM_ANYWHERE):
            return self._stranger(environ, host)
        return None

    def _stranger(self, environ: WSGIEnvironment, host: str) -> tuple[str, str, str] | None:
        """A write that a browser sends from another site. A token in a header no other site can send by itself."""
        if "HTTP_AUTHORIZATION" in environ:
            return None
        site = environ.get("HTTP_SEC_FETCH_SITE", "")
        origin = environ.get("HTTP_ORIGIN", "")
        if not site and not origin and "HTTP_REFERER" in environ:
            origin = "{0.scheme}://{0.netloc}".format(_split(environ["HTTP_REFERER"]))
        own = f"{environ.get('wsgi.url_scheme', 'http')}://{host}"
        foreign = bool(origin) and origin.lower() != own.lower()
        if site in ("cross-site", "same-site") or foreign:
            return "403 Forbidden", "cross_site", "The request comes from another site."
        return None


def _split(url: str) -> Any:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("about:invalid")


def _keep_private(headers: list[tuple[str, str]], given: set[str]) -> None:
    """Answers are for one person and never kept, unless a view says that everybody may keep them."""
    if "cache-control" not in given:
        headers.append(("Cache-Control", "no-store"))
    elif any(name.lower() == "cache-control" and value.startswith("public") for name, value in headers):
        return
    varied = {part.strip().lower() for n, v in headers if n.lower() == "vary" for part in v.split(",")}
    missing = [name for name in ("Cookie", "Authorization") if name.lower() not in varied]
    if missing:
        headers.append(("Vary", ", ".join(missing)))


def _line(environ: WSGIEnvironment, status: str, began: float, number: str) -> dict[str, Any]:
    """What the log says of one request; the query stays out, since people put things into it."""
    return {
        "request": number,
        "method": environ.get("REQUEST_METHOD", "")[:20],
        "path": environ.get("PATH_INFO", "")[:500],
        "status": int(status[:3]),
        "ms": round((perf_counter() - began) * 1000, 1),
        "address": environ.get("REMOTE_ADDR", ""),
    }


def refuse(
    environ: WSGIEnvironment, start_response: StartResponse, status: str, code: str, detail: str
) -> Iterable[bytes]:
    """A problem document without Flask. The body that was sent is left unread, so the connection ends."""
    number, _, title = status.partition(" ")
    text = {"type": f"urn:guanxi:problem:{code}", "title": title, "status": int(number), "detail": detail, "code": code}
    body = json.dumps(text).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body] if environ.get("REQUEST_METHOD") != "HEAD" else []
