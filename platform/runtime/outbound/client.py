"""The one way out for requests of the server: resolved once, judged, and sent to the very address that was judged.

No redirects, no proxies from the environment, no cookies; one limit on the whole time, one on what is read. A name that
answers differently a moment later changes nothing, because it is not asked again.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Overdue
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .addresses import Allowed, is_public, parsed

SECONDS = 10.0
_HEADERS = {"User-Agent": "Guanxi", "Accept-Encoding": "identity", "Connection": "close"}
MOST_ANSWER = 64 * 1024
MOST_BODY = 4 * 1024 * 1024
Resolver = Callable[[str, int], Sequence[str]]


class Refused(Exception):
    """The request may not be made at all; trying again cannot help. The text is for operators and names no secret."""


class Failed(Exception):
    """The request was tried and no answer came; trying again may help."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `host` for the Host header and the certificate, `address` for the connection."""

    secure: bool
    host: str
    port: int
    path: str
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most the asked number of bytes of the body, `cut` when there was more."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cut: bool
    milliseconds: int
    address: str


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


_lookups = ThreadPoolExecutor(8, thread_name_prefix="guanxi-resolve")


class Outbound:
    """Requests that leave the server. One per set of allowed addresses; threads may share it."""

    def __init__(
        self, allow: Sequence[str] = (), *, resolver: Resolver = resolve, context: ssl.SSLContext | None = None
    ) -> None:
        self.allowed = Allowed.of(allow)
        self.resolver = resolver
        self._context = context

    def target(self, url: str, seconds: float = SECONDS) -> Target:
        """Judge an address: http and https only, https unless the host is allowed by name or address. Raises Refused,
        or Failed when the name cannot be resolved.
        """
        if not url.isascii() or any(ord(char) <= 32 or ord(char) == 127 or char == "\\" for char in url):
            raise Refused("the address holds a character that may not stand in it")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Refused("the address cannot be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused("an address begins with https:// and names a host")
        if parts.username is not None or parts.password is not None:
            raise Refused("an address holds no user name and no password")
        secure = parts.scheme == "https"
        number = port if port is not None else 443 if secure else 80
        address, named = self.judge(parts.hostname, number, seconds)
        if not secure and not named:
            raise Refused("the address must begin with https://")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(secure, parts.hostname, number, path, address)

    def judge(self, host: str, port: int, seconds: float = SECONDS) -> tuple[str, bool]:
        """The address to connect to, and whether `allow` names it. Every address of the host must be lawful."""
        try:
            found = _lookups.submit(self.resolver, host, port).result(seconds)
        except Overdue:
            raise Failed("the host's name was not resolved in time") from None
        except (OSError, UnicodeError):
            raise Failed("the host's name cannot be resolved") from None
        named = bool(found)
        for text in found:
            try:
                address = parsed(text)
            except ValueError:
                raise Refused("the host has no usable address") from None
            if not self.allowed.names(host, address):
                named = False
                if not is_public(address):
                    raise Refused("the host's address is not a public one (outbound.allow may name it)")
        if not found:
            raise Failed("the host has no address")
        return found[0].partition("%")[0], named

    def connect(self, host: str, port: int, seconds: float = SECONDS) -> socket.socket:
        """A plain connection to a judged address, for protocols other than HTTP. Raises Refused, Failed."""
        address, _ = self.judge(host, port, seconds)
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as error:
            raise Failed(_said(error)) from None

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        seconds: float = SECONDS,
        most: int = MOST_ANSWER,
    ) -> Answer:
        """One request and its answer, within `seconds` in all. Raises Refused or Failed; every status is an answer."""
        if len(body) > MOST_BODY:
            raise Refused("the request is too large")
        began = time.monotonic()
        target = self.target(url, seconds)
        left = seconds - (time.monotonic() - began)
        if left <= 0:
            raise Failed("no answer in time")
        connection = _Connection(target, left, self._tls() if target.secure else None)
        watch = threading.Timer(left, connection.abort)
        watch.daemon = True
        watch.start()
        try:
            connection.request(method, target.path, body or None, _HEADERS | dict(headers or {}))
            response = connection.getresponse()
            content = response.read(most + 1)
            if connection.aborted:
                raise TimeoutError
            taken = round((time.monotonic() - began) * 1000)
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, content[:most], len(content) > most, taken, target.address)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Failed("no answer in time" if connection.aborted else _said(error)) from None
        finally:
            watch.cancel()
            connection.close()

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context


class _Connection(http.client.HTTPConnection):
    """Speaks to `target.host` over a connection to `target.address`."""

    def __init__(self, target: Target, seconds: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self.default_port = 443 if target.secure else 80
        self.target = target
        self.tls = tls
        self.aborted = False

    def connect(self) -> None:
        """See http.client."""
        plain = socket.create_connection((self.target.address, self.target.port), self.timeout)
        self.sock = plain
        if self.tls is not None:
            self.sock = self.tls.wrap_socket(plain, server_hostname=self.target.host)

    def abort(self) -> None:
        """The time is over: whatever the connection waits for ends now."""
        self.aborted = True
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate does not hold: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "the secure connection could not be made"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionError):
        return "the connection was closed without an answer"
    if isinstance(error, http.client.HTTPException | ValueError):
        return "the answer is not HTTP"
    return "the host cannot be reached"
