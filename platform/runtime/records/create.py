"""Making records: the whole pipeline from values to a stored row, and the same without storing anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Forbidden, Invalid
from guanxi.runtime.storage.faults import ConstraintViolation

from . import store
from .draft import Draft, take
from .environment import environment
from .extensions import Change
from .guards import guard, violation
from .judge import judge, settle
from .numbers import assign_numbers
from .plan import ObjectPlan
from .rights import WriteRights
from .steps import entered

if TYPE_CHECKING:
    from .work import Work


def create(work: Work, plan: ObjectPlan, values: Mapping[str, Any], *, force: bool = False) -> dict[str, Any]:
    """Judge and store a new record, inside `write()`; returns its row in Python form. Raises Invalid, Forbidden."""
    rights = work.write_rights(plan.name)
    draft = prepare(work, plan, values, rights, force=force)
    if draft.errors:
        raise Invalid(draft.errors)
    row = draft.new
    if not may_make(work, plan, row):
        raise Forbidden("You may not make a record like this one.")
    save(work, plan, row, rights, given=draft.given)
    entered(work, plan, None, row)
    return work.row(plan.name, row["id"]) or row


def may_make(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> bool:
    """Whether a new record stays inside what the actor may create (and import), and is one the actor may work on: one
    to be read or changed, or the actor's own.
    """
    if work.trusted:
        return True
    operations = ("create", "import") if work.actor.channel == "import" else ("create",)
    if not all(work.may(plan, operation, row) for operation in operations):
        return False
    if work.actor.channel == "form":
        return True  # a public form hands in and never looks back
    own = work.actor.id is not None and row.get("owner", work.actor.id) == work.actor.id
    return own or work.may(plan, "read", row) or work.may(plan, "update", row, becoming=True)


def prepare(work: Work, plan: ObjectPlan, values: Mapping[str, Any], rights: WriteRights, *, force: bool) -> Draft:
    """The judged draft of a new record; nothing is written."""
    if not work.trusted and not work.rights(plan.name).create:
        raise Forbidden(f"You may not create {plan.name} records.")
    draft = take(plan, rights, work.language, values, None)
    row = draft.new
    row.update(created_at=work.now, updated_at=work.now, created_by=work.actor.id, updated_by=work.actor.id)
    row.update(id=None, version=None, deleted_at=None)
    if plan.owned:
        own(work, draft)
    env = environment(work, plan.name, row, None)
    settle(draft, env, rights)
    judge(draft, env, rights)
    guard(work, draft, rights, draft.changed, force=force)
    return draft


def own(work: Work, draft: Draft) -> None:
    """A creator owns what he makes; the team is the owner's unless it was given."""
    row = draft.new
    if "owner" not in draft.given and "owner" not in draft.broken:
        row["owner"] = work.actor.id
    if "team" not in draft.given and "team" not in draft.broken:
        row["team"] = team_of(work, row.get("owner"))


def team_of(work: Work, user_id: int | None) -> int | None:
    """The team of a user, None without one."""
    if user_id is None:
        return None
    if user_id == work.actor.id:
        return work.actor.team
    user = work.row("user", user_id) if "user" in work.room.registry.objects else None
    return user.get("team") if user else None


def save(
    work: Work, plan: ObjectPlan, row: dict[str, Any], rights: WriteRights, *, given: Collection[str] = ()
) -> None:
    """Store a judged row and its traces."""
    change = Change("create", None, row, given=given)
    watchers = work.before(plan, change)
    assign_numbers(work, plan, row)
    try:
        record_id = store.insert(work, plan, row)
    except ConstraintViolation as error:
        raise violation(error, plan, work, rights) from error
    if plan.files:
        work.room.files.attach(plan.object, {name: row.get(name) for name in plan.files}, record_id)
    work.remember(plan.name, record_id, row)
    work.after(plan, change, watchers)
