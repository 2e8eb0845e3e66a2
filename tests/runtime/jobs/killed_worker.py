"""A worker that another process kills: does what is due until it is ended, and notes every effect with its key."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from typing import Any

from guanxi.runtime.background import Background
from guanxi.runtime.jobs.kinds import JobKind, Run
from guanxi.runtime.jobs.work import run_due
from guanxi.runtime.outbox import Deliverer, Entry
from guanxi.runtime.services import Services, build_services
from guanxi.runtime.storage.database import open_database
from tests.support.project import registry_of

LEASE = timedelta(seconds=3)
WAITS = (timedelta(seconds=1),) * 50


def serve(url: str, notes: str) -> None:
    out = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(key: str) -> None:
        time.sleep(0.01)
        os.write(out, f"{key}\n".encode())
        time.sleep(0.01)

    def job(_: Services, run: Run) -> dict[str, Any]:
        note(f"{run.key} {run.params['n']}")
        return {"n": run.params["n"]}

    def send(_: Services, entry: Entry) -> None:
        note(f"{entry.key} {entry.payload['n']}")

    background = Background(
        {"send": Deliverer(send, lease=LEASE, waits=WAITS)}, {"note": JobKind(job, lease=LEASE, waits=WAITS)}
    )
    services = build_services(registry_of(""), open_database(url), version=1, background=background)
    os.write(out, b"up\n")
    while True:
        run_due(services)
        time.sleep(0.05)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
