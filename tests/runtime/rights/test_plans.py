"""What a plan says about rights, and duties held apart, through a whole instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instances import House, make_house

OBJECT = """
kind: object
name: payment
title: name
owned: true
fields:
  name: {type: text, required: true}
  amount: {type: money}
actions:
  pay_out: {label: Release, do: [{set: {name: '"released"'}}]}
"""
ROLES = """
kind: role
name: clerk
includes: [employee]
objects: {{payment: {{create: true, read: {read}, update: own, fields: {{amount: {amount}}}}}}}
---
kind: role
name: releaser
includes: [employee]
objects: {{payment: {{read: all}}}}
actions: [payment.pay_out]
"""
DUTY = """
kind: duty
name: four_eyes
label: {en: Four eyes, zh: 双人复核}
apart: [payment.create, payment.pay_out]
severity: refuse
"""


def files(read: str = "all", amount: str = "edit", *more: str) -> dict[str, str]:
    return {"object.yaml": OBJECT, "roles.yaml": "\n---\n".join([ROLES.format(read=read, amount=amount), *more])}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    made = make_house(tmp_path / "instance", database_url, files())
    for name in ("ann", "bob"):
        made.person(name, "clerk")
    made.person("rel", "releaser")
    for who, count in (("ann", 2), ("bob", 1)):
        for number in range(count):
            assert made.post("/api/payment", {"name": f"{who}{number}"}, who).status_code == 201
    yield made
    made.close()


def planned(house: House, texts: dict[str, str]) -> list[str]:
    answer = house.post("/api/meta/plan", {"files": texts})
    assert answer.status_code == 200, answer.text
    return [one["message"] for one in answer.json["findings"] if one["code"] in ("access", "duty")]


def test_a_plan_counts_who_loses_and_gains_sight(house: House) -> None:
    assert planned(house, files()) == []
    assert planned(house, files("own", "none")) == [
        "role clerk: 2 people lose sight of 3 payments",
        "role clerk: payment.amount edit → none for 2 people",
    ]
    assert house.publish(files("own", "none")).status_code == 200
    assert planned(house, files("all", "none")) == ["role clerk: 2 people gain sight of 3 payments"]
    share = 'kind: share\nname: open\nobject: payment\nwhere: name == "ann0"\nwith: {role: clerk}\naccess: edit'
    assert planned(house, files("own", "none", share)) == [
        "share open: 1 person gains sight of 1 payment",
        "share open: 1 person may newly change 1 payment",
    ]
    closed = "kind: restriction\nname: shut\nobject: payment\nfor: everyone\ndeny: [update]"
    assert "restriction shut: 2 people may no longer change 3 payments" in planned(house, files("own", "none", closed))


def test_roles_that_break_a_duty_are_not_given(house: House) -> None:
    assert house.publish(files("all", "edit", DUTY)).status_code == 200
    roles = {row["name"]: row["id"] for row in house.get("/api/role").json["data"]}
    ann = next(row["id"] for row in house.get("/api/user").json["data"] if row["name"] == "ann")
    both = {"roles": [roles["clerk"], roles["releaser"]]}
    refused = house.patch(f"/api/user/{ann}", both)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["code"] == "duty"
    assert "payment.create" in refused.json["errors"][0]["message"]
    assert house.post("/api/user", {"name": "new", **both}).status_code == 422
    batch = house.post("/api/user/batch", {"operations": [{"op": "update", "id": ann, "values": both}]})
    assert batch.json["results"][0]["status"] == 422
    assert house.get(f"/api/user/{ann}").json["roles"] == [roles["clerk"]]


def test_a_plan_names_people_who_would_break_a_duty(house: House) -> None:
    house.person("both", "clerk", "releaser")
    assert planned(house, files("all", "edit", DUTY)) == [
        "duty four_eyes: both would have payment.create and payment.pay_out"
    ]
    assert house.publish(files("all", "edit", DUTY)).status_code == 409
    warned = DUTY.replace("refuse", "warn")
    assert house.publish(files("all", "edit", warned)).status_code == 200
    alone = (
        ROLES.format(read="all", amount="edit").replace("name: clerk", "name: one").replace("releaser", "other")
        + "---\nkind: role\nname: mighty\nincludes: [one, other]\n"
    )
    assert "duty four_eyes: the role mighty alone has payment.create and payment.pay_out" in planned(
        house, files("all", "edit", warned, alone)
    )
