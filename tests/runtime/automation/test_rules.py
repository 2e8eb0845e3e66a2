"""Rules on what happens to records: when they run, what they may, what becomes of failures, chains and doubles."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from guanxi.common.errors import GuanxiError, Invalid
from guanxi.runtime.access.actor import SYSTEM
from tests.runtime.automation.conftest import rule, runs

LARGE = rule(
    "large", 'on: [create, update]\nwhen: amount >= 100 and changed(amount)\ndo: [{set: {n: "coalesce(n, 0) + 1"}}]'
)


def deal(world: Any, number: int) -> dict[str, Any]:
    found: dict[str, Any] = world.records.get(SYSTEM, "deal", number)
    return found


def test_a_rule_runs_for_the_changes_its_condition_speaks_of_and_history_names_it(sales: Any) -> None:
    world = sales(LARGE)
    li = world.user("li", ["sales"])
    made = world.records.create(li, "deal", {"name": "a", "amount": "50"})
    assert runs(world) == []
    saved = world.records.update(li, "deal", made.id, {"amount": "150"})
    assert saved.record["n"] == 1
    world.records.update(li, "deal", made.id, {"name": "b"})
    world.records.update(li, "deal", made.id, {"amount": "160"})
    assert deal(world, made.id)["n"] == 2
    assert runs(world) == [("large", "update", "done")] * 2
    entries = world.records.history(li, "deal", made.id).data
    assert [entry.get("automation", {}).get("name") for entry in entries] == ["large", None, None, "large", None, None]


@pytest.mark.parametrize(
    ("on", "act", "event"),
    [
        ("create", "create", "create"),
        ("delete", "delete", "delete"),
        ("restore", "restore", "restore"),
        ("stage", "stage", "stage"),
        ("assigned", "assign", "assigned"),
        ("update", "assign", "update"),
    ],
)
def test_every_event_sets_off_its_rules_and_no_other(sales: Any, on: str, act: str, event: str) -> None:
    world = sales(rule("seen", f"on: [{on}]\ndo: [{{create: {{object: account, values: {{name: name}}}}}}]"))
    boss, li = world.user("boss", ["boss", "sales"]), world.user("li", ["sales"])
    made = world.records.create(boss, "deal", {"name": "x"})
    if act == "stage":
        world.records.act(boss, "deal", made.id, "move_stage", {"to": "won"})
    elif act == "assign":
        world.records.act(boss, "deal", made.id, "assign", {"owner": li.id})
    elif act in ("delete", "restore"):
        world.records.delete(SYSTEM, "deal", made.id)
        if act == "restore":
            world.records.restore(SYSTEM, "deal", made.id)
    else:
        world.records.update(boss, "deal", made.id, {"n": 1})
    assert runs(world) == [("seen", event, "done")]
    assert world.count("o_account") == 1


def test_a_failing_step_takes_back_the_rule_and_not_the_save(sales: Any) -> None:
    bad = rule("bad", "on: update\nwhen: changed(name)\ndo: [{set: {locked: '\"x\"'}}, {set: {n: -1}}]")
    world = sales(bad)
    li = world.user("li", ["sales"])
    made = world.records.create(li, "deal", {"name": "a"})
    assert world.records.update(li, "deal", made.id, {"name": "b"}).record["name"] == "b"
    assert deal(world, made.id)["locked"] is None
    assert runs(world, "outcome", "error") == [("failed", "record: n is negative")]


def test_on_error_fail_refuses_the_save_and_nothing_is_left(sales: Any) -> None:
    world = sales(
        rule("note", "on: update\npriority: 1\ndo: [{post: seen}, {create: {object: account, values: {name: name}}}]"),
        rule("strict", "on: update\non_error: fail\ndo: [{set: {n: -1}}]\nsettles: true"),
    )
    li = world.user("li", ["sales"])
    made = world.records.create(li, "deal", {"name": "a"})
    before = world.dump()
    with pytest.raises(Invalid):
        world.records.update(li, "deal", made.id, {"name": "b"})
    assert world.dump() == before
    assert runs(world) == []
    assert world.count("gx_posts") == 0


def test_the_definitions_write_what_a_person_may_not_and_run_as_user_does_not(sales: Any) -> None:
    system = rule("system", "on: update\nwhen: changed(n)\ndo: [{set: {locked: '\"by system\"'}}]")
    user = rule(
        "user", "on: update\nwhen: changed(n)\nrun_as: user\npriority: 200\ndo: [{set: {locked: '\"by user\"'}}]"
    )
    world = sales(system, user)
    li = world.user("li", ["sales"])
    made = world.records.create(li, "deal", {"name": "a"})
    world.records.update(li, "deal", made.id, {"n": 1})
    assert deal(world, made.id)["locked"] == "by system"
    assert runs(world) == [("system", "update", "done"), ("user", "update", "failed")]


def test_a_chain_without_end_is_taken_back_whole_and_named(sales: Any) -> None:
    world = sales(rule("up", "on: update\nwhen: changed(n)\nsettles: true\ndo: [{set: {n: n + 1}}]"))
    li = world.user("li", ["sales"])
    made = world.records.create(li, "deal", {"name": "a"})
    assert world.records.update(li, "deal", made.id, {"n": 5}).record["n"] == 5
    [(outcome, error)] = runs(world, "outcome", "error")
    assert outcome == "failed"
    assert "more than 8 times in a row: up → up" in error


def test_a_chain_that_comes_to_rest_is_told_by_its_parents(sales: Any) -> None:
    world = sales(
        rule("one", "on: update\nwhen: changed(name)\ndo: [{set: {n: 1}}]"),
        rule("two", "on: update\nwhen: changed(n)\ndo: [{set: {amount: 7}}]"),
    )
    li = world.user("li", ["sales"])
    made = world.records.create(li, "deal", {"name": "a"})
    world.records.update(li, "deal", made.id, {"name": "b"})
    (first, above, _), (_, parent, inner) = runs(world, "id", "parent_id", "rule")
    assert (above, parent, inner) == (None, first, "two")


@pytest.mark.parametrize(("once", "expected"), [("per_change", 3), ("per_record", 1), ("{per_record_days: 2}", 2)])
def test_once(sales: Any, once: str, expected: int) -> None:
    world = sales(rule("o", f"on: update\nonce: {once}\nwhen: changed(name)\ndo: [{{post: hello}}]"))
    li = world.user("li", ["sales"])
    made = world.records.create(li, "deal", {"name": "0"})
    for name in ("1", "2", "3"):
        world.records.update(li, "deal", made.id, {"name": name})
        world.clock.advance(days=1)
    assert world.count("gx_posts") == expected


def test_two_saves_at_once_run_a_rule_once_each(sales: Any) -> None:
    world = sales(rule("count", 'on: update\nwhen: changed(amount)\ndo: [{set: {n: "coalesce(n, 0) + 1"}}]'))
    li = world.user("li", ["sales"])
    made = world.records.create(li, "deal", {"name": "a"})
    failed: list[GuanxiError] = []
    gate = threading.Barrier(6)

    def save(amount: int) -> None:
        gate.wait()
        try:
            world.records.update(li, "deal", made.id, {"amount": str(amount)})
        except GuanxiError as error:
            failed.append(error)

    threads = [threading.Thread(target=save, args=(amount,)) for amount in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert deal(world, made.id)["n"] == len(runs(world)) == 6


def test_choose_for_each_stop_and_update_of_related_records(sales: Any) -> None:
    text = """on: update
