"""The production server by measurement: granian, gunicorn and waitress with the same number of processors.

Each serves the real application; list and read are loaded with 16 connections.
"""

from __future__ import annotations

from collections.abc import Callable

from .http import CONNECTIONS, GUANXI, Place, requests
from .serving import load, served

CHOICES = (
    ("granian", 1, 1), ("granian", 2, 1), ("gunicorn", 2, 8), ("waitress", 1, 8),
)  # fmt: skip


def compare(place: Place, *, seconds: float, say: Callable[[str], None]) -> None:
    """Print a line per server."""
    say("\n| server | workers × threads | list + total/s | p99 ms | read/s | p99 ms |")
    say("| --- | --- | --- | --- | --- | --- |")
    for server, workers, threads in CHOICES:
        environment = place.environments["guanxi"]
        with served(GUANXI, environment, server=server, workers=workers, threads=threads) as running:
            cells = []
            for what in ("list + total", "read"):
                asked = requests(what, "guanxi", place)
                load(running.port, asked, 0.7, CONNECTIONS)
                best = max(
                    (load(running.port, asked, seconds, CONNECTIONS) for _ in range(2)), key=lambda one: one.rate
                )
                if best.refused:
                    raise RuntimeError(f"{server}: {best.refused[:600]!r}")
                cells += [f"{best.rate:,.0f}", f"{best.quantile(0.99):.1f}"]
        say(f"| {server} | {workers} × {threads} | {' | '.join(cells)} |")
