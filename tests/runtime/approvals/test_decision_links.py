"""Links in mail that decide: looking changes nothing, a post acts once, and what is over says who was first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guanxi.common.errors import Conflict, NotFound
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.approvals import links
from tests.support.approvals import flow

SECRET = b"guanxi"


def word(house: Any, number: int, who: str, act: str = "approve", *, hours: int = 1) -> str:
    version = house.read(house.show(number)["record"]["id"])["version"]
    until = house.project.clock.now() + timedelta(hours=hours)
    return links.token(SECRET, links.Link(house.task(number, who), house.id(who), act, version, until))


def test_looking_twice_changes_nothing_and_posting_acts_once(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}"))
    quote = house.quote()
    number = house.submit(quote)["id"]
    one, two = word(house, number, "fin1"), word(house, number, "fin2", "reject")
    before = house.show(number)
    for _ in range(2):
        about = links.look(house.project.services, one)
        assert (about["act"], about["changed"], about["closed"]) == ("approve", False, "")
    assert house.show(number) == before
    assert links.act(house.project.services, one)["state"] == "approved"
    entry = next(e for e in house.show(number)["story"] if e["act"] == "approved")
    assert (entry["by"]["id"], entry["channel"]) == (house.id("fin1"), "mail")
    assert links.look(house.project.services, two)["closed"] == "This was handled by fin1."
    for late in (one, two):
        with pytest.raises(Conflict) as caught:
            links.act(house.project.services, late)
        assert (caught.value.code, caught.value.detail) == ("task_closed", "This was handled by fin1.")


def test_forged_expired_and_disabled(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}, sign: all}"))
    number = house.submit(house.quote())["id"]
    good = word(house, number, "fin1")
    services = house.project.services
    for wrong in ("", "x", good[:-2] + "zz", good.replace(".", "", 1), links.token(b"other", _read(house, good))):
        with pytest.raises(NotFound):
            links.act(services, wrong)
    house.project.clock.advance(hours=2)
    with pytest.raises(Conflict) as caught:
        links.act(services, good)
    assert caught.value.code == "expired"
    fresh = word(house, number, "fin1")
    house.project.records.update(SYSTEM, "user", house.id("fin1"), {"active": False})
    with pytest.raises(NotFound):
        links.act(services, fresh)
    assert house.state(number) == "running"


def _read(house: Any, text: str) -> links.Link:
    return links.read(SECRET, text, house.project.clock.now())


def test_a_changed_record_and_a_task_given_away(office: Any) -> None:
    house = office(flow("  a: {who: {role: finance}}", "always_editable: [notes]"))
    quote = house.quote()
    number = house.submit(quote)["id"]
    good = word(house, number, "fin1")
    house.project.records.update(house.li, "quote", quote, {"notes": "x"})
    assert links.look(house.project.services, good)["changed"]
    house.act(number, "fin1", "transfer", user=house.id("law"))
    with pytest.raises(Conflict) as caught:
        links.act(house.project.services, good)
    assert caught.value.code == "task_closed"


@pytest.mark.parametrize("more", ["", ", comment: always", ", edit: [terms], required: [terms]", ", no_batch: true"])
def test_only_what_a_click_can_decide_has_links(office: Any, more: str) -> None:
    from guanxi.runtime.records.work import Work

    house = office(flow(f"  a: {{who: {{role: legal}}{more}}}"))
    number = house.submit(house.quote())["id"]
    with house.project.db.write():
        engine = house.approvals.engine(Work(house.project.services.records.room, SYSTEM), number)
        found = links.lines_for(engine, engine.tasks[0], house.id("law"), SECRET, "https://crm.example/")
    assert list(found) == ([] if more else ["approve", "reject"])
    if not more:
        assert found["approve"].startswith("https://crm.example/api/approvals/link/")
        links.act(house.project.services, found["reject"].rsplit("/", 1)[1])
        assert house.state(number) == "rejected"
