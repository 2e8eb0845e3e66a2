"""The action `merge`: several records of one object become one, in one transaction.

The rows are locked in the order of their ids, everything that refers to a loser is pointed at the master, the losers go
to the trash and lead to the master, and the master gets the surviving values, judged by the object's own rules. Rules
of the metadata are not set off by the moves; the journal keeps what undoing needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest, Conflict, Invalid, NotFound
from guanxi.common.names import did_you_mean
from guanxi.runtime.access import shares
from guanxi.runtime.access.grants import shareable

from ..approvals.ending import WATCHER as APPROVAL
from ..approvals.rows import ACTIVE
from ..records import store
from ..records.draft import Draft
from ..records.environment import environment
from ..records.extensions import QUIET, Change
from ..records.guards import unique_keys
from ..records.inputs import record_id
from ..records.judge import judge, settle
from ..records.messages import fault
from ..records.plan import ObjectPlan
from ..records.update import save
from . import journal as journals
from . import relink
from .journal import MASTER, Journal, Moved
from .survivors import OWNERSHIP, survivors

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work

MOST_LOSERS = 10
DEEPEST = 200
BUILT_IN = frozenset({"user", "team", "role"})


def mergeable(_: Room, plan: ObjectPlan) -> bool:
    """People, teams and roles are not merged."""
    return not plan.object.system and plan.name not in BUILT_IN and not plan.name.startswith("user_")


def may_merge(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the record page needs."""
    return {"most": MOST_LOSERS} if work.may(plan, "merge", row) else None


