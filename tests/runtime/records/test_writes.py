"""Creating and changing: values in, values out, and every refusal with its code, place and no trace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guanxi.common.errors import BadRequest, Forbidden, Invalid, NotFound, PreconditionRequired, Stale
from guanxi.runtime.access.actor import SYSTEM
from tests.runtime.records.conftest import House

BAD_IDS = (0, -1, 2**63, True, "1", None, 1.0)


def codes(caught: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(e.field, e.code) for e in caught.value.errors]


def refused(house: House, call, *expected: tuple[str, str]) -> None:
    """The call is refused with these faults and leaves no trace."""
    before = house.project.dump()
    with pytest.raises(Invalid) as caught:
        call()
    assert codes(caught) == list(expected)
    assert house.project.dump() == before


def test_create_answers_everything(house: House) -> None:
    product = house.records.create(house.admin, "product", {"name": "P"}).id
    saved = house.records.create(
        house.admin,
        "customer",
        {
            "name": " 北京 Acme ", "phone": "138 0013 8000", "email": "a@b.cn", "region": "east",
            "tags": ["x", "y", "x"],
            "revenue": "1200.50", "discount": "15", "note": "hi", "due": "2026-03-05",
            "seen_at": "2026-03-01T08:00:00+08:00",
            "extra": {"rooms": 3}, "products": [product], "closed": False, "secret": "s",
        },
    )  # fmt: skip
    record = dict(saved.record)
    assert (saved.id, saved.version) == (record["id"], 1)
    assert record["name"] == "北京 Acme"
    assert record["phone"] == "+8613800138000"
    assert record["tags"] == ["x", "y"]
    assert record["revenue"] == "1200.50"
    assert record["due"] == "2026-03-05"
    assert record["seen_at"] == "2026-03-01T00:00:00Z"
    assert record["extra"] == {"rooms": 3}
    assert record["products"] == [product]
    assert record["code"] == "C-2026-0001"
    assert record["net"] == "1020.42"  # money times a percent keeps the digits of money
    assert (record["owner"], record["created_by"]) == (house.admin.id, house.admin.id)
    assert record["created_at"] == "2026-03-01T08:00:00Z"


def test_defaults_constant_and_calculated(house: House) -> None:
    record = house.records.create(house.li, "customer", {"name": "A"}).record
    assert (record["region"], record["due"]) == ("north", "2026-03-08")
    assert house.records.create(house.li, "customer", {"name": "B", "region": None}).record["region"] is None


def test_creator_owns_and_brings_his_team(house: House) -> None:
    record = house.records.create(house.li, "customer", {"name": "A"}).record
    assert (record["owner"], record["team"]) == (house.li.id, house.li.team)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [("name", "required")]),
        ({"name": "  "}, [("name", "required")]),
        ({"name": "x" * 41}, [("name", "length")]),
        ({"name": 5}, [("name", "type")]),
        ({"name": "A", "nme": 1}, [("nme", "unknown_field")]),
        ({"name": "A", "secret": "x"}, [("secret", "unknown_field")]),
        ({"name": "A", "revenue": "1"}, [("revenue", "forbidden")]),
        ({"name": "A", "id": 1}, [("id", "read_only")]),
        ({"name": "A", "version": 1}, [("version", "read_only")]),
        ({"name": "A", "pool": "x"}, [("pool", "read_only")]),
        ({"name": "A", "owner": 1}, [("owner", "forbidden")]),
        ({"name": "A", "code": "C-1"}, [("code", "read_only")]),
        ({"name": "A", "net": "1"}, [("net", "read_only")]),
        ({"name": "A", "last_seen": "2026-01-01T00:00:00Z"}, [("last_seen", "read_only")]),
        ({"name": "A", "region": "west"}, [("region", "choice")]),
        ({"name": "A", "parent": 999}, [("parent", "reference")]),
        ({"name": "A", "parent": 0}, [("parent", "type")]),
        ({"name": "A", "products": [1, 999]}, [("products", "reference")]),
        ({"name": "A", "due": "2026-02-30"}, [("due", "type")]),
        ({"name": "A", "extra": {"rooms": "x"}}, [("extra", "type")]),
        ({"name": "A", "region": "east"}, [("phone", "rule"), ("email", "rule")]),
        ({"name": "a\x00b"}, [("name", "type")]),
        ({"name": "a\ud800"}, [("name", "type")]),
        ({"name": "A", "phone": 2**70}, [("phone", "type")]),
        ({"name": "A", "extra": float("nan")}, [("extra", "type")]),
        ({"name": ["A"]}, [("name", "type")]),
        ({"name": "A", "tags": {"a": 1}}, [("tags", "type")]),
    ],
)
def test_refusals_of_a_seller(house: House, values, expected) -> None:
    refused(house, lambda: house.records.create(house.li, "customer", values), *expected)


def test_deep_and_large_values_are_refused(house: House) -> None:
    deep: object = 1
    for _ in range(10_000):
        deep = [deep]
    for value in (deep, list(range(50_000))):
        with pytest.raises(Invalid):
            house.records.create(house.admin, "customer", {"name": "A", "extra": value})


@pytest.mark.parametrize("values", [None, [], "x", 5, [("name", "A")]])
def test_a_record_is_a_map(house: House, values) -> None:
    with pytest.raises(BadRequest):
        house.records.create(house.admin, "customer", values)


def test_odd_names_are_unknown(house: House) -> None:
    for name in ("\ud800", "a\x00", "名", "deleted_at", "x" * 5000, 5):
        with pytest.raises(Invalid) as caught:
            house.records.create(house.admin, "customer", {"name": "A", name: 1})
        caught.value.errors[0].field.encode("utf-8")


def test_messages_follow_the_language(house: House) -> None:
    chinese = replace(house.li, language="zh")
    with pytest.raises(Invalid) as caught:
        house.records.create(chinese, "customer", {"region": "east"})
    said = {e.field: e.message for e in caught.value.errors}
    assert said == {"name": "必须填写。", "phone": "请填写电话或邮箱", "email": "请填写电话或邮箱"}


def test_nearest_name_is_one_the_caller_may_know(house: House) -> None:
    with pytest.raises(Invalid) as caught:
        house.records.create(house.li, "customer", {"name": "A", "secre": 1})
    assert "secret" not in caught.value.errors[0].message.removeprefix("There is no field 'secre'.")


def test_condition_off_blanks_the_field(house: House) -> None:
    record = house.records.create(house.admin, "customer", {"name": "A", "note": "x"}).record
    assert record["note"] is None
    saved = house.records.create(
        house.admin, "customer", {"name": "B", "region": "east", "email": "a@b.cn", "note": "x"}
    )
    assert saved.record["note"] == "x"
    assert house.records.update(house.admin, "customer", saved.id, {"region": "north"}).record["note"] is None


def test_required_when(house: House) -> None:
    refused(
        house,
        lambda: house.records.create(house.admin, "customer", {"name": "A", "revenue": "1000"}),
        ("discount", "required"),
    )


def test_read_only_when_judges_the_record_as_it_was(house: House) -> None:
    saved = house.records.create(house.admin, "customer", {"name": "A", "discount": "5"})
    house.records.update(house.admin, "customer", saved.id, {"closed": True, "discount": "7"})
    refused(
        house,
        lambda: house.records.update(house.admin, "customer", saved.id, {"discount": "8", "closed": False}),
        ("discount", "read_only"),
    )
    assert house.records.update(house.admin, "customer", saved.id, {"discount": "7.00"}).version == 2


def test_unique_is_folded_and_names_the_field(house: House) -> None:
    house.records.create(house.admin, "customer", {"name": "Ａcme", "region": "north", "phone": "13800138000"})
    refused(
        house,
        lambda: house.records.create(house.wang, "customer", {"name": " aCME", "phone": "+86 13800138000"}),
        ("phone", "unique"),
        ("name", "unique"),
    )
    house.records.create(house.wang, "customer", {"name": "acme", "region": "east", "email": "a@b.cn"})


def test_unchanged_update_keeps_the_version(house: House) -> None:
    saved = house.records.create(house.admin, "customer", {"name": "A", "revenue": "5", "discount": "1"})
    before = house.project.dump()
    again = house.records.update(house.admin, "customer", saved.id, {"name": "A", "revenue": "5.00", "tags": []})
    assert (again.version, again.changed, house.project.dump()) == (1, frozenset(), before)


def test_update_moves_only_what_was_given(house: House) -> None:
    saved = house.records.create(house.admin, "customer", {"name": "A", "secret": "s", "tags": ["x"]})
    moved = house.records.update(house.admin, "customer", saved.id, {"name": "B", "tags": None})
    assert (moved.version, moved.changed) == (2, {"name", "tags"})
    assert (moved.record["name"], moved.record["tags"], moved.record["secret"]) == ("B", None, "s")


def test_versions(house: House) -> None:
    saved = house.records.create(house.admin, "customer", {"name": "A"})
    house.records.update(house.admin, "customer", saved.id, {"name": "B"}, version=1)
    with pytest.raises(Stale) as caught:
        house.records.update(house.admin, "customer", saved.id, {"name": "C"}, version=1)
    assert caught.value.current_version == 2
    deal = house.records.create(house.li, "deal", {"name": "D"})
    with pytest.raises(PreconditionRequired):
        house.records.update(house.li, "deal", deal.id, {"name": "E"})
    assert house.records.update(house.li, "deal", deal.id, {"name": "E"}, version=1).version == 2
    with pytest.raises(BadRequest):
        house.records.update(house.li, "deal", deal.id, {"name": "E"}, version="1")


@pytest.mark.parametrize("number", BAD_IDS)
def test_what_can_be_no_id_is_not_found(house: House, number) -> None:
    for call in (
        lambda: house.records.update(house.admin, "customer", number, {"name": "B"}),
        lambda: house.records.delete(house.admin, "customer", number),
        lambda: house.records.restore(house.admin, "customer", number),
        lambda: house.records.act(house.admin, "customer", number, "close", {}),
    ):
        with pytest.raises(NotFound):
            call()


def test_scope(house: House) -> None:
    mine = house.records.create(house.li, "customer", {"name": "A"}).id
    with pytest.raises(Forbidden):
        house.records.update(house.wang, "customer", mine, {"name": "B"})
    far = house.records.create(house.chen, "customer", {"name": "F"}).id
    with pytest.raises(NotFound):
        house.records.update(house.li, "customer", far, {"name": "B"})
    with pytest.raises(Forbidden):
        house.records.create(house.watcher, "customer", {"name": "B"})
    with pytest.raises(NotFound):
        house.records.create(house.watcher, "deal", {"name": "B"})


def test_nobody_writes_a_record_out_of_his_scope(house: House) -> None:
    number = house.records.create(house.chen, "customer", {"name": "F", "email": "a@b.cn"}).id
    before = house.project.dump()
    with pytest.raises(Forbidden):
        house.records.update(house.chen, "customer", number, {"region": "east"})
    assert house.project.dump() == before


def test_owner_on_create_by_those_who_assign(house: House) -> None:
    record = house.records.create(house.admin, "customer", {"name": "A", "owner": house.li.id}).record
    assert (record["owner"], record["team"]) == (house.li.id, house.li.team)
    refused(
        house,
        lambda: house.records.create(house.admin, "customer", {"name": "B", "owner": 999}),
        ("owner", "reference"),
    )
    refused(
        house,
        lambda: house.records.update(house.admin, "customer", record["id"], {"owner": house.admin.id}),
        ("owner", "read_only"),
    )


def test_reference_out_of_sight_is_like_none(house: House) -> None:
    far = house.records.create(house.chen, "customer", {"name": "F"}).id
    answers = []
    for number in (far, 9_999):
        with pytest.raises(Invalid) as caught:
            house.records.create(house.li, "contact", {"name": "A", "customer": number})
        answers.append([(e.field, e.code, e.message.replace(str(number), "N")) for e in caught.value.errors])
    assert answers[0] == answers[1]


def test_the_platform_writes_read_only_fields(house: House) -> None:
    saved = house.records.create(SYSTEM, "customer", {"name": "A", "last_seen": "2026-01-01T00:00:00Z"})
    assert saved.record["last_seen"] == "2026-01-01T00:00:00Z"
    assert saved.record["owner"] is None


def test_validate_writes_nothing(house: House) -> None:
    before = house.project.dump()
    found = house.records.validate(house.li, "customer", {"name": "", "region": "west"})
    assert [(e.field, e.code) for e in found] == [("region", "choice"), ("name", "required")]
    assert house.records.validate(house.li, "customer", {"name": "A"}) == ()
    assert house.project.dump() == before


def test_history_and_outbox_tell_each_write(house: House) -> None:
    number = house.records.create(house.li, "customer", {"name": "A"}).id
    house.records.update(house.li, "customer", number, {"name": "B"})
    rows = house.project.db.rows(
        "SELECT action, version, by_id, changes FROM gx_history WHERE object = 'customer' ORDER BY id"
    )
    assert [r[:3] for r in rows] == [("create", 1, house.li.id), ("update", 2, house.li.id)]
    assert '"name":{"from":"A","to":"B"}' in rows[1][3]
    kinds = house.project.db.rows("SELECT kind FROM gx_outbox WHERE object = 'customer' ORDER BY id")
    assert [k for (k,) in kinds] == ["record.created", "record.updated"]
