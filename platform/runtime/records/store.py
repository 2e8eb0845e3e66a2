"""Rows of records in and out of the database: load, lock, insert, update, links, and what each write leaves behind.

Each write leaves its traces in its own transaction: a history row (tracked fields that moved), the search index, and an
event row in the outbox where somebody listens to the object. Nothing here judges anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import Stale
from guanxi.runtime.jobs.bell import Ring, ring
from guanxi.runtime.people.revision import PEOPLE_OBJECTS, touch

from .draft import filled
from .plan import ObjectPlan

if TYPE_CHECKING:
    from .work import Work

HISTORY_COLUMNS = ("object", "record_id", "version", "at", "by_id", "action", "channel", "changes")
HISTORY = (
    "INSERT INTO gx_history (object, record_id, version, at, by_id, action, channel, changes)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
HISTORY_OF_RUN = (
    "INSERT INTO gx_history (object, record_id, version, at, by_id, action, channel, changes, run_id)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
OUTBOX = "INSERT INTO gx_outbox (at, kind, object, record_id, payload, key, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
EVENTS = Ring("outbox")
OUTCOMES = {
    "create": "created",
    "delete": "deleted",
    "merged": "deleted",
    "restore": "restored",
    "unmerged": "restored",
    "purge": "purged",
}


def load(
    work: Work, plan: ObjectPlan, record_id: int, *, lock: bool = False, hold: bool = False
) -> dict[str, Any] | None:
    """One row in Python form, links included, whether live or in the trash; None when there is none. `hold` keeps it
    from going to the trash or into another record before the transaction ends, without keeping others from changing it.
    """
    texts = work.statements(plan.name)
    found = work.db.rows(texts.lock if lock else texts.hold if hold else texts.by_id, (record_id,))
    if not found:
        return None
    row = texts.read(found[0])
    if plan.links:
        read_links(work, plan, row)
    return row


def read_links(work: Work, plan: ObjectPlan, row: dict[str, Any]) -> None:
    """Fill in the lists of references."""
    texts = work.statements(plan.name).links
    for known in plan.links:
        row[known.name] = tuple(r[0] for r in work.db.rows(texts[known.name].read, (row["id"],))) or None


def insert(work: Work, plan: ObjectPlan, row: dict[str, Any]) -> int:
    """Write a new row and leave its traces; `row` gets its id, version and stamps."""
    row["version"] = 1
    row["created_at"] = row["updated_at"] = work.now
    row["created_by"] = row["updated_by"] = work.actor.id
    row["deleted_at"] = row["deleted_by"] = None
    texts = work.statements(plan.name)
    names = [name for name in plan.writable if row.get(name) is not None]
    params = texts.insert_params(row)
    if texts.insert_traced and not work.chain:
        first = _first_traces(work, plan, names, row, events=texts.events)
        record_id: int = work.db.returning(texts.insert_traced, (*params, *first, *texts.indexer.prepared(row)))[0][0]
        if texts.events:
            ring(work.db, EVENTS)
        row["id"] = record_id
        _touch(work, plan)
    else:
        row["id"] = record_id = work.db.returning(texts.insert, params)[0][0]
        trace(work, plan, "create", row, changed=names, changes=plan.first_values(row))
    for known in plan.links:
        if filled(row.get(known.name)):
            _add_links(work, plan, known.name, record_id, row[known.name])
    return record_id


def _first_traces(
    work: Work, plan: ObjectPlan, names: Sequence[str], row: Mapping[str, Any], *, events: bool
) -> tuple[Any, ...]:
    """What `Statements.insert_traced` binds for the history and, with `events`, the outbox."""
    actor, stamp, name = work.actor, work.stamp, plan.name
    changes = orjson.dumps(plan.first_values(row)).decode()
    if not events:
        return name, stamp, actor.id, actor.channel, changes
    payload = orjson.dumps({"action": "create", "version": 1, "by": actor.id, "changed": names}).decode()
    return name, stamp, actor.id, actor.channel, changes, stamp, name, payload, name, stamp


def _touch(work: Work, plan: ObjectPlan) -> None:
    if plan.name in PEOPLE_OBJECTS:
        touch(work.db)


def update(work: Work, plan: ObjectPlan, old: Mapping[str, Any], new: dict[str, Any], changed: Sequence[str]) -> None:
    """Write the changed fields when the row is still at the old version, else Stale."""
    new["version"] = old["version"] + 1
    new["updated_at"], new["updated_by"] = work.now, work.actor.id
    texts = work.statements(plan.name)
    links = texts.links
    sql, params = texts.update(tuple(name for name in changed if name not in links))
    if work.db.execute(sql, (*params(new), old["id"], old["version"])) != 1:
        raise Stale(old["version"])
    for name in changed:
        if name in links:
            work.db.execute(links[name].clear, (old["id"],))
            _add_links(work, plan, name, old["id"], new[name] or ())


def set_trashed(work: Work, plan: ObjectPlan, row: dict[str, Any], *, trashed: bool) -> None:
    """Move a row into or out of the trash; `row` follows."""
    before = row["version"]
    row["version"] = before + 1
    row["deleted_at"], row["deleted_by"] = (work.now, work.actor.id) if trashed else (None, None)
    row["updated_at"], row["updated_by"] = work.now, work.actor.id
    texts = work.statements(plan.name)
    if work.db.execute(texts.trash(), (*texts.trash_params(row), row["id"], before)) != 1:
        raise Stale(before)
    work.remember(plan.name, row["id"], row)


def _add_links(work: Work, plan: ObjectPlan, field: str, source: int, targets: Iterable[int]) -> None:
    text = work.statements(plan.name).links[field].add
    for position, target in enumerate(targets):
        work.db.execute(text, (source, target, position))


def changes_of(
    plan: ObjectPlan, old: Mapping[str, Any] | None, new: Mapping[str, Any], names: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """The tracked fields among `names` with both values in JSON form."""
    before = old or {}
    fields, tracked = plan.fields, plan.history
    return {
        name: {"from": fields[name].json(before.get(name)), "to": fields[name].json(new.get(name))}
        for name in names
        if name in tracked
    }


def trace(
    work: Work,
    plan: ObjectPlan,
    action: str,
    row: Mapping[str, Any],
    *,
    changed: Sequence[str] = (),
    changes: Mapping[str, Any],
    told: bool = True,
) -> None:
    """Leave the history row, the search entry and, where somebody listens, the event row of a write (if `told`)."""
    record_id, version = row["id"], row["version"]
    db, stamp = work.db, work.stamp
    kept = orjson.dumps(changes).decode()
    params = (plan.name, record_id, version, stamp, work.actor.id, action, work.actor.channel, kept)
    if work.chain:
        db.execute(work.room.history_of_run, (*params, work.chain[-1].id))
    else:
        db.execute(work.room.history, params)
    if told and plan.name in work.room.listened:
        payload = orjson.dumps({"action": action, "version": version, "by": work.actor.id, "changed": list(changed)})
        kind = f"record.{OUTCOMES.get(action, 'updated')}"
        key = f"{plan.name}-{record_id}-{version}-{action}"
        db.execute(work.room.outbox, (stamp, kind, plan.name, record_id, payload.decode(), key, stamp))
        ring(db, EVENTS)
    _touch(work, plan)
    searched = plan.searched
    if searched and (action == "create" or not searched.isdisjoint(changed)):
        work.statements(plan.name).indexer.put(db, record_id, row)
