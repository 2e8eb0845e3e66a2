"""Servers of the outside on loopback: an SMTP relay (aiosmtpd), a mailbox over IMAP4rev1, an HTTP gateway."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Relay:
    """What an SMTP relay took; `refuse` maps a recipient to its answer instead of 250, `data` is one for DATA."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    data: str = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data:
            return self.data
        self.raw.append(envelope.original_content)
        self.mails.append(message_from_bytes(envelope.original_content, policy=policy.default))  # type: ignore[arg-type]
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        return "250 taken"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def smtp_relay() -> Iterator[Relay]:
    """A running relay."""
    relay = Relay()
    relay.port = _free_port()
    server = Controller(relay, hostname="127.0.0.1", port=relay.port)
    server.start()
    try:
        yield relay
    finally:
        server.stop()


@dataclass
class Mailbox:
    """One IMAP folder; `seen` holds the numbers of mails that are marked. `password` is asked for."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    password: str = "hush"
    commands: list[str] = field(default_factory=list)


class _Imap(socketserver.StreamRequestHandler):
    """Enough of RFC 3501 for a client that logs in, selects, searches, fetches by UID and stores flags."""

    def handle(self) -> None:
        box: Mailbox = self.server.box  # type: ignore[attr-defined]
        self._say("* OK ready")
        while line := self.rfile.readline():
            text = line.decode().rstrip("\r\n")
            tag, _, rest = text.partition(" ")
            box.commands.append(rest)
            if not self._answer(box, tag, rest):
                return

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def _answer(self, box: Mailbox, tag: str, rest: str) -> bool:
        verb = rest.upper()
        if verb.startswith("CAPABILITY"):
            self._say("* CAPABILITY IMAP4rev1")
        elif verb.startswith("LOGIN"):
            if f'"{box.password}"' not in rest and not rest.endswith(box.password):
                self._say(f"{tag} NO [AUTHENTICATIONFAILED] wrong")
                return True
        elif verb.startswith("SELECT"):
            self._say(f"* {len(box.mails)} EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 1]")
        elif verb.startswith("UID SEARCH"):
            wanted = [n for n in range(1, len(box.mails) + 1) if "UNSEEN" not in verb or n not in box.seen]
            self._say("* SEARCH" + "".join(f" {n}" for n in wanted))
        elif verb.startswith("UID FETCH"):
            number = int(re.findall(r"\d+", rest)[0])
            mail = box.mails[number - 1]
            if "RFC822.SIZE" in verb:
                self._say(f"* {number} FETCH (UID {number} RFC822.SIZE {len(mail)})")
            else:
                self._say(f"* {number} FETCH (UID {number} BODY[] {{{len(mail)}}}")
                self.wfile.write(mail + b")\r\n")
        elif verb.startswith("UID STORE"):
            number = int(re.findall(r"\d+", rest)[0])
            box.seen.add(number)
            self._say(f"* {number} FETCH (UID {number} FLAGS (\\Seen))")
        elif verb.startswith("LOGOUT"):
            self._say(f"* BYE\r\n{tag} OK")
            return False
        self._say(f"{tag} OK done")
        return True


@contextlib.contextmanager
def imap_mailbox() -> Iterator[Mailbox]:
    """A running mailbox."""
    box = Mailbox()
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Imap)
    server.daemon_threads = True
    server.box = box  # type: ignore[attr-defined]
    box.port = server.server_address[1]
    with _running(server):
        yield box


Reply = Callable[[str, str, dict[str, str], bytes], tuple[int, bytes]]


@contextlib.contextmanager
def http_gateway(reply: Reply) -> Iterator[str]:
    """A running HTTP server whose answers `reply(method, path, headers, body)` gives; its address."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = reply(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _do  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with _running(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"


@contextlib.contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
