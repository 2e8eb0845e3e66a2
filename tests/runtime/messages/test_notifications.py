"""Notices: who gets one, what it says to him, how they join, and how they are read."""

from __future__ import annotations

import pytest

from guanxi.common.errors import BadRequest, Invalid
from guanxi.expressions.template import check_template
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

YAML = """
kind: object
name: customer
label: {en: Customer, zh: 客户}
title: name
owned: true
access: private
fields:
  name: {type: text, required: true}
  phone: {type: phone, region: CN, mask: keep_last_4}
  limit: {type: money, currency: CNY}
  level: {type: choice, options: {a: {label: {en: Key, zh: 重点}}, b: {label: {en: Other, zh: 其他}}}}
  parent: {type: reference, to: customer, related: branches}
---
kind: role
name: sales
objects:
  customer: {create: true, read: own, update: own, fields: {limit: none, phone: masked}}
---
kind: role
name: boss
objects:
  customer: {read: all}
"""


@pytest.fixture
def home(database: Handle) -> Project:
    return project(database, YAML)


def templates(home: Project, **texts: str) -> dict[str, object]:
    return {lang: check_template(text, home.services.registry, "customer") for lang, text in texts.items()}


def test_who_may_not_see_the_record_gets_nothing(home: Project) -> None:
    li, wang = home.user("li", ["sales"]), home.user("wang", ["sales"])
    boss = home.user("boss", ["boss"])
    record = home.records.create(SYSTEM, "customer", {"name": "Northwind", "owner": li.id}).id
    told = home.services.notifications.send(
        [li.id, wang.id, boss.id, boss.id, 9999], "automation", "Look", object="customer", record_id=record
    )
    assert told == 2
    assert [home.services.notifications.unread(one.id) for one in (li, wang, boss)] == [1, 0, 1]
    home.records.update(SYSTEM, "user", boss.id, {"active": False})
    assert home.services.notifications.send([boss.id], "automation", "Look") == 0


def test_holes_show_only_what_the_reader_may_read(home: Project) -> None:
    li, boss = home.user("li", ["sales"]), home.user("boss", ["boss"], language="zh")
    hidden = home.records.create(SYSTEM, "customer", {"name": "Secret", "owner": boss.id}).id
    values = {
        "name": "Northwind", "owner": li.id, "phone": "13800138000", "limit": "12500.5", "level": "a", "parent": hidden,
    }  # fmt: skip
    record = home.records.create(SYSTEM, "customer", values).id
    text = "{name} {phone} {limit} {limit + 1} {level} {parent} {parent.name}|{count(branches)}"
    home.services.notifications.send(
        [li.id, boss.id], "automation", templates(home, en=text, zh=text), object="customer", record_id=record
    )
    mine = home.services.notifications.list(li.id).data[0]["text"]
    assert mine == "Northwind ****8000 *** *** Key  |0"
    theirs = home.services.notifications.list(boss.id).data[0]["text"]
    assert theirs == "Northwind +8613800138000 12,500.5 12,501.5 重点 Secret Secret|0"


def test_notices_of_one_kind_about_one_record_are_one_until_read(home: Project) -> None:
    li = home.user("li", ["sales"])
    one, two = (home.records.create(SYSTEM, "customer", {"name": n, "owner": li.id}).id for n in "ab")
    send = home.services.notifications.send
    for number in range(3):
        send([li.id], "automation", f"change {number}", object="customer", record_id=one)
        home.clock.advance(seconds=1)
    send([li.id], "automation", "other", object="customer", record_id=two)
    found = home.services.notifications.list(li.id).data
    assert [(row["text"], row["times"]) for row in found] == [("other", 1), ("change 2", 3)]
    assert home.services.notifications.read(li.id, [found[1]["id"]]) == 1
    send([li.id], "automation", "again", object="customer", record_id=one)
    assert [row["text"] for row in home.services.notifications.list(li.id, unread=True).data] == ["again", "other"]
    assert home.services.notifications.unmark(li.id, [found[1]["id"]]) == 1
    assert home.services.notifications.unread(li.id) == 3
    assert home.services.notifications.read(li.id) == 3


def test_pages_by_cursor(home: Project) -> None:
    li, other = home.user("li"), home.user("wang")
    for number in range(7):
        home.services.notifications.send([li.id], "task", f"n{number}")
    home.services.notifications.send([other.id], "task", "not mine")
    first = home.services.notifications.list(li.id, limit=5)
    rest = home.services.notifications.list(li.id, limit=5, after=first.next)
    assert [row["text"] for row in (*first.data, *rest.data)] == [f"n{n}" for n in reversed(range(7))]
    assert rest.next is None
    with pytest.raises(BadRequest):
        home.services.notifications.list(li.id, after="nonsense")


def test_a_notice_goes_with_the_transaction_it_tells_of(home: Project) -> None:
    li = home.user("li", ["sales"])
    with pytest.raises(RuntimeError), home.db.write():
        saved = home.records.create(SYSTEM, "customer", {"name": "x", "owner": li.id})
        home.services.notifications.send([li.id], "automation", "made", object="customer", record_id=saved.id)
        raise RuntimeError
    assert home.services.notifications.unread(li.id) == 0


def test_a_record_that_is_being_deleted_can_be_told_of(home: Project) -> None:
    li, wang = home.user("li", ["sales"]), home.user("wang", ["sales"])
    record = home.records.create(SYSTEM, "customer", {"name": "Gone", "owner": li.id}).id
    row = Work(home.services.records.room, SYSTEM).row("customer", record)
    home.records.delete(SYSTEM, "customer", record)
    told = home.services.notifications.send(
        [li.id, wang.id],
        "automation",
        templates(home, en="{name} is gone"),
        object="customer",
        record_id=record,
        row=row,
    )
    assert told == 1
    assert home.services.notifications.list(li.id).data[0]["text"] == "Gone is gone"


def test_preferences_choose_channels(home: Project) -> None:
    li = home.user("li", email="li@example.com", time_zone="Asia/Shanghai")
    store = home.services.messaging.preferences
    store.save(li.id, {"kinds": {"task": {"screen": "off"}, "pool": {"email": "daily"}}})
    assert home.services.notifications.send([li.id], "task.due", "quiet") == 0
    assert home.services.notifications.send([li.id], "pool", "warning") == 1
    due = home.db.rows("SELECT digest_at FROM gx_notifications WHERE digest_at IS NOT NULL")
    assert [row[0] for row in due] == ["2026-03-02T00:00:00.000000Z"]  # eight in the morning in Shanghai
    with pytest.raises(Invalid) as refusal:
        store.save(li.id, {"kinds": {"task": {"screen": "maybe"}, "x": {}}, "quiet": {"from": "25:00", "to": "07:00"}})
    assert [fault.field for fault in refusal.value.errors] == ["kinds.task.screen", "kinds.x", "quiet.from"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00+00:00"),  # 20:00 in Shanghai
        ("2026-03-01T15:30:00+00:00", "2026-03-01T23:00:00+00:00"),  # 23:30: until seven next day
        ("2026-03-01T18:00:00+00:00", "2026-03-01T23:00:00+00:00"),  # 02:00: until seven the same day
        ("2026-03-01T23:00:00+00:00", "2026-03-01T23:00:00+00:00"),  # seven sharp
    ],
)
def test_quiet_hours_in_the_persons_zone(now: str, expected: str) -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from guanxi.runtime.messages.preferences import Preferences

    found = Preferences({}, "22:00", "07:00").due(datetime.fromisoformat(now), ZoneInfo("Asia/Shanghai"))
    assert found == datetime.fromisoformat(expected)
