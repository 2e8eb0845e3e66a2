"""The gate of ownership: every change of who has a record passes here, whatever the channel and whatever asked for it.

Before a row is stored it is decided where the record stands (one owner or one pool) and whether the new owner may hold
it; after it, in the same transaction, one tenure ends and at most one begins, and the clocks are set anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from guanxi.common.labels import Label
from guanxi.registry.pools import Pool

from ..messages.room import messaging
from ..records.create import team_of
from ..records.extensions import Change, Watcher
from ..records.holders import lock_people
from ..records.plan import ObjectPlan
from .book import Book, book_of
from .dues import due, watched
from .ledger import Ledger, State, later
from .limits import demand_room
from .turns import choose

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work

Row = Mapping[str, Any]
ENDS = {"release": "returned", "recycle": "recycled", "claim": "claimed", "transfer": "transferred", "merge": "merged"}
SOURCES = {"claim": "claim", "assign": "assign", "transfer": "transfer", "merge": "merge"}
CALM_DAYS = 30
GIVEN = Label.of({"en": "A record was given to you", "zh": "有一条记录分配给您"})


@dataclass(frozen=True, slots=True)
class Move:
    """What an act says of the change of owner that it makes. `checked`: the new owner is locked and below the cap."""

    source: str = ""
    reason: str = ""
    note: str = ""
    pool: str = ""
    checked: bool = False
    told: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)


class Gate(Watcher):
    """Watches one owned object."""

    def __init__(self, book: Book, object_name: str) -> None:
        self.book = book
        self.object = object_name
        pools = book.of(object_name)
        self.clocks = any(pool.recycle for pool in pools)
        self.watched = frozenset(name for pool in pools for name in watched(pool))

    # before -----------------------------------------------------------------------------------------
    def before(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """Settle owner, team and pool of what is about to be stored."""
        del plan
        if change.new is None or change.action == "restore":
            return
        if change.old is None:
            work.moves[id(change.new)] = self._place(work, change)
        elif change.old.get("owner") != change.new.get("owner") or change.old.get("pool") != change.new.get("pool"):
            work.moves[id(change.new)] = self._move(work, change)

    def _place(self, work: Work, change: Change) -> Move:
        """A new record: whom it was given to, else whom rules give it to, else its maker's, else a pool's."""
        row = change.row
        given = "owner" in change.given
        if given and row.get("owner") is not None:
            if row["owner"] != work.actor.id or work.actor.channel == "import":
                self._demand(work, row)
            return Move("import" if work.actor.channel == "import" else "create")
        if given or row.get("owner") is None or self.book.assignments.get(self.object):
            moved = self._by_rules(work, change)
            if moved is not None:
                return moved
        if row.get("owner") is None:
            self._into(change, self.book.holder(work, self.object, row))
            return Move("create", reason="created")
        return Move("import" if work.actor.channel == "import" else "create")

    def _by_rules(self, work: Work, change: Change) -> Move | None:
        """The first rule that holds decides; None when none does, or when nobody of it can take the record."""
        row = change.row
        for assignment in self.book.assignments.get(self.object, ()):
            for rule in assignment.rules:
                if not self.book.holds(work, self.object, row, rule.when):
                    continue
                key = f"{assignment.name}/{rule.name}"
                if rule.pool:
                    self._into(change, self.book.pools.get(rule.pool))
                    return Move("rule", reason=key)
                area = self.book.area(work, self.object, {**row, "owner": None, "pool": None})
                if rule.share is None:
                    return None
                user = choose(work, self.book, key, rule.share, area, row, self.object)
                if user is None:
                    return None
                change.put("owner", user)
                change.put("team", team_of(work, user))
                return Move("rule", reason=key)
        return None

    def _move(self, work: Work, change: Change) -> Move:
        row = change.row
        old = change.old or {}
        said = work.moving if isinstance(work.moving, Move) else Move()
        owner = row.get("owner")
        if owner is not None:
            if owner != old.get("owner") and not said.checked:
                self._demand(work, {**row, "pool": old.get("pool")})
            change.put("pool", None)
        else:
            named = self.book.pools.get(said.pool or (row.get("pool") or ""))
            self._into(change, named or self.book.holder(work, self.object, row))
        return said if said.source else Move(SOURCES.get(change.action, change.action), said.reason, said.note)

    @staticmethod
    def _into(change: Change, pool: Pool | None) -> None:
        change.put("owner", None)
        change.put("team", None)
        change.put("pool", pool.name if pool is not None else None)

    def _demand(self, work: Work, row: Row) -> None:
        """The new owner's limit, under his lock."""
        area = self.book.area(work, self.object, row)
        if area is not None and area.claim.holding:
            lock_people(work, [int(row["owner"])])
            demand_room(work, self.book, area, int(row["owner"]))

    # after ------------------------------------------------------------------------------------------
    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """Close and open tenures, keep the state, set the clocks."""
        del plan
        ledger = Ledger(work.db)
        if change.action == "purge":
            ledger.forget(self.object, int(change.row["id"]))
            return
        if change.new is None or change.action == "delete":
            ledger.put_due(self.object, int(change.row["id"]), None, None)
            return
        moved = work.moves.pop(id(change.new), None)
        if moved is not None:
            self._record(work, ledger, change, moved)
        elif change.action == "restore" or (self.clocks and not self.watched.isdisjoint(change.changed)):
            self.wind(work, change.new)

    def after_many(self, work: Work, plan: ObjectPlan, rows: Sequence[dict[str, Any]]) -> None:
        """See Watcher."""
        for row in rows:
            self.after(work, plan, Change("create", None, row))

    def _record(self, work: Work, ledger: Ledger, change: Change, moved: Move) -> None:
        row, old = change.row, change.old or {}
        number = int(row["id"])
        state = ledger.state(self.object, number) or State(owner=old.get("owner"), pool=old.get("pool"))
        before, owner = old.get("owner"), row.get("owner")
        if change.old is not None and before is not None and before != owner:
            ledger.end(self.object, number, work.stamp, _ending(change, moved), work.actor.id, moved.note)
            state.prev_owner = before
        if owner is not None and owner != before:
            self._begin(work, ledger, state, change, moved)
        elif owner is None:
            self._pooled(work, state, row, change, moved)
        state.owner, state.pool = owner, row.get("pool")
        state.due_on, state.due_rule = due(work, self.book, self.object, row, state) if self.clocks else (None, None)
        ledger.put(self.object, number, state)
        if owner is not None and owner not in {before, work.actor.id} and not moved.told:
            self._tell(work, row, owner)

    def _begin(self, work: Work, ledger: Ledger, state: State, change: Change, moved: Move) -> None:
        """A tenure begins: the clock starts anew, but for a second transfer within a month inside one team."""
        row = change.row
        number, source = int(row["id"]), moved.source or change.action
        again = (
            source == "transfer"
            and (change.old or {}).get("team") == row.get("team")
            and ledger.transferred_since(self.object, number, work.now - timedelta(days=CALM_DAYS))
        )
        area = self.book.area(work, self.object, {**row, "pool": (change.old or {}).get("pool")})
        protect = area.protect if area is not None else None
        days = 0
        if protect is not None:
            days = protect.after_claim_days if source == "claim" else protect.after_assign_days
        state.owned_since = work.stamp
        state.clock_since = state.clock_since if again and state.clock_since else work.stamp
        state.owner_source = source
        state.origin = (change.old or {}).get("pool") or ""
        state.pool_entered_at, state.pool_reason, state.manual_until, state.notice_until = None, "", None, None
        state.protected_until = later(work.now, days=days) if days else None
        state.tenure_id = ledger.begin(self.object, number, int(row["owner"]), work.stamp, source, work.actor.id)

    def _pooled(self, work: Work, state: State, row: Row, change: Change, moved: Move) -> None:
        """What goes into a pool is nobody's: who saw it through a share sees it no longer."""
        if change.old is None or state.pool != row.get("pool") or change.old.get("owner") is not None:
            state.pool_entered_at, state.pool_reason = work.stamp, moved.reason or change.action
        state.owned_since = state.clock_since = state.protected_until = state.manual_until = None
        state.notice_until, state.tenure_id, state.owner_source, state.origin = None, None, "", ""
        if row.get("pool") is not None:
            sql = "DELETE FROM gx_shares WHERE object = ? AND record_id = ?"
            work.db.execute(work.db.sql(sql), (self.object, row["id"]))

    def wind(self, work: Work, row: Row) -> None:
        """Set the clock of a record anew after something that may move it."""
        if not self.clocks:
            return
        ledger = Ledger(work.db)
        number = int(row["id"])
        state = ledger.state(self.object, number)
        if state is None:
            return
        day, rule = due(work, self.book, self.object, row, state)
        if (day, rule) != (state.due_on, state.due_rule):
            ledger.put_due(self.object, number, day, rule)

    def _tell(self, work: Work, row: Row, owner: int) -> None:
        messaging(work.room).notifications.send(
            [owner],
            "assignment",
            GIVEN,
            work=work,
            object=self.object,
            record_id=int(row["id"]),
            row=row,
            by=work.actor.id,
        )


