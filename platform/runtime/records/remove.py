"""Deleting (to the trash, or for good) and bringing back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, Forbidden, Invalid
from guanxi.runtime.access import shares
from guanxi.runtime.merging import redirect
from guanxi.runtime.search.index import remove as unindex
from guanxi.runtime.storage.faults import ConstraintViolation
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.system import OF_RECORDS

from . import cascade, store
from .draft import Draft
from .extensions import Change
from .guards import missing, unique_keys, violation
from .messages import fault
from .plan import ObjectPlan
from .update import check_version

if TYPE_CHECKING:
    from .work import Work


def delete(
    work: Work, plan: ObjectPlan, record_id: int, *, version: int | None = None, permanent: bool = False
) -> None:
    """To the trash with everything that goes along; `permanent` (administrators) removes even what is in the trash."""
    if permanent and not work.actor.unrestricted:
        work.demand(plan, "delete", work.locked(plan, record_id, trashed=None))
        raise Forbidden("Only administrators delete for good.")
    row = work.locked(plan, record_id, trashed=None if permanent else False)
    work.demand(plan, "delete", row)
    check_version(work, plan, row, version)
    if plan.name == "user" and row["id"] == work.actor.id:
        raise Conflict("Nobody deletes his own user record.")
    if permanent:
        cascade.purge(work, plan, row, set())
    else:
        cascade.trash(work, plan, row, set())
    _note(work, plan, "purge" if permanent else "delete", row)


def _note(work: Work, plan: ObjectPlan, act: str, row: dict[str, Any]) -> None:
    """Into the audit trail; an import that is taken back is one act there, not one for each row."""
    if work.actor.channel != "import":
        work.room.audit.record(act, work.actor, object=plan.name, record_id=row["id"])


def erase(work: Work, plan: ObjectPlan, row: dict[str, Any]) -> None:
    """Remove a row, its links, its search entry and what history knows of its values; that it was removed stays."""
    change = Change("purge", dict(row), None)
    watchers = work.before(plan, change)
    record_id, db, texts = row["id"], work.db, work.statements(plan.name)
    mark = texts.mark
    unindex(db, plan.object, [record_id])
    db.execute(f"DELETE FROM gx_history WHERE object = {mark} AND record_id = {mark}", (plan.name, record_id))  # noqa: S608
    for table in OF_RECORDS:
        db.execute(f"DELETE FROM {table} WHERE object = {mark} AND record_id = {mark}", (plan.name, record_id))  # noqa: S608
    shares.forget_record(db, plan.name, record_id)
    for link in texts.links.values():
        db.execute(link.clear, (record_id,))
    try:
        db.execute(f"DELETE FROM {texts.name} WHERE {quoted('id')} = {mark}", (record_id,))  # noqa: S608
    except ConstraintViolation as error:
        raise Invalid([fault("", "reference", "referred_hidden", work.language)]) from error
    work.remember(plan.name, record_id, None)
    row["version"] += 1
    store.trace(work, plan, "purge", row, changes={})
    work.after(plan, change, watchers)


def restore(work: Work, plan: ObjectPlan, record_id: int) -> dict[str, Any]:
    """Out of the trash, with the records that went there along with it. Unique keys and references must hold again."""
    row = work.locked(plan, record_id, trashed=True)
    work.demand(plan, "restore", row)
    if redirect.next_of(work.db, plan.name, record_id) is not None:
        raise Conflict("The record was merged into another one; undo the merge instead.", code="merged")
    _bring_back(work, plan, row)
    _note(work, plan, "restore", row)
    return row


def _bring_back(work: Work, plan: ObjectPlan, row: dict[str, Any]) -> None:
    children = list(cascade.restorable(work, plan, row))
    draft = Draft(plan, work.language, row, dict(row))
    rights = work.write_rights(plan.name)
    for known in plan.references:
        value = row.get(known.name)
        for target in value if known.links and value else (value,):
            if target is not None and work.row(known.target, target) is None:
                missing(work, draft, known, target)
                break
    unique_keys(work, draft, rights, plan.writable)
    if draft.errors:
        raise Invalid(draft.errors)
    change = Change("restore", dict(row), row)
    watchers = work.before(plan, change)
    try:
        store.set_trashed(work, plan, row, trashed=False)
    except ConstraintViolation as error:
        raise violation(error, plan, work, rights) from error
    store.trace(work, plan, "restore", row, changes={})
    work.after(plan, change, watchers)
    for other, child in children:
        _bring_back(work, other, child)
