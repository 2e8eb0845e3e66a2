"""huey carries the word over each of its storages; what it loses the sweep finds, what it doubles happens once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from huey import Huey

from guanxi.common.clock import SystemClock
from guanxi.runtime.background import Background
from guanxi.runtime.jobs.engine import QUIET, Engine
from guanxi.runtime.jobs.kinds import JobKind, Run
from guanxi.runtime.jobs.queue import make_queue
from guanxi.runtime.outbox import Deliverer, Entry, post
from guanxi.runtime.services import Services, build_services
from guanxi.runtime.storage.database import open_database
from guanxi.runtime.storage.system import create_platform_tables
from tests.runtime.jobs.queues import redis_url
from tests.support.databases import ENGINES, drop_postgres, new_postgres_url
from tests.support.published import project

SECRET = b"x" * 32


class Rig:
    def __init__(self, url: str, storage: Any, queue_url: str, base: Path) -> None:
        self.database = open_database(url)
        create_platform_tables(self.database)
        registry = project(self.database, "", SystemClock()).services.registry
        self.seen: list[Any] = []
        background = Background({"send": Deliverer(self._send)}, {"note": JobKind(self._note)})
        self.services: Services = build_services(registry, self.database, version=1, background=background)
        self.again: Callable[[], Huey] = lambda: make_queue(storage, queue_url, secret=SECRET, base=base)
        self.queue: Huey = self.again()
        self.engine = Engine(lambda: self.services, self.queue, threads=3)
        self.engine.listen()

    def _note(self, _: Services, run: Run) -> None:
        self.seen.append(run.params["n"])

    def _send(self, _: Services, entry: Entry) -> None:
        self.seen.append(entry.payload["n"])

    def post(self, n: int, **more: Any) -> None:
        with self.database.write():
            post(self.database, kind="send", payload={"n": n}, at=datetime.now(UTC), **more)

    def until(self, true: Callable[[], bool], seconds: float = 15) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if true():
                return True
            time.sleep(0.02)
        return False

    def close(self) -> None:
        self.engine.stop()
        self.database.close()


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    if request.param == "postgresql" and "postgresql" not in ENGINES:
        pytest.skip("PostgreSQL is not asked for")
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = new_postgres_url()
            stack.callback(drop_postgres, url)
            made = Rig(url, "postgresql", url, tmp_path)
        else:
            queue = stack.enter_context(redis_url()) if request.param == "redis" else "sqlite:///jobs.db"
            made = Rig(f"sqlite:///{tmp_path}/guanxi.db", request.param, queue, tmp_path)
        stack.callback(made.close)
        yield made


def test_jobs_and_effects_are_done_soon_after_their_commit(rig: Rig) -> None:
    rig.engine.start()
    began = time.monotonic()
    rig.services.jobs.enqueue("note", {"n": 1})
    rig.post(2)
    assert rig.until(lambda: sorted(rig.seen) == [1, 2])
    assert time.monotonic() - began < 5
    assert rig.until(lambda: rig.services.database.rows("SELECT threads FROM gx_workers") == [(3,)])


def test_what_is_due_later_is_done_then(rig: Rig) -> None:
    rig.engine.start()
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    rig.services.jobs.enqueue("note", {"n": 1}, due_at=soon)
    rig.post(2, due_at=soon)
    time.sleep(0.7)
    assert rig.seen == []
    assert rig.until(lambda: sorted(rig.seen) == [1, 2])
    assert datetime.now(UTC) >= soon


def test_lost_messages_lose_no_work(rig: Rig) -> None:
    for n in range(20):
        rig.services.jobs.enqueue("note", {"n": n})
        rig.post(100 + n)
    assert rig.queue.pending_count() > 0
    rig.queue.flush()
    rig.queue.storage.flush_queue()
    rig.engine.start()
    assert rig.until(lambda: len(rig.seen) == 40)
    assert sorted(rig.seen) == [*range(20), *range(100, 120)]


def test_doubled_messages_do_nothing_twice(rig: Rig) -> None:
    job = rig.services.jobs.enqueue("note", {"n": 1})
    rig.post(2)
    for _ in range(15):
        rig.engine._work(job)
        rig.engine._look()
    rig.engine.start()
    assert rig.until(lambda: rig.queue.pending_count() == 0 and len(rig.seen) == 2)
    time.sleep(0.5)
    assert sorted(rig.seen) == [1, 2]


def test_many_rings_make_few_messages(rig: Rig) -> None:
    began = time.monotonic()
    for n in range(200):
        rig.post(n)
    before = rig.queue.pending_count()
    assert before <= (time.monotonic() - began) / QUIET + 2
    time.sleep(0.4)
    later = datetime.now(UTC) + timedelta(hours=1)
    for n in range(200):
        rig.post(n, due_at=later)
    assert rig.queue.pending_count() <= before + 2


def test_a_queue_that_is_away_harms_nobody(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OSError("away")

    monkeypatch.setattr(rig.queue.storage, "enqueue", away)
    rig.services.jobs.enqueue("note", {"n": 1})
    rig.post(2)
    monkeypatch.undo()
    rig.engine.start()
    assert rig.until(lambda: sorted(rig.seen) == [1, 2])


def test_a_job_elsewhere_is_told_to_stop_and_tells_how_far_it_is(rig: Rig) -> None:
    def slow(_: Services, run: Run) -> None:
        for step in range(400):
            run.watch(step / 400)
            if run.cancelled():
                rig.seen.append("stopped")
                return
            time.sleep(0.02)

    rig.services.background.kinds["slow"] = JobKind(slow)  # type: ignore[index]
    sender = Engine(lambda: rig.services, rig.again())
    rig.engine.start()
    job = rig.services.jobs.enqueue("slow", {})
    assert rig.until(lambda: (sender.progress_of(job) or 0) > 0)
    sender.cancel_soon(job)
    assert rig.until(lambda: rig.seen == ["stopped"])


def test_a_message_of_somebody_else_is_not_run(rig: Rig) -> None:
    import pickle

    rig.queue.storage.enqueue(pickle.dumps(("work", 1)))
    rig.services.jobs.enqueue("note", {"n": 1})
    rig.engine.start()
    assert rig.until(lambda: rig.seen == [1])
