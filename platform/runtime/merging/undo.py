"""The action `undo_merge`: the journal read backwards, within 30 days, the master's newest merge first.

Losers come back under their old ids; what still points at the master goes back, what was changed since stays and is
reported. A unique key that somebody else holds by now refuses the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, Invalid
from guanxi.fieldtypes import ValueFault
from guanxi.runtime.storage.faults import ConstraintViolation

from ..approvals.ending import WATCHER as APPROVAL
from ..records import store
from ..records.draft import Draft, same
from ..records.extensions import QUIET, Change
from ..records.guards import unique_keys, violation
from ..records.messages import fault
from ..records.messages import text as sentence
from ..records.plan import FieldPlan, ObjectPlan
from ..records.update import save
from . import journal as journals
from . import relink
from .journal import CHILD, MASTER, Merge, Moved
from .merge import answer, only, refuse_locked

if TYPE_CHECKING:
    from ..records.work import Work

Left = list[dict[str, Any]]


def may_undo(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The merges that can be undone, newest first; None without any or without the right."""
    if not work.may(plan, "merge", row):
        return None
    found = journals.standing(work.db, plan.name, row["id"], work.now)
    return {"merges": [one.as_dict() for one in found]} if found else None


def undo_merge(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """{"merge_id": id} → {"merge_id", "record", "restored": [ids], "left": [{"object", "id", "field"}]}."""
    only(payload, ("merge_id",))
    asked = _merge(work, plan, number, payload.get("merge_id"))
    master, gone = _locked(work, plan, asked)
    work.demand(plan, "merge", master)
    merge = _merge(work, plan, number, asked.id)  # somebody may have undone it while the rows were waited for
    refuse_locked(work, plan, {number: master})
    left: Left = []
    with work.trust(), work.exempted(QUIET), work.exempted(APPROVAL):
        steps = list(journals.backwards(work.db, merge.id))
        _platform(work, [step for step in steps if step.place not in (MASTER, CHILD)], left)
        _revert(work, plan, master, [step for step in steps if step.place == MASTER], left)
        for row in gone:
            _bring_back(work, plan, row)
        journals.end(work.db, merge, work.stamp, work.actor.id)
        for step in steps:
            if step.place == CHILD:
                _child(work, step, left)
    detail = {"merge": merge.id, "restored": list(merge.losers), "left": left[:50]}
    work.room.audit.record("merge_undone", work.actor, object=plan.name, record_id=number, detail=detail)
    found = answer(work, plan, number)
    return {"merge_id": merge.id, "record": found, "restored": list(merge.losers), "left": left}


def _merge(work: Work, plan: ObjectPlan, number: int, given: Any) -> Merge:
    """The merge that is to be undone. Raises Invalid when there is none, Conflict when a later one stands above it."""
    found = journals.standing(work.db, plan.name, number, work.now)
    wanted = next((one for one in found if type(given) is int and one.id == given), None)
    if wanted is None:
        raise Invalid([fault("merge_id", "reference", "merge_id", work.language)])
    if wanted.id != found[0].id:
        raise Conflict(sentence("merge_order", work.language), code="order")
    return wanted


def _locked(work: Work, plan: ObjectPlan, merge: Merge) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The master and the losers, locked in the order of their ids."""
    gone, master = [], None
    for key in sorted([merge.record, *merge.losers]):
        if key == merge.record:
            master = work.locked(plan, key)
            continue
        row = store.load(work, plan, key, lock=True)
        if row is None or row["deleted_at"] is None:
            raise Conflict(sentence("merge_gone", work.language, id=key), code="gone")
        gone.append(row)
    assert master is not None  # noqa: S101 (its id is among those locked)
    return master, gone


def _platform(work: Work, steps: list[Moved], left: Left) -> None:
    places = {place.table: place for place in (*relink.PLACES, relink.Place("gx_files"))}
    for step in steps:
        if not relink.put_back(work, places[step.place], step):
            left.append({"object": step.place, "id": step.record, "field": step.field})


def _revert(work: Work, plan: ObjectPlan, master: dict[str, Any], steps: list[Moved], left: Left) -> None:
    """The master's values from before, where they were not changed since."""
    new = dict(master)
    for step in steps:
        known = plan.fields.get(step.field)
        if known is None or not same(master.get(step.field), _value(known, step.after)):
            left.append({"object": plan.name, "id": master["id"], "field": step.field})
            continue
        new[step.field] = _value(known, step.before)
    changed = [name for name in plan.writable if not same(new.get(name), master.get(name))]
    save(work, plan, master, new, changed, rights=work.write_rights(plan.name), action="undo_merge")


def _value(known: FieldPlan, stored: Any) -> Any:
    """A value of the journal in Python form; ... for one the field no longer takes."""
    if stored is None:
        return None
    if known.system:
        return stored
    try:
        return known.coerce(stored)
    except ValueFault:
        return ...


def _bring_back(work: Work, plan: ObjectPlan, row: dict[str, Any]) -> None:
    draft = Draft(plan, work.language, row, dict(row))
    rights = work.write_rights(plan.name)
    unique_keys(work, draft, rights, plan.writable)
    if draft.errors:
        raise Invalid(draft.errors)
    change = Change("unmerged", dict(row), row)
    watchers = work.before(plan, change)
    try:
        store.set_trashed(work, plan, row, trashed=False)
    except ConstraintViolation as error:
        raise violation(error, plan, work, rights) from error
    store.trace(work, plan, "unmerged", row, changes={})
    work.after(plan, change, watchers)


def _child(work: Work, step: Moved, left: Left) -> None:
    """One reference goes back, unless it was changed since."""
    plan = work.room.plan(step.object) if step.object in work.room.registry.objects else None
    row = store.load(work, plan, step.record, lock=True) if plan is not None else None
    known = plan.fields.get(step.field) if plan is not None else None
    if plan is None or row is None or known is None:
        left.append({"object": step.object, "id": step.record, "field": step.field})
        return
    before, after = _reference(step.before), _reference(step.after)
    if not same(row.get(step.field), after):
        left.append({"object": step.object, "id": step.record, "field": step.field})
        return
    relink.move(work, plan, row, step.field, before, act="undo_merge")


def _reference(stored: Any) -> Any:
    return tuple(stored) or None if isinstance(stored, list) else stored
