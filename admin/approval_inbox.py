"""What waits for a person: the four boxes with filters and pages, and deciding several tasks at once.

Deciding together has a page between the choice and the deed, because nothing of it can be undone; every task then has
an answer of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request

from guanxi.common.errors import BadRequest
from guanxi.runtime.approvals.desk import ApprovalDesk
from guanxi.runtime.approvals.service import MOST_BATCH

from . import approval_texts as words
from .formats import Formats, formats
from .navigation import tone
from .texts import gettext
from .visit import current_visit

PAGE = 30
BOXES = {"todo": "To decide", "done": "Decided", "mine": "Submitted by me", "cc": "Copies"}
SOON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a box."""

    approval: int
    task: int | None
    title: str
    flow: str
    kind: str
    sign: str
    accent: str
    step: str
    submitter: str
    submitter_key: int
    moment: str
    at: str
    state: str
    tone: str
    operation: str
    due: str
    overdue: bool
    soon: bool
    resubmit: bool


def desk() -> ApprovalDesk:
    """Reads beyond inboxes, for this request."""
    return ApprovalDesk(current_visit().services.approvals)


def shape() -> Formats:
    """How this visit writes dates."""
    visit = current_visit()
    return formats(visit.locale, visit.person.zone.key)


def used() -> bool:
    """Whether this instance has approval flows at all."""
    return bool(current_visit().services.registry.others.get("approval"))


def waiting() -> int:
    """How many decisions wait for the visit's person; asks nothing where there are no flows."""
    visit = current_visit()
    if visit.actor is None or visit.actor.id is None or not used():
        return 0
    return visit.services.approvals.counts(visit.actor)["todo"]


def inbox_page() -> Any:
    """One page of a box."""
    visit = current_visit()
    box = request.args.get("box", "todo")
    given = {name: request.args.get(name, "") for name in ("approval", "object", "state")}
    filters = {name: value for name, value in given.items() if value}
    found = visit.services.approvals.inbox(
        visit.person, box, limit=PAGE, after=request.args.get("after", ""), **filters
    )
    kept = {"box": box, **filters}
    return render_template(
        "approvals/inbox.html",
        box=box,
        boxes={name: gettext(text) for name, text in BOXES.items()},
        counts=visit.services.approvals.counts(visit.person),
        items=_items(found["data"], box),
        given=given,
        choices=_choices(),
        states={name: gettext(text) for name, text in words.STATES.items()},
        older="?" + urlencode(kept | {"after": found["next"]}) if found["next"] else "",
        paged="after" in request.args,
    )


def _choices() -> dict[str, list[tuple[str, str]]]:
    visit = current_visit()
    flows = visit.services.registry.others.get("approval", {})
    objects = visit.services.registry.objects
    names = sorted({flow.object for flow in flows.values()})
    return {
        "flows": [(name, flow.label.text(visit.language) or name) for name, flow in sorted(flows.items())],
        "objects": [(name, objects[name].label.text(visit.language) or name) for name in names if name in objects],
    }


def _items(data: Any, box: str) -> list[Item]:
    rows = [(entry, entry) if box in ("mine", "cc") else (entry["instance"], entry) for entry in data]
    people = desk().names({one["submitted_by"] for one, _ in rows if one["submitted_by"] is not None})
    now = desk().now()
    return [_item(one, entry, box, people, now) for one, entry in rows]


def _item(one: Mapping[str, Any], entry: Mapping[str, Any], box: str, people: Mapping[int, str], now: datetime) -> Item:
    visit, shown = current_visit(), shape()
    registry = visit.services.registry
    kind = registry.objects.get(one["record"]["object"])
    tasks = box in ("todo", "done")
    flow = registry.others.get("approval", {}).get(one["approval"])
    due = entry.get("due_at") if box == "todo" else None
    at = entry.get("decided_at") if box == "done" else entry.get("opened_at") if box == "todo" else one["submitted_at"]
    state, accent = words.standing(entry["state"])[:2] if box == "done" else words.state(one["state"])
    left = datetime.fromisoformat(due.replace("Z", "+00:00")) - now if due else None
    return Item(
        approval=one["id"],
        task=entry["id"] if tasks else None,
        title=one["record"]["title"] or f"#{one['record']['id']}",
        flow=one["label"],
        kind=(kind.label.text(visit.language) or kind.name) if kind else one["record"]["object"],
        sign=kind.icon if kind else "stamp",
        accent=tone(one["record"]["object"]),
        step=words.step_label(flow, entry["step"]) if tasks else "",
        submitter=people.get(one["submitted_by"] or 0, gettext("System")),
        submitter_key=one["submitted_by"] or 0,
        moment=shown.instant(at or one["submitted_at"]),
        at=at or one["submitted_at"],
        state=state,
        tone=accent,
        operation=words.operation(one["operation"]),
        due=shown.instant(due) if due else "",
        overdue=left is not None and left < timedelta(0),
        soon=left is not None and timedelta(0) <= left < SOON,
        resubmit=box == "todo" and entry["step"] == "start",
    )


# several at once --------------------------------------------------------------------------------------------------
def batch_page() -> Any:
    """First what would be decided, then, once that is confirmed, what became of each."""
    act = "approve" if request.args.get("quick") == "1" else request.form.get("act", "")
    if act not in ("approve", "reject"):
        raise BadRequest(gettext("Tasks can be approved or rejected together."))
    tasks = _tasks()
    comment, fault = request.form.get("comment", "").strip(), ""
    known = _known(tasks)
    if request.form.get("sure") == "1":
        if act == "reject" and not comment:
            fault = gettext("Say why.")
        else:
            return _done(tasks, act, comment, known)
    page = render_template(
        "approvals/batch.html", act=act, tasks=tasks, known=known, comment=comment, fault=fault, results=None
    )
    return (page, 422) if fault else page


def _tasks() -> list[int]:
    """What was chosen: one (`only`), or every ticked line."""
    only = request.form.get("only", "")
    given = [only] if only else request.form.getlist("tasks")
    if not all(one.isascii() and one.isdigit() and len(one) < 19 for one in given):
        raise BadRequest(gettext("Choose at least one task."))
    if not given:
        raise BadRequest(gettext("Choose at least one task."))
    if len(given) > MOST_BATCH:
        raise BadRequest(gettext("At most %(n)s tasks at once.", n=MOST_BATCH), code="limit")
    return list(dict.fromkeys(int(one) for one in given))


def _known(tasks: list[int]) -> dict[int, Item]:
    """The lines of those that are in the person's box still."""
    visit = current_visit()
    found = visit.services.approvals.inbox(visit.person, "todo", limit=MOST_BATCH)
    wanted = [entry for entry in found["data"] if entry["id"] in tasks]
    return {item.task: item for item in _items(wanted, "todo") if item.task is not None}


def _done(tasks: list[int], act: str, comment: str, known: Mapping[int, Item]) -> Any:
    visit = current_visit()
    answers = visit.services.approvals.batch(visit.person, tasks, act, comment)
    results = []
    for answer in answers:
        said = " ".join(str(one["message"]) for one in answer.get("errors", ()))
        results.append((known.get(answer["task"]), answer["status"] == 200, said))
    well = sum(1 for _, ok, _ in results if ok)
    return render_template("approvals/batch.html", act=act, results=results, well=well)
