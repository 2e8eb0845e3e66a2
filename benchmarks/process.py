"""The server as a process: seconds from `guanxi serve` to the first answered request, memory of a worker, a list page.

    python -m benchmarks.process

An instance with every shipped pack is started twice: first with nothing compiled before (as after an update of the
software), then as any other time. Memory is what the worker holds (RSS) and its share of what it has in common with
its parent (PSS), after a list, a page and a record were asked for.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from guanxi.app.accounts import Accounts
from guanxi.app.factory import create_app
from guanxi.app.instance import Instance
from guanxi.app.packs import installed_folders
from guanxi.app.snapshots import FOLDER
from guanxi.runtime.access.actor import SYSTEM

from .serving import free_port, request

PASSWORD = "correct horse"
OBJECT = "kind: object\nname: thing\nlabel: Thing\ntitle: name\nfields:\n"
FIELDS = "".join(f"  f{n}: {{type: {kind}}}\n" for n, kind in enumerate(("text", "integer", "date", "boolean") * 4))


def measure(*, say: Callable[[str], None]) -> None:
    """Print a line for each figure."""
    packs = sorted(installed_folders())
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as name:
        folder = Path(name)
        token = make(folder, packs)
        shutil.rmtree(folder / FOLDER)
        with started(folder, token) as (cold, _, _):
            pass
        with started(folder, token) as (warm, port, group):
            for path in ("/api/user?limit=1", "/api/thing?limit=25", "/api/user/1"):
                _get(port, path, token)
            workers = memory(group)
        spent, size, others = page(folder)
    rss, pss = max(workers)
    say(f"\nStart to first answered request with {', '.join(packs)}: {warm:.2f} s; with nothing compiled: {cold:.2f} s")
    say(f"Memory of a worker: {rss:.0f} MB, of which its own share {pss:.0f} MB")
    say(f"A list as a page: {spent * 1000:.1f} ms of processor time, {size / 1000:.0f} KB, {others} files besides")


def make(folder: Path, packs: list[str]) -> str:
    """A published instance with an administrator and some rows; the administrator's token."""
    (folder / "guanxi.yaml").write_text(json.dumps({"name": "Bench", "packs": packs}), encoding="utf-8")
    (folder / "metadata").mkdir()
    definition = f"{OBJECT}  name: {{type: text}}\n{FIELDS}"
    (folder / "metadata" / "thing.yaml").write_text(definition, encoding="utf-8")
    instance = Instance.open(folder)
    host = create_app(instance).extensions["guanxi_host"]
    host.publisher.apply(SYSTEM, None, (), "", "bench")
    accounts = Accounts(instance, host.services())
    user, _ = accounts.add("li", password=PASSWORD, roles=["administrator"])
    rows = [{"name": f"thing {n}", "f0": "text", "f1": n, "f2": "2026-03-01", "f3": True} for n in range(200)]
    host.services().records.bulk_create(SYSTEM, "thing", rows)
    token: str = accounts.tokens.issue(user, name="bench", days=1)[0]
    instance.close()
    return token


@contextlib.contextmanager
def started(folder: Path, token: str) -> Iterator[tuple[float, int, int]]:
    """`guanxi serve` with one worker: seconds until it answered, its port, its process group."""
    port = free_port()
    program = "from guanxi.app.cli import main; main()"
    command = [sys.executable, "-c", program, "--instance", str(folder), "serve", "--port", str(port), "--workers", "1"]
    start = time.perf_counter()
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port, token, process)
        yield time.perf_counter() - start, port, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(port: int, token: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    asked = request("GET", "/api/user?limit=1", token)
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the server ended")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as probe:
            probe.sendall(asked)
            if probe.recv(12) == b"HTTP/1.1 200":
                return
        time.sleep(0.01)
    raise RuntimeError("the server does not answer")


def memory(group: int) -> list[tuple[float, float]]:
    """RSS and PSS in MB of the workers of a process group (its leader only watches them)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and stat.parent.name != str(group):
                text = (stat.parent / "smaps_rollup").read_text()
                rss, pss = (re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE) for key in ("Rss", "Pss"))
                if rss and pss:
                    found.append((int(rss[1]) / 1024, int(pss[1]) / 1024))
    return found


def page(folder: Path) -> tuple[float, int, int]:
    """The list page of an administrator: processor seconds in the server, bytes, files it asks for besides."""
    instance = Instance.open(folder)
    client = create_app(instance).test_client()
    form = client.get("/login/").get_data(as_text=True)
    hidden = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    client.post("/login/", data={"name": "li", "password": PASSWORD, "csrf_token": hidden[1] if hidden else ""})
    address = "/o/thing/"
    best, text = 1e9, b""
    for _ in range(30):
        start = time.process_time()
        answer = client.get(address)
        best, text = min(best, time.process_time() - start), answer.get_data()
        if answer.status_code != 200:
            raise RuntimeError(f"the page answers {answer.status_code}")
    instance.close()
    return best, len(text), len(set(re.findall(rb'(?:src|href)="(/assets/[^"]+\.(?:js|css)[^"]*)"', text)))


def _get(port: int, path: str, token: str) -> Any:
    asked = Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    with urlopen(asked, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    measure(say=print)
