"""What happens to a record after it was made: stages, actions, trash, cascades, keys, batches, bulk, duplicates."""

from __future__ import annotations

import pytest

from guanxi.common.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound
from guanxi.runtime.access.actor import SYSTEM
from tests.runtime.records.conftest import House


def faults(caught: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(e.field, e.code) for e in caught.value.errors]


def refused(house: House, call, *expected: tuple[str, str]) -> None:
    before = house.project.dump()
    with pytest.raises(Invalid) as caught:
        call()
    assert faults(caught) == list(expected)
    assert house.project.dump() == before


def live(house: House, object_name: str) -> int:
    return house.project.db.rows(f'SELECT count(*) FROM "o_{object_name}" WHERE deleted_at IS NULL')[0][0]


# stages ---------------------------------------------------------------------------------------------
def move(house: House, number: int, to: str, **values):
    return house.records.act(house.li, "deal", number, "move_stage", {"to": to, "values": values, "version": None})


def version(house: House, number: int) -> int:
    return house.records.get(house.li, "deal", number)["version"]


def stage_to(house: House, number: int, to: str, **values):
    payload = {"to": to, "values": values, "version": version(house, number)}
    return house.records.act(house.li, "deal", number, "move_stage", payload)


def test_stages(house: House) -> None:
    deal = house.records.create(house.li, "deal", {"name": "D"})
    assert deal.record["stage"] == "new"
    number = deal.id
    refused(house, lambda: stage_to(house, number, "won"), ("stage", "stage"))
    refused(house, lambda: stage_to(house, number, "offer", need="n"), ("stage", "stage"))
    refused(house, lambda: stage_to(house, number, "offer", amount="5"), ("need", "required"))
    refused(house, lambda: stage_to(house, number, "nowhere"), ("stage", "stage"))
    assert stage_to(house, number, "offer", amount="5", need="n")["stage"] == "offer"
    refused(house, lambda: stage_to(house, number, "won"), ("customer", "required"))
    customer = house.records.create(house.li, "customer", {"name": "A"}).id
    won = stage_to(house, number, "won", customer=customer)
    assert (won["stage"], won["reason"]) == ("won", "well done")
    refused(
        house,
        lambda: house.records.update(house.li, "deal", number, {"stage": "new"}, version=version(house, number)),
        ("stage", "stage"),
    )


def test_a_new_record_starts_at_the_beginning(house: House) -> None:
    refused(house, lambda: house.records.create(house.li, "deal", {"name": "D", "stage": "lost"}), ("stage", "stage"))
    refused(
        house,
        lambda: house.records.create(house.admin, "deal", {"name": "D", "stage": "lost", "need": "n"}),
        ("reason", "required"),
    )
    made = house.records.create(house.admin, "deal", {"name": "D", "stage": "lost", "need": "n", "reason": "r"})
    assert made.record["stage"] == "lost"


# actions --------------------------------------------------------------------------------------------
def test_declared_action(house: House) -> None:
    number = house.records.create(house.li, "customer", {"name": "A", "region": "east", "email": "a@b.cn"}).id
    answer = house.records.act(house.li, "customer", number, "close", {})
    assert (answer["closed"], answer["note"]) == (True, "closed by li")
    assert live(house, "product") == 1
    before = house.project.dump()
    with pytest.raises(Conflict):
        house.records.act(house.li, "customer", number, "close", {})
    with pytest.raises(NotFound):
        house.records.act(house.li, "customer", number, "clos", {})
    with pytest.raises(Forbidden):
        house.records.act(house.watcher, "customer", number, "close", {})
    with pytest.raises(BadRequest):
        house.records.act(house.li, "customer", number, "close", {"x": 1})
    assert house.project.dump() == before


def test_assign(house: House) -> None:
    number = house.records.create(house.chen, "customer", {"name": "A"}).id
    answer = house.records.act(house.chen, "customer", number, "assign", {"owner": house.li.id, "reason": "moved"})
    assert (answer["owner"], answer["team"]) == (house.li.id, house.li.team)
    changes = house.project.db.rows("SELECT changes FROM gx_history WHERE action = 'assign'")[0][0]
    assert '"reason":"moved"' in changes
    with pytest.raises(Forbidden):
        house.records.act(house.li, "customer", number, "assign", {"owner": house.wang.id})
    for owner, code in ((9_999, "reference"), ("x", "type"), (None, "required")):
        refused(
            house,
            lambda owner=owner: house.records.act(house.chen, "customer", number, "assign", {"owner": owner}),
            ("owner", code),
        )


