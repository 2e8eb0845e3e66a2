"""A real instance from outside: the command line as a process, a server as processes, calls over HTTP.

Nothing of the product is imported here. `Served.gx` runs a command; `start` serves on a free loopback port.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

_RUN = (sys.executable, "-c", "from guanxi.app.cli import main; main()")


@dataclass
class Served:
    """One instance folder; `token` is the administrator's."""

    folder: Path
    tokens: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    def gx(self, *args: str, ok: int | None = 0, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `guanxi --instance FOLDER ARGS`; its exit code must be `ok` (None: any)."""
        whole = [*_RUN, "--instance", str(self.folder), *args]
        done = subprocess.run(whole, capture_output=True, text=True, timeout=120, input=given, check=False)
        assert ok is None or done.returncode == ok, f"{args} → {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            target = self.folder / "metadata" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")

    def person(self, name: str, *roles: str, more: tuple[str, ...] = ()) -> str:
        """Make a person (unless there) and keep a token for them."""
        if name != "admin":
            flags = [part for role in roles for part in ("--role", role)]
            self.gx("user", "add", name, *flags, *more, "--password-stdin", given="correct horse battery\n")
        self.tokens[name] = self.gx("user", "token", name, "--days", "2").stdout.strip()
        return self.tokens[name]

    def start(self, *, workers: int = 1, wait: float = 40) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        whole = [*_RUN, "--instance", str(self.folder), "serve", "--port", str(port), "--workers", str(workers)]
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(whole, stdout=log, stderr=log, start_new_session=True)
        self.url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + wait
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError("not up: " + (self.folder / "serve.log").read_text()[-2000:])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the server: SIGKILL strikes all its processes at once."""
        if self.process is None:
            return
        if how is signal.SIGKILL:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        self.process.wait(30)
        self.process = None

    def call(
        self, method: str, path: str, body: Any = None, *, who: str | None = "admin", **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        headers.update(more.pop("headers", {}))
        if body is not None:
            more["content"] = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        return httpx.request(method, self.url + path, headers=headers, timeout=30, **more)

    def get(self, path: str, *, who: str | None = "admin", **query: Any) -> httpx.Response:
        return self.call("GET", path, who=who, params=query or None)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.call("POST", path, {} if body is None else body, **more)

    def patch(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return self.call("PATCH", path, body, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.call("DELETE", path, **more)


def new_instance(folder: Path, database: str, files: Mapping[str, str], *packs: str) -> Served:
    """`guanxi init`, these files, `guanxi apply`; nothing is served yet."""
    flags = [part for pack in packs for part in ("--pack", pack)]
    made = Served(folder)
    text = (*_RUN, "init", str(folder), *flags, "--database", database)
    done = subprocess.run(text, capture_output=True, text=True, timeout=120, input="", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    settings = folder / "guanxi.yaml"
    said = settings.read_text(encoding="utf-8").replace("requests_per_minute: 6000", "requests_per_minute: 1000000")
    settings.write_text(said, encoding="utf-8")
    made.write(files)
    if files or packs:
        made.gx("apply", "--yes")
    made.person("admin")
    return made
