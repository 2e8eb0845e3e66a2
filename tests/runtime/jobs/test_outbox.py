"""Effects leave after the commit, at least once, in order, with one key; what cannot leave becomes a dead letter."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guanxi.runtime.outbox import Deliverer, GiveUp, OutboxStore, Retry, deliver_due, post, post_many
from tests.runtime.jobs.conftest import Yard


def rows(yard: Yard, columns: str = "id, attempts, done_at IS NOT NULL, dead_at IS NOT NULL, error") -> list[tuple]:
    return [tuple(row) for row in yard.db.rows(f"SELECT {columns} FROM gx_outbox ORDER BY id")]


def test_an_effect_of_a_transaction_that_fails_never_happens(yard: Yard) -> None:
    with pytest.raises(ZeroDivisionError), yard.db.write():
        post(yard.db, kind="send", payload={"n": 1}, at=yard.made.clock.now())
        1 / 0  # noqa: B018
    yard.run()
    assert yard.seen == []


def test_the_same_key_is_posted_once(yard: Yard) -> None:
    first, again, other = yard.send(1, key="a"), yard.send(2, key="a"), yard.send(3, key="b")
    assert first == again != other
    yard.run()
    assert [(n, key) for n, key, _ in yard.seen] == [(1, "a"), (3, "b")]
    assert yard.send(4, key="a") == first
    yard.run()
    assert yard.numbers() == [1, 3]


def test_a_failure_is_tried_again_with_the_same_key_and_growing_waits(yard: Yard) -> None:
    yard.faults = [RuntimeError("hidden inside"), Retry(reason="busy")]
    yard.send(1)
    yard.run()
    assert "hidden" not in rows(yard)[0][4]
    assert "reference" in rows(yard)[0][4]
    yard.later(seconds=4)
    assert len(yard.seen) == 1
    yard.later(seconds=2)
    assert rows(yard)[0][1:] == (2, 0, 0, "busy")
    yard.later(seconds=12)
    assert len(yard.seen) == 2
    yard.later(seconds=6)
    assert [(n, attempt) for n, _, attempt in yard.seen] == [(1, 1), (1, 2), (1, 3)]
    assert len({key for _, key, _ in yard.seen}) == 1
    assert rows(yard)[0][1:] == (3, 1, 0, "")


def test_giving_up_and_too_many_tries_leave_a_dead_letter_that_can_be_retried_or_dropped(yard: Yard) -> None:
    yard.faults = [GiveUp("gone for good")]
    dead = yard.send(1)
    yard.run()
    assert rows(yard)[0][2:] == (0, 1, "gone for good")
    yard.later(days=9)
    assert len(yard.seen) == 1
    store, now = OutboxStore(yard.db), yard.made.clock.now()
    assert store.retry_dead(dead, now)
    assert not store.retry_dead(dead, now)
    yard.faults = [Retry(), Retry(), Retry(reason="still no")]
    for _ in range(4):
        yard.later(seconds=30)
    assert rows(yard)[0][1:] == (3, 0, 1, "still no")
    assert store.drop_dead(dead)
    assert rows(yard) == []


def test_a_stuck_entry_holds_back_its_own_order_only(yard: Yard) -> None:
    yard.faults = [Retry(timedelta(seconds=60))]
    for n, order in ((1, "a"), (2, "a"), (3, "b"), (4, ""), (5, "a")):
        yard.send(n, order=order)
    yard.run()
    assert yard.numbers() == [1, 3, 4]
    yard.later(seconds=61)
    assert yard.numbers() == [1, 3, 4, 1, 2, 5]


def test_a_dead_letter_lets_its_order_go_on(yard: Yard) -> None:
    yard.faults = [GiveUp("no")]
    yard.send(1, order="a")
    yard.send(2, order="a")
    yard.run()
    assert yard.numbers() == [1, 2]


def test_an_effect_waits_until_it_is_due(yard: Yard) -> None:
    yard.send(1, due_at=yard.made.clock.now() + timedelta(minutes=5))
    yard.later(minutes=4)
    assert yard.seen == []
    yard.later(minutes=2)
    assert yard.numbers() == [1]


def test_a_leased_entry_is_nobody_elses_until_the_lease_ends(yard: Yard) -> None:
    yard.send(1)
    store, now = OutboxStore(yard.db), yard.made.clock.now()
    (held,) = store.claim("dead worker", ("send",), now, lease=timedelta(seconds=60), limit=5)
    assert yard.run().effects == 0
    yard.later(seconds=61)
    assert [(key, attempt) for _, key, attempt in yard.seen] == [(held.key, 2)]
    assert store.done("dead worker", (held.id,), now) == 0


def test_a_destination_gets_only_so_many_at_once(yard: Yard) -> None:
    for n in range(6):
        yard.send(n, destination="slow")
    yard.send(6, destination="other")
    store, now = OutboxStore(yard.db), yard.made.clock.now()
    taken = [
        [e.payload["n"] for e in store.claim("w", ("send",), now, lease=timedelta(60), limit=5, at_once=2)]
        for _ in range(3)
    ]
    assert taken == [[0, 1, 6], [], []]


def test_ten_thousand_effects_on_the_database_go_in_sets(yard: Yard) -> None:
    with yard.db.write():
        post_many(yard.db, [{"kind": "fold", "payload": {"n": n}} for n in range(10_000)], yard.made.clock.now())
    calls = []
    yard.deliverers["fold"] = Deliverer(many=lambda _, entries: calls.append(len(entries)), keep=False)
    assert yard.run().effects == 10_000
    assert (sum(calls), len(calls)) == (10_000, 20)
    assert rows(yard) == []


def test_one_bad_entry_of_a_set_fails_alone(yard: Yard) -> None:
    def fold(_: object, entries: list) -> None:
        if any(e.payload["n"] == 3 for e in entries):
            raise GiveUp("not three")
        yard.seen.extend(e.payload["n"] for e in entries)

    yard.deliverers["fold"] = Deliverer(many=fold)
    for n in range(5):
        yard.send(n, kind="fold")
    yard.run()
    assert yard.seen == [0, 1, 2, 4]
    assert [row[2:] for row in rows(yard)][3] == (0, 1, "not three")


def test_what_was_delivered_is_forgotten_after_a_while(yard: Yard) -> None:
    yard.send(1)
    yard.run()
    yard.made.clock.advance(days=8)
    yard.send(2)
    assert OutboxStore(yard.db).prune(yard.made.clock.now() - timedelta(days=7), chunk=1) == 1
    assert [row[0] for row in rows(yard, "kind")] == ["send"]
    assert deliver_due(yard.services, {}, "w") == 0
