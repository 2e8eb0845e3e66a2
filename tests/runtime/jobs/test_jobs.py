"""Jobs are done once by one worker, tried again when they fail, and run at set times once in the whole cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from guanxi.runtime.jobs import GiveUp, Retry
from guanxi.runtime.jobs.kinds import JobKind, Run
from guanxi.runtime.jobs.schedules import Schedule
from guanxi.runtime.jobs.work import run_job
from tests.runtime.jobs.conftest import Yard


def state(yard: Yard, job: int) -> tuple[str, int, str]:
    found = yard.services.jobs.get(job)
    assert found is not None
    return found.state, found.attempts, found.error


def test_a_job_runs_once_and_keeps_its_result(yard: Yard) -> None:
    jobs = yard.services.jobs
    job = jobs.enqueue("note", {"n": 1}, by=7, key="one")
    assert jobs.enqueue("note", {"n": 2}, key="one") == job
    assert yard.run().jobs == 1
    assert yard.seen == [1]
    found = jobs.get(job)
    assert found is not None
    assert (found.state, found.result, found.by_id) == ("done", {"noted": 1}, 7)
    assert jobs.enqueue("note", {"n": 3}, key="one") == job
    assert not yard.run()


def test_a_failing_job_is_tried_again_and_fails_in_the_end(yard: Yard) -> None:
    yard.faults = [RuntimeError("secret"), Retry(timedelta(seconds=3), "not yet"), Retry(reason="never")]
    job = yard.services.jobs.enqueue("note", {"n": 1})
    yard.run()
    assert state(yard, job)[:2] == ("queued", 1)
    assert "secret" not in state(yard, job)[2]
    yard.later(seconds=2)
    assert state(yard, job) == ("queued", 2, "not yet")
    yard.later(seconds=2)
    assert state(yard, job)[:2] == ("queued", 2)
    yard.later(seconds=2)
    assert state(yard, job) == ("failed", 3, "never")
    assert yard.services.jobs.retry(job)
    yard.run()
    assert (yard.seen, state(yard, job)) == ([1], ("done", 1, ""))


def test_giving_up_fails_at_once(yard: Yard) -> None:
    yard.faults = [GiveUp("no such thing")]
    job = yard.services.jobs.enqueue("note", {"n": 1})
    yard.run()
    assert state(yard, job) == ("failed", 1, "no such thing")


def test_jobs_of_one_order_follow_each_other(yard: Yard) -> None:
    yard.faults = [Retry()]
    for n, order in ((1, "a"), (2, "a"), (3, None)):
        yard.services.jobs.enqueue("note", {"n": n}, order=order)
    yard.run()
    assert yard.seen == [3]
    yard.later(seconds=2)
    assert yard.seen == [3, 1, 2]


def test_a_job_of_a_dead_worker_is_taken_over_but_not_for_ever(yard: Yard) -> None:
    job = yard.services.jobs.enqueue("note", {"n": 1})
    store, kinds = yard.services.jobs, yard.kinds
    for attempt in (1, 2, 3):
        held = store.claim(f"w{attempt}", kinds)
        assert held is not None
        assert held.attempts == attempt
        assert store.claim("other", kinds) is None
        yard.made.clock.advance(minutes=2)
    assert store.claim("w4", kinds) is None
    assert state(yard, job)[0] == "failed"


def test_progress_is_kept_and_a_cancelled_job_stops_at_its_next_step(yard: Yard) -> None:
    def work(services: object, run: Run) -> None:
        run.progress(1, 4, {"fraction": 0.25})
        run.log("a quarter")
        assert yard.services.jobs.cancel(run.id)
        run.progress(2, 4)
        yard.seen.append("went on")

    yard.kinds["slow"] = JobKind(work)
    job = yard.services.jobs.enqueue("slow", {})
    yard.run()
    found = yard.services.jobs.get(job)
    assert found is not None
    assert (found.state, found.done, found.total, yard.seen) == ("cancelled", 1, 4, [])
    assert [text for _, _, text in yard.services.jobs.log(job)] == ["a quarter", "stopped: cancelled or taken over"]


def test_a_named_job_is_claimed_only_when_it_is_due(yard: Yard) -> None:
    due = yard.made.clock.now() + timedelta(minutes=5)
    job = yard.services.jobs.enqueue("note", {"n": 1}, due_at=due)
    assert not run_job(yard.services, "w", job)
    yard.made.clock.advance(minutes=6)
    assert run_job(yard.services, "w", job)
    assert not run_job(yard.services, "w", job)
    assert yard.seen == [1]


def test_a_slot_makes_one_job_whoever_looks(yard: Yard) -> None:
    yard.schedules.append(Schedule("often", "note", every=timedelta(minutes=10)))
    yard.run()
    assert yard.seen == []
    yard.later(minutes=10)
    yard.run()
    assert yard.seen == ["2026-03-01T08:10:00Z"]
    yard.later(minutes=9)
    assert len(yard.seen) == 1


def test_missed_slots_are_made_up_for_once(yard: Yard) -> None:
    yard.schedules.append(Schedule("often", "note", {"x": 1}, every=timedelta(minutes=10)))
    yard.run()
    yard.later(hours=5, minutes=3)
    assert yard.seen == ["2026-03-01T13:00:00Z"]
    yard.later(minutes=7)
    assert yard.seen[1:] == ["2026-03-01T13:10:00Z"]


def test_cron_is_read_in_the_zone_and_weekends_are_left_out(yard: Yard) -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    yard.schedules.append(Schedule("daily", "note", cron="0 9 * * 1-5", zone=shanghai))
    yard.run()
    yard.later(days=1)  # Monday 2 March 2026, 08:00 UTC, 16:00 in Shanghai
    assert yard.seen == ["2026-03-02T01:00:00Z"]
    yard.later(days=6)
    assert yard.seen[1:] == ["2026-03-06T01:00:00Z"]


def test_a_changed_schedule_begins_anew_and_a_removed_one_is_forgotten(yard: Yard) -> None:
    yard.schedules.append(Schedule("s", "note", every=timedelta(minutes=10)))
    yard.run()
    yard.schedules[:] = [Schedule("s", "note", cron="30 * * * *")]
    yard.later(minutes=20)
    assert yard.seen == []
    yard.later(minutes=11)
    assert yard.seen == ["2026-03-01T08:30:00Z"]
    yard.schedules.clear()
    yard.run()
    assert yard.db.rows("SELECT * FROM gx_schedules") == []


def test_the_hour_that_does_not_exist_still_has_its_slot() -> None:
    schedule, zone = Schedule("s", "note", cron="30 2 * * *"), ZoneInfo("America/New_York")
    following = schedule.after(datetime(2026, 3, 8, 5, tzinfo=UTC), zone)
    assert following == datetime(2026, 3, 8, 7, tzinfo=UTC)
