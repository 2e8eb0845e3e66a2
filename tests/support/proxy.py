"""A TCP proxy before PostgreSQL that can stall or cut its connections."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from urllib.parse import parse_qs, urlsplit


class Proxy:
    """Listens on 127.0.0.1; `stalled` stops passing bytes on, `cut()` closes every connection."""

    def __init__(self, server_url: str) -> None:
        self._parts = urlsplit(server_url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.stalled = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The database's URL through the proxy."""
        port = self._listener.getsockname()[1]
        return f"postgresql://{self._parts.username or 'postgres'}@127.0.0.1:{port}{self._parts.path}?sslmode=disable"

    def cut(self) -> None:
        """Close all connections."""
        for line in self._open:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
                line.close()
        self._open.clear()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()
        self.cut()

    def _server(self) -> socket.socket:
        folder = parse_qs(self._parts.query).get("host", [""])[0]
        port = parse_qs(self._parts.query).get("port", [str(self._parts.port or 5432)])[0]
        if folder:
            line = socket.socket(socket.AF_UNIX)
            line.connect(f"{folder}/.s.PGSQL.{port}")
            return line
        return socket.create_connection((self._parts.hostname or "127.0.0.1", int(port)))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._server()
                self._open += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.stalled:
                    time.sleep(0.01)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
