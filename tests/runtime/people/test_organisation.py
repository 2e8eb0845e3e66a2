"""Manager lines, departments, absences and delegations, as approvals and pools ask for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.instances import House

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
New = Callable[..., tuple[int, str]]


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def made(house: House, name: str, values: dict[str, Any], who: str = "admin") -> int:
    answer = house.post(f"/api/{name}", values, who)
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    return int(answer.json["id"])


def changed(house: House, user: int, **values: Any) -> None:
    answer = house.patch(f"/api/user/{user}", values)
    assert answer.status_code == 200, answer.text


def test_the_manager_line_ends_in_a_circle_and_tells_who_is_inactive(house: House, new: New) -> None:
    top, name = new()
    middle, middle_name = new(manager=name)
    low, _ = new(manager=middle_name)
    organisation = house.host.services().organisation
    assert [p.id for p in organisation.chains([low])[low]] == [middle, top]
    changed(house, top, manager=low, active=False)
    line = organisation.chains([low, middle])
    assert [(p.id, p.active) for p in line[low]] == [(middle, True), (top, False)]
    assert [p.id for p in line[middle]] == [top, low]
    assert organisation.manager(low, 2) == line[low][1]
    assert organisation.manager(low, 3) is None


def test_heads_of_departments_are_leads_of_teams_up_the_tree(house: House, new: New) -> None:
    boss, boss_name = new()
    head, _ = new()
    label = f"{boss_name} "
    company = made(house, "team", {"name": label + "company", "kind": "department", "lead": boss})
    sales = made(house, "team", {"name": label + "sales", "kind": "department", "lead": head, "parent": company})
    north = made(house, "team", {"name": label + "north", "parent": sales})
    seller, _ = new()
    changed(house, seller, team=north)
    organisation = house.host.services().organisation
    heads = [organisation.department_head(seller, level) for level in (1, 2, 3)]
    assert [p.id if p else None for p in heads] == [head, boss, None]
    assert organisation.below(company) == {company, sales, north}
    assert [p.id for p in organisation.members(company)] == [seller]
    assert organisation.members(company, tree=False) == []
    changed(house, head, active=False)
    again = organisation.department_head(seller)
    assert again is not None
    assert not again.active
    assert house.patch(f"/api/team/{company}", {"parent": north}).status_code == 200  # a circle in the data
    assert [t.id for t in organisation.departments(seller)] == [sales, company]
    assert organisation.below(north) == {company, sales, north}


def test_an_absence_holds_from_its_start_up_to_its_end(house: House, new: New) -> None:
    person, name = new("worker")
    other, _ = new()
    span = {"starts_at": text(NOON), "ends_at": text(NOON + timedelta(hours=1))}
    made(house, "user_absence", {"user": person, **span, "reason": "dentist"}, name)
    absences = house.host.services().absences
    assert not absences.absent(person, NOON - timedelta(seconds=1))
    assert absences.absent(person, NOON)
    assert not absences.absent(person, NOON + timedelta(hours=1))
    assert absences.absent_among([person, other], NOON) == {person}
    for wrong in (
        {"user": other, **span},
        {"user": person, "starts_at": span["ends_at"], "ends_at": span["starts_at"]},
    ):
        assert house.post("/api/user_absence", wrong, name).status_code == 422
    assert made(house, "user_absence", {"user": other, **span})  # administrators for everybody


def delegate(house: House, principal: int, to: int, **more: Any) -> int:
    span = {"starts_at": text(NOON), "ends_at": text(NOON + timedelta(days=2))}
    return made(house, "user_delegation", {"principal": principal, "delegate": to, **span, **more})


def test_a_delegation_leads_on_three_steps_and_no_further(house: House, new: New) -> None:
    a, b, c, d, e = (new()[0] for _ in range(5))
    absences = house.host.services().absences
    delegate(house, a, b, mode="share", flows=["discount"])
    delegate(house, b, c)
    found = absences.delegate_of(a, NOON, "discount")
    assert found is not None
    assert (found.delegate, found.mode, found.through) == (c, "share", (b, c))
    assert absences.delegate_of(a, NOON, "travel") is None
    assert absences.delegate_of(a, NOON + timedelta(days=2), "discount") is None
    delegate(house, c, d)
    assert absences.delegates_of([a, b, e], NOON, "discount").keys() == {a, b}
    delegate(house, d, e)
    assert absences.delegate_of(a, NOON, "discount") is None  # four steps: the person keeps it
    last = absences.delegate_of(b, NOON)
    assert last is not None
    assert last.delegate == e
    changed(house, e, active=False)
    assert absences.delegate_of(b, NOON) is None


def test_a_circle_of_delegations_leaves_the_work_where_it_is(house: House, new: New) -> None:
    a, b = new()[0], new()[0]
    delegate(house, a, b)
    delegate(house, b, a)
    assert house.host.services().absences.delegates_of([a, b], NOON) == {}
    span = {"starts_at": text(NOON), "ends_at": text(NOON + timedelta(days=1))}
    assert house.post("/api/user_delegation", {"principal": a, "delegate": a, **span}).status_code == 422
