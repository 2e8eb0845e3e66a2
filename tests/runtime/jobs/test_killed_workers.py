"""Four workers, 200 jobs and 200 effects, workers killed between: nothing is lost, and a repeat has the same key."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from guanxi.common.clock import SystemClock
from guanxi.runtime.outbox import post_many
from guanxi.runtime.storage.database import Handle
from tests.support.published import project

ROOT = Path(__file__).resolve().parents[3]
MANY, WORKERS, KILLS = 200, 4, 5


def start(url: str, notes: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / ".links"), str(ROOT)])}
    command = [sys.executable, "-P", "-m", "tests.runtime.jobs.killed_worker", url, str(notes)]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def test_killed_workers_lose_nothing(database: Handle, database_url: str, tmp_path: Path) -> None:
    made, notes = project(database, "", SystemClock()), tmp_path / "notes"
    jobs = [made.services.jobs.enqueue("note", {"n": n}) for n in range(MANY)]
    with database.write():
        post_many(database, [{"kind": "send", "payload": {"n": n}} for n in range(MANY)], datetime.now(UTC))
    workers = [start(database_url, notes) for _ in range(WORKERS)]
    try:
        for number in range(KILLS):
            until = time.monotonic() + 60
            while time.monotonic() < until:
                lines = notes.read_text().split("\n") if notes.exists() else []
                if len(lines) > 40 * (number + 1):
                    break
                time.sleep(0.02)
            victim = workers[number % WORKERS]
            victim.kill()
            victim.wait()
            workers[number % WORKERS] = start(database_url, notes)
        until = time.monotonic() + 90
        left = -1
        while left and time.monotonic() < until:
            time.sleep(0.2)
            left = database.rows(
                "SELECT (SELECT count(*) FROM gx_jobs WHERE state <> 'done')"
                " + (SELECT count(*) FROM gx_outbox WHERE done_at IS NULL)"
            )[0][0]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert left == 0
    done: dict[str, set[str]] = defaultdict(set)
    for line in notes.read_text().splitlines():
        if line != "up":
            key, number = line.split(" ")
            done["job" if key.startswith("job-") else "effect"].add(number)
            done[key].add(number)
    assert done["job"] == done["effect"] == {str(n) for n in range(MANY)}
    assert len(done) == 2 + 2 * MANY  # a repeat came under the key of the first try
    assert len(jobs) == MANY
