"""What is foreseen is what happens: path and people of a rehearsal are those of a real run, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.common.errors import BadRequest, Conflict, Forbidden, NotFound
from guanxi.runtime.access.actor import SYSTEM
from tests.runtime.approvals.test_scenarios import away
from tests.support.approvals import flow

FLOWS = {
    "chain": "  a: {who: {managers_of: owner, level: 2}, sign: in_order}\n  b: {who: {role: finance}, sign: all}",
    "choice": (
        "  a: {who: {manager_of: owner}}\n"
        "  size: {choose: {large: {when: amount >= 100, steps: {b: {who: {role: board}, sign: {percent: 60}}}},"
        " other: {steps: {c: {who: {role: legal}}}}}}"
    ),
    "parallel": (
        "  p: {parallel: {x: {steps: {x1: {who: {role: legal}}, x2: {who: {role: finance}}}},"
        " y: {when: discount > 5, steps: {y1: {who: {role: board}, sign: {count: 2}}}}}}\n  z: {who: {role: board}}"
    ),
    "repeat": (
        "  a: {who: {role: legal}}\n  b: {who: {user: law}}\n  c: {who: [{user: law}, {role: finance}], sign: all}"
    ),
    "nobody": "  a: {who: {field: reviewer}}\n  b: {who: {submitter_choice: {role: board}, max: 2}}",
    "alone": "  a: {as: auto_pass}",
    "dead": "  a: {who: {role: legal}}\n  b: {who: {field: reviewer}, empty: block}",
    "refuses": "  a: {who: {role: legal}}\n  b: {when: amount > 5, as: auto_reject}",
}


def real(house: Any, quote: int, **payload: Any) -> tuple[list[Any], str]:
    """Submit, and let everybody who is asked agree, in the order in which they were asked."""
    number = house.submit(quote, **payload)["id"]
    while True:
        shown = house.show(number)
        task = next((t for t in shown["tasks"] if t["state"] == "open"), None)
        if task is None or shown["state"] != "running":
            break
        actor = house.project.actor(task["user"]["id"])
        house.approvals.act(actor, task["id"], "approve", {})
    path: dict[Any, list[Any]] = {}
    sql = "SELECT id, step FROM gx_approval_steps WHERE approval_id = ? ORDER BY id"
    for _, step in house.project.db.rows(house.project.db.sql(sql), (number,)):
        path[step] = [t["user"]["id"] for t in shown["tasks"] if t["step"] == step]
    return list(path.items()), shown["state"]


def foreseen(told: dict[str, Any]) -> tuple[list[Any], str]:
    return [(step["step"], [p["id"] for p in step["people"]]) for step in told["path"]], told["state"]


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("values", [{"amount": "0", "discount": "0"}, {"amount": "200", "discount": "9"}])
def test_equal_to_the_real_run(office: Any, name: str, values: dict[str, Any]) -> None:
    house = office(flow(FLOWS[name]))
    away(house, "fin1", "law")
    quote = house.quote(**values)
    before = [house.project.dump(), *(house.project.count(t) for t in TABLES)]
    chosen = {"b": [house.id("b2")]} if name == "nobody" else {}
    told = house.approvals.simulate(SYSTEM, "f", record=quote, submitter=house.id("li"), chosen=chosen)
    assert [house.project.dump(), *(house.project.count(t) for t in TABLES)] == before
    assert foreseen(told) == real(house, quote, **({"approvers": chosen} if chosen else {}))
    assert told["unknown"] == []


TABLES = ("gx_approvals", "gx_approval_steps", "gx_approval_tasks", "gx_approval_log", "gx_notifications", "gx_shares")


def test_the_submitters_preview(office: Any) -> None:
    house = office(flow(FLOWS["chain"], "start: {when: amount > 5, by: owner}"))
    quote = house.quote(amount="6")
    told = house.approvals.preview(house.li, "quote", quote)
    assert [step["step"] for step in told["path"]] == ["a", "b"]
    assert told["path"][0]["people"][0]["reason"] == "managers_of:owner"
    with pytest.raises(Forbidden):
        house.approvals.preview(house.wang, "quote", quote)
    with pytest.raises(Conflict) as caught:
        house.approvals.preview(house.li, "quote", house.quote(amount="5"))
    assert caught.value.code == "no_flow"
    with pytest.raises(NotFound):
        house.approvals.preview(house.li, "quote", 99)


def test_values_of_a_record_that_does_not_exist(office: Any) -> None:
    house = office(flow(FLOWS["choice"], "start: {when: amount > 5}"))
    told = house.approvals.simulate(house.root, "f", values={"amount": "100"}, submitter=house.id("li"))
    assert [step["step"] for step in told["path"]][-1] == "b"
    assert told["starts"]
    assert not house.approvals.simulate(house.root, "f", values={"amount": "5"})["starts"]
    with pytest.raises(Forbidden):
        house.approvals.simulate(house.li, "f", values={})
    for wrong in ({}, {"record": 1, "values": {}}):
        with pytest.raises(BadRequest):
            house.approvals.simulate(house.root, "f", **wrong)
    with pytest.raises(NotFound):
        house.approvals.simulate(house.root, "g", values={})


def test_what_only_a_person_can_say_is_unknown(office: Any) -> None:
    house = office(flow("  a: {who: {submitter_choice: {role: board}}, on: {approved: [{set: {notes: '\"x\"'}}]}}"))
    told = house.approvals.simulate(SYSTEM, "f", values={}, submitter=house.id("li"))
    assert told["unknown"] == ["whom somebody picks for a", "what a step of the flow sets on the record"]


def test_the_last_months_again(office: Any) -> None:
    house = office(flow(FLOWS["choice"]))
    numbers = []
    for _ in range(3):
        quote = house.quote(amount="5")
        number = house.submit(quote)["id"]
        numbers.append(number)
        house.project.clock.advance(hours=2)
        house.act(number, "boss", "approve")
        house.project.clock.advance(hours=1)
        house.act(number, "law", "approve")
    again = house.approvals.replay(house.root, "f", "30d")
    assert (again["runs"], again["changed"], again["dead_ends"]) == (3, [], [])
    assert again["uncovered"] == ["size.large"]
    assert [(b["step"], b["hours"]) for b in again["bottlenecks"]] == [("a", 2.0), ("c", 1.0)]
    house.project.records.update(SYSTEM, "user", house.id("law"), {"active": False})
    changed = house.approvals.replay(house.root, "f", "30d")["changed"]
    assert [one["id"] for one in changed] == numbers[::-1]
    assert changed[0]["after"] == ["boss", "chief"]
    with pytest.raises(BadRequest):
        house.approvals.replay(house.root, "f", "soon")
