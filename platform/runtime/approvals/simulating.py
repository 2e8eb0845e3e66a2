"""Simulations as channels ask for them: one record, values that do not exist yet, or the last months again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest, Forbidden, Invalid, NotFound
from guanxi.common.names import did_you_mean
from guanxi.registry.approvals import Flow

from ..access.actor import Actor
from ..records.create import prepare
from ..records.inputs import record_id, record_values
from ..records.work import Work
from ..storage.rows import instant_text
from . import starting
from .foresight import branches_of, rehearse
from .store import Store

if TYPE_CHECKING:
    from ..records.plan import ObjectPlan
    from ..records.room import Room

MOST_REPLAYED = 500


def preview(room: Room, actor: Actor, object_name: str, number: int, name: str | None) -> dict[str, Any]:
    """What submitting a record would lead to, for the person who would; Conflict `no_flow` when nothing fits."""
    work = Work(room, actor)
    plan = work.plan(object_name)
    with room.db.read():
        row = work.seen(plan, record_id(number))
        flow = starting.chosen_flow(work, plan, row, name)
        starting.may(work, plan, flow, row)
        return rehearse(work, flow, row, submitter=actor.id)


def simulate(
    room: Room,
    actor: Actor,
    name: str,
    *,
    record: int | None = None,
    values: Mapping[str, Any] | None = None,
    submitter: int | None = None,
    chosen: Mapping[str, list[int]] | None = None,
    flow: Flow | None = None,
) -> dict[str, Any]:
    """A flow on a record, or on values of one that does not exist. For administrators; `flow` may be a draft."""
    administrator(actor)
    work = Work(room, actor)
    flow = flow or known_flow(room, name)
    if (record is None) is (values is None):
        raise BadRequest("Name a record, or give values.", code="required")
    plan = room.plan(flow.object)
    with room.db.read(), work.trust():
        row = work.seen(plan, record_id(record)) if record is not None else _made_up(work, plan, values or {})
        who = submitter if submitter is not None else row.get("owner") or row.get("created_by") or actor.id
        return {
            **rehearse(work, flow, row, submitter=who, chosen=chosen),
            "starts": starting.holds(work, plan, flow, row),
        }


def _made_up(work: Work, plan: ObjectPlan, values: Mapping[str, Any]) -> dict[str, Any]:
    """A row as creating a record of these values would make it; what is missing may be missing."""
    draft = prepare(work, plan, record_values(values), work.write_rights(plan.name), force=True)
    faults = [error for error in draft.errors if error.field in values]
    if faults:
        raise Invalid(faults)
    return {"id": 0, "version": 0, **dict.fromkeys(plan.fields), **draft.new}


def administrator(actor: Actor) -> None:
    """Forbidden for everybody else."""
    if not (actor.administrator or actor.unrestricted):
        raise Forbidden("Only administrators simulate.")


def known_flow(room: Room, name: str) -> Flow:
    """A published flow by name; NotFound otherwise."""
    flows: Mapping[str, Flow] = room.registry.others.get("approval", {})
    found = flows.get(name)
    if found is None:
        raise NotFound(f"There is no approval flow {name[:60]!r}.", hint=did_you_mean(name[:60], flows))
    return found


# the last months again --------------------------------------------------------------------------------------------
def replay(room: Room, actor: Actor, name: str, *, since: timedelta, flow: Flow | None = None) -> dict[str, Any]:
    """A flow on the records that went through it since then (without any: the newest records of its object).

    {"runs", "changed": [{"id", "record", "before", "after"}], "dead_ends": [{"record", "reason"}], "uncovered":
    ["block.branch"], "asked": {title: times}, "bottlenecks": [{"step", "hours", "decisions"}]}
    """
    administrator(actor)
    flow = flow or known_flow(room, name)
    work = Work(room, actor)
    plan = room.plan(flow.object)
    changed, dead, asked, taken, runs = [], [], Counter[str](), set(), 0
    with room.db.read(), work.trust():
        for number, record, submitter, kept in _cases(work, plan, flow, since):
            row = work.row(flow.object, record)
            if row is None:
                continue
            row = {**row, **{k: plan.fields[k].coerce(v) for k, v in kept.items() if k in plan.fields}}
            runs += 1
            found = rehearse(work, flow, row, submitter=submitter)
            taken |= {(block, branch) for block, names in found["branches"].items() for branch in names}
            people = [person["title"] for step in found["path"] for person in step["people"] if person["asked"]]
            asked.update(people)
            if found["state"] != "approved":
                dead.append({"record": record, "state": found["state"], "reason": found["reason"]})
            before = _asked_then(work, number) if number else None
            if before is not None and before != sorted(set(people)):
                changed.append({"id": number, "record": record, "before": before, "after": sorted(set(people))})
        waits = _bottlenecks(work, flow, since)
    uncovered = [f"{block}.{branch}" for block, branch in branches_of(flow.steps) if (block, branch) not in taken]
    return {
        "approval": flow.name,
        "runs": runs,
        "changed": changed,
        "dead_ends": dead,
        "uncovered": uncovered,
        "asked": dict(asked.most_common()),
        "bottlenecks": waits,
    }


def _cases(
    work: Work, plan: ObjectPlan, flow: Flow, since: timedelta
) -> list[tuple[int, int, int | None, Mapping[str, Any]]]:
    """(approval or 0, record, submitter, values as they were) of what is replayed, newest first."""
    sql = "SELECT id FROM gx_approvals WHERE flow = ? AND object = ? AND at >= ? ORDER BY id DESC LIMIT ?"
    after = instant_text(work.now - since)
    rows = work.db.rows(work.db.sql(sql), (flow.name, flow.object, after, MOST_REPLAYED))
    store = Store(work.db)
    known = [store.instance(int(row[0])) for row in rows]
    cases: list[tuple[int, int, int | None, Mapping[str, Any]]] = [
        (one.id, one.record_id, one.submitted_by, one.snapshot.get("values") or {}) for one in known if one is not None
    ]
    if cases:
        return cases
    table = work.room.statements(plan.name)
    newest = work.db.rows(f'{table.select}"deleted_at" IS NULL ORDER BY "id" DESC LIMIT {MOST_REPLAYED}')
    found = [table.read(row) for row in newest]
    fitting = [row for row in found if starting.holds(work, plan, flow, row)]
    return [(0, row["id"], row.get("owner") or row.get("created_by"), {}) for row in fitting]


def _asked_then(work: Work, approval: int) -> list[str]:
    """Who was asked to vote in a real run."""
    sql = (
        "SELECT DISTINCT user_id FROM gx_approval_tasks WHERE approval_id = ? AND part = 'vote'"
        " AND opened_at IS NOT NULL AND reason <> 'repeat'"
    )
    users = [int(row[0]) for row in work.db.rows(work.db.sql(sql), (approval,))]
    rows = {user: work.row("user", user) for user in users}
    return sorted({str(row.get("full_name") or row["name"]) if row else f"#{user}" for user, row in rows.items()})


def _bottlenecks(work: Work, flow: Flow, since: timedelta) -> list[dict[str, Any]]:
    """How long people took, step by step, the slowest first."""
    sql = (
        "SELECT t.step, t.opened_at, t.decided_at FROM gx_approval_tasks t JOIN gx_approvals a ON a.id = t.approval_id"
        " WHERE a.flow = ? AND a.at >= ? AND t.acted = 1 AND t.opened_at IS NOT NULL AND t.decided_at IS NOT NULL"
    )
    took: dict[str, list[float]] = {}
    for step, opened, decided in work.db.rows(work.db.sql(sql), (flow.name, instant_text(work.now - since))):
        span = datetime.fromisoformat(decided) - datetime.fromisoformat(opened)
        took.setdefault(str(step), []).append(span.total_seconds() / 3600)
    found = [{"step": step, "hours": round(median(spans), 2), "decisions": len(spans)} for step, spans in took.items()]
    return sorted(found, key=lambda one: -float(str(one["hours"])))


def days(text: str) -> timedelta:
    """`90d`, `12h` or `2w`. BadRequest otherwise."""
    units = {"h": "hours", "d": "days", "w": "weeks"}
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in units or int(number) > 10_000:
        raise BadRequest(f"A time is written 90d, 12h or 4w, not {text[:20]!r}.", code="bad_request")
    return timedelta(**{units[unit]: int(number)})
