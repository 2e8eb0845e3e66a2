"""Duplicates: normal forms, what is refused and what is told, races for one company, keys that follow every write."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from guanxi.common.errors import GuanxiError, Invalid
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.merging import keys
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project


@pytest.mark.parametrize(
    ("by", "one", "other"),
    [
        ("company_name", "华为技术有限公司", "华为技术（有限公司）"),
        ("company_name", "ＡＢＣ Inc.", "abc incorporated"),
        ("company_name", "華為技術有限公司", "华为技术有限公司"),
        ("company_name", "Lan Xin Trading Co., Ltd.", "LAN-XIN TRADING"),
        ("phone", "+8613800138000", "+8613800138000;ext=12"),
        ("email", " Li@Example.com ", "li@example.COM"),
        ("domain", "li@example.com", "https://www.example.com/about?x=1"),
        ("code", "91440300 7085 3060 5B", "914403007085306 05b"),
        ("person_name", "Anna Maria Schmidt", "Schmidt, Anna  Maria"),
        ("person_name", "王 小明", "王小明"),
    ],
)
def test_forms_that_are_the_same(by: str, one: str, other: str) -> None:
    assert keys.normal(by, one) == keys.normal(by, other) != ""


@pytest.mark.parametrize(
    ("by", "one", "other"),
    [
        ("company_name", "华为技术有限公司", "华为技术有限公司上海分公司"),
        ("company_name", "华信（上海）有限公司", "华信（北京）有限公司"),
        ("person_name", "王小明", "王晓明"),
    ],
)
def test_forms_that_differ(by: str, one: str, other: str) -> None:
    assert keys.normal(by, one) != keys.normal(by, other)


def test_placeholders_and_free_mail_say_nothing() -> None:
    assert [keys.normal("phone", p) for p in ("+8611111111111", "+86012345678", "+8600000000")] == ["", "", ""]
    assert keys.normal("domain", "li@qq.com") == keys.normal("domain", "x") == ""


@pytest.mark.parametrize("form", ["abcdefgh", "华为技术股份", "abcde", "northwind traders"])
def test_forms_that_differ_in_one_place_share_a_block(form: str) -> None:
    for place in range(len(form)):
        assert keys.blocks(form) & keys.blocks(form[:place] + "x" + form[place:]), place
        assert keys.blocks(form) & keys.blocks(form[:place] + form[place + 1 :]) or len(form) < 8, place


WORLD = """
kind: object
name: account
label: Account
title: name
owned: true
fields:
  name: {type: company_name, required: true}
  uscc: {type: uscc}
  phone: {type: phone}
  secret: {type: text}
duplicates:
  same_code: {match: [{field: uscc, by: code}], action: block}
  like_name: {match: [{field: name, by: company_name}], action: warn, score: 0.85}
---
kind: object
name: lead
label: Lead
title: name
owned: true
fields:
  name: {type: text, required: true}
  company: {type: company_name}
  phone: {type: phone}
duplicates:
  same_phone: {match: [{field: phone, by: phone}], action: block, across: [account]}
  known_company: {match: [{field: company, by: company_name, in: {account: name}}], across: [account]}
---
kind: role
name: sales
includes: [employee]
objects:
  account: {create: true, read: own, update: own, delete: own, restore: own, merge: own, fields: {secret: none}}
  lead: {create: true, read: own, update: own, delete: own}
