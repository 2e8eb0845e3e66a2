"""Rules of approvals, one test each, named by what people would say happens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guanxi.common.errors import Conflict, Forbidden, Invalid
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.approvals import timers
from tests.support.approvals import flow

FINANCE = "  a: {who: {role: finance}, sign: %s}"
CHAIN = "  a: {who: {manager_of: owner}}\n  b: {who: {role: legal}}\n  c: {who: {role: finance}}"
PARALLEL = (
    "  first: {who: {manager_of: owner}}\n"
    "  p: {parallel: {x: {steps: {x1: {who: {role: legal}}}}, y: {steps: {y1: {who: {role: finance}}}}}}\n"
    "  last: {who: {role: board}}"
)


def started(house: Any, **values: Any) -> tuple[int, int]:
    quote = house.quote(**values)
    return quote, int(house.submit(quote)["id"])


def acts_of(house: Any, number: int) -> list[str]:
    return [entry["act"] for entry in house.show(number)["story"]]


def away(house: Any, who: str, to: str, *, days: int = 5, **more: Any) -> None:
    now = house.project.clock.now()
    values = {
        "principal": house.id(who),
        "delegate": house.id(to),
        "starts_at": (now - timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(days=days)).isoformat(),
    }
    house.project.records.create(SYSTEM, "user_delegation", {**values, **more})


# votes ----------------------------------------------------------------------------------------------------------
def test_all_with_after_all_is_refused_only_after_the_last(office: Any) -> None:
    house = office(flow("  a: {who: {role: board}, sign: all, reject: after_all}"))
    _, number = started(house)
    house.act(number, "b1", "reject")
    house.act(number, "b2", "approve")
    house.act(number, "b3", "approve")
    assert house.state(number) == "running"
    house.act(number, "b4", "approve")
    assert house.state(number) == "rejected"


def test_all_refused_by_the_first_cancels_the_others(office: Any) -> None:
    house = office(flow(FINANCE % "all"))
    _, number = started(house)
    late = house.task(number, "fin2")
    house.act(number, "fin1", "reject")
    assert [t["state"] for t in house.show(number)["tasks"]] == ["rejected", "cancelled"]
    with pytest.raises(Conflict) as caught:
        house.approvals.act(house.fin2, late, "approve", {})
    assert caught.value.code == "task_closed"


def test_any_with_reject_all_waits_for_the_other(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}, reject: all}"))
    _, number = started(house)
    house.act(number, "fin1", "reject")
    assert house.open(number) == ["fin2"]
    house.act(number, "fin2", "approve")
    assert house.state(number) == "approved"


@pytest.mark.parametrize(("sign", "states"), [("{percent: 50}", ["running", "approved"]), ("{count: 1}", ["approved"])])
def test_votes_pass_as_soon_as_they_are_enough(office: Any, sign: str, states: list[str]) -> None:
    house = office(flow(f"  a: {{who: {{role: board}}, sign: {sign}}}"))
    _, number = started(house)
    seen = []
    for who in ("b1", "b2")[: len(states)]:
        house.act(number, who, "approve")
        seen.append(house.state(number))
    assert seen == states


def test_heavy_votes(office: Any) -> None:
    house = office(flow("  a: {who: {role: board}, sign: {percent: 60, weights: {b1: 50, b2: 30, b3: 19}}}"))
    _, number = started(house)
    house.act(number, "b1", "reject")
    assert house.state(number) == "rejected"


def test_in_order_nobody_acts_before_his_turn(office: Any) -> None:
    house = office(flow("  a: {who: [{user: fin1}, {user: law}, {user: fin2}], sign: in_order}"))
    _, number = started(house)
    assert house.open(number) == ["fin1"]
    with pytest.raises(Conflict):
        house.approvals.act(house.law, house.task(number, "law", "waiting"), "approve", {})
    house.act(number, "fin1", "approve")
    assert house.open(number) == ["law"]


def test_taking_back_in_order_closes_the_next_ones_turn(office: Any) -> None:
    house = office(flow("  a: {who: [{user: fin1}, {user: law}], sign: in_order}"))
    _, number = started(house)
    task = house.task(number, "fin1")
    house.act(number, "fin1", "approve")
    house.approvals.act(house.fin1, task, "take_back", {})
    assert house.open(number) == ["fin1"]
    house.act(number, "fin1", "approve")
    assert house.open(number) == ["law"]
    house.act(number, "law", "approve")
    assert house.state(number) == "approved"


# who is asked ---------------------------------------------------------------------------------------------------
def test_a_missing_level_of_managers(office: Any) -> None:
    house = office(flow("  a: {who: {manager_of: owner, level: 3}}"))
    _, number = started(house)
    assert house.open(number) == ["root"]


def test_a_missing_level_of_managers_with_the_nearest(office: Any) -> None:
    house = office(flow("  a: {who: {manager_of: owner, level: 3, shortage: nearest}}"))
    _, number = started(house)
    assert house.open(number) == ["chief"]


def test_somebody_disabled_gives_way_to_the_nearest_active_manager(office: Any) -> None:
    house = office(flow("  a: {who: {user: fin1}}"))
    house.project.records.update(SYSTEM, "user", house.id("fin1"), {"active": False})
    _, number = started(house)
    assert house.open(number) == ["chief"]
    assert house.show(number)["tasks"][0]["reason"] == f"inactive:{house.id('fin1')}"


def test_tasks_of_somebody_who_is_disabled_move(office: Any) -> None:
    house = office(flow(FINANCE % "all"))
    _, number = started(house)
    house.project.records.update(SYSTEM, "user", house.id("fin1"), {"active": False})
    assert timers.inactive_holders(house.project.services) == [house.id("fin1")]
    assert timers.hand_over(house.project.services, house.id("fin1")) == 1
    assert sorted(house.open(number)) == ["chief", "fin2"]
    assert "handed_over" in acts_of(house, number)
    assert timers.hand_over(house.project.services, house.id("fin1")) == 0


def test_two_disabled_people_with_one_manager_leave_one_vote(office: Any) -> None:
    house = office(flow(FINANCE % "all"))
    _, number = started(house)
    for name in ("fin1", "fin2"):
        house.project.records.update(SYSTEM, "user", house.id(name), {"active": False})
        timers.hand_over(house.project.services, house.id(name))
    assert house.open(number) == ["chief"]
    house.act(number, "chief", "approve")
    assert house.state(number) == "approved"


def test_a_new_member_of_the_role_does_not_join_what_runs(office: Any) -> None:
    house = office(flow(FINANCE % "all"))
    _, number = started(house)
    house.add("fin3", "finance")
    house.act(number, "fin1", "approve")
    house.act(number, "fin2", "approve")
    assert house.state(number) == "approved"


def test_nobody_to_ask_and_no_active_administrator_suspends(office: Any) -> None:
    house = office(flow("  a: {who: {field: reviewer}}", "admin: {user: b4}"))
    house.project.records.update(SYSTEM, "user", house.id("b4"), {"active": False})
    quote, number = started(house)
    assert house.state(number) == "suspended"
    with pytest.raises(Conflict):
        house.project.records.update(house.wang, "quote", quote, {"notes": "x"})
    house.project.records.update(SYSTEM, "user", house.id("b4"), {"active": True})
    house.approvals.act_on(house.root, number, "retry", {})
    assert house.open(number) == ["b4"]


def test_block_refuses_the_submission_of_the_first_step_and_suspends_later(office: Any) -> None:
    house = office(flow("  a: {who: {field: reviewer}, empty: block}"))
    quote = house.quote()
    with pytest.raises(Conflict) as caught:
        house.submit(quote)
    assert caught.value.code == "no_approver"
    house.project.records.update(house.li, "quote", quote, {"notes": "not locked"})


def test_a_later_fault_keeps_the_decision_and_retrying_goes_on(office: Any) -> None:
    house = office(
        flow("  a: {who: {role: legal}}\n  b: {who: {field: reviewer}, empty: block}", "always_editable: [reviewer]")
    )
    quote, number = started(house)
    house.act(number, "law", "approve")
    assert house.state(number) == "suspended"
    assert "approved" in acts_of(house, number)
    house.project.records.update(house.li, "quote", quote, {"reviewer": house.id("fin1")})
    house.approvals.act_on(house.root, number, "retry", {})
    assert house.open(number) == ["fin1"]
    assert [a["action"] for a in audited(house)] == ["approval_retried"]


def audited(house: Any) -> list[dict[str, Any]]:
    rows = house.project.db.rows(
        "SELECT action, record_id, reason FROM gx_audit WHERE substr(action, 1, 8) = 'approval' ORDER BY id"
    )
    return [{"action": row[0], "record": row[1], "reason": row[2]} for row in rows]


def test_what_administrators_do_is_in_the_audit_trail(office: Any) -> None:
    house = office(flow(CHAIN))
    quote, number = started(house)
    task = house.task(number, "boss")
    house.approvals.act_on(house.root, number, "reassign", {"task": task, "user": house.id("b1"), "comment": "ill"})
    house.approvals.act_on(house.root, number, "terminate", {"comment": "enough"})
    assert audited(house) == [
        {"action": "approval_reassigned", "record": quote, "reason": "ill"},
        {"action": "approval_terminated", "record": quote, "reason": "enough"},
    ]


def test_nothing_is_approved_without_a_person(office: Any) -> None:
    house = office(flow("  a: {as: auto_pass}"))
    _, number = started(house)
    assert (house.state(number), house.open(number)) == ("running", ["root"])
    house.act(number, "root", "approve")
    assert house.state(number) == "approved"


def test_an_administrator_who_submits_does_not_agree_with_himself(office: Any) -> None:
    house = office(flow("  a: {as: auto_pass}"))
    number = house.submit(house.quote(by="root"), by="root")["id"]
    assert house.state(number) == "suspended"


def test_returned_to_the_submitters_own_step_asks_him(office: Any) -> None:
    house = office(flow("  a: {who: [{user: li}, {user: law}], self: skip}\n  b: {who: {role: finance}}"))
    _, number = started(house)
    assert house.open(number) == ["law"]
    house.act(number, "law", "approve")
    house.act(number, "fin1", "return", to="a")
    assert house.open(number) == ["law"]


def test_who_has_just_agreed_is_not_asked_again(office: Any) -> None:
    house = office(
        flow("  a: {who: {role: legal}}\n  b: {who: {user: law}}\n  c: {who: {role: finance}}\n  d: {who: {user: law}}")
    )
    _, number = started(house)
    house.act(number, "law", "approve")
    assert house.open(number) == ["fin1", "fin2"]
    second = next(t for t in house.show(number)["tasks"] if t["step"] == "b")
    assert (second["state"], second["reason"], second["decided_by"]) == ("approved", "repeat", None)
    house.act(number, "fin1", "approve")
    assert house.open(number) == ["law"]


def test_once_is_void_after_a_material_change(office: Any) -> None:
    steps = "  a: {who: {role: legal}}\n  b: {who: {role: finance}}\n  c: {who: {user: law}}"
    house = office(flow(steps, "repeat: once\nmaterial: [amount]\nalways_editable: [amount]"))
    quote, number = started(house)
    house.act(number, "law", "approve")
    house.project.clock.advance(seconds=5)
    house.project.records.update(house.li, "quote", quote, {"amount": "7"})
    house.act(number, "fin1", "approve")
    assert house.open(number) == ["law"]


def test_the_approver_before_picks_who_is_next(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}\n  b: {who: {previous_choice: {role: finance}, max: 1}}"))
    _, number = started(house)
    with pytest.raises(Invalid) as caught:
        house.act(number, "law", "approve")
    assert [(e.field, e.code) for e in caught.value.errors] == [("approvers", "required")]
    with pytest.raises(Invalid):
        house.act(number, "law", "approve", approvers={"b": [house.id("wang")]})
    house.act(number, "law", "approve", approvers={"b": [house.id("fin2")]})
    assert house.open(number) == ["fin2"]


# vacation -------------------------------------------------------------------------------------------------------
def test_who_is_away_is_replaced_and_the_story_says_for_whom(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    away(house, "law", "fin1")
    _, number = started(house)
    assert house.open(number) == ["fin1"]
    house.act(number, "fin1", "approve")
    entry = next(e for e in house.show(number)["story"] if e["act"] == "approved")
    assert (entry["by"]["id"], entry["on_behalf_of"]["id"]) == (house.id("fin1"), house.id("law"))


def test_a_delegate_who_submitted_does_not_decide(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    away(house, "law", "li")
    _, number = started(house)
    assert house.open(number) == ["law"]


@pytest.mark.parametrize("mode", ["replace", "share"])
def test_what_a_delegate_did_not_do_returns_at_the_end(office: Any, mode: str) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    away(house, "law", "fin1", days=2, mode=mode)
    _, number = started(house)
    house.project.clock.advance(days=3)
    assert timers.delegations(house.project.services) == 1
    assert house.open(number) == ["law"]
    shown = next(t for t in house.show(number)["tasks"] if t["state"] == "open")
    assert (shown["on_behalf_of"], shown["beside"]) == (None, None)
    assert timers.delegations(house.project.services) == 0


def test_open_tasks_go_to_the_delegate_when_somebody_leaves(office: Any) -> None:
    house = office(flow(FINANCE % "all"))
    _, number = started(house)
    away(house, "fin1", "law")
    away(house, "fin2", "li")
    assert timers.delegations(house.project.services) == 1
    assert sorted(house.open(number)) == ["fin2", "law"]


# adding and removing people -------------------------------------------------------------------------------------
def test_the_last_one_who_decides_stays(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}, sign: all}"))
    _, number = started(house)
    house.act(number, "law", "add_signer", users=[house.id("b1")], where="beside")
    house.approvals.act(house.law, house.task(number, "b1"), "remove_signer", {})
    assert house.open(number) == ["law"]
    with pytest.raises(Conflict):
        house.approvals.act(house.law, house.task(number, "law"), "remove_signer", {})


@pytest.mark.parametrize("act", ["add_signer", "delegate", "transfer"])
def test_nobody_is_added_who_takes_part_or_submitted(office: Any, act: str) -> None:
    house = office(flow(FINANCE % "all"))
    _, number = started(house)
    for name in ("fin1", "fin2", "li"):
        who = {"users": [house.id(name)]} if act == "add_signer" else {"user": house.id(name)}
        with pytest.raises(Conflict):
            house.act(number, "fin1", act, **who)
    house.project.records.update(SYSTEM, "user", house.id("law"), {"active": False})
    who = {"users": [house.id("law")]} if act == "add_signer" else {"user": house.id("law")}
    with pytest.raises(Invalid):
        house.act(number, "fin1", act, **who)


def test_no_transfer_to_who_has_decided_here(office: Any) -> None:
    house = office(flow(FINANCE % "all"))
    _, number = started(house)
    house.act(number, "fin2", "approve")
    with pytest.raises(Conflict):
        house.act(number, "fin1", "transfer", user=house.id("fin2"))


# going back -----------------------------------------------------------------------------------------------------
def test_return_before_the_fork_cancels_the_other_branch(office: Any) -> None:
    house = office(flow(PARALLEL))
    _, number = started(house)
    house.act(number, "boss", "approve")
    assert house.open(number) == ["law", "fin1", "fin2"]
    house.act(number, "law", "return", to="first")
    assert house.open(number) == ["boss"]
    house.act(number, "boss", "approve")
    assert house.open(number) == ["law", "fin1", "fin2"]


def test_resuming_inside_a_branch_asks_the_sibling_branch_too(office: Any) -> None:
    house = office(flow(PARALLEL, "resubmit: resume"))
    quote, number = started(house)
    house.act(number, "boss", "approve")
    house.act(number, "law", "return", to="start")
    house.submit(quote)
    assert sorted(house.open(number)) == ["fin1", "fin2", "law"]
    house.act(number, "law", "approve")
    house.act(number, "fin1", "approve")
    assert house.open(number) == ["b1", "b2", "b3", "b4"]


def test_taking_back_leaves_the_sibling_branch_alone(office: Any) -> None:
    house = office(flow(PARALLEL))
    _, number = started(house)
    house.act(number, "boss", "approve")
    task = house.task(number, "law")
    house.act(number, "law", "approve")
    house.approvals.act(house.law, task, "take_back", {})
    assert sorted(house.open(number)) == ["fin1", "fin2", "law"]
    house.act(number, "fin1", "approve")
    house.act(number, "law", "approve")
    assert house.open(number) == ["b1", "b2", "b3", "b4"]


def test_taking_back_behind_a_join_reopens_it(office: Any) -> None:
    house = office(flow(PARALLEL))
    _, number = started(house)
    house.act(number, "boss", "approve")
    house.act(number, "fin1", "approve")
    task = house.task(number, "law")
    house.act(number, "law", "approve")
    assert house.open(number) == ["b1", "b2", "b3", "b4"]
    house.approvals.act(house.law, task, "take_back", {})
    assert house.open(number) == ["law"]
    house.act(number, "law", "approve")
    house.act(number, "b1", "approve")
    assert house.state(number) == "approved"


def test_somebody_who_took_back_is_asked_once_when_the_step_is_entered_again(office: Any) -> None:
    house = office(flow(CHAIN))
    _, number = started(house)
    task = house.task(number, "boss")
    house.act(number, "boss", "approve")
    house.approvals.act(house.boss, task, "take_back", {})
    house.act(number, "boss", "approve")
    house.act(number, "law", "return", to="a")
    assert house.open(number) == ["boss"]


def test_rejection_to_the_start_resumes_there_when_the_flow_says_so(office: Any) -> None:
    steps = "  a: {who: {role: legal}}\n  b: {who: {role: finance}, sign: all, on_reject: to_start}"
    house = office(flow(steps, "resubmit: resume\nresubmit_to: only_unapproved"))
    quote, number = started(house)
    house.act(number, "law", "approve")
    house.act(number, "fin1", "approve")
    house.act(number, "fin2", "reject")
    assert house.state(number) == "returned"
    house.submit(quote)
    assert house.open(number) == ["fin2"]
    house.act(number, "fin2", "approve")
    assert house.state(number) == "approved"


def test_a_conflict_returns_and_the_next_round_proposes_a_change_of_what_is_there_now(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "start: {on: update, watch: [discount]}\nlock: none"))
    quote = house.quote()
    number = house.project.records.update(house.li, "quote", quote, {"discount": "9"}).approval
    with house.project.db.write():
        house.project.db.execute("UPDATE o_quote SET discount = 3")
    house.act(number, "law", "approve")
    assert (house.state(number), house.show(number)["reason"]) == ("returned", "conflict")
    house.submit(quote)
    house.act(number, "law", "approve")
    assert (house.state(number), house.read(quote)["discount"]) == ("approved", "9.00")


def test_withdrawing_after_a_return_although_somebody_had_decided(office: Any) -> None:
    house = office(flow(CHAIN))
    quote, number = started(house)
    house.act(number, "boss", "approve")
    house.act(number, "law", "return")
    house.submit(quote)
    assert "withdraw" in house.approvals.show(house.li, number)["may"]["whole"]
    assert house.approvals.act_on(house.li, number, "withdraw", {})["state"] == "withdrawn"


# time -----------------------------------------------------------------------------------------------------------
def test_reminders_then_the_manager(office: Any) -> None:
    due = "due: {hours: 8, then: [{remind: {every_hours: 2, times: 2}}, {escalate: {after_hours: 5}}]}"
    house = office(flow(f"  a: {{who: {{user: fin1}}, {due}}}"))
    _, number = started(house)
    services = house.project.services
    assert timers.run_due(services) == {"done": 0, "late": 0, "failed": 0}
    for hours, story in ((8, ["reminded"]), (2, ["reminded"] * 2), (3, ["reminded", "reminded", "escalated"])):
        house.project.clock.advance(hours=hours)
        timers.run_due(services)
        timers.run_due(services)
        assert [a for a in acts_of(house, number) if a in ("reminded", "escalated")] == story
    assert house.open(number) == ["chief"]


def test_escalating_beside_adds_a_vote(office: Any) -> None:
    house = office(flow("  a: {who: {user: fin1}, sign: all, due: {hours: 1, then: [{escalate: {by: add}}]}}"))
    _, number = started(house)
    house.project.clock.advance(hours=1)
    timers.run_due(house.project.services)
    assert sorted(house.open(number)) == ["chief", "fin1"]
    house.act(number, "chief", "approve")
    assert house.state(number) == "running"
    house.act(number, "fin1", "approve")
    assert house.state(number) == "approved"


@pytest.mark.parametrize(("act", "state"), [("auto_pass", "approved"), ("auto_reject", "rejected")])
def test_the_platform_decides_as_itself_and_a_late_click_is_told(office: Any, act: str, state: str) -> None:
    house = office(flow(f"  a: {{who: {{role: legal}}, due: {{hours: 1, then: [{act}]}}}}", "require_human: false"))
    _, number = started(house)
    task = house.task(number, "law")
    house.project.clock.advance(hours=1)
    timers.run_due(house.project.services)
    assert house.state(number) == state
    shown = next(t for t in house.show(number)["tasks"])
    assert (shown["decided_by"], shown["reason"]) == (None, "timeout")
    with pytest.raises(Conflict):
        house.approvals.act(house.law, task, "approve", {})


def test_the_clock_stands_still_while_others_sign_before_but_not_while_an_opinion_is_asked(office: Any) -> None:
    steps = "  a: {who: {role: legal}, due: {hours: 4, then: [auto_reject]}}"
    house = office(flow(steps))
    _, number = started(house)
    house.act(number, "law", "add_signer", users=[house.id("b1")], where="before")
    house.project.clock.advance(hours=10)
    timers.run_due(house.project.services)
    assert house.state(number) == "running"
    house.act(number, "b1", "approve")
    house.project.clock.advance(hours=3)
    timers.run_due(house.project.services)
    assert house.open(number) == ["law"]
    house.act(number, "law", "delegate", user=house.id("b2"))
    house.project.clock.advance(hours=1)
    timers.run_due(house.project.services)
    assert (house.state(number), house.open(number)) == ("rejected", [])


def test_the_clock_stands_still_while_it_is_suspended(office: Any) -> None:
    parallel = (
        "  p: {parallel: {x: {steps: {x1: {who: {role: legal}}, x2: {who: {field: reviewer}, empty: block}}},"
        " y: {steps: {y1: {who: {role: finance}, due: {hours: 2, then: [auto_reject]}}}}}}"
    )
    house = office(flow(parallel, "always_editable: [reviewer]"))
    quote, number = started(house)
    house.act(number, "law", "approve")
    assert house.state(number) == "suspended"
    house.project.clock.advance(hours=50)
    assert timers.run_due(house.project.services)["done"] == 0
    house.project.records.update(house.li, "quote", quote, {"reviewer": house.id("b1")})
    house.approvals.act_on(house.root, number, "retry", {})
    house.project.clock.advance(hours=1)
    assert timers.run_due(house.project.services)["done"] == 0
    assert house.open(number) == ["fin1", "fin2", "b1"]
    house.project.clock.advance(hours=1)
    timers.run_due(house.project.services)
    assert house.state(number) == "rejected"


# operations -----------------------------------------------------------------------------------------------------
def test_a_deletion_waits_and_happens_once(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "start: {on: delete}"))
    quote = house.quote()
    number = house.project.records.delete(house.li, "quote", quote)
    assert house.read(quote)["name"] == "Q"
    assert house.act(number, "law", "approve")["state"] == "approved"
    rows = house.project.db.rows("SELECT count(*) FROM gx_approvals")
    deleted = house.project.db.rows("SELECT count(*) FROM gx_history WHERE action = 'delete'")
    assert (rows[0][0], deleted[0][0]) == (1, 1)


def test_no_flow_blocks_what_is_watched_and_nothing_else(office: Any) -> None:
    house = office(
        flow("  a: {who: {role: legal}}", "start: {on: update, watch: [discount], when: discount > 50, no_flow: block}")
    )
    quote = house.quote()
    house.project.records.update(house.li, "quote", quote, {"notes": "free"})
    with pytest.raises(Conflict) as caught:
        house.project.records.update(house.li, "quote", quote, {"discount": "5"})
    assert caught.value.code == "no_flow"
    assert house.project.records.update(house.li, "quote", quote, {"discount": "60"}).approval is not None


@pytest.mark.parametrize("channel", ["import", "bulk", "api"])
def test_no_channel_leads_around_a_flow_on_updates(office: Any, channel: str) -> None:
    from dataclasses import replace

    house = office(flow("  a: {who: {role: legal}}", "start: {on: update, watch: [discount]}"))
    quote = house.quote()
    by = replace(house.root, channel=channel)
    saved = house.project.records.update(by, "quote", quote, {"discount": "9"})
    assert saved.approval is not None
    assert house.read(quote)["discount"] == "0.00"


def test_a_change_of_owner_waits_and_answers_with_its_approval(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "start: {on: transfer}"))
    quote = house.quote()
    house.project.records.act(house.li, "quote", quote, "assign", {"owner": house.id("wang")})
    number = house.project.db.rows("SELECT id FROM gx_approvals")[0][0]
    assert house.read(quote)["owner"] == house.id("li")
    house.act(number, "law", "approve")
    assert house.read(quote)["owner"] == house.id("wang")


def test_a_stage_waits_for_its_approval(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "start: {on: stage, required_for: {stage: sent}}"))
    quote = house.quote()
    house.project.records.act(house.li, "quote", quote, "move_stage", {"to": "sent"})
    number = house.project.db.rows("SELECT id FROM gx_approvals")[0][0]
    assert house.read(quote)["stage"] == "draft"
    house.act(number, "law", "approve")
    assert house.read(quote)["stage"] == "sent"


def test_the_lock_that_stays(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "keep_lock: true"))
    quote, number = started(house)
    house.act(number, "law", "approve")
    with pytest.raises(Conflict) as caught:
        house.project.records.update(house.li, "quote", quote, {"notes": "x"})
    assert caught.value.code == "locked"
    house.approvals.act_on(house.root, number, "revoke", {"comment": "wrong"})
    house.project.records.update(house.li, "quote", quote, {"notes": "x"})


def test_locked_children(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "lock_children: [lines]"))
    quote = house.quote()
    line = house.project.records.create(house.root, "line", {"name": "1", "quote": quote}).id
    house.submit(quote)
    for do in (
        lambda: house.project.records.update(house.root, "line", line, {"name": "2"}),
        lambda: house.project.records.delete(house.root, "line", line),
        lambda: house.project.records.create(house.root, "line", {"name": "3", "quote": quote}),
    ):
        with pytest.raises(Conflict) as caught:
            do()
        assert caught.value.code == "locked"


# what is seen ---------------------------------------------------------------------------------------------------
def test_who_took_part_keeps_the_record_as_it_was_and_the_story_what_was_seen(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "cc: [{who: {role: finance}}]"))
    quote, number = started(house, amount="10")
    house.act(number, "law", "approve")
    house.project.records.update(house.li, "quote", quote, {"amount": "99"})
    for name in ("law", "fin1"):
        shown = house.approvals.show(house.people[name], number)["record_values"]
        assert shown["values"]["amount"] == "10.00"
    saw = next(e for e in house.show(number)["story"] if e["act"] == "approved")["detail"]["saw"]
    assert len(saw) == 64


def test_hidden_fields_are_not_shown_to_the_step(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}, hidden: [discount]}", "start: {on: update, watch: [discount]}"))
    quote = house.quote()
    number = house.project.records.update(house.li, "quote", quote, {"discount": "9", "notes": "n"}).approval
    seen = house.approvals.show(house.law, number)
    assert set(seen["changes"]) == {"notes"}
    assert "discount" not in seen["record_values"]["values"]
    assert house.approvals.show(house.li, number)["changes"]["discount"]["to"] == "9.00"


def test_letting_more_people_know(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "cc: [{who: {role: finance}, at: submit}]"))
    _, number = started(house)
    assert house.approvals.counts(house.fin1)["cc"] == 1
    house.approvals.act_on(house.fin1, number, "read", {})
    assert house.approvals.counts(house.fin1)["cc"] == 0
    with pytest.raises(Forbidden):
        house.approvals.act_on(house.fin1, number, "copy", {"users": [house.id("b1")]})
    house.approvals.act_on(house.li, number, "copy", {"users": [house.id("b1"), house.id("b1")]})
    house.approvals.act_on(house.li, number, "copy", {"users": [house.id("b1")]})
    assert [e["id"] for e in house.approvals.inbox(house.b1, "cc")["data"]] == [number]


# definitions ----------------------------------------------------------------------------------------------------
def test_a_new_version_leaves_what_runs_alone(office: Any) -> None:
    from guanxi.runtime.schema.service import SchemaService
    from guanxi.runtime.services import build_services
    from tests.support.approvals import BASE
    from tests.support.project import registry_of

    house = office(flow("  a: {who: {role: legal}}\n  b: {who: {role: finance}}"))
    _quote, number = started(house)
    for text, active in (("  a: {who: {role: board}}", "true"), ("  z: {who: {role: board}}", "false")):
        registry = registry_of(BASE + flow(text, f"active: {active}"))
        SchemaService(house.project.db, house.project.clock).publish(registry, {}, "test")
        house.project.services = build_services(registry, house.project.db, clock=house.project.clock, version=2)
        if active == "true":
            other = house.submit(house.quote())["id"]
            assert house.open(other) == ["b1", "b2", "b3", "b4"]
            continue
        with pytest.raises(Conflict) as caught:
            house.submit(house.quote())
        assert caught.value.code == "no_flow"
    house.act(number, "law", "approve")
    assert house.open(number) == ["fin1", "fin2"]
    house.act(number, "fin1", "approve")
    assert house.state(number) == "approved"
