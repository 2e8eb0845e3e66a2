"""Who may do what, as it changes: people added, suspended, given roles, moved. One watcher on the object `user`.

It stands in every write of a user's record, so no channel goes round it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..records.extensions import Change, Watcher
from ..records.plan import ObjectPlan

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work

USER = "user"
PLACES = ("team", "manager")


class RightsWatcher(Watcher):
    """Notes changes of people's rights in the audit trail, within the transaction that makes them."""

    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:  # noqa: ARG002
        """See Watcher."""
        old, new = change.old or {}, change.new
        if new is None:
            return  # the removal itself is an act of the trail
        if change.old is None:
            self._note(work, "user_added", new, {"name": new.get("name"), "roles": _names(work, new.get("roles"))})
            return
        if "roles" in change.changed:
            before, now = set(old.get("roles") or ()), set(new.get("roles") or ())
            detail = {"added": _names(work, now - before), "removed": _names(work, before - now)}
            self._note(work, "roles_changed", new, detail)
        if "active" in change.changed:
            self._note(work, "user_resumed" if new.get("active") else "user_suspended", new, {})
        moved = {name: {"from": old.get(name), "to": new.get(name)} for name in PLACES if name in change.changed}
        if moved:
            self._note(work, "team_changed", new, moved)

    @staticmethod
    def _note(work: Work, act: str, row: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
        work.room.audit.record(act, work.actor, object=USER, record_id=row["id"], detail=detail)


def _names(work: Work, ids: Any) -> list[str]:
    """Roles by name, in order; one that is gone by its number."""
    rows = {key: work.row("role", key) for key in ids or ()}
    return sorted(str(row["name"]) if row else f"#{key}" for key, row in rows.items())


def watch_rights(room: Room) -> Mapping[str, Watcher]:
    """Entry of the catalogue of extensions."""
    return {USER: RightsWatcher()} if USER in room.registry.objects else {}
