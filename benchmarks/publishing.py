"""What a publish costs the first request after it, in a worker of another process.

An instance with the shipped packs is published again with one more field; the clock runs for the next request of a
running worker, which compiles the new version before it answers.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from guanxi.app.accounts import Accounts
from guanxi.app.factory import create_app
from guanxi.app.instance import Instance
from guanxi.runtime.access.actor import SYSTEM

from .serving import load, request, served

PACKS = ("crm", "telecom")
OBJECT = "kind: object\nname: thing\nlabel: Thing\ntitle: name\nfields:\n  name: {type: text}\n"


def measure(engine: str, publishes: int, *, say: Callable[[str], None]) -> None:
    """Print the usual wait and the wait after each publish."""
    with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as name:
        folder = Path(name)
        database = f"sqlite:///{folder}/guanxi.db"
        settings = {"name": "Bench", "packs": list(PACKS), "database": database}
        (folder / "guanxi.yaml").write_text(json.dumps(settings), encoding="utf-8")
        (folder / "metadata").mkdir()
        instance = Instance.open(folder)
        host = create_app(instance).extensions["guanxi_host"]
        host.publisher.apply(SYSTEM, None, (), "", "bench")
        accounts = Accounts(instance, host.services())
        user, _ = accounts.add("li", password="correct horse", roles=["administrator"])
        token = accounts.tokens.issue(user, name="bench", days=1)[0]
        asked = [request("GET", "/api/user?limit=1", token)]
        with served("guanxi.app.wsgi:build", {"GUANXI_INSTANCE": str(folder)}) as server:
            load(server.port, asked, 0.5, 1)
            usual = load(server.port, asked, 1.0, 1).quantile(0.5)
            waits = []
            for number in range(publishes):
                more = "".join(f"  extra_{n}: {{type: text}}\n" for n in range(number + 1))
                (folder / "metadata" / "thing.yaml").write_text(OBJECT + more, encoding="utf-8")
                host.publisher.apply(SYSTEM, None, (), "", "bench")
                waits.append(_next(server.port, asked))
        told = ", ".join(f"{one:.0f}" for one in waits)
        say(f"\nA request takes {usual:.1f} ms; the first one after each publish {told} ms")
        instance.close()
    del engine


def _next(port: int, asked: list[bytes]) -> float:
    return max(load(port, asked, 0.3, 1).waits) * 1000
