"""A small house with public forms, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instances import House, make_house

FORMS = """
kind: object
name: lead
label: {en: Lead, zh: 线索}
title: name
owned: true
access: private
fields:
  name: {type: person_name, label: {en: Name, zh: 姓名}, required: true, search: true}
  phone: {type: phone, label: {en: Phone, zh: 电话}, region: CN}
  email: {type: email, label: {en: E-mail, zh: 邮箱}}
  code: {type: text, label: {en: Code, zh: 编码}, unique: true}
  company: {type: text, label: {en: Company, zh: 公司}}
  employees: {type: integer, label: {en: Employees, zh: 人数}, min: 0}
  wants: {type: choices, label: {en: Interests, zh: 意向}, options: {a: {en: Apples, zh: 苹果}, b: {en: Pears, zh: 梨}}}
  source: {type: choice, options: {website: Website, fair: Fair}, required: true}
  campaign: {type: text}
  need: {type: long_text, label: {en: Need, zh: 需求}}
  paper: {type: file, label: {en: Paper, zh: 附件}}
  secret: {type: text}
  stamp: {type: text}
duplicates:
  same_phone: {match: [phone], action: warn}
  same_email: {match: [email], action: block}
---
kind: automation
name: greet
object: lead
on: create
do: [{set: {stamp: '"new " + name'}}]
---
kind: form
name: ask_us
object: lead
label: {en: Ask us, zh: 联系我们}
description: {en: We answer within a day., zh: 一个工作日内回复。}
fields:
  name:
  phone: {placeholder: {en: With area code, zh: 含区号}}
  email: {required: true, help: {en: We answer here., zh: 我们将回复到此邮箱。}}
  code:
  wants:
  campaign: {hidden: true}
  need: {label: {en: What do you need?, zh: 您的需求}}
  paper:
files: true
values: {source: '"website"'}
consent: {text: {en: You may write to me., zh: 同意接收信息。}, version: 2026-03, channels: email}
thanks: {text: {en: Thank you!, zh: 谢谢！}}
limits: {per_address_per_hour: 5, min_seconds: 3}
---
kind: form
name: closed
object: lead
fields: [name]
values: {source: '"website"'}
active: false
---
kind: form
name: narrow
object: lead
fields: [name, secret]
values: {source: '"website"'}
as: door
---
kind: form
name: more
object: lead
fields: [company, employees, need]
link: {needed: true, once: false, days: 5}
ask_once: true
one_at_a_time: true
---
kind: role
name: door
objects:
  lead: {create: true, fields: {secret: none}}
---
kind: object
name: answer
title: '"Answer"'
fields:
  lead: {type: reference, to: lead, related: answers}
  score: {type: integer, label: {en: Would you recommend us?, zh: 是否愿意推荐}, min: 0, max: 10, required: true}
  company: {type: text}
---
kind: form
name: satisfaction
object: answer
fields: [score]
values: {company: lead.company}
link: {field: lead, needed: true, days: 10}
---
kind: automation
name: ask
object: lead
on: update
when: changed(need)
do:
  - email: {to: email, subject: "How was it, {name}?", body: "Please tell us.", form: satisfaction}
---
kind: role
name: sales
objects: {lead: {create: true, read: own, update: own}, answer: {read: all}}
"""


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    made = make_house(tmp_path / "instance", database_url, {"forms.yaml": FORMS})
    yield made
    made.close()
