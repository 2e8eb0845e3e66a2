"""Handing over, asking others, going back, taking back, and what submitters and administrators may do."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.common.errors import Conflict, Forbidden, Invalid
from tests.support.approvals import flow

CHAIN = flow("  a: {who: {manager_of: owner}}\n  b: {who: {role: legal}}\n  c: {who: {role: finance}}")


def test_return_to_the_start_and_submit_again(office: Any) -> None:
    house = office(CHAIN)
    quote = house.quote()
    number = house.submit(quote)["id"]
    house.act(number, "boss", "approve")
    house.act(number, "law", "return", to="start", comment="unclear")
    assert house.state(number) == "returned"
    assert house.approvals.inbox(house.li, "todo")["data"][0]["step"] == "start"
    with pytest.raises(Conflict):
        house.project.records.update(house.wang, "quote", quote, {"notes": "x"})
    house.project.records.update(house.li, "quote", quote, {"notes": "clearer"})
    again = house.submit(quote, comment="now")
    assert again["id"] == number
    assert house.open(number) == ["boss"]
    assert house.show(number)["cycle"] == 2


def test_resuming_goes_on_where_it_was_returned(office: Any) -> None:
    house = office(CHAIN.replace("object: quote", "object: quote\nresubmit: resume\nmaterial: [amount]"))
    quote = house.quote()
    number = house.submit(quote)["id"]
    house.act(number, "boss", "approve")
    house.act(number, "law", "return", to="start")
    house.project.records.update(house.li, "quote", quote, {"notes": "clearer"})
    house.submit(quote)
    assert house.open(number) == ["law"]


def test_a_material_change_starts_over(office: Any) -> None:
    house = office(CHAIN.replace("object: quote", "object: quote\nresubmit: resume\nmaterial: [amount]"))
    quote = house.quote()
    number = house.submit(quote)["id"]
    house.act(number, "boss", "approve")
    house.act(number, "law", "return", to="start")
    house.project.clock.advance(seconds=5)
    house.project.records.update(house.li, "quote", quote, {"amount": "5"})
    house.submit(quote)
    assert house.open(number) == ["boss"]
    assert next(e for e in house.show(number)["story"] if e["act"] == "resubmitted")["detail"]["why"] == "material"


def test_return_to_a_step_asks_the_same_people(office: Any) -> None:
    house = office(CHAIN)
    number = house.submit(house.quote())["id"]
    house.act(number, "boss", "approve")
    house.act(number, "law", "approve")
    house.act(number, "fin1", "return", to="previous")
    assert house.open(number) == ["law"]
    house.act(number, "law", "return", to="a")
    assert house.open(number) == ["boss"]
    house.act(number, "boss", "approve")
    assert house.open(number) == ["law"]


@pytest.mark.parametrize("target", ["c", "b", "nowhere"])
def test_no_return_ahead_or_to_what_was_never_passed(office: Any, target: str) -> None:
    house = office(CHAIN)
    number = house.submit(house.quote())["id"]
    house.act(number, "boss", "approve")
    with pytest.raises(Conflict) as caught:
        house.act(number, "law", "return", to=target)
    assert caught.value.code == "bad_target"
    assert house.open(number) == ["law"]


def test_withdrawing_before_the_first_decision_only(office: Any) -> None:
    house = office(CHAIN)
    quote = house.quote()
    number = house.submit(quote)["id"]
    with pytest.raises(Forbidden):
        house.approvals.act_on(house.boss, number, "withdraw", {})
    assert house.approvals.act_on(house.li, number, "withdraw", {})["state"] == "withdrawn"
    house.project.records.update(house.li, "quote", quote, {"notes": "free"})
    second = house.submit(quote)["id"]
    house.act(second, "boss", "approve")
    with pytest.raises(Conflict):
        house.approvals.act_on(house.li, second, "withdraw", {})


def test_transfer(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}, sign: all}"))
    number = house.submit(house.quote())["id"]
    for user in ("fin1", "fin2", "li"):
        with pytest.raises(Conflict):
            house.act(number, "fin1", "transfer", user=house.id(user))
    house.act(number, "fin1", "transfer", user=house.id("law"), comment="yours")
    assert house.open(number) == ["law", "fin2"]
    house.act(number, "law", "approve")
    house.act(number, "fin2", "approve")
    assert house.state(number) == "approved"


def test_a_delegate_gives_an_opinion_and_the_owner_decides(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    number = house.submit(house.quote())["id"]
    house.act(number, "law", "delegate", user=house.id("fin1"))
    assert house.open(number) == ["fin1"]
    house.act(number, "fin1", "reject", comment="doubtful")
    assert house.state(number) == "running"
    assert house.open(number) == ["law"]
    house.act(number, "law", "approve")
    assert house.state(number) == "approved"


def test_a_delegation_is_pulled_back(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    number = house.submit(house.quote())["id"]
    house.act(number, "law", "delegate", user=house.id("fin1"))
    house.approvals.act(house.law, house.task(number, "law", "delegated"), "pull_back", {})
    assert house.open(number) == ["law"]


def test_signers_before_me(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    number = house.submit(house.quote())["id"]
    users = [house.id("b1"), house.id("b2")]
    house.act(number, "law", "add_signer", users=users, where="before", sign="all")
    assert house.open(number) == ["b1", "b2"]
    house.act(number, "b1", "approve")
    assert house.open(number) == ["b2"]
    house.act(number, "b2", "approve")
    assert house.open(number) == ["law"]


def test_a_signer_before_me_refuses(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    number = house.submit(house.quote())["id"]
    house.act(number, "law", "add_signer", users=[house.id("b1")], where="before")
    house.act(number, "b1", "reject")
    assert house.state(number) == "rejected"


def test_signers_after_me_hold_my_agreement(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}"))
    number = house.submit(house.quote())["id"]
    house.act(number, "fin1", "add_signer", users=[house.id("b1")], where="after")
    house.act(number, "fin1", "approve")
    assert house.state(number) == "running"
    assert "b1" in house.open(number)
    house.act(number, "b1", "approve")
    assert house.state(number) == "approved"


def test_signers_beside_me_count(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}, sign: all}"))
    number = house.submit(house.quote())["id"]
    house.act(number, "law", "add_signer", users=[house.id("b1")], where="beside")
    house.act(number, "law", "approve")
    assert house.state(number) == "running"
    house.act(number, "b1", "approve")
    assert house.state(number) == "approved"


def test_removing_who_was_added(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    number = house.submit(house.quote())["id"]
    house.act(number, "law", "add_signer", users=[house.id("b1")], where="before")
    task = house.task(number, "law", "waiting")
    with pytest.raises(Forbidden):
        house.approvals.act(house.b1, task, "remove_signer", {"user": house.id("b1")})
    house.approvals.act(house.law, task, "remove_signer", {"user": house.id("b1")})
    assert house.open(number) == ["law"]
    with pytest.raises(Conflict):
        house.approvals.act(house.law, task, "remove_signer", {"user": house.id("law")})


def test_taking_back_before_the_next_decided(office: Any) -> None:
    house = office(CHAIN)
    number = house.submit(house.quote())["id"]
    task = house.task(number, "boss")
    house.act(number, "boss", "approve")
    assert house.open(number) == ["law"]
    house.approvals.act(house.boss, task, "take_back", {})
    assert house.open(number) == ["boss"]
    task = house.task(number, "boss")
    house.act(number, "boss", "approve")
    house.act(number, "law", "approve")
    with pytest.raises(Conflict):
        house.approvals.act(house.boss, task, "take_back", {})


def test_urging_not_too_often(office: Any) -> None:
    house = office(CHAIN)
    number = house.submit(house.quote())["id"]
    house.approvals.act_on(house.li, number, "urge", {})
    with pytest.raises(Conflict) as caught:
        house.approvals.act_on(house.li, number, "urge", {})
    assert caught.value.code == "too_soon"
    house.project.clock.advance(minutes=16)
    house.approvals.act_on(house.li, number, "urge", {})


def test_revoking_what_was_approved(office: Any) -> None:
    house = office(flow("  a: {who: {role: legal}}", "on: {revoked: [{set: {notes: '\"void\"'}}]}"))
    quote = house.quote()
    number = house.submit(quote)["id"]
    house.act(number, "law", "approve")
    with pytest.raises(Forbidden):
        house.approvals.act_on(house.li, number, "revoke", {"comment": "x"})
    with pytest.raises(Invalid):
        house.approvals.act_on(house.root, number, "revoke", {})
    assert house.approvals.act_on(house.root, number, "revoke", {"comment": "wrong price"})["state"] == "revoked"
    assert house.read(quote)["notes"] == "void"


def test_ending_it_as_administrator(office: Any) -> None:
    house = office(CHAIN)
    quote = house.quote()
    number = house.submit(quote)["id"]
    house.approvals.act_on(house.root, number, "reassign", {"task": house.task(number, "boss"), "user": house.id("b1")})
    assert house.open(number) == ["b1"]
    house.approvals.act_on(house.root, number, "terminate", {"comment": "enough"})
    assert house.state(number) == "terminated"
    house.project.records.update(house.li, "quote", quote, {"notes": "free"})


def test_many_at_once_each_for_itself(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}"))
    numbers = [house.submit(house.quote())["id"] for _ in range(3)]
    tasks = [house.task(number, "fin1") for number in numbers]
    house.act(numbers[1], "fin2", "approve")
    answers = house.approvals.batch(house.fin1, [*tasks, 999], "approve")
    assert [answer["status"] for answer in answers] == [200, 409, 200, 404]
    with pytest.raises(Invalid):
        house.approvals.batch(house.fin1, tasks, "reject")


def test_comments_when_they_are_needed(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "comment: on_reject"))
    number = house.submit(house.quote())["id"]
    with pytest.raises(Invalid):
        house.act(number, "fin1", "reject")
    house.act(number, "fin1", "comment", comment="looking")
    house.act(number, "fin1", "reject", comment="no")
    acts = [entry["act"] for entry in house.show(number)["story"]]
    assert acts[:3] == ["submitted", "comment", "rejected"]


def test_rejection_that_returns(office: Any) -> None:
    steps = "  a: {who: {manager_of: owner}}\n  b: {who: {role: legal}, on_reject: {return_to: a}}"
    house = office(flow(steps))
    number = house.submit(house.quote())["id"]
    house.act(number, "boss", "approve")
    house.act(number, "law", "reject")
    assert house.state(number) == "running"
    assert house.open(number) == ["boss"]
