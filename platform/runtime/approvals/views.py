"""How approvals are shown: lists of tasks, one approval in full with its steps and story, in JSON form.

Everything passes the viewer's rights: a record's values appear only as far as he may read them today.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import BadRequest
from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean
from guanxi.registry.approvals import Choose, Flow, Node, Start, Step

from ..access.actor import Actor
from ..ports import Database
from ..storage.rows import instant_text_json
from . import ending
from .acts import ACTS
from .engine import Engine
from .rows import ADMIN_STEP, COUNTED, Instance, Task

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work

BOXES = ("todo", "done", "mine", "cc")
FILTERS = ("approval", "object", "state")
MOST = 200
_INSTANCE = "a.id, a.flow, a.object, a.record_id, a.state, a.title, a.submitted_by, a.at, a.finished_at, a.operation"


def faulty_flow(instance: Instance) -> Flow:
    """A flow that no longer fits, as far as it can be shown."""
    return Flow(instance.flow, instance.object, Label.of(instance.flow), Start(), (), instance.definition)


# boxes ----------------------------------------------------------------------------------------------------------
def inbox(room: Room, actor: Actor, box: str, *, limit: int, after: str, filters: Mapping[str, str]) -> dict[str, Any]:
    """See ApprovalService.inbox; a keyset page, newest first."""
    if box not in BOXES:
        raise BadRequest("'box' is one of todo, done, mine, cc.", hint=did_you_mean(box[:60], BOXES))
    limit = max(1, min(limit, MOST))
    before = _cursor(after)
    conditions, params = _filtered(filters)
    source, key, own = _SOURCES[box]
    people: list[Any] = [actor.id] * own.count("?")
    if before is not None:
        conditions.append(f"{key} < ?")
        params.append(before)
    where = " AND ".join([own, *conditions])
    columns = f"{_INSTANCE}, {'t.id, t.step, t.state, t.due_at, t.opened_at, t.decided_at' if 't.' in key else 'NULL'}"
    sql = f"SELECT {columns} FROM {source} WHERE {where} ORDER BY {key} DESC LIMIT ?"  # noqa: S608
    rows = room.db.rows(room.db.sql(sql), (*people, *params, limit + 1))
    page = rows[:limit]
    data = [_entry(room, actor, row, box) for row in page]
    last = page[-1][10 if "t." in key else 0] if len(rows) > limit else None
    return {"data": data, "next": _as_cursor(int(last)) if last is not None else None}


_TASKS = "gx_approval_tasks t JOIN gx_approvals a ON a.id = t.approval_id"
_SOURCES: Mapping[str, tuple[str, str, str]] = {
    "todo": (
        _TASKS,
        "t.id",
        "t.id IN (SELECT id FROM gx_approval_tasks WHERE user_id = ? AND state = 'open'"
        " UNION SELECT id FROM gx_approval_tasks WHERE also = ? AND state = 'open')"
        " AND (a.state = 'running' OR t.part = 'resubmit')",
    ),
    "done": (_TASKS, "t.id", "t.decided_by = ? AND t.acted = 1"),
    "mine": ("gx_approvals a", "a.id", "a.submitted_by = ?"),
    "cc": (
        "gx_approvals a JOIN gx_approval_copies c ON c.approval_id = a.id",
        "a.id",
        "c.user_id = ?",
    ),
}


def _filtered(filters: Mapping[str, str]) -> tuple[list[str], list[Any]]:
    columns = {"approval": "a.flow", "object": "a.object", "state": "a.state"}
    conditions, params = [], []
    for name, value in filters.items():
        if name not in columns:
            raise BadRequest(f"There is no filter {name[:60]!r}.", hint=did_you_mean(name[:60], FILTERS))
        conditions.append(f"{columns[name]} = ?")
        params.append(value)
    return conditions, params


def counts(db: Database, actor: Actor) -> dict[str, int]:
    """Open tasks and unread copies of a person."""
    todo = (
        "SELECT count(*) FROM gx_approval_tasks t JOIN gx_approvals a ON a.id = t.approval_id WHERE t.id IN"
        " (SELECT id FROM gx_approval_tasks WHERE user_id = ? AND state = 'open' UNION"
        " SELECT id FROM gx_approval_tasks WHERE also = ? AND state = 'open')"
        " AND (a.state = 'running' OR t.part = 'resubmit')"
    )
    copies = "SELECT count(*) FROM gx_approval_copies WHERE user_id = ? AND read_at IS NULL"
    return {
        "todo": int(db.rows(db.sql(todo), (actor.id, actor.id))[0][0]),
        "cc": int(db.rows(db.sql(copies), (actor.id,))[0][0]),
    }


def _entry(room: Room, actor: Actor, row: Sequence[Any], box: str) -> dict[str, Any]:
    instance = {
        "id": row[0],
        "approval": row[1],
        "label": _flow_label(room, row[1], actor.language),
        "state": row[4],
        "operation": row[9],
        "record": {"object": row[2], "id": row[3], "title": row[5]},
        "submitted_by": row[6],
        "submitted_at": instant_text_json(row[7]),
        "finished_at": instant_text_json(row[8]) if row[8] else None,
    }
    if box in ("mine", "cc"):
        return instance
    return {
        "id": row[10],
        "step": row[11],
        "state": row[12],
        "due_at": instant_text_json(row[13]) if row[13] else None,
        "opened_at": instant_text_json(row[14]) if row[14] else None,
        "decided_at": instant_text_json(row[15]) if row[15] else None,
        "instance": instance,
    }


def _flow_label(room: Room, name: str, language: str) -> str:
    flow = room.registry.others.get("approval", {}).get(name)
    return flow.label.text(language) if flow is not None else name


def _as_cursor(number: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(["approval", number])).decode().rstrip("=")


def _cursor(given: str) -> int | None:
    if not given:
        return None
    try:
        word, number = orjson.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except (ValueError, TypeError) as error:
        raise BadRequest("The cursor is not one of this list.", code="bad_cursor") from error
    if word != "approval" or not isinstance(number, int):
        raise BadRequest("The cursor is not one of this list.", code="bad_cursor")
    return number


# one approval ---------------------------------------------------------------------------------------------------
def concerned(work: Work, engine: Engine, actor: Actor) -> bool:
    """Whoever takes part, was told, looks after it, or may read the record."""
    instance = engine.instance
    if actor.unrestricted or actor.id == instance.submitted_by:
        return True
    if any(actor.id in (t.user_id, t.also, t.principal, t.decided_by) for t in engine.tasks):
        return True
    told = "SELECT 1 FROM gx_approval_copies WHERE approval_id = ? AND user_id = ?"
    if work.db.one(work.db.sql(told), (instance.id, actor.id)) is not None:
        return True
    if instance.object not in work.room.registry.objects:
        return False
    plan = work.room.plan(instance.object)
    row = work.row(instance.object, instance.record_id)
    return row is not None and work.rights(plan.name).visible and work.may(plan, "read", row)


def short(work: Work, instance: Instance) -> dict[str, Any]:
    """An approval in a line."""
    return {
        "id": instance.id,
        "approval": instance.flow,
        "label": _flow_label(work.room, instance.flow, work.language),
        "state": instance.state,
        "operation": instance.operation,
        "record": {"object": instance.object, "id": instance.record_id, "title": instance.title},
        "submitted_by": instance.submitted_by,
        "submitted_at": instant_text_json(instance.at),
        "finished_at": instant_text_json(instance.finished_at) if instance.finished_at else None,
        "reason": instance.reason,
    }


def whole(work: Work, engine: Engine) -> dict[str, Any]:
    """An approval in full: where it stands, who is asked, what happened, what the viewer may do."""
    instance = engine.instance
    language = work.language
    people = _titles(work, engine)
    shown = _shown(work, engine)
    return {
        **short(work, instance),
        "comment": instance.comment,
        "cycle": instance.cycle,
        "waiting_on": list(dict.fromkeys(a.step for a in engine.activations if a.state == "active")),
        "changes": _changes(work, engine),
        "record_values": _record_values(work, engine),
        "tree": [_node(engine, node, language) for node in engine.flow.steps],
        "tasks": [_task(task, people) for task in engine.tasks],
        "story": [_event(entry, people, shown) for entry in engine.store.story(instance.id)],
        "may": offers(engine, work.actor),
    }


def _titles(work: Work, engine: Engine) -> Mapping[int, str]:
    ids: set[int] = {engine.instance.submitted_by} if engine.instance.submitted_by else set()
    for task in engine.tasks:
        ids |= {one for one in (task.user_id, task.principal, task.also, task.decided_by) if one is not None}
    for entry in engine.store.story(engine.instance.id):
        ids |= {one for one in (entry["actor_id"], entry["on_behalf_of"]) if one is not None}
    rows = {one: work.row("user", one) for one in ids}
    return {one: str(row.get("full_name") or row["name"]) if row else f"#{one}" for one, row in rows.items()}


def _person(number: int | None, people: Mapping[int, str]) -> dict[str, Any] | None:
    return {"id": number, "title": people.get(number, f"#{number}")} if number is not None else None


def _task(task: Task, people: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": task.id,
        "step": task.step,
        "part": task.part,
        "state": task.state,
        "user": _person(task.user_id, people),
        "on_behalf_of": _person(task.principal, people),
        "beside": _person(task.also, people),
        "weight": task.weight,
        "opened_at": instant_text_json(task.opened_at) if task.opened_at else None,
        "due_at": instant_text_json(task.due_at) if task.due_at else None,
        "decided_at": instant_text_json(task.decided_at) if task.decided_at else None,
        "decided_by": _person(task.decided_by, people),
        "comment": task.comment,
        "reason": task.reason,
        "parent": task.parent_id,
    }


def _event(entry: Mapping[str, Any], people: Mapping[int, str], shown: Callable[[str], bool]) -> dict[str, Any]:
    detail = dict(entry["detail"])
    if "edits" in detail:
        detail["edits"] = {name: moved for name, moved in detail["edits"].items() if shown(name)}
    return {
        "at": instant_text_json(entry["at"]),
        "act": entry["act"],
        "step": entry["step"],
        "task": entry["task_id"],
        "by": _person(entry["actor_id"], people),
        "on_behalf_of": _person(entry["on_behalf_of"], people),
        "channel": entry["channel"],
        "comment": entry["comment"],
        "detail": detail,
    }


def _node(engine: Engine, node: Node, language: str) -> dict[str, Any]:
    """The tree with how each step stands in this cycle."""
    if isinstance(node, Step):
        mine = [a for a in engine.activations if a.step == node.name and a.cycle == engine.instance.cycle]
        return {
            "step": node.name,
            "label": node.label.text(language),
            "as": node.kind,
            "state": mine[-1].state if mine else "ahead",
            "round": mine[-1].round if mine else 0,
        }
    taken = engine.position.taken.get(node.name, ())
    return {
        "choose" if isinstance(node, Choose) else "parallel": node.name,
        "branches": [
            {
                "name": branch.name,
                "label": branch.label.text(language),
                "taken": branch.name in taken,
                "steps": [_node(engine, inner, language) for inner in branch.steps],
            }
            for branch in node.branches
        ],
    }


def _changes(work: Work, engine: Engine) -> dict[str, Any]:
    """What the proposal would change, as far as the viewer may read the fields."""
    proposal, instance = engine.instance.proposal, engine.instance
    if not proposal or instance.object not in work.room.registry.objects:
        return {}
    values = dict(proposal.get("values") or {})
    if "owner" in proposal:
        values["owner"] = proposal["owner"]
    base = proposal.get("base") or {}
    shown = _shown(work, engine)
    mine = work.actor.id == instance.submitted_by
    return {name: {"from": base.get(name), "to": value} for name, value in values.items() if mine or shown(name)}


def _shown(work: Work, engine: Engine) -> Callable[[str], bool]:
    """Whether the viewer sees a field here: by his rights, and not when every step he takes part in hides it."""
    if engine.instance.object not in work.room.registry.objects:
        return lambda _: work.actor.unrestricted
    rights = work.rights(engine.instance.object)
    steps = {t.step for t in engine.tasks if work.actor.id in (t.user_id, t.also, t.principal, t.decided_by)}
    known = [step for name in steps if (step := engine.flow.step(name)) is not None]
    hidden = frozenset.intersection(*(frozenset(step.hidden) for step in known)) if known else frozenset()
    if work.actor.id == engine.instance.submitted_by:
        hidden = frozenset()
    return lambda name: name not in hidden and (work.actor.unrestricted or rights.readable(name))


def _record_values(work: Work, engine: Engine) -> dict[str, Any]:
    """The record in the approval: as it is while it runs, as it was when it ended for those who took part."""
    kept = engine.instance.snapshot or ending.seen(engine)
    shown = _shown(work, engine)
    values = {name: value for name, value in (kept.get("values") or {}).items() if shown(name)}
    at = kept.get("at")
    return {"at": instant_text_json(at) if at else None, "version": kept.get("version"), "values": values}


def offers(engine: Engine, actor: Actor) -> dict[str, Any]:
    """What the viewer may do now: {"task": id, "acts": […], "edit": […], "targets": […], "whole": […]}."""
    instance = engine.instance
    own = next((t for t in engine.tasks if t.state == "open" and actor.id in (t.user_id, t.also)), None)
    found: dict[str, Any] = {"task": None, "acts": [], "whole": _whole_acts(engine, actor)}
    if own is None or own.part == "resubmit" or instance.state != "running":
        return found
    step = engine.step(own.step)
    acts = ["approve", "reject", "comment", "transfer"]
    if own.part in COUNTED:
        acts += ["return", "delegate", "add_signer"]
    return {
        **found,
        "task": own.id,
        "acts": [name for name in ACTS if name in acts],
        "edit": list(step.edit),
        "required": list(step.required),
        "hidden": list(step.hidden),
        "comment": step.comment or engine.flow.comment,
        "targets": ["start", *engine.targets(own.step)] if own.step != ADMIN_STEP else ["start"],
    }


def _whole_acts(engine: Engine, actor: Actor) -> list[str]:
    instance, acts = engine.instance, []
    decided = engine.decided()
    if actor.id == instance.submitted_by and instance.active:
        policy = engine.flow.withdraw
        free = instance.state != "running" or policy == "anytime" or (policy != "never" and not decided)
        acts += ["withdraw"] if free else []
        acts += ["resubmit"] if instance.state == "returned" else []
    if instance.state == "running":
        acts.append("urge")
    if actor.administrator:
        acts += ["terminate", "reassign"] if instance.active else []
        acts += ["retry"] if instance.state == "suspended" else []
        acts += ["revoke"] if instance.state == "approved" else []
    return acts
