"""The daily broom takes what is old and leaves the rest."""

from __future__ import annotations

from datetime import timedelta

from guanxi.runtime.jobs.housekeeping import JOB_KINDS, KIND
from guanxi.runtime.jobs.schedules import Schedule
from guanxi.runtime.storage.rows import instant_text
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


def test_what_has_expired_at_the_doors_goes(yard: Yard) -> None:
    yard.kinds.update(JOB_KINDS)
    db, now = yard.db, yard.made.clock.now()
    old, new = instant_text(now - timedelta(days=60)), instant_text(now + timedelta(days=1))
    with db.write():
        for number, moment in ((1, old), (2, new)):
            db.execute(
                db.sql("INSERT INTO gx_sessions (sha256, user_id, at, seen_at, expires_at) VALUES (?, 1, ?, ?, ?)"),
                (f"s{number}", old, old, moment),
            )
            db.execute(
                db.sql("INSERT INTO gx_account_links (sha256, user_id, kind, at, expires_at) VALUES (?, 1, 'x', ?, ?)"),
                (f"l{number}", old, moment),
            )
            db.execute(
                db.sql("INSERT INTO gx_idempotency (user_id, key, request, at) VALUES (1, ?, '', ?)"),
                (f"k{number}", moment),
            )
            db.execute(
                db.sql("INSERT INTO gx_rate (key, tokens, at) VALUES (?, 1, ?)"),
                (f"r{number}", (now + timedelta(days=1 if number == 2 else -1)).timestamp()),
            )
    yard.services.jobs.enqueue(KIND, {})
    yard.run()
    left = {
        table: [row[0] for row in db.rows(f"SELECT {key} FROM {table}")]
        for table, key in (
            ("gx_sessions", "sha256"),
            ("gx_account_links", "sha256"),
            ("gx_idempotency", "key"),
            ("gx_rate", "key"),
        )
    }
    assert left == {
        "gx_sessions": ["s2"],
        "gx_account_links": ["l2"],
        "gx_idempotency": ["k2"],
        "gx_rate": ["r2"],
    }
