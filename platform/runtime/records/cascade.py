"""What happens to records that refer to one that goes: refuse, clear the reference, or go along; and come back along.

Everything is done in the deleting transaction, bounded; each record touched gets its own history and outbox rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, FieldError, Invalid
from guanxi.common.errors import Stale as StaleRow

from . import store
from .extensions import Change
from .messages import fault, named, text
from .plan import ObjectPlan
from .room import Inbound

if TYPE_CHECKING:
    from .work import Work

MOST = 10_000
Row = dict[str, Any]


def referring_ids(work: Work, inbound: Inbound, record_id: int, *, trashed: bool) -> list[int]:
    """Ids of the records that refer to one through one field; live ones only, unless `trashed`."""
    sql = work.room.referring[inbound.object, inbound.field.name]
    if not trashed:
        sql += ' AND "deleted_at" IS NULL'
    return [row[0] for row in work.db.rows(f'{sql} ORDER BY "id" LIMIT {MOST + 1}', (record_id,))]


def trash(work: Work, plan: ObjectPlan, row: Row, seen: set[tuple[str, int]]) -> None:
    """Move a record and what goes along into the trash. Raises Invalid when something restricts it."""
    change = Change("delete", dict(row), None)
    watchers = work.before(plan, change) if seen else work.before_or_wait(plan, change)
    if watchers is None:
        return
    _go(work, plan, row, seen, permanent=False)
    store.set_trashed(work, plan, row, trashed=True)
    store.trace(work, plan, "delete", row, changes={})
    work.after(plan, change, watchers)


def purge(work: Work, plan: ObjectPlan, row: Row, seen: set[tuple[str, int]]) -> None:
    """Remove a record and what goes along for good, with its history and search entry."""
    from .remove import erase

    _go(work, plan, row, seen, permanent=True)
    erase(work, plan, row)


def _go(work: Work, plan: ObjectPlan, row: Row, seen: set[tuple[str, int]], *, permanent: bool) -> None:
    seen.add((plan.name, row["id"]))
    if len(seen) > MOST:
        raise Invalid([fault("", "reference", "too_many", work.language, most=MOST)])
    errors: list[FieldError] = []
    for inbound in work.room.inbound[plan.name]:
        ids = [i for i in referring_ids(work, inbound, row["id"], trashed=permanent) if (inbound.object, i) not in seen]
        if not ids:
            continue
        if len(ids) > MOST and inbound.field.field.on_delete != "restrict":
            raise Invalid([fault("", "reference", "too_many", work.language, most=MOST)])
        if inbound.field.links:
            _unlink(work, inbound, ids, row["id"])
        elif inbound.field.field.on_delete == "restrict":
            errors.append(_restricted(work, inbound, ids))
        else:
            _follow(work, inbound, ids, seen, permanent=permanent)
    if errors:
        raise Invalid(errors)


def _restricted(work: Work, inbound: Inbound, ids: list[int]) -> FieldError:
    """Count and object are named as far as the actor may see those records."""
    other = work.room.plan(inbound.object)
    shown = 0
    if work.rights(inbound.object).readable(inbound.field.name):
        shown = sum(1 for i in ids[:200] if work.visible(inbound.object, i))
    if not shown:
        return fault("", "reference", "referred_hidden", work.language)
    label = named(other.object.plural or other.object.label, other.name, work.language)
    count: object = shown if len(ids) <= 200 else f"{shown}+"
    return FieldError("", "reference", text("referred", work.language, count=count, object=label))


def _follow(work: Work, inbound: Inbound, ids: list[int], seen: set[tuple[str, int]], *, permanent: bool) -> None:
    other = work.room.plan(inbound.object)
    for record_id in ids:
        child = store.load(work, other, record_id, lock=True)
        if child is None or (other.name, record_id) in seen:
            continue
        if inbound.field.field.on_delete == "clear":
            change(work, other, child, {inbound.field.name: None})
        elif permanent:
            purge(work, other, child, seen)
        else:
            trash(work, other, child, seen)


def _unlink(work: Work, inbound: Inbound, ids: list[int], record_id: int) -> None:
    """A list of references loses the record that goes."""
    other = work.room.plan(inbound.object)
    for source in ids:
        child = store.load(work, other, source, lock=True)
        if child is not None:
            left = tuple(i for i in child[inbound.field.name] or () if i != record_id)
            change(work, other, child, {inbound.field.name: left or None})


def change(work: Work, plan: ObjectPlan, old: Row, values: Mapping[str, Any]) -> None:
    """Write values that follow from something else, without judging the record's own rules."""
    new, changed = {**old, **values}, list(values)
    moved = Change("update", old, new, changed)
    watchers = work.before(plan, moved)
    try:
        store.update(work, plan, old, new, changed)
    except StaleRow as error:
        raise Conflict("A record that refers to it was changed meanwhile.") from error
    work.remember(plan.name, old["id"], new)
    store.trace(work, plan, "update", new, changed=changed, changes=store.changes_of(plan, old, new, changed))
    work.after(plan, moved, watchers)


def restorable(work: Work, plan: ObjectPlan, row: Row) -> Iterator[tuple[ObjectPlan, Row]]:
    """Records that went along with `row` when it was moved to the trash: same moment, cascading reference."""
    for inbound in work.room.inbound[plan.name]:
        if inbound.field.links or inbound.field.field.on_delete != "cascade":
            continue
        other = work.room.plan(inbound.object)
        for record_id in referring_ids(work, inbound, row["id"], trashed=True):
            child = store.load(work, other, record_id, lock=True)
            if child is not None and child["deleted_at"] is not None and child["deleted_at"] == row["deleted_at"]:
                yield other, child
