"""The pools and assignments of one published version, by object, with their conditions compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.registry.pools import Assignment, Pool

from ..query.frame import Frame
from ..records.environment import environment

if TYPE_CHECKING:
    from ..records.room import Room
    from ..records.work import Work

Row = Mapping[str, Any]


class Book:
    """See the module; `book_of(room)` keeps one per version."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.pools: Mapping[str, Pool] = room.registry.others.get("pool", {})
        self.by_object: dict[str, tuple[Pool, ...]] = {}
        self.assignments: dict[str, tuple[Assignment, ...]] = {}
        for pool in sorted(self.pools.values(), key=lambda one: (-one.priority, one.name)):
            self.by_object[pool.object] = (*self.by_object.get(pool.object, ()), pool)
        rules: Iterable[Assignment] = room.registry.others.get("assignment", {}).values()
        for one in sorted(rules, key=lambda rule: (-rule.priority, rule.name)):
            if one.active:
                self.assignments[one.object] = (*self.assignments.get(one.object, ()), one)

    @property
    def objects(self) -> frozenset[str]:
        """Objects whose changes of owner are looked at."""
        return frozenset(self.by_object) | frozenset(self.assignments)

    def of(self, object_name: str) -> tuple[Pool, ...]:
        """The pools of an object that are open, the first to be asked first."""
        return tuple(pool for pool in self.by_object.get(object_name, ()) if pool.active)

    def holds(self, work: Work, object_name: str, row: Row, condition: Expression | None) -> bool:
        """Whether a condition of a definition holds for a row in Python form."""
        return condition is None or bool(compile_expression(condition)(environment(work, object_name, row)))

    def holder(self, work: Work, object_name: str, row: Row) -> Pool | None:
        """The pool a record belongs to: the first whose `holds` does."""
        return next((pool for pool in self.of(object_name) if self.holds(work, object_name, row, pool.holds)), None)

    def area(self, work: Work, object_name: str, row: Row) -> Pool | None:
        """The pool whose limits count for a record: the one it waits in, else the one it belongs to."""
        waiting = self.pools.get(row.get("pool") or "")
        return waiting if waiting is not None else self.holder(work, object_name, row)

    def matching(self, object_name: str, condition: Expression | None, more: str = "") -> tuple[str, tuple[Any, ...]]:
        """SQL of the ids of an object's live records that meet a condition; `more` is further SQL on the alias t."""
        import peewee

        model = self.room.reader.model
        frame = Frame(model, model.registry.objects[object_name], None)
        where = frame.column("deleted_at").is_null()
        if condition is not None:
            where &= frame.condition(condition)
        if more:
            where &= peewee.SQL(more)
        return model.sql(frame.select([frame.column("id")]).where(where))

    def rows(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a statement of the platform's own whose markers are bound as the platform itself."""
        from ..access.actor import SYSTEM

        return self.room.reader.run(sql, params, SYSTEM, {})


def book_of(room: Room) -> Book:
    """The book of a room, made when it is asked for first."""
    found = room.shared.get("pools")
    if found is None:
        found = room.shared.setdefault("pools", Book(room))
    book: Book = found
    return book
