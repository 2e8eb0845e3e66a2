"""Publishing while approvals run: what may not go, what runs on, what follows a rename."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.common.errors import Conflict
from guanxi.runtime.approvals.impact import inspect
from guanxi.runtime.schema.approval_names import renamed
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.services import build_services
from tests.support.approvals import BASE, flow
from tests.support.project import registry_of

STEPS = "  a: {who: {role: legal}}\n  b: {who: {role: finance}, when: amount > 5, edit: [terms]}"
MORE = "start: {on: update, watch: [amount]}\nlock: [amount, terms]"


def plan(house: Any, text: str) -> list[tuple[str, str, int]]:
    service = SchemaService(house.project.db, house.project.clock, inspectors=(inspect,))
    found = service.plan(registry_of(text), {}).findings
    return [(one.code, one.severity, one.count) for one in found if one.code.startswith("approval")]


def publish(house: Any, text: str) -> None:
    registry = registry_of(text)
    service = SchemaService(house.project.db, house.project.clock, inspectors=(inspect,))
    made = service.plan(registry, {})
    service.apply(made, registry, allow=[one.consent for one in made.findings if one.consent])
    house.project.services = build_services(registry, house.project.db, clock=house.project.clock, version=2)


def test_a_flow_with_approvals_is_not_deleted(office: Any) -> None:
    house = office(flow(STEPS))
    assert plan(house, BASE) == []
    number = house.submit(house.quote())["id"]
    assert plan(house, BASE) == [("approval-gone", "block", 1), ("approval-running", "note", 1)]
    house.approvals.act_on(house.li, number, "withdraw", {})
    assert plan(house, BASE) == [("approval-gone", "block", 1)]
    with pytest.raises(Conflict):
        publish(house, BASE)


def test_the_plan_says_what_runs_on_and_what_would_stop(office: Any) -> None:
    house = office(flow(STEPS))
    house.submit(house.quote())
    assert plan(house, BASE + flow(STEPS)) == []
    changed = flow(STEPS.replace("> 5", "> 6"))
    assert plan(house, BASE + changed) == [("approval-running", "note", 1)]
    less = BASE.replace("  amount: {type: money, default: 0}\n", "").replace(
        "rules:\n  sane: {check: amount < 1000000, message: Too much}\n", ""
    )
    other = flow("  a: {who: {role: legal}}")
    assert plan(house, less + other) == [("approval-running", "note", 1), ("approval-unfit", "break", 1)]


def test_a_renamed_field_takes_running_approvals_along(office: Any) -> None:
    house = office(flow(STEPS, MORE))
    quote = house.quote()
    number = house.project.records.update(house.li, "quote", quote, {"amount": "9"}).approval
    new = "  total: {type: money, default: 0, renamed_from: amount}"
    text = BASE.replace("  amount: {type: money, default: 0}", new)
    text = text.replace("amount < 1000000", "total < 1000000")
    publish(house, text + flow(STEPS.replace("amount", "total"), MORE.replace("amount", "total")))
    with pytest.raises(Conflict):
        house.project.records.update(house.li, "quote", quote, {"total": "1"})
    house.act(number, "law", "approve")
    assert house.open(number) == ["fin1", "fin2"]
    house.act(number, "fin1", "approve", values={"terms": "x"})
    assert house.state(number) == "approved"
    assert house.read(quote)["total"] == "9.00"


def test_a_definition_that_no_longer_fits_can_still_be_ended(office: Any) -> None:
    house = office(flow(STEPS))
    number = house.submit(house.quote())["id"]
    less = BASE.replace("  amount: {type: money, default: 0}\n", "").replace(
        "rules:\n  sane: {check: amount < 1000000, message: Too much}\n", ""
    )
    publish(house, less + flow("  a: {who: {role: legal}}"))
    with pytest.raises(Conflict):
        house.act(number, "law", "approve")
    assert house.approvals.act_on(house.root, number, "terminate", {"comment": "gone"})["state"] == "terminated"


def test_names_in_texts() -> None:
    given = {
        "start": {"watch": ["a", "b"], "when": 'a > 1 and x.a != "a" and a2 and len(a)'},
        "steps": {"a": {"who": {"field": "a.owner"}, "edit": ["a"]}},
        "on": {"approved": [{"set": {"a": "a + 1"}}]},
    }
    assert renamed(given, "a", "z") == {
        "start": {"watch": ["z", "b"], "when": 'z > 1 and x.a != "a" and a2 and len(z)'},
        "steps": {"a": {"who": {"field": "z.owner"}, "edit": ["z"]}},
        "on": {"approved": [{"set": {"z": "z + 1"}}]},
    }