def _ending(change: Change, moved: Move) -> str:
    if change.row.get("owner") is None:
        return ENDS.get(change.action, "recycled" if moved.source == "recycle" else "returned")
    return ENDS.get(change.action, "assigned")


class FollowUps(Watcher):
    """Watches the children that may be follow-ups of records in pools' care."""

    def __init__(self, links: Sequence[tuple[Gate, str]]) -> None:
        self.links = links  # (the parent's gate, the field of the child that leads to it)

    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """The clocks of the records the child belongs to, and belonged to."""
        del plan
        for gate, name in self.links:
            parents: set[int] = set()
            for row in (change.old, change.new):
                value = (row or {}).get(name)
                parents.update(value if isinstance(value, tuple | list) else () if value is None else (value,))
            for parent in sorted(parents):
                row = work.row(gate.object, parent)
                if row is not None:
                    gate.wind(work, row)

    def after_many(self, work: Work, plan: ObjectPlan, rows: Sequence[dict[str, Any]]) -> None:
        """A chunk of new children: what was read before them is no longer sure."""
        work.forget()
        super().after_many(work, plan, rows)


def gates(room: Room) -> Mapping[str, Watcher]:
    """Object → its gate, for the catalogue of extensions."""
    book = book_of(room)
    return {name: gate_of(room, name) for name in sorted(book.objects)}


def followers(room: Room) -> Mapping[str, Watcher]:
    """Object whose records may be follow-ups → its watcher."""
    links: dict[str, list[tuple[Gate, str]]] = {}
    for name, pools in book_of(room).by_object.items():
        for spec in {pool.follow_up for pool in pools if pool.follow_up is not None and pool.recycle and pool.active}:
            entry = (gate_of(room, name), spec.field)
            if entry not in links.setdefault(spec.object, []):
                links[spec.object].append(entry)
    return {name: FollowUps(found) for name, found in links.items()}


def gate_of(room: Room, object_name: str) -> Gate:
    """The gate of an object, one per version."""
    kept: dict[str, Gate] = room.shared.setdefault("gates", {})
    found = kept.get(object_name)
    if found is None:
        found = kept[object_name] = Gate(book_of(room), object_name)
    return found