def only(payload: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """BadRequest for a key the action does not have."""
    for name in payload:
        if name not in known:
            raise BadRequest(f"The action has no key {str(name)[:60]!r}.", hint=did_you_mean(str(name)[:60], known))


def merge(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """{"losers": [ids], "fields": {field: id}} → {"merge_id", "record", "moved": {"object.field": count}}."""
    only(payload, ("losers", "fields"))
    losers = loser_ids(work, number, payload.get("losers"))
    rows = lock_all(work, plan, number, losers)
    for key, row in rows.items():
        work.demand(plan, "merge", row)
        if key != number:
            work.demand(plan, "delete", row)
    master, gone = rows[number], [rows[key] for key in losers]
    chosen = choices(work, plan, rows, payload.get("fields"))
    refuse_locked(work, plan, rows)
    _refuse_own_child(work, plan, master, set(losers))
    journal = journals.begin(work.db, plan.name, number, losers, at=work.stamp, by=work.actor.id)
    values = survivors(plan, master, gone, chosen)
    with work.trust(), work.exempted(QUIET), work.exempted(APPROVAL):
        relink.references(work, plan, number, losers, journal)
        relink.platform_rows(work, plan, number, losers, journal)
        _join(work, plan, master, gone, journal)
        for row in gone:
            _trash(work, plan, row)
        _files(work, plan, master, gone, values, journal=journal)
        _write(work, plan, master, values, journal)
    detail = {"merge": journal.id, "losers": losers, "moved": journal.counts}
    work.room.audit.record("merge", work.actor, object=plan.name, record_id=number, detail=detail)
    return {"merge_id": journal.id, "record": answer(work, plan, number), "moved": journal.counts}


def answer(work: Work, plan: ObjectPlan, number: int) -> Mapping[str, Any]:
    """The record as the actor may see it."""
    try:
        return work.room.reader.get(work.actor, plan.name, number)
    except NotFound:
        return {"id": number}


def loser_ids(work: Work, number: int, given: Any) -> list[int]:
    """The losers in the order given. Raises Invalid."""
    wrong = Invalid([fault("losers", "required", "merge_losers", work.language, most=MOST_LOSERS)])
    if not isinstance(given, list | tuple) or not 0 < len(given) <= MOST_LOSERS:
        raise wrong
    try:
        ids = [record_id(one) for one in given]
    except NotFound as error:
        raise wrong from error
    if number in ids or len(set(ids)) != len(ids):
        raise wrong
    return ids


def lock_all(work: Work, plan: ObjectPlan, number: int, losers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """All rows, locked in the order of their ids. NotFound for the master, Invalid for a loser that is not there."""
    rows = {}
    for key in sorted([number, *losers]):
        try:
            rows[key] = work.locked(plan, key)
        except NotFound as error:
            if key == number:
                raise
            label = plan.object.label.text(work.language) or plan.name
            said = fault("losers", "reference", "reference", work.language, object=label, id=key)
            raise Invalid([said]) from error
    return rows


def choices(
    work: Work, plan: ObjectPlan, rows: Mapping[int, Mapping[str, Any]], given: Any
) -> dict[str, Mapping[str, Any]]:
    """Field → the row whose value was chosen. Raises Invalid for a field the actor may not write or an id outside."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise Invalid([fault("fields", "type", "merge_field", work.language)])
    rights, errors, chosen = work.write_rights(plan.name), [], {}
    for name, key in given.items():
        known = plan.fields.get(name) if isinstance(name, str) else None
        if known is None or not rights.visible(name):
            errors.append(fault(str(name)[:60], "unknown_field", "unknown_field", work.language, name=str(name)[:60]))
        elif name == "owner" and plan.owned:
            if not all(work.may(plan, "assign", row) for row in rows.values()):
                errors.append(fault(name, "forbidden", "forbidden", work.language))
        elif known.system or not known.stored or not rights.editable(name):
            errors.append(fault(name, "read_only", "read_only", work.language))
        if type(key) is not int or key not in rows:
            errors.append(fault(str(name)[:60], "reference", "merge_field", work.language))
        elif not errors:
            chosen[name] = rows[key]
    if errors:
        raise Invalid(errors)
    return chosen


def refuse_locked(work: Work, plan: ObjectPlan, ids: Mapping[int, Any]) -> None:
    """Conflict while an approval runs on one of the records."""
    states, marks = ", ".join(f"'{s}'" for s in sorted(ACTIVE)), ", ".join("?" * len(ids))
    sql = f"SELECT record_id FROM gx_approvals WHERE object = ? AND record_id IN ({marks}) AND state IN ({states})"  # noqa: S608
    row = work.db.one(work.db.sql(sql), (plan.name, *ids))
    if row is not None:
        raise Conflict(f"#{row[0]} is locked by an approval.", code="locked")


def _refuse_own_child(work: Work, plan: ObjectPlan, master: Mapping[str, Any], losers: set[int]) -> None:
    """A loser may not stand above the master in a line of references of the object to itself."""
    for known in plan.references:
        if known.target != plan.name or known.links:
            continue
        above, seen = master.get(known.name), 0
        while above is not None and seen < DEEPEST:
            if above in losers:
                raise Invalid([fault(known.name, "rule", "merge_own", work.language)])
            row = work.row(plan.name, above)
            above, seen = (row or {}).get(known.name), seen + 1


def _join(
    work: Work, plan: ObjectPlan, master: Mapping[str, Any], gone: Sequence[Mapping[str, Any]], journal: Journal
) -> None:
    """Owners of the losers keep working on the record: it is shared with them."""
    if not plan.owned or not shareable(work.room.registry, plan.object):
        return
    have = {one.principal for one in shares.of_record(work.db, plan.name, master["id"], work.now)}
    for owner in dict.fromkeys(row.get("owner") for row in gone):
        if owner is None or owner == master.get("owner") or master.get("owner") is None or f"u{owner}" in have:
            continue
        made = shares.HandShare(0, "user", owner, "edit", "", work.actor.id, work.stamp, "merge")
        shares.put(work.db, plan.name, master["id"], made)
        sql = "SELECT id FROM gx_shares WHERE object = ? AND record_id = ? AND principal = ?"
        row = work.db.one(work.db.sql(sql), (plan.name, master["id"], made.principal))
        if row is not None:
            journal.note(Moved("gx_shares", plan.name, row[0], "", None, None))


def _trash(work: Work, plan: ObjectPlan, row: dict[str, Any]) -> None:
    change = Change("merged", dict(row), None)
    watchers = work.before(plan, change)
    store.set_trashed(work, plan, row, trashed=True)
    store.trace(work, plan, "merged", row, changes={})
    work.after(plan, change, watchers)


def _files(
    work: Work,
    plan: ObjectPlan,
    master: Mapping[str, Any],
    gone: Sequence[Mapping[str, Any]],
    values: Mapping[str, Any],
    *,
    journal: Journal,
) -> None:
    """A file that survives from a loser becomes the master's."""
    for name in plan.files:
        value = values.get(name)
        source = next((row for row in gone if value is not None and row.get(name) == value), None)
        if source is None or not isinstance(value, Mapping):
            continue
        sql = "SELECT id FROM gx_files WHERE token = ? AND object = ? AND record_id = ? AND field = ?"
        found = work.db.one(work.db.sql(sql), (value.get("id"), plan.name, source["id"], name))
        if found is not None:
            sql = "UPDATE gx_files SET record_id = ? WHERE id = ?"
            work.db.execute(work.db.sql(sql), (master["id"], found[0]))
            journal.note(Moved("gx_files", plan.name, found[0], "record_id", source["id"], master["id"]))


def _write(
    work: Work, plan: ObjectPlan, master: Mapping[str, Any], values: Mapping[str, Any], journal: Journal
) -> None:
    """The surviving values, judged as any change is, with a version and a line in history even when none moves."""
    draft = Draft(plan, work.language, master, {**master, **values}, given=set(values))
    rights = work.write_rights(plan.name)
    env = environment(work, plan.name, draft.new, master)
    settle(draft, env, rights)
    judge(draft, env, rights)
    unique_keys(work, draft, rights, draft.changed)
    if draft.errors:
        raise Invalid(draft.errors)
    for name in draft.changed:
        known = plan.fields[name]
        journal.note(
            Moved(MASTER, plan.name, master["id"], name, known.json(master.get(name)), known.json(draft.new.get(name)))
        )
    note = {n: {"from": master.get(n), "to": draft.new.get(n)} for n in draft.changed if n in OWNERSHIP}
    save(work, plan, master, draft.new, draft.changed, rights=rights, action="merge", note=note)
