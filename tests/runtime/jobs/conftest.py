"""A bundle of services with kinds, deliverers and schedules of the tests' own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from guanxi.runtime.background import Background
from guanxi.runtime.jobs.kinds import JobKind, Run
from guanxi.runtime.jobs.schedules import Schedule
from guanxi.runtime.jobs.work import run_due
from guanxi.runtime.outbox import Deliverer, Entry, post
from guanxi.runtime.services import Services
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

SECOND = timedelta(seconds=1)


@dataclass
class Yard:
    """What happened, and the means to make it happen."""

    made: Project
    seen: list[Any] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    kinds: dict[str, JobKind] = field(default_factory=dict)
    deliverers: dict[str, Deliverer] = field(default_factory=dict)
    schedules: list[Schedule] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kinds["note"] = JobKind(self._note, waits=(SECOND, SECOND))
        self.deliverers["send"] = Deliverer(self._send, waits=(5 * SECOND, 15 * SECOND))
        self.deliverers["fold"] = Deliverer(many=lambda _, entries: self.seen.extend(e.payload["n"] for e in entries))

    def _note(self, _: Services, run: Run) -> dict[str, Any]:
        if self.faults:
            raise self.faults.pop(0)
        self.seen.append(run.params.get("n", run.params.get("due")))
        return {"noted": run.params.get("n")}

    def _send(self, _: Services, entry: Entry) -> None:
        self.seen.append((entry.payload["n"], entry.key, entry.attempts))
        if self.faults:
            raise self.faults.pop(0)

    @property
    def db(self) -> Handle:
        return self.made.db

    @property
    def services(self) -> Services:
        background = Background(self.deliverers, self.kinds, (lambda _: self.schedules,))
        return replace(self.made.services, background=background)

    def run(self) -> Any:
        return run_due(self.services, "w")

    def later(self, **duration: float) -> Any:
        self.made.clock.advance(**duration)
        return self.run()

    def send(self, n: int, **more: Any) -> int:
        with self.db.write():
            return post(self.db, kind=more.pop("kind", "send"), payload={"n": n}, at=self.made.clock.now(), **more)

    def numbers(self) -> list[int]:
        return [one[0] for one in self.seen]


@pytest.fixture
def yard(database: Handle) -> Yard:
    return Yard(project(database, ""))


Make = Callable[[], Yard]
