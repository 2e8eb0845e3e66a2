"""Submitting and deciding: who is asked, in which order, what a vote, a return and the end do to the record."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.common.errors import Conflict, Forbidden, Invalid, NotFound
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import ListQuery
from tests.support.approvals import flow
from tests.support.project import diagnostics_of

ONE = flow("  a: {who: {manager_of: owner}}", "on: {approved: [{set: {stage: sent}}]}")
TWO = flow("  a: {who: {manager_of: owner}}\n  b: {who: {role: finance}, sign: all}")


def test_one_step_passes_and_what_follows_is_done(office: Any) -> None:
    house = office(ONE)
    quote = house.quote()
    started = house.submit(quote, comment="please")
    assert (started["state"], started["approval"]) == ("running", "f")
    assert house.open(started["id"]) == ["boss"]
    done = house.act(started["id"], "boss", "approve", comment="fine")
    assert done["state"] == "approved"
    assert house.read(quote)["stage"] == "sent"


def test_rejecting_ends_it(office: Any) -> None:
    house = office(ONE)
    quote = house.quote()
    number = house.submit(quote)["id"]
    assert house.act(number, "boss", "reject", comment="no")["state"] == "rejected"
    assert house.read(quote)["stage"] == "draft"
    house.project.records.update(house.li, "quote", quote, {"notes": "free again"})


def test_all_must_sign_in_the_second_step(office: Any) -> None:
    house = office(TWO)
    number = house.submit(house.quote())["id"]
    house.act(number, "boss", "approve")
    assert house.open(number) == ["fin1", "fin2"]
    house.act(number, "fin1", "approve")
    assert house.state(number) == "running"
    house.act(number, "fin2", "approve")
    assert house.state(number) == "approved"


def test_the_second_click_is_told_who_was_first(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}"))
    number = house.submit(house.quote())["id"]
    late = house.task(number, "fin2")
    house.act(number, "fin1", "approve")
    with pytest.raises(Conflict) as caught:
        house.approvals.act(house.fin2, late, "approve", {})
    assert caught.value.code == "task_closed"
    assert "fin1" in caught.value.detail


def test_somebody_else_may_not_decide(office: Any) -> None:
    house = office(ONE)
    number = house.submit(house.quote())["id"]
    with pytest.raises(Forbidden):
        house.approvals.act(house.wang, house.task(number, "boss"), "approve", {})
    assert house.state(number) == "running"


def test_a_running_approval_locks_every_channel(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "always_editable: [notes]"))
    quote = house.quote()
    number = house.submit(quote)["id"]
    records = house.project.records
    before = house.project.dump()
    for do in (
        lambda: records.update(house.root, "quote", quote, {"amount": "5"}),
        lambda: records.delete(house.root, "quote", quote),
        lambda: records.delete(house.root, "quote", quote, permanent=True),
        lambda: records.act(house.root, "quote", quote, "assign", {"owner": house.id("wang")}),
        lambda: records.act(house.root, "quote", quote, "move_stage", {"to": "sent"}),
        lambda: records.upsert(house.root, "quote", {"name": "Q"}, {"amount": "5"}),
    ):
        with pytest.raises(Conflict) as caught:
            do()
        assert caught.value.code == "locked"
    assert house.project.dump() == before
    answers = records.batch(house.root, "quote", [{"op": "update", "id": quote, "values": {"amount": "5"}}])
    assert answers[0]["status"] == 409
    records.update(house.li, "quote", quote, {"notes": "still open"})
    house.act(number, "fin1", "approve")
    records.update(house.li, "quote", quote, {"amount": "5"})


def test_a_second_submission_is_refused(office: Any) -> None:
    house = office(ONE)
    quote = house.quote()
    house.submit(quote)
    with pytest.raises(Conflict) as caught:
        house.submit(quote)
    assert caught.value.code == "running"


def test_no_flow_fits(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "start: {when: discount > 5}"))
    with pytest.raises(Conflict) as caught:
        house.submit(house.quote(discount="5"))
    assert caught.value.code == "no_flow"
    assert house.submit(house.quote(discount="6"))["state"] == "running"


def test_the_highest_priority_whose_start_holds(office: Any) -> None:
    text = (
        "kind: approval\nname: small\nobject: quote\nsteps: {a: {who: {role: finance}}}\n---\n"
        "kind: approval\nname: large\nobject: quote\nstart: {priority: 10, when: amount >= 100}\n"
        "steps: {a: {who: {role: legal}}}\n"
    )
    house = office(text)
    assert house.submit(house.quote(amount="100"))["approval"] == "large"
    assert house.submit(house.quote(amount="99"))["approval"] == "small"


def test_a_stage_cannot_be_entered_without_it(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "start: {required_for: {stage: sent}}"))
    quote = house.quote()
    with pytest.raises(Conflict) as caught:
        house.project.records.act(house.li, "quote", quote, "move_stage", {"to": "sent"})
    assert caught.value.code == "approval_required"
    house.act(house.submit(quote)["id"], "fin1", "approve")
    house.project.records.act(house.li, "quote", quote, "move_stage", {"to": "sent"})
    assert house.read(quote)["stage"] == "sent"


def test_an_update_waits_as_a_proposal(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "start: {on: update, watch: [discount], when: discount > 5}"))
    quote = house.quote()
    records = house.project.records
    assert records.update(house.li, "quote", quote, {"discount": "4"}).approval is None
    saved = records.update(house.li, "quote", quote, {"discount": "9", "notes": "deal"})
    assert saved.approval is not None
    assert house.read(quote)["discount"] == "4.00"
    shown = house.show(saved.approval)
    assert shown["changes"]["discount"] == {"from": "4.00", "to": "9.00"}
    house.act(saved.approval, "fin1", "approve")
    after = house.read(quote)
    assert (after["discount"], after["notes"]) == ("9.00", "deal")


def test_a_refused_proposal_leaves_the_record(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "start: {on: update, watch: [discount]}"))
    quote = house.quote()
    number = house.project.records.update(house.li, "quote", quote, {"discount": "9"}).approval
    house.act(number, "fin1", "reject")
    assert house.read(quote)["discount"] == "0.00"


def test_a_proposal_whose_base_moved_comes_back(office: Any) -> None:
    more = "start: {on: update, watch: [discount]}\nlock: [amount]"
    house = office(flow("  a: {who: {role: finance}}", more))
    quote = house.quote()
    records = house.project.records
    number = records.update(house.li, "quote", quote, {"discount": "9", "notes": "mine"}).approval
    records.update(SYSTEM, "quote", quote, {"notes": "theirs"})
    shown = house.act(number, "fin1", "approve")
    assert (shown["state"], shown["reason"]) == ("returned", "conflict")
    assert house.read(quote)["discount"] == "0.00"


def test_deleting_waits_and_is_done_once(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "start: {on: delete}"))
    quote = house.quote()
    number = house.project.records.delete(house.li, "quote", quote)
    assert house.read(quote)["id"] == quote
    house.act(number, "fin1", "approve")
    with pytest.raises(NotFound):
        house.read(quote)
    assert house.project.db.rows("SELECT count(*) FROM gx_approvals")[0][0] == 1


def test_changing_hands_waits(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "start: {on: transfer}"))
    quote = house.quote()
    house.project.records.act(house.li, "quote", quote, "assign", {"owner": house.id("wang")})
    assert house.read(quote)["owner"] == house.id("li")
    number = house.approvals.inbox(house.li, "mine")["data"][0]["id"]
    house.act(number, "fin1", "approve")
    assert house.read(quote)["owner"] == house.id("wang")


def test_creating_starts_it_and_locks(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "start: {on: create, when: amount > 10}"))
    quote = house.quote(amount="11")
    with pytest.raises(Conflict):
        house.project.records.update(house.li, "quote", quote, {"notes": "x"})
    house.quote(amount="10")
    assert len(house.approvals.inbox(house.li, "mine")["data"]) == 1


def test_a_rule_refuses_the_end_and_takes_the_click_back(office: Any) -> None:
    steps = "  a: {who: {role: finance}, edit: [amount]}"
    house = office(flow(steps))
    quote = house.quote()
    number = house.submit(quote)["id"]
    before = house.project.dump()
    with pytest.raises(Invalid):
        house.act(number, "fin1", "approve", values={"amount": "1000000"})
    assert house.project.dump() == before
    assert house.open(number) == ["fin1", "fin2"]
    house.act(number, "fin1", "approve", values={"amount": "7"})
    assert house.read(quote)["amount"] == "7.00"


def test_fields_of_the_step_only(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}, edit: [terms], required: [terms]}"))
    quote = house.quote()
    number = house.submit(quote)["id"]
    with pytest.raises(Invalid) as caught:
        house.act(number, "fin1", "approve", values={"amount": "7"})
    assert [one.code for one in caught.value.errors] == ["read_only"]
    with pytest.raises(Invalid) as caught:
        house.act(number, "fin1", "approve")
    assert [(one.field, one.code) for one in caught.value.errors] == [("terms", "required")]
    house.act(number, "fin1", "approve", values={"terms": "30 days"})
    assert house.read(quote)["terms"] == "30 days"


def test_a_branch_follows_what_an_approver_changed(office: Any) -> None:
    steps = (
        "  a: {who: {role: legal}, edit: [amount]}\n"
        "  size: {choose: {big: {when: amount > 100, steps: {b: {who: {role: finance}}}}, other: {steps: {}}}}\n"
    )
    house = office(flow(steps))
    number = house.submit(house.quote())["id"]
    house.act(number, "law", "approve", values={"amount": "101"})
    assert house.open(number) == ["fin1", "fin2"]


def test_parallel_branches_join(office: Any) -> None:
    steps = "  p: {parallel: {x: {steps: {x1: {who: {role: legal}}}}, y: {steps: {y1: {who: {role: finance}}}}}}\n"
    house = office(flow(steps + "  last: {who: {manager_of: owner}}"))
    number = house.submit(house.quote())["id"]
    assert house.open(number) == ["law", "fin1", "fin2"]
    house.act(number, "law", "approve")
    assert "boss" not in house.open(number)
    house.act(number, "fin1", "approve")
    assert house.open(number) == ["boss"]


def test_a_refused_branch_cancels_its_siblings(office: Any) -> None:
    steps = "  p: {parallel: {x: {steps: {x1: {who: {role: legal}}}}, y: {steps: {y1: {who: {role: finance}}}}}}\n"
    house = office(flow(steps))
    number = house.submit(house.quote())["id"]
    house.act(number, "law", "reject")
    assert house.state(number) == "rejected"
    assert house.open(number) == []


def test_inboxes(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "cc: [{role: legal}]"))
    number = house.submit(house.quote(), comment="x")["id"]
    entry = house.approvals.inbox(house.fin1, "todo")["data"][0]
    assert (entry["step"], entry["state"], entry["instance"]["id"]) == ("a", "open", number)
    assert entry["instance"]["record"]["object"] == "quote"
    assert house.approvals.counts(house.fin1)["todo"] == 1
    assert house.approvals.inbox(house.law, "cc")["data"] == []
    house.act(number, "fin1", "approve")
    assert house.approvals.inbox(house.fin2, "todo")["data"] == []
    assert house.approvals.inbox(house.fin1, "done")["data"][0]["state"] == "approved"
    assert house.approvals.inbox(house.law, "cc")["data"][0]["id"] == number


def test_a_box_is_paged(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}"))
    numbers = [house.submit(house.quote())["id"] for _ in range(5)]
    seen: list[int] = []
    after = ""
    while True:
        page = house.approvals.inbox(house.fin1, "todo", limit=2, after=after)
        seen += [entry["instance"]["id"] for entry in page["data"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == sorted(numbers, reverse=True)


def test_whoever_is_asked_may_read_the_record_until_it_is_over(office: Any) -> None:
    private = flow("  a: {who: {role: legal}}").replace("object: quote", "object: quote")
    house = office(private + "---\nkind: object\nextend: quote\naccess: private\n")
    quote = house.quote()
    with pytest.raises(NotFound):
        house.project.records.get(house.law, "quote", quote)
    number = house.submit(quote)["id"]
    law = house.project.actor(house.id("law"))
    assert house.project.records.get(law, "quote", quote)["name"] == "Q"
    assert house.project.records.list(law, ListQuery("quote")).data[0]["id"] == quote
    told = house.project.db.rows("SELECT user_id, kind FROM gx_notifications")
    assert (house.id("law"), "approval.task") in [(int(row[0]), row[1]) for row in told]
    house.act(number, "law", "approve")
    with pytest.raises(NotFound):
        house.project.records.get(house.project.actor(house.id("law")), "quote", quote)
    assert house.approvals.show(house.law, number)["state"] == "approved"


RULES = """
---
kind: automation
name: heard
object: quote
on: [submitted, approved, rejected, returned, withdrawn]
do: [{set: {notes: 'concat(coalesce(notes, ""), "!")'}}]
"""


def test_rules_hear_of_every_end_and_may_write(office: Any) -> None:
    house = office(ONE + RULES)
    passed, refused, back = house.quote(), house.quote(), house.quote()
    house.act(house.submit(passed)["id"], "boss", "approve")
    house.act(house.submit(refused)["id"], "boss", "reject", comment="no")
    number = house.submit(back)["id"]
    house.act(number, "boss", "return", to="start", comment="again")
    assert house.approvals.act_on(house.li, number, "withdraw", {})["state"] == "withdrawn"
    runs = house.project.db.rows("SELECT event, outcome FROM gx_automation_runs ORDER BY id")
    assert [event for event, outcome in runs if outcome == "done"] == [
        "submitted",
        "approved",
        "submitted",
        "rejected",
        "submitted",
        "returned",
        "withdrawn",
    ]
    assert [house.read(one)["notes"] for one in (passed, refused, back)] == ["!!", "!!", "!!!"]


def test_the_steps_of_messages_and_flows_stand_in_rules_stages_and_buttons() -> None:
    steps = """[{notify: {to: owner, text: hi}}, {email: {to: mail, subject: s, body: b}}, {sms: {to: owner, text: t}},
      {approval: f}, {webhook: {url_from: erp}}]"""
    text = f"""
kind: object
name: deal
title: name
owned: true
fields:
  name: {{type: text}}
  mail: {{type: email}}
  stage: {{type: choice, options: {{open: Open, won: Won}}, default: open}}
stages: {{field: stage, path: {{open: {{to: [won]}}, won: {{on_enter: {steps}}}}}}}
actions:
  go: {{label: Go, do: {steps}}}
---
kind: automation
name: r
object: deal
on: create
do: {steps}
---
kind: approval
name: f
object: deal
steps: {{a: {{who: {{manager_of: owner}}}}}}
"""
    assert [one for one in diagnostics_of(text) if one.severity == "error"] == []
