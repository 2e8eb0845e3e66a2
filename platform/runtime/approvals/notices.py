"""Telling people: their turn, an outcome, an urge. One notice each, written with the act it tells of.

An approver gets sight of the record with the task and keeps it while the approval lives, so the notice reaches him.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from guanxi.common.labels import Label

from ..access.actor import Actor
from ..messages.room import messaging
from . import links
from .rows import Task

if TYPE_CHECKING:
    from .engine import Engine


def _label(en: str, zh: str) -> Label:
    return Label((("en", en), ("zh", zh)))


WORDS = {"approve": _label("Approve", "同意"), "reject": _label("Reject", "拒绝")}
TEXTS = {
    "task": _label("Waits for your decision: {title}", "待您审批:{title}"),
    "copy": _label("For your information: {title}", "抄送给您:{title}"),
    "approved": _label("Approved: {title}", "已通过:{title}"),
    "rejected": _label("Rejected: {title}", "已拒绝:{title}"),
    "returned": _label("Returned to you: {title}", "已退回:{title}"),
    "suspended": _label("Needs an administrator: {title}", "流程异常,需管理员处理:{title}"),
    "urge": _label("Please decide soon: {title}", "催办:{title}"),
    "remind": _label("Overdue soon or already: {title}", "审批超时提醒:{title}"),
    "opinion": _label("Your opinion is asked: {title}", "请您提供意见:{title}"),
}


def text_of(kind: str, flow: Label, title: str) -> Label:
    """The text of a notice by language; the flow's own name stands before it."""
    return Label(
        tuple(
            (language, f"{flow.text(language)} · {said.replace('{title}', title)}")
            for language, said in TEXTS[kind].texts
        )
    )


def tell(engine: Engine, kind: str, users: Iterable[int], *, task: Task | None = None) -> None:
    """Leave a notice for each of `users`, in the transaction at hand; nobody is told what he did himself."""
    work, instance = engine.work, engine.instance
    wanted = [user for user in dict.fromkeys(users) if user != work.actor.id or kind == "task"]
    if not wanted:
        return
    messaging(work.room).notifications.send(
        wanted,
        f"approval.{kind}",
        text_of(kind, engine.flow.label, instance.title),
        work=work,
        object=instance.object,
        record_id=instance.record_id,
        row=work.row(instance.object, instance.record_id),
        link=f"/approvals/{instance.id}",
        group=f"approval-{instance.id}-{task.id if task is not None else kind}",
        mail=(lambda person: _links(engine, task, person)) if kind == "task" and task is not None else None,
    )


def _links(engine: Engine, task: Task, person: Actor) -> str:
    """The ways to decide from the mail itself."""
    settings = messaging(engine.work.room).settings
    if person.id is None or settings.smtp is None:
        return ""
    found = links.lines_for(engine, task, person.id, settings.secret, settings.url)
    return "\n".join(f"{WORDS[act].text(person.language)}: {place}" for act, place in found.items())
