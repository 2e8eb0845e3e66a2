"""A small desk of cases with service levels, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from guanxi.common.clock import FixedClock
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.jobs.schedules import run_schedules
from guanxi.runtime.jobs.work import run_job
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

SHANGHAI = ZoneInfo("Asia/Shanghai")
DESK = """
kind: object
name: case
owned: true
access: private
title: subject
fields:
  subject: {type: text}
  channel: {type: choice, options: {email: Email, phone: Phone}, default: email}
  note: {type: text}
  n: {type: integer}
  promised_at: {type: datetime}
  stage: {type: choice, options: {new: New, work: Work, waiting: Waiting, done: Done}, default: new}
stages:
  field: stage
  path: {new: {to: [work, done]}, work: {to: [waiting, done]}, waiting: {to: [work]}, done: {to: [work]}}
rules:
  positive: {check: 'coalesce(n, 0) >= 0', message: n is negative}
---
kind: object
name: reply
access: edit
fields:
  case: {type: reference, to: case, related: replies}
  sent: {type: boolean, default: false}
  text: {type: text}
---
kind: calendar
name: office
timezone: Asia/Shanghai
hours: {mon-fri: ["09:00-12:00", "13:30-18:00"]}
holidays: CN
---
kind: role
name: agent
includes: [employee]
objects:
  case: {create: true, read: own, update: own, delete: own, history: own}
  reply: {create: true, read: all, update: all}
---
kind: role
name: lead
includes: [agent]
objects: {case: {read: all, update: all, history: all}}
"""
SHORT = """---
kind: sla
name: email_reply
object: case
when: channel == "email"
calendar: office
pause: stage == "waiting"
targets: {first_response: {hours: 4}, resolution: {days: 2}}
on_breach: [{notify: {to: owner.manager}}]
"""


def at(text: str) -> datetime:
    """A moment of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


class Desk:
    """A published desk whose clock the test sets."""

    def __init__(self, world: Project) -> None:
        self.world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def to(self, text: str) -> None:
        """Set the clock to a moment of Shanghai and do what is due."""
        self.clock.at = at(text)
        self.due()

    def due(self) -> None:
        """Do what is due."""
        while run_schedules(self.services) or run_job(self.services, "w"):
            pass

    def case(self, who: Any = SYSTEM, **values: Any) -> int:
        """A new case's id."""
        return int(self.records.create(who, "case", {"subject": "Broken", **values}).id)

    def change(self, record_id: int, **values: Any) -> None:
        """Change a case as the platform."""
        self.records.update(SYSTEM, "case", record_id, values)

    def clock_of(self, record_id: int, target: str = "resolution", sla: str = "email_reply") -> Any:
        """One clock of a case."""
        from guanxi.runtime.sla import store

        found = store.of_record(self.db, "case", record_id)
        return next((c for c in found if (c.sla, c.target) == (sla, target)), None)

    def state(self, record_id: int, target: str = "resolution", sla: str = "email_reply") -> str:
        """Its state, "" without one."""
        found = self.clock_of(record_id, target, sla)
        return found.state if found is not None else ""

    def fired(self) -> list[tuple[Any, ...]]:
        """The trace of what was done, in order."""
        sql = "SELECT rule, event, outcome, record_id FROM gx_automation_runs ORDER BY id"
        return [tuple(row) for row in self.db.rows(sql)]

    def notices(self) -> list[tuple[Any, ...]]:
        """(user, text) of every notice."""
        return [tuple(row) for row in self.db.rows("SELECT user_id, text FROM gx_notifications ORDER BY id")]


@pytest.fixture
def desk(database: Handle) -> Any:
    """A desk with service levels."""

    def make(*slas: str, start: str = "2026-03-02T09:00:00") -> Desk:
        world = Desk(project(database, DESK + "".join(slas), FixedClock(at(start))))
        world.due()
        return world

    return make


MINUTE = timedelta(minutes=1)
