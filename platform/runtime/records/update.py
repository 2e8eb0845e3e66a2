"""Changing records: lock, compare the version, judge the old and the new row, write what moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Forbidden, Invalid, PreconditionRequired, Stale
from guanxi.runtime.storage.faults import ConstraintViolation

from . import store
from .draft import Draft, take
from .environment import environment
from .extensions import Change
from .guards import guard, violation
from .judge import judge, settle
from .messages import text
from .plan import ObjectPlan
from .rights import WriteRights
from .steps import entered

if TYPE_CHECKING:
    from .work import Work


def update(
    work: Work,
    plan: ObjectPlan,
    record_id: int,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    force: bool = False,
    action: str = "update",
    operation: str = "update",
    note: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Judge and store a change inside `write()`; returns the row and what moved (nothing moved: same version).

    `operation` is the right that is asked for, `note` goes into the history beside the changes.
    """
    old = work.locked(plan, record_id)
    work.demand(plan, operation, old)
    if work.actor.channel == "import":
        work.demand(plan, "import", old)
    check_version(work, plan, old, version)
    rights = work.write_rights(plan.name)
    draft = prepare(work, plan, values, rights, old, force=force)
    if draft.errors:
        raise Invalid(draft.errors)
    changed = draft.changed
    if not changed:
        return dict(old), []
    if not work.may(plan, operation, draft.new, becoming=True):
        raise Forbidden(text("scope", work.language))
    if not save(work, plan, old, draft.new, changed, rights=rights, action=action, note=note):
        return dict(old), []
    entered(work, plan, old, draft.new)
    return work.row(plan.name, record_id) or draft.new, changed


def check_version(work: Work, plan: ObjectPlan, row: Mapping[str, Any], version: int | None) -> None:
    """Stale when the change was made from another version; a strict object demands that one is named."""
    if version is None:
        if plan.strict and not work.trusted:
            raise PreconditionRequired("Name the version the change was made from.")
    elif version != row["version"]:
        raise Stale(row["version"])


def prepare(
    work: Work,
    plan: ObjectPlan,
    values: Mapping[str, Any],
    rights: WriteRights,
    old: Mapping[str, Any],
    *,
    force: bool,
) -> Draft:
    """The judged draft of a change; nothing is written. A change that moves nothing is not judged further."""
    draft = take(plan, rights, work.language, values, old)
    env = environment(work, plan.name, draft.new, old)
    if draft.given or draft.errors:
        settle(draft, env, rights)
    changed = draft.changed
    if changed or draft.errors:
        judge(draft, env, rights)
        guard(work, draft, rights, changed, force=force)
    return draft


def save(
    work: Work,
    plan: ObjectPlan,
    old: Mapping[str, Any],
    new: dict[str, Any],
    changed: list[str],
    *,
    rights: WriteRights,
    action: str = "update",
    note: Mapping[str, Any] | None = None,
) -> bool:
    """Store a judged change and its traces; False when it was taken over and waits."""
    change = Change(action, dict(old), new, changed)
    watchers = work.before_or_wait(plan, change)
    if watchers is None:
        return False
    try:
        store.update(work, plan, old, new, changed)
    except ConstraintViolation as error:
        raise violation(error, plan, work, rights) from error
    moved = {name: new.get(name) for name in plan.files if name in changed}
    if moved:
        work.room.files.attach(plan.object, moved, old["id"])
    work.remember(plan.name, old["id"], new)
    changes = store.changes_of(plan, old, new, changed)
    if note:
        changes.update(note)
    store.trace(work, plan, action, new, changed=changed, changes=changes)
    work.after(plan, change, watchers)
    return True
