"""Where other rooms take part in writes of records: watchers, actions and verbs, handed in when the bundle is built.

A watcher stands in every write of the objects it names, whatever the channel: it may refuse before the row is stored
and may write more after it, in the same transaction. An action is what `POST …/actions/{name}` and the record page
offer. A verb is one step of the metadata's action vocabulary. `runtime.extensions` is the catalogue; this module only
says what its entries look like, so that nothing here knows approvals, pools or automations. An object that nobody
watches pays one look into a mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .plan import ObjectPlan

if TYPE_CHECKING:
    from .room import Room
    from .work import Work

QUIET = "automation"
"""What `Work.exempted` is given for writes that only follow another one, as a merge moves references: they set off no
rules of the metadata."""
Row = Mapping[str, Any]
Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One write of one record. `action` is what history says (create, update, move_stage, assign, delete, restore,
    purge, claim …); `old` is None for create, `new` is None for delete and purge; both are in Python form. `changed`
    names the fields that move, links and owner included; it is empty where a whole record comes or goes. `given` are
    the names that the maker of a new record gave himself.
    """

    action: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    changed: Sequence[str] = ()
    given: Collection[str] = ()

    def put(self, name: str, value: Any) -> None:
        """Set one more field of the row that is about to be stored; only before it is."""
        if self.new is None:
            raise ValueError("nothing is stored")
        self.new[name] = value
        if self.old is not None and name not in self.changed and isinstance(self.changed, list):
            self.changed.append(name)

    @property
    def row(self) -> dict[str, Any]:
        """The record as it is after the change, or as it was when it goes."""
        found = self.new if self.new is not None else self.old
        if found is None:
            raise ValueError("a change has a row before or after it")
        return found


class Watcher:
    """Takes part in writes of the objects it is registered for; both moments are inside the write's transaction.

    A watcher that writes goes through `work` (with `work.trust()` where the definitions speak, not the person) and
    must come to an end by itself: `work.depth` counts how deep writes have set each other off.
    """

    def before(self, work: Work, plan: ObjectPlan, change: Change) -> bool | None:
        """Refuse by raising a class of `common.errors`; nothing is stored then. `change.new` has no id on create.

        True takes the change over: it is not stored now, and the watcher has noted in `work.held` what it waits for.
        A create cannot be taken over.
        """

    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """The row, its history and its event row are stored."""

    def after_many(self, work: Work, plan: ObjectPlan, rows: Sequence[dict[str, Any]]) -> None:
        """A chunk of new rows is stored; one call in place of many `after`."""
        for row in rows:
            self.after(work, plan, Change("create", None, row))


Watchers = Mapping[str, tuple[Watcher, ...]]


@dataclass(frozen=True, slots=True)
class RecordAction:
    """One named action. `applies`: whether an object has it at all. `state`: None when the actor may not do it with
    this row, else what the record page needs ({} at least). `run` carries it out inside `write()` and judges rights
    itself; what it returns is the answer, None: the record as it is then.
    """

    name: str
    applies: Callable[[Room, ObjectPlan], bool]
    state: Callable[[Work, ObjectPlan, Row], dict[str, Any] | None]
    run: Callable[[Work, ObjectPlan, int, Payload], dict[str, Any] | None]


# (work, plan, row, what the step gives, the row before the change or None) → nothing, or raises
Verb = Callable[["Work", ObjectPlan, Row, Any, "Row | None"], None]


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a Room is made with. `watchers` gives, once the room stands, who watches which object; `listeners` names the
    objects whose writes are to leave an event row (`record.created` …) in the outbox. Others cost nothing there.
    """

    watchers: Sequence[Callable[[Room], Mapping[str, Watcher]]] = ()
    actions: Sequence[RecordAction] = ()
    verbs: Mapping[str, Verb] = field(default_factory=dict)
    listeners: Sequence[Callable[[Room], Iterable[str]]] = ()


def gather(makers: Sequence[Callable[[Room], Mapping[str, Watcher]]], room: Room) -> Watchers:
    """Object name → its watchers, in the order of the catalogue."""
    found: dict[str, list[Watcher]] = {}
    for make in makers:
        for name, watcher in make(room).items():
            found.setdefault(name, []).append(watcher)
    return {name: tuple(watchers) for name, watchers in found.items()}