when: changed(name)
do:
  - choose:
      gold:
        when: tier == "gold"
        do: [{for_each: {list: deals, where: amount > 10, do: [{set: {name: outer.name, n: 1}}]}}]
      other: {do: [{update: {list: deals, where: amount > 10, values: {n: 2}}}, stop]}
  - set: {secret: '"after"'}
"""
    world = sales(rule("spread", text, "account"))
    boss = world.user("boss", ["boss"])
    found = []
    for tier in ("gold", "basic"):
        account = world.records.create(boss, "account", {"name": "A", "tier": tier}).id
        ids = [world.records.create(boss, "deal", {"account": account, "amount": str(a)}).id for a in (5, 20)]
        world.records.update(boss, "account", account, {"name": "B"})
        found.append([(deal(world, i)["name"], deal(world, i)["n"]) for i in ids])
        found.append([world.records.get(SYSTEM, "account", account)["secret"]])
    assert found == [[(None, None), ("B", 1)], ["after"], [(None, None), (None, 2)], [None]]


def test_assign_by_turns_and_by_load(sales: Any) -> None:
    world = sales(
        rule("turn", 'on: create\nwhen: name == "t"\ndo: [{assign: {to: {role: sales}, by: round_robin}}]'),
        rule("load", 'on: create\nwhen: name == "l"\ndo: [{assign: {to: {role: sales}, by: least_loaded}}]'),
    )
    people = [world.user(name, ["sales"]).id for name in ("a", "b", "c")]
    world.records.create(SYSTEM, "user", {"name": "gone", "roles": [world.role("sales")], "active": False})
    owners = [deal(world, world.records.create(SYSTEM, "deal", {"name": "t"}).id)["owner"] for _ in range(6)]
    assert owners == people * 2
    world.records.create(SYSTEM, "deal", {"name": "x", "owner": people[0]})
    assert deal(world, world.records.create(SYSTEM, "deal", {"name": "l"}).id)["owner"] == people[1]


def test_an_import_runs_rules_for_each_row_and_a_failing_one_stops_nobody(sales: Any) -> None:
    world = sales(rule("seed", "on: create\nwhen: amount > 1\ndo: [{set: {n: floor(amount) - 3}}]"))
    boss = world.user("boss", ["administrator"])
    result = world.records.bulk_create(boss, "deal", [{"name": str(i), "amount": str(i)} for i in range(5)])
    assert result.errors == {}
    assert [deal(world, i)["n"] for i in result.ids] == [None, None, None, 0, 1]
    assert sorted(outcome for _, _, outcome in runs(world)) == ["done", "done", "failed"]


def test_an_object_that_no_rule_watches_has_no_watcher_of_rules(sales: Any) -> None:
    room = sales(LARGE).records.room
    assert "account" not in room.watchers
    assert len(room.watchers["deal"]) == 1
