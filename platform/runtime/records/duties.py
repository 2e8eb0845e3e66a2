"""Watches the roles of users: roles that break a duty are not given (`duty` with `severity: refuse`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from guanxi.common.errors import Invalid
from guanxi.runtime.access.duties import breaches, duties_of

from .extensions import Change, Watcher
from .messages import fault
from .plan import ObjectPlan

if TYPE_CHECKING:
    from .room import Room
    from .work import Work


def watch_duties(room: Room) -> Mapping[str, Watcher]:
    """Users are watched where the version has duties."""
    refusing = any(duty.severity == "refuse" for duty in duties_of(room.registry).values())
    return {"user": _Roles()} if refusing and "user" in room.registry.objects else {}


class _Roles(Watcher):
    def before(self, work: Work, plan: ObjectPlan, change: Change) -> None:  # noqa: ARG002 (the port's signature)
        """Refuse a set of roles that breaks a duty it did not break before."""
        if change.new is None or (change.action == "update" and "roles" not in change.changed):
            return
        registry = work.room.registry
        new = breaches(registry, _names(work, change.new.get("roles")))
        if not new:
            return
        old = {b.duty.name for b in breaches(registry, _names(work, (change.old or {}).get("roles")))}
        errors = [
            fault(
                "roles",
                "duty",
                "duty",
                work.language,
                name=breach.duty.label.text(work.language) or breach.duty.name,
                first=breach.parts[0],
                second=breach.parts[1],
            )
            for breach in new
            if breach.duty.severity == "refuse" and (breach.duty.name not in old or change.action == "restore")
        ]
        if errors:
            raise Invalid(errors)


def _names(work: Work, ids: object) -> list[str]:
    found = [work.row("role", number) for number in ids] if isinstance(ids, tuple | list) else []
    return [str(row["name"]) for row in found if row is not None]
