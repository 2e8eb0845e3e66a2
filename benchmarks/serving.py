"""A server as a child process, and a client that keeps many requests under way over keep-alive connections.

`python -m benchmarks.serving SERVER TARGET PORT WORKERS THREADS` serves a factory by granian, gunicorn or waitress.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A server that runs: its port and its process group."""

    port: int
    group: int

    def cpu(self) -> float:
        """Seconds of processor time its processes have used so far; a busy neighbour does not change them."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12]) if int(fields[2]) == self.group else 0
        return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(
    target: str, environment: dict[str, str], *, server: str = "granian", workers: int = 1, threads: int = 1
) -> Iterator[Server]:
    """A server of `module:factory`, up and answering; it ends with the block."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.serving", server, target, str(port), str(workers), str(threads)]
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        start_new_session=True,
        cwd=Path(__file__).parent.parent,
        stderr=subprocess.DEVNULL,  # a line for each request
    )
    try:
        _await(port, process)
        yield Server(port, process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the server ended")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as probe:
            probe.sendall(b"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            if probe.recv(12).startswith(b"HTTP/1."):
                return
        time.sleep(0.05)
    raise RuntimeError("the server does not answer")


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """One request as bytes."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n"
    )
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


@dataclass
class Answered:
    """Requests answered in `seconds`, and the first answer that was not a success."""

    count: int = 0
    seconds: float = 0.0
    refused: bytes = b""
    bytes: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.count / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of the requests was answered."""
        waits = sorted(self.waits)
        return waits[min(len(waits) - 1, int(len(waits) * share))] * 1000


@dataclass
class _Line:
    sock: socket.socket
    data: bytearray = field(default_factory=bytearray)
    need: int = -1
    sent: float = 0.0


def load(port: int, requests: Sequence[bytes], seconds: float, connections: int = 16) -> Answered:
    """Send the requests in turn over `connections` keep-alive connections, each one request at a time."""
    result, chooser, turn = Answered(), selectors.DefaultSelector(), 0
    lines = [_Line(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(connections)]
    for line in lines:
        line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chooser.register(line.sock, selectors.EVENT_READ, line)
    start = time.perf_counter()
    for line in lines:
        turn = _send(line, requests, turn)
    while (now := time.perf_counter()) - start < seconds:
        for key, _ in chooser.select(1):
            line = key.data
            line.data += line.sock.recv(262_144)
            if not _whole(line):
                continue
            if not line.data.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")) and not result.refused:
                result.refused = bytes(line.data[:2000])
            result.count += 1
            result.bytes += len(line.data)
            result.waits.append(time.perf_counter() - line.sent)
            turn = _send(line, requests, turn)
    result.seconds = now - start
    for line in lines:
        line.sock.close()
    return result


def _send(line: _Line, requests: Sequence[bytes], turn: int) -> int:
    line.data.clear()
    line.need = -1
    line.sent = time.perf_counter()
    line.sock.sendall(requests[turn % len(requests)])
    return turn + 1


def _whole(line: _Line) -> bool:
    if line.need < 0:
        end = line.data.find(b"\r\n\r\n")
        if end < 0:
            if not line.data:
                raise ConnectionError("the server closed a connection")
            return False
        head = bytes(line.data[:end]).lower()
        at = head.find(b"content-length:")
        line.need = end + 4 + (int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
    return len(line.data) >= line.need


def main(server: str, target: str, port: int, workers: int, threads: int) -> None:
    """Serve until ended."""
    if server == "granian":
        from granian import Granian
        from granian.constants import Interfaces
        from granian.log import LogLevels

        Granian(
            target,
            factory=True,
            address="127.0.0.1",
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=threads,
            backlog=1024,
            log_level=LogLevels.warning,
            websockets=False,
        ).serve()
    elif server == "gunicorn":
        options = ["-b", f"127.0.0.1:{port}", "-w", str(workers), "--log-level", "warning"]
        options += ["-k", "gthread", "--threads", str(threads)] if threads > 1 else ["-k", "sync"]
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *options, f"{target}()"])
    else:
        import importlib

        import waitress

        module, _, name = target.partition(":")
        application = getattr(importlib.import_module(module), name)()
        waitress.serve(application, host="127.0.0.1", port=port, threads=threads)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
