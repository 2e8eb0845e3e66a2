"""The steps notify, email and sms: checked at publish, carried out with the write that sets them off."""

from __future__ import annotations

import pytest

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.storage.database import Handle
from tests.runtime.messages.conftest import deliver
from tests.support.project import diagnostics_of
from tests.support.published import Project, project

BASE = """
kind: object
name: deal
title: name
owned: true
access: private
fields:
  name: {type: text, required: true}
  amount: {type: money, currency: CNY}
  mail: {type: email}
  phone: {type: phone, region: CN}
  paper: {type: file}
  stage: {type: choice, options: {open: Open, won: Won}, default: open}
---
kind: template
name: thanks
channel: email
subject: {en: "Thanks, {name}", zh: "感谢 {name}"}
body: {en: "Dear {name}", zh: "尊敬的 {name}"}
---
kind: template
name: bigger
channel: notification
object: deal
body: {en: "{name} is big: {amount}", zh: "{name} 很大：{amount}"}
---
kind: template
name: promo
channel: sms
object: deal
marketing: true
body: Buy again, {name}
---
kind: role
name: sales
objects:
  deal: {create: true, read: own, update: own, fields: {amount: none}}
---
kind: role
name: boss
objects:
  deal: {read: all}
---
kind: automation
name: large
object: deal
on: [create, update]
when: amount >= 1000 and changed(amount)
do:
"""
STEPS = """
  - notify: {to: [owner, {role: boss}], text: {en: "Large deal: {name}, {amount}", zh: "大额商机：{name}，{amount}"}}
  - notify: {to: {role: boss}, template: bigger}
  - email: {to: mail, template: thanks, cc: owner, attachments: [paper]}
  - email: {to: [mail, owner], subject: "Was {old.amount}", body: "Now {amount} of {name}"}
  - sms: {to: phone, template: promo}
  - sms: {to: owner, text: "{name}: {amount}"}
"""


@pytest.fixture
def house(database: Handle) -> Project:
    return project(database, BASE + STEPS)


def test_everything_at_once(house: Project) -> None:
    li = house.user("li", ["sales"], language="zh", email="li@example.com", phone="13900139000")
    boss = house.user("boss", ["boss"])
    house.services.messaging.consents.note("sms", "given", source="shop", address="13800138000")
    values = {"name": "Northwind", "amount": "5000", "mail": "ann@example.com", "phone": "13800138000", "owner": li.id}
    deal = house.records.create(SYSTEM, "deal", values).id
    notices = house.services.notifications
    assert [one["text"] for one in notices.list(li.id).data] == ["大额商机：Northwind，***"]
    assert {one["text"] for one in notices.list(boss.id).data} == {"Northwind is big: 5,000"}  # joined: the newest
    deliver(house)
    rows = house.db.rows(
        "SELECT channel, address, subject, text, cc, state, marketing FROM gx_messages ORDER BY channel, id"
    )
    mails, texts = [r for r in rows if r[0] == "email"], [r for r in rows if r[0] == "sms"]
    assert mails[0][1:5] == ("ann@example.com", "Thanks, Northwind", "Dear Northwind", "li@example.com")
    assert mails[1][1:4] == ("ann@example.com", "Was", "Now 5,000 of Northwind")
    assert mails[2][1:4] == ("li@example.com", "Was ***", "Now *** of Northwind")
    assert [(r[1], r[3], r[5], r[6]) for r in texts] == [
        ("+8613800138000", "Buy again, Northwind", "local", 1),
        ("+8613900139000", "Northwind: ***", "local", 0),
    ]
    assert len(house.services.messaging.log.of_record(boss, "deal", deal, 20)) == 5
    assert all(one["withheld"] for one in house.services.messaging.log.of_record(li, "deal", deal, 20)[2:3])


def test_nothing_leaves_when_the_write_is_refused(house: Project) -> None:
    with pytest.raises(RuntimeError), house.db.write():
        house.records.create(SYSTEM, "deal", {"name": "x", "amount": "5000", "mail": "a@example.com"})
        raise RuntimeError
    assert house.count("gx_messages") == 0


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("notify: {to: owner, template: thanks}", "is for email, not for the step notify"),
        ("email: {to: mail, template: thnks}", "did you mean 'thanks'"),
        ("email: {to: mail, template: promo}", "is for sms, not for the step email"),
        ("email: {to: mail, template: thanks, body: x}", "either 'body' or 'template'"),
        ("email: {to: mail, body: x}", "has a 'subject' and a 'body'"),
        ("email: {to: mail, template: thanks, subject: x}", "say either 'subject' or 'template'"),
        ("email: {to: mail, template: thanks, attachments: [mail]}", "'mail' is no file field"),
        ("email: {to: amount, subject: x, body: y}", "an address is needed here"),
        ("sms: {to: phone, text: '{nme}'}", "did you mean 'name'"),
        ("notify: {to: {role: bos}, text: x}", "did you mean 'boss'"),
        ("notify: {to: owner, titel: x, text: x}", "unknown key 'titel'"),
    ],
)
def test_wrong_steps_are_refused_at_their_place(step: str, said: str) -> None:
    found = [str(one) for one in diagnostics_of(f"{BASE}  - {step}\n") if one.severity == "error"]
    assert len(found) == 1
    assert said in found[0]
    assert found[0].startswith("project.yaml:5")


def test_a_template_without_an_object_is_checked_where_it_is_used() -> None:
    text = BASE.replace('en: "Dear {name}"', 'en: "Dear {full_name}"') + "  - email: {to: mail, template: thanks}\n"
    found = [str(one) for one in diagnostics_of(text) if one.severity == "error"]
    assert "the template 'thanks' does not fit deal: unknown name 'full_name'" in found[0]
