"""A small published house that sends and receives, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from guanxi.runtime.background import BACKGROUND
from guanxi.runtime.messages.room import Messaging, install
from guanxi.runtime.messages.settings import MessageSettings
from guanxi.runtime.outbox import deliver_due
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

HOUSE = """
kind: object
name: contact
label: {en: Contact, zh: 联系人}
title: name
owned: true
access: private
fields:
  name: {type: text, required: true}
  email: {type: email, mask: email}
  phone: {type: phone, region: CN}
  budget: {type: money, currency: CNY}
  offer: {type: file}
  language: {type: choice, options: {en: English, zh: 中文}}
---
kind: object
name: case
title: subject
owned: true
fields:
  subject: {type: text, required: true, length: 60}
  body: {type: long_text}
  mail: {type: email}
  channel: {type: choice, options: {email: Mail, phone: Phone}}
  contact: {type: reference, to: contact, related: cases}
---
kind: template
name: offer
channel: email
object: contact
subject: {en: "Offer for {name}", zh: "给{name}的报价"}
body: {en: "Dear {name}, up to {budget}.", zh: "{name}您好，预算 {budget}。"}
html: {en: "<p onclick='x()'>Dear <b>{name}</b></p><a href=\\"{name}\\">go</a><script>1</script>", zh: "<p>{name}</p>"}
attachments: [offer]
---
kind: template
name: news
channel: email
object: contact
marketing: true
subject: News for {name}
body: Buy now, {name}!
---
kind: role
name: sales
objects:
  contact: {create: true, read: own, update: own}
  case: {create: true, read: own, update: own}
---
kind: role
name: clerk
objects:
  contact: {read: all, fields: {budget: none, email: masked}}
---
kind: role
name: desk
objects:
  case: {create: true, read: all}
---
kind: role
name: temp
objects:
  contact: {read: own}
"""


@pytest.fixture
def house(database: Handle) -> Project:
    return project(database, HOUSE)


Configure = Callable[..., Messaging]


@pytest.fixture
def configure(house: Project) -> Configure:
    def give(**settings: Any) -> Messaging:
        base = MessageSettings(url="https://crm.example.com", sender="CRM <crm@example.com>", secret=b"test secret")
        return install(house.services.records.room, replace(base, **settings))

    return give


def deliver(house: Project) -> int:
    """Deliver everything that is due."""
    return deliver_due(house.services, {"message": BACKGROUND.deliverers["message"]}, "test")
