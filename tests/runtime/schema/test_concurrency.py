"""Two people publish at once; people write while somebody publishes."""

from __future__ import annotations

import threading
import time

from guanxi.runtime.schema.service import SchemaService, StalePlanError
from guanxi.runtime.storage.database import Handle
from tests.support.evolution import World
from tests.support.registries import registry


def test_of_two_publishers_one_wins_and_the_other_is_stale(database: Handle) -> None:
    World(database).publish({"customer": {"name": "text"}})
    outcomes: list[object] = []
    gate = threading.Barrier(2)

    def publish(extra: str) -> None:
        service = SchemaService(database)
        made = registry({"customer": {"name": "text", extra: "text"}})
        plan = service.plan(made, {"extra": extra})
        gate.wait()
        try:
            outcomes.append(service.apply(plan, made))
        except StalePlanError:
            outcomes.append("stale")
        except BaseException as error:
            outcomes.append(error)

    threads = [threading.Thread(target=publish, args=(n,)) for n in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [2, "stale"]
    assert [v.number for v in SchemaService(database).versions()] == [2, 1]


def test_writes_wait_for_a_publication_and_none_is_lost(database: Handle) -> None:
    world = World(database)
    world.publish({"customer": {"name": "text"}})
    faults: list[BaseException] = []
    written = 0
    stop = threading.Event()

    def write() -> None:
        nonlocal written
        sql = database.sql("INSERT INTO o_customer (created_at, updated_at, name) VALUES (?, ?, ?)")
        at = "2026-01-01T00:00:00.000000Z"
        while not stop.is_set():
            try:
                database.execute(sql, (at, at, f"n{written}"))
                written += 1
            except BaseException as error:
                faults.append(error)
                return

    writer = threading.Thread(target=write)
    writer.start()
    while written < 20 and not faults:
        time.sleep(0.01)
    service = SchemaService(database)
    service.publish(registry({"customer": {"name": {"type": "text", "index": True}, "size": "integer"}}), {"v": "2"})
    stop.set()
    writer.join()
    assert not faults
    assert database.one("SELECT count(*), count(size) FROM o_customer") == (written, 0)