# trash ----------------------------------------------------------------------------------------------
def test_trash_cascade_and_back(house: House) -> None:
    customer = house.records.create(house.li, "customer", {"name": "A"}).id
    first, second = (
        house.records.create(house.li, "contact", {"name": n, "customer": customer}).id for n in ("x", "y")
    )
    house.project.clock.advance(seconds=1)
    house.records.delete(house.li, "contact", first)
    house.project.clock.advance(seconds=1)
    house.records.delete(house.li, "customer", customer)
    assert (live(house, "customer"), live(house, "contact")) == (0, 0)
    with pytest.raises(NotFound):
        house.records.update(house.li, "customer", customer, {"name": "B"})
    with pytest.raises(NotFound):
        house.records.delete(house.li, "customer", customer)
    back = house.records.restore(house.li, "customer", customer)
    assert (back.record["name"], back.version) == ("A", 3)
    assert live(house, "contact") == 1
    assert house.records.get(house.li, "contact", second)["name"] == "y"
    with pytest.raises(NotFound):
        house.records.restore(house.li, "customer", customer)


def test_restrict_names_what_the_actor_may_see(house: House) -> None:
    parent = house.records.create(house.chen, "customer", {"name": "A"}).id
    house.records.create(house.chen, "customer", {"name": "B", "parent": parent})
    before = house.project.dump()
    with pytest.raises(Invalid) as caught:
        house.records.delete(house.chen, "customer", parent)
    assert faults(caught) == [("", "reference")]
    assert "1 records of Customers" in caught.value.errors[0].message
    assert house.project.dump() == before


def test_clear_and_links_lose_the_record(house: House) -> None:
    customer = house.records.create(house.li, "customer", {"name": "A"}).id
    buddy = house.records.create(house.li, "contact", {"name": "x", "customer": customer}).id
    other = house.records.create(house.li, "contact", {"name": "y", "customer": customer, "buddy": buddy}).id
    house.records.delete(house.li, "contact", buddy)
    assert house.records.get(house.li, "contact", other)["buddy"] is None
    one, two = (house.records.create(house.admin, "product", {"name": n}).id for n in "ab")
    house.records.update(house.li, "customer", customer, {"products": [two, one]})
    house.records.delete(house.admin, "product", two)
    assert house.records.get(house.li, "customer", customer)["products"] == [one]


def test_restoring_asks_unique_keys_again(house: House) -> None:
    number = house.records.create(house.li, "customer", {"name": "A", "phone": "13800138000"}).id
    house.records.delete(house.li, "customer", number)
    house.records.create(house.li, "customer", {"name": "B", "phone": "13800138000"})
    refused(house, lambda: house.records.restore(house.li, "customer", number), ("phone", "unique"))


def test_for_good(house: House) -> None:
    number = house.records.create(house.li, "customer", {"name": "A"}).id
    house.records.create(house.li, "contact", {"name": "x", "customer": number})
    with pytest.raises(Forbidden):
        house.records.delete(house.li, "customer", number, permanent=True)
    house.records.delete(house.admin, "customer", number, permanent=True)
    assert (house.project.count("o_customer"), house.project.count("o_contact")) == (0, 0)
    rows = house.project.db.rows("SELECT action, changes FROM gx_history WHERE object = 'customer'")
    assert rows == [("purge", "{}")]
    assert house.records.create(house.li, "customer", {"name": "A"}).id > number


# keys, batches, bulk --------------------------------------------------------------------------------
def test_upsert(house: House) -> None:
    key = {"name": "Acme", "region": "north"}
    outcome, made = house.records.upsert(house.li, "customer", key, {"email": "a@b.cn"})
    assert outcome == "created"
    assert house.records.upsert(house.li, "customer", {"name": "ACME", "region": "north"}, {"email": "c@d.cn"})[0] == (
        "updated"
    )
    assert house.records.upsert(house.li, "customer", key, {"email": "c@d.cn"})[0] == "unchanged"
    for key, code in (({"secret": "x"}, "unknown_field"), ({"name": None}, "required"), ({"name": 5}, "type")):
        with pytest.raises(Invalid) as caught:
            house.records.upsert(house.li, "customer", key, {})
        assert faults(caught)[0][1] == code
    with pytest.raises(BadRequest):
        house.records.upsert(house.li, "customer", {}, {})
    assert made.id


