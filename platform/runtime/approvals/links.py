"""Links in mail that decide: a signed word for one task, one person and one act, for a week at most.

Opening a link changes nothing (scanners of mail open links too); only what the page posts does. The word gives no
session: it does this one act as this one person and is spent when the task is. The act goes the way of every other
act, so a task that was handled, given away or withdrawn meanwhile answers so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from itsdangerous import BadData, URLSafeSerializer

from guanxi.common.errors import Conflict, NotFound

from ..access.actor import Actor
from ..records.work import Work
from .rows import COUNTED, Task

if TYPE_CHECKING:
    from ..services import Services
    from .engine import Engine
    from .rows import Instance

LASTS = timedelta(days=7)
LINKED = ("approve", "reject")
_SALT = "approval-link"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says. `version` is the record's when the mail was written."""

    task: int
    user: int
    act: str
    version: int
    until: datetime


def token(secret: bytes, link: Link) -> str:
    """The signed word."""
    parts = [link.task, link.user, link.act, link.version, int(link.until.timestamp())]
    return str(URLSafeSerializer(secret, salt=_SALT).dumps(parts))


def read(secret: bytes, word: str, now: datetime) -> Link:
    """The link of a word; NotFound when it is not ours, Conflict `expired` when its time is over."""
    try:
        task, user, act, version, until = URLSafeSerializer(secret, salt=_SALT).loads(word[:2_000])
        end = datetime.fromtimestamp(until, tz=now.tzinfo)
    except (BadData, ValueError, TypeError, OverflowError) as error:
        raise NotFound("This link is not valid.") from error
    if now >= end:
        raise Conflict("This link has expired. Log in to decide.", code="expired")
    return Link(int(task), int(user), str(act), int(version), end)


def lines_for(engine: Engine, task: Task, user: int, secret: bytes, url: str) -> Mapping[str, str]:
    """{act: address} for the mail of a task; empty when it needs more than a click."""
    if not url or not linkable(engine, task):
        return {}
    row = engine.work.row(engine.instance.object, engine.instance.record_id) or {}
    until = engine.work.now + LASTS
    made = {act: Link(task.id, user, act, int(row.get("version") or 0), until) for act in LINKED}
    return {act: f"{url.rstrip('/')}/api/approvals/link/{token(secret, link)}" for act, link in made.items()}


def linkable(engine: Engine, task: Task) -> bool:
    """Whether a task can be decided by a click: nothing to fill in, no comment that is always needed."""
    step = engine.step(task.step)
    rule = step.comment or engine.flow.comment
    return task.part in COUNTED and not step.required and not step.no_batch and rule != "always"


def look(services: Services, word: str) -> dict[str, Any]:
    """What the page of a link shows: {"title", "label", "step", "act", "person", "changed", "closed", "comment"}.

    `changed`: the record moved on since the mail. `closed`: a sentence when there is nothing to decide any more.
    """
    link, actor, work = _opened(services, word)
    with services.database.read():
        engine, task = _found(services, work, link)
        row = work.row(engine.instance.object, engine.instance.record_id)
        closed = _closed(engine, task, link)
        step = engine.step(task.step)
        rule = step.comment or engine.flow.comment
        return {
            "title": engine.instance.title,
            "label": engine.flow.label.text(actor.language),
            "step": step.label.text(actor.language),
            "act": link.act,
            "person": actor.name,
            "language": actor.language,
            "changed": row is not None and int(row.get("version") or 0) != link.version,
            "closed": closed,
            "comment": rule == "on_reject" and link.act == "reject",
            "approval": engine.instance.id,
        }


def act(services: Services, word: str, comment: str = "") -> dict[str, Any]:
    """Do what the link says, as the person it was sent to; Conflict names who was first."""
    link, actor, work = _opened(services, word)
    with services.database.read():
        engine, task = _found(services, work, link)
        closed = _closed(engine, task, link)
    if closed:
        raise Conflict(closed, code="task_closed")
    payload = {"comment": comment} if comment else {}
    return dict(services.approvals.act(actor, link.task, link.act, payload))


def _opened(services: Services, word: str) -> tuple[Link, Actor, Work]:
    link = read(services.messaging.settings.secret, word, services.clock.now())
    actor = services.actor(link.user)
    if actor is None:
        raise NotFound("This link is not valid.")
    actor = replace(actor, channel="mail")
    return link, actor, Work(services.records.room, actor)


def _found(services: Services, work: Work, link: Link) -> tuple[Engine, Task]:
    from .engine import Engine

    number = services.approvals.store.approval_of(link.task)
    instance: Instance | None = services.approvals.store.instance(number) if number is not None else None
    if instance is None or link.act not in LINKED:
        raise NotFound("This link is not valid.")
    flow = services.approvals.flow_of(instance)
    engine = Engine(work, services.approvals.store, instance, flow)
    return engine, next(task for task in engine.tasks if task.id == link.task)


def _closed(engine: Engine, task: Task, link: Link) -> str:
    """Why the link leads nowhere any more, "" when it does."""
    from .acts import closed_by

    if engine.instance.state != "running" or task.state != "open":
        return closed_by(engine, task)
    return "" if link.user in (task.user_id, task.also) else "This task was given to somebody else."
