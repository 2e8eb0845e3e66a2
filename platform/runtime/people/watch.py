"""What writes of people set off: nobody gives rights they do not hold, the last administrator stays, and whoever is
disabled, removed or given other roles is shut out at once, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, FieldError, Forbidden, Invalid

from ..records.extensions import Change, Watcher
from ..records.plan import ObjectPlan
from .actors import ADMINISTRATOR
from .ending import end_everything, end_links, end_sessions
from .scopes import may_administer

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work


def people_watchers(room: Room) -> Mapping[str, Watcher]:
    """Object name → its watcher, for the catalogue of extensions."""
    found = {"user": UserWatcher(), "user_absence": OwnWatcher("user"), "user_delegation": OwnWatcher("principal")}
    return {name: watcher for name, watcher in found.items() if name in room.registry.objects}


class OwnWatcher(Watcher):
    """Everybody keeps records about themselves only; administrators all."""

    def __init__(self, field: str) -> None:
        self.field = field

    def before(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """See Watcher."""
        del plan
        if _free(work):
            return
        for row in (change.old, change.new):
            if row is not None and row.get(self.field) != work.actor.id:
                raise Invalid([FieldError(self.field, "forbidden", _OWN[work.language == "zh"])])

    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """See Watcher."""
        if plan.name == "user_delegation":
            row = change.row
            detail = {"act": change.action, "delegate": row.get("delegate"), "mode": row.get("mode")}
            work.room.audit.record(
                "delegation_changed", work.actor, object="user", record_id=row.get("principal"), detail=detail
            )


_OWN = ("You may do this for yourself only.", "只能为本人设置。")


class UserWatcher(Watcher):
    """Guards users, and shuts out those who lose the right to be in."""

    def before(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """See Watcher."""
        del plan
        old, new = change.old or {}, change.new or {}
        was = ADMINISTRATOR in _roles(work, old.get("roles"))
        if was and old.get("active") and old.get("deleted_at") is None:
            self._keep_one(work, old, new, change)
        if _free(work):
            return
        if was:
            raise Forbidden("Only administrators change an administrator.")
        added = set(new.get("roles") or ()) - set(old.get("roles") or ())
        names = _roles(work, added)
        if ADMINISTRATOR in names or not names <= work.actor.roles:
            raise Invalid([FieldError("roles", "forbidden", "You may give only roles that you have yourself.")])
        if (new.get("kind") or "person") != (old.get("kind") or "person") and new:
            raise Invalid([FieldError("kind", "forbidden", "Only administrators make service accounts.")])

    @staticmethod
    def _keep_one(work: Work, old: Mapping[str, Any], new: Mapping[str, Any], change: Change) -> None:
        gone = change.action in ("delete", "purge") or not new.get("active", True)
        if not gone and ADMINISTRATOR in _roles(work, new.get("roles")):
            return
        sql = (
            "SELECT count(*) FROM o_user u JOIN l_user_roles l ON l.source = u.id JOIN o_role r ON r.id = l.target "
            "WHERE u.deleted_at IS NULL AND u.active AND r.name = ? AND u.id <> ?"
        )
        row = work.db.one(work.db.sql(sql), (ADMINISTRATOR, old["id"]))
        if not row or not row[0]:
            raise Conflict("This is the last active administrator.", code="last_administrator")

    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """See Watcher. (What the audit trail says of it is `audit.watching`'s.)"""
        del plan
        old, new = change.old, change.new
        if old is None:
            return
        user_id = int(old["id"])
        if change.action in ("delete", "purge"):
            end_everything(work.db, user_id, work.stamp)
            if change.action == "purge":
                _forget(work, user_id)
        elif new is not None:
            self._changed(work, user_id, old, new)

    @staticmethod
    def _changed(work: Work, user_id: int, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        if old.get("active") and not new.get("active"):
            end_everything(work.db, user_id, work.stamp)
        if (new.get("kind") or "person") != (old.get("kind") or "person"):
            end_everything(work.db, user_id, work.stamp)
            _forget(work, user_id)
        if set(old.get("roles") or ()) != set(new.get("roles") or ()) and user_id != work.actor.id:
            end_sessions(work.db, user_id)
        if old.get("email") != new.get("email"):
            end_links(work.db, user_id, work.stamp)


def _free(work: Work) -> bool:
    """True for the platform itself and for administrators whose token does not hold them back."""
    return work.trusted or work.actor.system or may_administer(work.actor)


def _roles(work: Work, ids: Iterable[int] | None) -> set[str]:
    """Names of roles by id."""
    rows = (work.row("role", one) for one in ids or ())
    return {str(row["name"]) for row in rows if row is not None}


def _forget(work: Work, user_id: int) -> None:
    """Nothing secret stays of somebody who is gone for good."""
    for table in ("gx_credentials", "gx_totp", "gx_recovery_codes", "gx_identities"):
        work.db.execute(work.db.sql(f"DELETE FROM {table} WHERE user_id = ?"), (user_id,))  # noqa: S608