OPERATIONS = [
    {"op": "create", "values": {"name": "A"}},
    {"op": "create", "values": {"name": ""}},
    {"op": "update", "id": 999, "values": {"name": "B"}},
    {"op": "upsert", "key": {"name": "A", "region": "north"}, "values": {"email": "a@b.cn"}},
    {"op": "dance"},
]


def test_batch(house: House) -> None:
    before = house.project.dump()
    answers = house.records.batch(house.li, "customer", OPERATIONS)
    assert [a["status"] for a in answers] == [424, 422, 404, 424, 400]
    assert house.project.dump() == before
    answers = house.records.batch(house.li, "customer", OPERATIONS, atomic=False)
    assert [a["status"] for a in answers] == [201, 422, 404, 200, 400]
    assert answers[1]["errors"] == [{"field": "name", "code": "required", "message": "A value must be given."}]
    assert answers[3]["version"] == 2
    with pytest.raises(BadRequest):
        house.records.batch(house.li, "customer", [{}] * 1001)


def test_bulk_judges_every_row(house: House) -> None:
    house.records.create(house.admin, "customer", {"name": "taken"})
    rows = [
        {"name": "A", "phone": "13800138000"},
        {"name": "taken"},
        {"name": "B", "phone": "13800138000"},
        {"nme": 1, "name": "C"},
        {"name": "D", "parent": 999},
        {"name": "A "},
        {"name": "E", "region": "east"},
        None,
        {"name": "F"},
    ]
    result = house.records.bulk_create(house.li, "customer", rows)
    assert [i is not None for i in result.ids] == [True, False, False, False, False, False, False, False, True]
    assert {k: v[0].code for k, v in result.errors.items()} == {
        1: "unique", 2: "unique", 3: "unknown_field", 4: "reference", 5: "unique", 6: "rule", 7: "bad_request",
    }  # fmt: skip
    record = house.records.get(house.li, "customer", result.ids[8])
    assert (record["code"], record["owner"], record["team"]) == ("C-2026-0003", house.li.id, house.li.team)
    actions = house.project.db.rows("SELECT count(*) FROM gx_history WHERE object = 'customer' AND action = 'create'")
    assert actions[0][0] == 3
    assert house.records.create(house.li, "customer", {"name": "G"}).id > result.ids[8]


def test_bulk_takes_typed_values(house: House) -> None:
    rows = [{"name": "A", "revenue": "1,200.50", "due": "2026/3/5", "discount": "5", "closed": "是"}]
    result = house.records.bulk_create(SYSTEM, "customer", rows, typed=True)
    record = house.records.get(house.admin, "customer", result.ids[0])
    assert (record["revenue"], record["due"], record["closed"]) == ("1200.50", "2026-03-05", True)


# duplicates -----------------------------------------------------------------------------------------
def test_duplicates(house: House) -> None:
    first = house.records.create(house.li, "lead", {"name": "北京大地科技有限公司", "phone": "13800138000"})
    refused(
        house,
        lambda: house.records.create(
            house.wang, "lead", {"name": "别的", "phone": "138-0013-8000"}, force_duplicates=True
        ),
        ("phone", "duplicate"),
    )
    refused(
        house,
        lambda: house.records.create(house.wang, "lead", {"name": "北京大地科技股份有限公司"}),
        ("name", "duplicate"),
    )
    with pytest.raises(Invalid) as caught:
        house.records.create(house.wang, "lead", {"name": "北京大地科技"})
    assert str(first.id) not in caught.value.errors[0].message
    with pytest.raises(Invalid) as caught:
        house.records.create(house.li, "lead", {"name": "北京大地科技"})
    assert f"#{first.id}" in caught.value.errors[0].message
    house.records.create(house.wang, "lead", {"name": "北京大地科技"}, force_duplicates=True)
    house.records.create(house.wang, "lead", {"name": "上海大海贸易有限公司"})
    house.records.update(house.li, "lead", first.id, {"city": "x"})
