"""What a running approval does to writes of its record: locks, and operations that wait for an approval.

One look into an index tells whether a record is locked; it happens under the record's own lock, so a submission and a
change never miss each other. The engine's own writes are exempt; nobody else's are, whatever the channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import Conflict
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.registry.approvals import Flow

from ..records.environment import environment
from ..records.extensions import Change, Watcher
from ..records.plan import ObjectPlan
from ..storage.system_approvals import ACTIVE
from .definition import Definitions
from .ending import WATCHER, proposal_of
from .store import Store

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work

OWNER_ACTIONS = frozenset({"assign", "transfer", "claim", "release", "recycle"})
SYSTEM_FIELDS = frozenset({"owner", "team", "pool"})


def lock_of(flow: Flow) -> dict[str, Any]:
    """What an instance keeps of its lock: {"fields": names or None for all, "free": names, "material": names}."""
    if flow.lock == ():
        return {"fields": [], "free": list(flow.always_editable), "material": list(flow.material)}
    fields = None if flow.lock is None else list(flow.lock)
    kept = {"fields": fields, "free": list(flow.always_editable), "material": list(flow.material)}
    return {**kept, "children": list(flow.lock_children)} if flow.lock_children else kept


def operations_of(change: Change, stage_field: str | None, channel: str) -> tuple[str, ...]:
    """Which of a flow's operations a change is, the first being its name: a moved stage is an update too, and so is
    what comes by import or in bulk, so that no channel leads around a flow on updates.
    """
    if change.action == "delete":
        return ("delete",)
    if change.action in OWNER_ACTIONS or "owner" in change.changed:
        return ("transfer",)
    kinds = ["stage"] if stage_field is not None and stage_field in change.changed else []
    kinds += [channel] if channel in ("import", "bulk") else []
    return (*kinds, "update")


class ApprovalWatcher(Watcher):
    """Stands in every write of objects that have flows, or that have running approvals."""

    def __init__(self, room: Room, object_name: str, definitions: Definitions) -> None:
        self.store = Store(room.db)
        self.definitions = definitions
        flows = definitions.live(object_name)
        self.flows = [flow for flow in flows if flow.active]
        self.gates = [flow for flow in flows if flow.start.stages]
        self.parents: list[tuple[str, str]] = _parents(room, object_name)

    # before -----------------------------------------------------------------------------------------
    def before(self, work: Work, plan: ObjectPlan, change: Change) -> bool | None:
        """Refuse what is locked; take over what needs an approval first."""
        if WATCHER in work.exempt:
            return None
        old = change.old
        if old is None:
            self._parents_open(plan, change)
            return None
        if self._open(work, plan, change):
            return True
        self._parents_open(plan, change)
        if change.action in ("restore", "purge"):
            return None
        self._gate(work, plan, change)
        return self._take_over(work, plan, change)

    def _open(self, work: Work, plan: ObjectPlan, change: Change) -> bool:
        """Conflict when the record's approval locks what moves; True when the change went into its proposal."""
        row = change.old or {}
        found = self.store.locked(plan.name, row["id"])
        if found is None:
            return False
        _, state, stored, submitter = found
        lock = orjson.loads(stored)
        moved = set(change.changed)
        if moved and moved <= set(lock.get("free") or ()):
            return False
        if state == "returned" and work.actor.id is not None and work.actor.id == submitter:
            names = lock.get("open")
            if moved and (names is None or moved <= {*names, *(lock.get("free") or ())}):
                return self._amend(work, plan, change)
        fields = lock.get("fields")
        if fields is not None and moved and not moved & set(fields):
            return False
        if fields == [] and not moved:
            return False
        raise Conflict("The record is locked by an approval.", code="locked")

    def _amend(self, work: Work, plan: ObjectPlan, change: Change) -> bool:
        """What the submitter changes of a returned proposal changes the proposal, never the record behind it."""
        row = change.old or {}
        waiting = self.store.active_of(plan.name, row["id"])
        if waiting is None or waiting.operation in ("submit", "create", "delete"):
            return False
        held, more = waiting.proposal, proposal_of(change, plan.fields)
        if "owner" in more or "owner" in held:
            raise Conflict("Withdraw the approval to change who it goes to.", code="locked")
        values = {**(held.get("values") or {}), **more["values"]}
        waiting.proposal = {**held, "values": values, "base": {**more["base"], **(held.get("base") or {})}}
        self.store.save(waiting, "proposal")
        work.held.append(waiting.id)
        return True

    def _parents_open(self, plan: ObjectPlan, change: Change) -> None:
        """Children of a locked record are locked along where the flow says so."""
        for field, list_name in self.parents:
            for row in (change.old, change.new):
                parent = row.get(field) if row else None
                target = plan.fields[field].target
                found = self.store.locked(target, parent) if isinstance(parent, int) else None
                if found is not None and list_name in (orjson.loads(found[2]).get("children") or ()):
                    raise Conflict("The record it belongs to is locked by an approval.", code="locked")

    def _gate(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """A stage that needs an approval cannot be entered without one."""
        stages = plan.stages
        if stages is None or not self.gates or stages.field not in change.changed:
            return
        to = (change.new or {}).get(stages.field)
        for flow in self.gates:
            if to not in flow.start.stages or "stage" in flow.start.on:
                continue
            if not self._approved(work, flow, plan.name, change):
                said = flow.label.text(work.language)
                raise Conflict(f"'{said}' must be approved before this stage.", code="approval_required")

    def _approved(self, work: Work, flow: Flow, object_name: str, change: Change) -> bool:
        """True when the newest finished approval of the flow agreed and nothing material has changed since."""
        record = (change.old or {}).get("id")
        sql = (
            "SELECT state, material_at, finished_at FROM gx_approvals WHERE object = ? AND record_id = ? AND flow = ?"
            " ORDER BY id DESC LIMIT 1"
        )
        found = work.db.one(work.db.sql(sql), (object_name, record, flow.name))
        if found is None or found[0] != "approved":
            return False
        return str(found[1] or "") <= str(found[2] or "") and not set(change.changed) & set(flow.material)

    def _take_over(self, work: Work, plan: ObjectPlan, change: Change) -> bool | None:
        """Start the approval that this change needs; it is applied when it is agreed to."""
        if work.trusted and not work.actor.id:
            return None  # what the platform does by itself never starts an approval
        if work.depth:
            return None
        kinds = operations_of(change, plan.stages.field if plan.stages else None, work.actor.channel)
        watching = [(flow, kind) for flow in self.flows if (kind := _watched(flow, kinds, change, plan))]
        for flow, kind in watching:
            if not _starts(work, plan, flow, change):
                continue
            from .starting import start

            work.held.append(start(work, plan, flow, kind, change))
            return True
        _unless_blocked([flow for flow, _ in watching])
        return None

    # after ------------------------------------------------------------------------------------------
    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """A new record that needs approval waits from its first moment; a material change voids earlier agreement."""
        if change.old is None and change.new is not None:
            self._created(work, plan, change)
        elif change.changed:
            self._material(work, plan, change)

    def _created(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        if WATCHER in work.exempt or work.depth or work.actor.id is None:
            return
        wanted = {"create", work.actor.channel} & {"create", "import", "bulk"}
        flows = [flow for flow in self.flows if wanted & set(flow.start.on)]
        for flow in flows:
            if _starts(work, plan, flow, change):
                from .starting import start

                start(work, plan, flow, "create", change)
                return
        _unless_blocked(flows)

    def _material(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        row = change.new or {}
        names = {name for flow in self.flows for name in flow.material}
        if not names & set(change.changed):
            return
        sql = (
            "UPDATE gx_approvals SET material_at = ? WHERE object = ? AND record_id = ? AND state IN"
            " ('running', 'returned', 'suspended', 'approved')"
        )
        work.db.execute(work.db.sql(sql), (work.stamp, plan.name, row.get("id")))


def _watched(flow: Flow, kinds: Sequence[str], change: Change, plan: ObjectPlan) -> str:
    """Which of a change's operations a flow waits for, "" when none: an update only when one of the watched fields
    moves, a stage only when it is one of those the flow guards.
    """
    for kind in kinds:
        if kind not in flow.start.on:
            continue
        if kind == "stage" and flow.start.stages:
            to = (change.new or {}).get(plan.stages.field) if plan.stages else None
            if to not in flow.start.stages:
                continue
        if (
            kind in ("update", "bulk", "import")
            and flow.start.watch
            and not set(flow.start.watch) & set(change.changed)
        ):
            continue
        return kind
    return ""


def _unless_blocked(flows: Sequence[Flow]) -> None:
    """Conflict when a flow watches what happens, does not hold, and says that nothing happens without one."""
    if any(flow.start.no_flow == "block" for flow in flows):
        raise Conflict("No approval flow fits this change.", code="no_flow")


def _starts(work: Work, plan: ObjectPlan, flow: Flow, change: Change) -> bool:
    """Whether the start condition holds on the record as it would be."""
    condition: Expression | None = flow.start.when
    if condition is None:
        return True
    env = environment(work, plan.name, change.row, change.old)
    return bool(compile_expression(condition)(env))


def _parents(room: Room, object_name: str) -> list[tuple[str, str]]:
    """(reference field, list name) through which the object is a child that some flow locks along."""
    flows: Sequence[Flow] = list(room.registry.others.get("approval", {}).values())
    found = []
    for flow in flows:
        related = room.registry.objects[flow.object].related
        for name in flow.lock_children:
            known = related.get(name)
            if known is not None and known.object == object_name:
                found.append((known.field, name))
    return found


def watchers(room: Room) -> Mapping[str, Watcher]:
    """Object → its watcher: objects with flows, the children they lock, and objects with records that still wait."""
    definitions = definitions_of(room)
    flows: Sequence[Flow] = list(room.registry.others.get("approval", {}).values())
    names = {flow.object for flow in flows}
    for flow in flows:
        related = room.registry.objects[flow.object].related
        names |= {related[name].object for name in flow.lock_children if name in related}
    rows = room.db.rows(f"SELECT DISTINCT object FROM gx_approvals WHERE state IN {ACTIVE}")  # noqa: S608
    names |= {str(row[0]) for row in rows if row[0] in room.registry.objects}
    return {name: ApprovalWatcher(room, name, definitions) for name in sorted(names)}


def definitions_of(room: Room) -> Definitions:
    """The flows of a room, kept with it."""
    found = room.shared.get("approvals")
    if not isinstance(found, Definitions):
        found = room.shared["approvals"] = Definitions(room.registry)
    return found
