"""A written record is answered exactly as reading it answers, whoever writes and whatever may be seen."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

KINDS = """
kind: object
name: thing
title: a_text
owned: true
fields:
  a_text: {type: text, search: true}
  long: {type: long_text}
  rich: {type: rich_text}
  email: {type: email, search: true}
  phone: {type: phone, region: CN}
  url: {type: url}
  number: {type: integer}
  exact: {type: decimal, digits: 6}
  money: {type: money}
  percent: {type: percent, digits: 0}
  flag: {type: boolean}
  day: {type: date}
  instant: {type: datetime}
  clock: {type: time}
  lasts: {type: duration}
  one: {type: choice, options: {north: North, east: East}}
  some: {type: choices, options: {north: North, east: East}}
  tags: {type: tags}
  other: {type: reference, to: thing, related: seconds}
  others: {type: references, to: thing, related: back}
  person: {type: user}
  address: {type: address}
  place: {type: location}
  stars: {type: rating}
  color: {type: color}
  extra: {type: json}
  code: {type: auto_number, format: "T-{0000}"}
  company: {type: company_name, search: true}
  card: {type: id_card_cn}
---
kind: role
name: seller
includes: [employee]
objects:
  thing:
    create: true
    read: own
    update: own
    fields: {email: masked, phone: masked, money: masked, day: masked, tags: masked, others: masked, card: none}
---
kind: role
name: narrow
includes: [employee]
objects:
  thing: {create: true, read: where, update: own, where: number > 10}
---
kind: role
name: scribe
includes: [employee]
objects:
  thing: {create: true, read: none, update: none}
"""
FULL: dict[str, Any] = {
    "a_text": "Lan Xin 蓝信", "long": "Met.\nTwice.", "rich": "<p>Two <b>x</b></p>", "email": "li@Example.com",
    "phone": "13800138000", "url": "https://example.com/a", "number": -9_007_199_254_740_993, "exact": "-0.5",
    "money": "1200.5", "percent": "15", "flag": False, "day": "2026-03-01", "instant": "2026-03-01T16:00:00.25+08:00",
    "clock": "08:30", "lasts": 5400, "one": "east", "some": ["east", "north"], "tags": ["VIP", "展会"],
    "address": {"country": "CN", "province": "浙江省", "city": "杭州市", "street": "文三路 90 号"},
    "place": {"lat": 30.2741, "lon": 120.1551}, "stars": 4, "color": "#1F6FEB", "extra": {"b": [1, 2.5], "a": None},
    "company": "杭州蓝信贸易有限公司", "card": "11010519491231002X",
}  # fmt: skip


@pytest.fixture
def world(database: Handle) -> Project:
    return project(database, KINDS, listen=("thing",))


def text(record: Any) -> bytes:
    """A record as JSON, so that 1 is not True and 1.50 is not 1.5."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


@pytest.mark.parametrize("roles", [["administrator"], ["seller"], ["narrow"]])
def test_what_is_answered_is_what_is_read(world: Project, roles: list[str]) -> None:
    actor, records = world.user("li", roles=roles), world.records
    writable = dict(FULL)
    if roles == ["seller"]:
        for name in ("email", "phone", "money", "day", "tags", "card"):
            del writable[name]
    first = records.create(actor, "thing", {"a_text": "one", "number": 11})
    assert text(first.record) == text(records.get(actor, "thing", first.id))
    more = {"other": first.id, "number": 12, "others": [first.id]}
    if roles == ["seller"]:
        del more["others"]
    made = records.create(actor, "thing", writable | more)
    assert text(made.record) == text(records.get(actor, "thing", made.id))
    for change in (FULL | more, {"a_text": "two"}, {"instant": None, "some": [], "address": None, "extra": [1]}):
        given = {name: value for name, value in change.items() if name in writable or name in more}
        saved = records.update(actor, "thing", made.id, given)
        assert text(saved.record) == text(records.get(actor, "thing", made.id))
        found, again = records.upsert(SYSTEM, "thing", {"code": "T-0002"}, {"a_text": "up"})
        assert found in ("updated", "unchanged")
        assert text(again.record) == text(records.get(SYSTEM, "thing", made.id))


def test_masked_and_hidden_values_stay_so_in_the_answer(world: Project) -> None:
    actor = world.user("li", roles=["seller"])
    made = world.records.create(SYSTEM, "thing", FULL | {"owner": actor.id})
    saved = world.records.update(actor, "thing", made.id, {"a_text": "seen"})
    assert saved.record["a_text"] == "seen"
    assert "card" not in saved.record
    for name in ("email", "phone", "money", "day", "tags"):
        assert saved.record[name] != made.record[name]
        assert "*" in str(saved.record[name])


def test_who_may_not_read_gets_the_id_and_the_version_only(world: Project) -> None:
    scribe, narrow = world.user("wen", roles=["scribe"]), world.user("he", roles=["narrow"])
    for actor in (scribe, narrow):
        saved = world.records.create(actor, "thing", {"number": 3})
        assert saved.record == {"id": saved.id, "version": 1}


def test_a_new_row_leaves_one_history_one_outbox_and_one_search_entry(world: Project) -> None:
    actor = world.user("li", roles=["administrator"])
    before = [world.count(name) for name in ("gx_history", "gx_outbox", "s_thing")]
    made = world.records.create(actor, "thing", FULL)
    assert [world.count(name) for name in ("gx_history", "gx_outbox", "s_thing")] == [n + 1 for n in before]
    last = "SELECT {} FROM {} ORDER BY id DESC LIMIT 1"
    found = world.db.rows(last.format("object, record_id, version, by_id, action, changes", "gx_history"))[0]
    assert found[:5] == ("thing", made.id, 1, actor.id, "create")
    outbox = world.db.rows(last.format("kind, object, record_id, key, payload, at, due_at", "gx_outbox"))[0]
    assert outbox[:4] == ("record.created", "thing", made.id, f"thing-{made.id}-1-create")
    assert outbox[5] == outbox[6] != ""
    payload = orjson.loads(outbox[4])
    assert (payload["action"], payload["version"], payload["by"]) == ("create", 1, actor.id)
    assert {"a_text", "place", "card"} <= set(payload["changed"])
