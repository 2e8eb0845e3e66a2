"""From outside: stages as they are written, money's digits wherever money is worked out, a record's page as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.databases import database_url  # noqa: F401 (a fixture)
from tests.support.instances import House, make_house

YAML = """
kind: object
name: customer
title: name
owned: true
access: private
fields:
  name: {type: text, required: true}
  rate: {type: percent}
  stage: {type: choice, options: {new: New, contacted: Contacted, won: Won, lost: Lost}, default: new}
  reason: {type: text, since_stage: won}
  won_amount: {type: rollup, value: 'sum(deals.amount, stage == "won")'}
  half: {type: formula, value: won_amount / 2}
  with_tax: {type: formula, value: won_amount * 1.13 + 0.005}
  size: {type: rollup, value: sum(deals.weight)}
  share: {type: formula, value: size / 3}
stages:
  field: stage
  path:
    new: {to: [contacted, lost]}
    contacted: {to: [won, lost]}
---
kind: object
name: deal
title: name
owned: true
fields:
  name: {type: text}
  customer: {type: reference, to: customer, related: deals}
  amount: {type: money, currency: CNY}
  weight: {type: decimal, digits: 3}
  stage: {type: choice, options: {open: Open, won: Won}, default: open}
  closed_on: {type: date}
---
kind: role
name: seller
objects: {customer: {create: true, read: own, update: own}}
"""


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:  # noqa: F811 (a fixture)
    return make_house(tmp_path / "crm", database_url, {"all.yaml": YAML})


def customer(house: House, who: str = "admin") -> int:
    made = house.post("/api/customer", {"name": "Acme"}, who=who)
    assert made.status_code == 201, made.text
    return int(made.get_json()["id"])


def test_a_stage_that_others_lead_to_needs_no_line_of_its_own(house: House) -> None:
    one = customer(house)
    move = f"/api/customer/{one}/actions/move_stage"
    assert house.post(move, {"to": "won"}).status_code == 422
    assert house.post(move, {"to": "contacted"}).status_code == 200
    assert house.post(move, {"to": "won"}).get_json()["errors"][0]["field"] == "reason"
    moved = house.post(move, {"to": "won", "values": {"reason": "price"}})
    assert (moved.status_code, moved.get_json()["stage"]) == (200, "won")
    assert house.post(move, {"to": "new"}).status_code == 422


def test_money_keeps_its_digits_in_sums_rollups_and_formulas(house: House) -> None:
    one = customer(house)
    empty = house.get(f"/api/customer/{one}").get_json()
    assert (empty["won_amount"], empty["size"]) == ("0.00", "0.000")
    for amount in ("60000.50", "59999.50"):
        deal = {"name": "D", "customer": one, "amount": amount, "weight": "1.5", "stage": "won"}
        assert house.post("/api/deal", deal).status_code == 201
    found = house.get(f"/api/customer/{one}").get_json()
    keys = ("won_amount", "half", "with_tax", "size", "share")
    assert [found[key] for key in keys] == ["120000.00", "60000.00", "135600.00", "3.000", "1.0000"]
    measures = "sum(amount),max(amount),sum(weight)"
    total = house.get("/api/deal/aggregate", measures=measures).get_json()["data"]
    assert total == [{"sum(amount)": "120000.00", "max(amount)": "60000.50", "sum(weight)": "3.000"}]
    listed = house.get("/api/customer", where="won_amount == 120000", fields="won_amount").get_json()["data"]
    assert [row["won_amount"] for row in listed] == ["120000.00"]


def test_view360_is_the_record_its_parents_and_its_lists(house: House) -> None:
    one = customer(house)
    deal = house.post("/api/deal", {"name": "D", "customer": one, "amount": "1.00"}).get_json()["id"]
    page = house.get(f"/api/customer/{one}/view360").get_json()
    assert page["record"]["owner"]["title"] == "admin"
    assert page["record"]["won_amount"] == "0.00"
    deals = page["related"]["deals"]
    assert ([row["id"] for row in deals["data"]], deals["total"], deals["next"]) == ([deal], 1, None)
    assert house.get(f"/api/deal/{deal}/view360").get_json()["record"]["customer"]["name"] == "Acme"


def test_a_timeline_merges_changes_and_dated_children_newest_first(house: House) -> None:
    one = customer(house)
    house.post("/api/deal", {"name": "old", "customer": one, "closed_on": "2001-01-01"})
    house.post("/api/deal", {"name": "later", "customer": one, "closed_on": "2099-01-01"})
    house.post("/api/deal", {"name": "undated", "customer": one})
    house.patch(f"/api/customer/{one}", {"name": "Acme 2"})
    whole = house.get(f"/api/customer/{one}/timeline").get_json()
    said = [entry.get("title") or entry["action"] for entry in whole["data"]]
    assert said == ["later", "update", "create", "old"]
    first = house.get(f"/api/customer/{one}/timeline", limit=3).get_json()
    rest = house.get(f"/api/customer/{one}/timeline", limit=3, after=first["next"]).get_json()
    assert first["data"] + rest["data"] == whole["data"]
    assert rest["next"] is None
    for wrong in ({"after": "zzz"}, {"limit": "0"}, {"after": "dDk5OTk5OTk5"}, {"lim": "1"}):
        assert house.get(f"/api/customer/{one}/timeline", **wrong).status_code == 400, wrong


def test_a_page_tells_nothing_of_what_the_reader_may_not_see(house: House) -> None:
    house.person("li", "seller")
    mine, other = customer(house, "li"), customer(house)
    house.post("/api/deal", {"name": "secret", "customer": mine, "closed_on": "2001-01-01"})
    for page in ("view360", "timeline"):
        assert house.get(f"/api/customer/{other}/{page}", "li").status_code == 404
        seen = house.get(f"/api/customer/{mine}/{page}", "li")
        assert seen.status_code == 200
        assert "secret" not in seen.text
    assert house.get(f"/api/customer/{mine}/view360", "li").get_json()["related"] == {}