"""
CODE = "914403007085306055"


@dataclass
class World:
    project: Project
    li: Actor
    wang: Actor

    def make(self, actor: Actor, name: str, object_name: str = "account", *, force: bool = False, **more: Any) -> int:
        values = {"name": name, **more}
        return int(self.project.records.create(actor, object_name, values, force_duplicates=force).id)

    def check(self, actor: Actor, object_name: str = "account", **values: Any) -> list[dict[str, Any]]:
        return list(self.project.records.duplicates(actor, object_name, values))


@pytest.fixture
def world(database: Handle) -> World:
    made = project(database, WORLD)
    return World(made, made.user("li", ["sales"]), made.user("wang", ["sales"]))


def refusal(do: Any) -> Any:
    with pytest.raises(Invalid) as caught:
        do()
    return caught.value.errors[0]


def test_others_records_are_told_by_owner_and_state_only(world: World) -> None:
    number = world.make(world.li, "华为技术有限公司", uscc=CODE)
    mine = refusal(lambda: world.make(world.li, "x", uscc=CODE))
    assert (mine.code, mine.match["id"], mine.match["state"]) == ("duplicate", number, "mine")
    other = refusal(lambda: world.make(world.wang, "x", uscc=CODE, force=True))
    assert other.match == {
        "object": "account",
        "owner": "li",
        "state": "other",
        "rule": "same_code",
        "score": 1.0,
        "strength": "strong",
    }
    assert str(number) not in other.message
    assert "华为" not in other.message
    assert world.check(world.wang, name="華為技術（有限公司）")[0]["strength"] == "weak"
    assert world.check(world.wang, name="大地") == []
    with pytest.raises(Invalid):
        world.check(world.wang, secret="x")
    assert world.check(world.wang, uscc="half", name="y") == []


def test_a_rule_looks_into_other_objects(world: World) -> None:
    number = world.make(world.li, "北京大地科技有限公司", phone="13800138001")
    found = refusal(lambda: world.make(world.li, "Lead", "lead", phone="+86 138-0013-8001"))
    assert (found.field, found.match["object"], found.match["id"]) == ("phone", "account", number)
    found = refusal(lambda: world.make(world.wang, "Lead", "lead", company="北京大地科技"))
    assert (found.field, found.match["state"], "id" in found.match) == ("company", "other", False)
    world.make(world.wang, "Lead", "lead", company="北京大地科技", force=True)


def test_keys_follow_every_write(world: World) -> None:
    records = world.project.records
    one = world.make(world.li, "One", uscc=CODE)
    records.delete(world.li, "account", one)
    assert [m["state"] for m in world.check(world.li, uscc=CODE)] == ["trash"]
    assert world.check(world.wang, uscc=CODE) == []
    two = world.make(world.li, "Two two", uscc=CODE)
    assert refusal(lambda: records.restore(world.li, "account", one)).code == "duplicate"
    records.update(world.li, "account", two, {"uscc": None})
    records.restore(world.li, "account", one)
    assert refusal(lambda: records.update(world.li, "account", two, {"uscc": CODE})).code == "duplicate"
    result = records.bulk_create(world.li, "account", [{"name": "b", "uscc": CODE}, {"name": "Three"}])
    assert [number is None for number in result.ids] == [True, False]
    assert result.errors[0][0].match["id"] == one
    records.delete(world.li, "account", two)
    world.project.db.execute("DELETE FROM gx_key_specs")
    world.project.services.records.room.shared.pop("keys")
    assert [m["id"] for m in world.check(world.li, uscc=CODE)] == [one]


def test_merged_records_give_their_keys_and_get_them_back(world: World) -> None:
    records = world.project.records
    one, two = world.make(world.li, "One one"), world.make(world.li, "Two two", uscc=CODE)
    done = records.act(world.li, "account", one, "merge", {"losers": [two]})
    assert [m["id"] for m in world.check(world.li, uscc=CODE)] == [one]
    assert refusal(lambda: world.make(world.li, "x", uscc=CODE)).match["id"] == one
    records.act(world.li, "account", one, "undo_merge", {"merge_id": done["merge_id"]})
    assert [m["id"] for m in world.check(world.li, uscc=CODE)] == [two]
    records.act(world.li, "account", one, "merge", {"losers": [two]})
    records.update(world.li, "account", one, {"uscc": None})
    world.make(world.li, "New owner of the code", uscc=CODE)
    merge = world.project.db.one("SELECT max(id) FROM gx_merges")
    error = refusal(lambda: records.act(world.li, "account", one, "undo_merge", {"merge_id": merge[0]}))
    assert error.code == "duplicate"


def test_not_a_duplicate_is_remembered_until_a_strong_key_changes(world: World) -> None:
    records = world.project.records
    one = world.make(world.li, "北京大地科技有限公司")
    two = world.make(world.li, "北京大地科技股份有限公司", force=True)
    change = {"name": "北京大地科技"}
    assert refusal(lambda: records.update(world.li, "account", two, change)).match["id"] == one
    records.act(world.li, "account", two, "not_duplicate", {"other": one})
    records.update(world.li, "account", two, change)
    records.update(world.li, "account", one, {"uscc": CODE})
    assert refusal(lambda: records.update(world.li, "account", two, {"name": "北京大地科技集团"})).match["id"] == one


def test_two_who_make_one_company_at_once_end_with_one(world: World) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(6)

    def run(number: int) -> None:
        actor = (world.li, world.wang)[number % 2]
        start.wait()
        try:
            world.make(actor, f"Company {number}", uscc=CODE)
            outcomes.append("made")
        except GuanxiError as error:
            outcomes.append(error.errors[0].code if isinstance(error, Invalid) else error.code)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["duplicate"] * 5 + ["made"]
    assert world.project.count("o_account") == 1


def test_looking_reads_an_index_not_the_table(world: World) -> None:
    db = world.project.db
    rows = [("account", n, "company_name", f"k{n}", 0, 1) for n in range(20_000)]
    with db.write():
        db.insert_many("gx_keys", ("object", "record_id", "kind", "value", "strong", "live"), rows)
    db.analyze()
    explain = "EXPLAIN QUERY PLAN " if db.engine == "sqlite" else "EXPLAIN "
    sql = (
        "SELECT record_id, live FROM gx_keys WHERE object = ? AND kind = ? AND value IN (?, ?) AND record_id <> ?"
        " AND live = 1 ORDER BY record_id DESC LIMIT 500"
    )
    plan = " ".join(str(row[-1]) for row in db.rows(db.sql(explain + sql), ("account", "company_name", "k1", "k2", 0)))
    assert "ix_gx_keys_value" in plan
    assert "Seq Scan" not in plan
