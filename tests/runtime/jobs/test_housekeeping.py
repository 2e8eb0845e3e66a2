"""The daily broom takes what is old and leaves the rest."""

from __future__ import annotations

from datetime import timedelta

from guanxi.runtime.jobs.housekeeping import JOB_KINDS, KIND
from guanxi.runtime.jobs.schedules import Schedule
from tests.runtime.jobs.conftest import Yard


def test_old_jobs_slots_and_effects_go_and_the_rest_stays(yard: Yard) -> None:
    yard.kinds.update(JOB_KINDS)
    yard.schedules.append(Schedule("often", "note", every=timedelta(hours=1)))
    yard.run()
    old = yard.services.jobs.enqueue("note", {"n": 1})
    yard.send(1)
    waiting = yard.services.jobs.enqueue("note", {"n": 2}, due_at=yard.made.clock.now() + timedelta(days=99))
    yard.later(hours=1)
    assert yard.made.count("gx_jobs") == 3
    yard.schedules.clear()
    yard.made.clock.advance(days=3)
    yard.services.jobs.enqueue(KIND, {})
    yard.run()
    assert {row[0] for row in yard.db.rows("SELECT id FROM gx_jobs WHERE kind = 'note'")} == {old, waiting}
    assert yard.made.count("gx_outbox") == 1
    yard.made.clock.advance(days=40)
    last = yard.services.jobs.enqueue(KIND, {})
    yard.run()
    assert {row[0] for row in yard.db.rows("SELECT id FROM gx_jobs")} == {waiting, last}
    assert yard.made.count("gx_outbox") == 0
