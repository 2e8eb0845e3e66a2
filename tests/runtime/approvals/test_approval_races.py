"""Two people at the same instant: nothing is stuck, nothing happens twice, and the story has each event once.

Each round is a fresh approval; both sides start together, each on a connection of its own. `GUANXI_RACES=300` makes as
many rounds of each; the figures are printed.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from guanxi.common.errors import GuanxiError
from guanxi.runtime.approvals import timers
from tests.support.approvals import flow

ROUNDS = int(os.environ.get("GUANXI_RACES", "30"))
Do = Callable[[], Any]
pytestmark = pytest.mark.timeout(60 + 2 * ROUNDS)
LAST = "  b: {who: {role: board}}"


def together(*doing: Do) -> list[str]:
    """Do all at the same instant; how each ended: done, or the code it was refused with."""
    barrier = threading.Barrier(len(doing))
    ended = [""] * len(doing)

    def run(index: int, do: Do) -> None:
        barrier.wait()
        try:
            do()
            ended[index] = "done"
        except GuanxiError as error:
            ended[index] = error.code
        except Exception as error:
            ended[index] = f"crash: {error!r}"

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(doing)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "stuck"
    return ended


def story(house: Any, number: int) -> Counter[str]:
    return Counter(entry["act"] for entry in house.show(number)["story"])


def steps(house: Any, number: int) -> Counter[str]:
    sql = "SELECT step FROM gx_approval_steps WHERE approval_id = ?"
    return Counter(row[0] for row in house.project.db.rows(house.project.db.sql(sql), (number,)))


@pytest.fixture
def rounds(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Any:
    """Count how rounds ended, and say so at the end."""
    seen: Counter[tuple[str, ...]] = Counter()
    began = time.perf_counter()
    yield seen
    with capsys.disabled():
        print(f"\n{request.node.name}: {ROUNDS} rounds in {time.perf_counter() - began:.1f} s: {dict(seen)}")


def test_the_last_two_of_all_sign_at_once(office: Any, rounds: Counter[Any]) -> None:
    house = office(flow(f"  a: {{who: {{role: finance}}, sign: all}}\n{LAST}"))
    for _ in range(ROUNDS):
        number = house.submit(house.quote())["id"]
        one, two = house.task(number, "fin1"), house.task(number, "fin2")
        ended = together(
            lambda one=one: house.approvals.act(house.fin1, one, "approve", {}),
            lambda two=two: house.approvals.act(house.fin2, two, "approve", {}),
        )
        rounds[tuple(ended)] += 1
        assert ended == ["done", "done"]
        assert house.open(number) == ["b1", "b2", "b3", "b4"]
        assert steps(house, number) == {"a": 1, "b": 1}
        assert story(house, number) == {"submitted": 1, "approved": 2, "passed": 1}


def test_both_of_any_decide_at_once(office: Any, rounds: Counter[Any]) -> None:
    house = office(flow(f"  a: {{who: {{role: finance}}}}\n{LAST}"))
    for _ in range(ROUNDS):
        number = house.submit(house.quote())["id"]
        one, two = house.task(number, "fin1"), house.task(number, "fin2")
        ended = together(
            lambda one=one: house.approvals.act(house.fin1, one, "approve", {}),
            lambda two=two: house.approvals.act(house.fin2, two, "approve", {}),
        )
        rounds[tuple(sorted(ended))] += 1
        assert sorted(ended) == ["done", "task_closed"]
        assert steps(house, number) == {"a": 1, "b": 1}
        assert story(house, number) == {"submitted": 1, "approved": 1, "passed": 1}


def test_the_same_person_clicks_twice(office: Any, rounds: Counter[Any]) -> None:
    house = office(flow(f"  a: {{who: {{role: legal}}}}\n{LAST}"))
    for _ in range(ROUNDS):
        number = house.submit(house.quote())["id"]
        task = house.task(number, "law")
        click = lambda task=task: house.approvals.act(house.law, task, "approve", {})  # noqa: E731
        ended = together(click, click)
        rounds[tuple(sorted(ended))] += 1
        assert sorted(ended) == ["done", "task_closed"]
        assert story(house, number)["approved"] == 1


def test_withdrawn_while_it_is_approved(office: Any, rounds: Counter[Any]) -> None:
    house = office(flow("  a: {who: {role: legal}}", "on: {approved: [{set: {notes: '\"ok\"'}}]}"))
    for _ in range(ROUNDS):
        quote = house.quote()
        number = house.submit(quote)["id"]
        task = house.task(number, "law")
        ended = together(
            lambda number=number: house.approvals.act_on(house.li, number, "withdraw", {}),
            lambda task=task: house.approvals.act(house.law, task, "approve", {}),
        )
        rounds[tuple(ended)] += 1
        assert ended in (["done", "task_closed"], ["not_allowed", "done"])
        state = "withdrawn" if ended[0] == "done" else "approved"
        assert house.state(number) == state
        assert story(house, number)[state] == (2 if state == "approved" else 1)
        assert house.read(quote)["notes"] == ("ok" if state == "approved" else None)
        house.project.records.update(house.li, "quote", quote, {"notes": "free"})


def test_the_timer_against_a_click(office: Any, rounds: Counter[Any]) -> None:
    steps_of = "  a: {who: {role: legal}, due: {hours: 1, then: [auto_pass]}}"
    house = office(flow(steps_of, "require_human: false"))
    for _ in range(ROUNDS):
        number = house.submit(house.quote())["id"]
        task = house.task(number, "law")
        house.project.clock.advance(hours=1)
        ended = together(
            lambda: timers.run_due(house.project.services),
            lambda task=task: house.approvals.act(house.law, task, "reject", {}),
        )
        rounds[tuple(ended)] += 1
        events = story(house, number)
        assert ended[0] == "done"
        if ended[1] == "done":
            assert (house.state(number), events["auto_approved"]) == ("rejected", 0)
        else:
            assert (ended[1], house.state(number), events["auto_approved"]) == ("task_closed", "approved", 1)


def test_submitted_twice_at_once(office: Any, rounds: Counter[Any]) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    for _ in range(ROUNDS):
        quote = house.quote()
        ended = together(lambda quote=quote: house.submit(quote), lambda quote=quote: house.submit(quote, by="wang"))
        rounds[tuple(sorted(ended))] += 1
        assert sorted(ended) == ["done", "running"]
        assert len(house.approvals.of_record(house.li, "quote", quote)) == 1


def test_submitted_while_it_is_changed(office: Any, rounds: Counter[Any]) -> None:
    """Either the change is in before the lock, or it is refused; never a change behind the lock."""
    house = office(flow("  a: {who: {role: legal}}", "start: {when: amount < 50}"))
    for _ in range(ROUNDS):
        quote = house.quote()
        ended = together(
            lambda quote=quote: house.submit(quote),
            lambda quote=quote: house.project.records.update(house.wang, "quote", quote, {"amount": "90"}),
        )
        rounds[tuple(ended)] += 1
        assert ended in (["done", "locked"], ["no_flow", "done"])
        assert house.read(quote)["amount"] == ("0.00" if ended[0] == "done" else "90.00")


def test_a_material_change_while_it_is_decided(office: Any, rounds: Counter[Any]) -> None:
    """Both touch the record and the approval: they wait for each other in one order, so neither is a victim."""
    more = "always_editable: [amount]\nmaterial: [amount]\non: {approved: [{set: {notes: '\"ok\"'}}]}"
    house = office(flow("  a: {who: {role: legal}}", more))
    for _ in range(ROUNDS):
        quote = house.quote()
        number = house.submit(quote)["id"]
        task = house.task(number, "law")
        ended = together(
            lambda task=task: house.approvals.act(house.law, task, "approve", {}),
            lambda quote=quote: house.project.records.update(house.wang, "quote", quote, {"amount": "90"}),
        )
        rounds[tuple(ended)] += 1
        assert ended == ["done", "done"]
        found = house.read(quote)
        assert (found["notes"], found["amount"], house.state(number)) == ("ok", "90.00", "approved")
