"""What publishing changes for people: findings of a plan. Who loses or gains sight of how many records and fields, and
whose roles would break a duty.

Records are counted by the two predicates themselves, the one of the published version and the one of the plan, for the
people who are there now; bounded by people, statements and rows. Numbers stand in the message alone, so that a saved
plan does not go stale because a record was added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import peewee

from guanxi.common.clock import Clock
from guanxi.registry.registry import Registry
from guanxi.runtime.schema.definitions import changes, digests
from guanxi.runtime.schema.look import Look
from guanxi.runtime.schema.plan import Finding
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.tables import Tables

from .actor import UTC_ZONE, Actor
from .binds import Moment, bind_all
from .duties import breaches, duties_of
from .grants import AccessTable, ObjectRights, RowRule
from .predicate import row_predicate

MOST_PEOPLE = 200
MOST_STATEMENTS = 600
MOST_ROWS = 10_000
MOST_NAMES = 5
MOST_FINDINGS = 60
KINDS = ("role/", "share/", "restriction/")
LOST = {"read": "lose sight of", "update": "may no longer change", "delete": "may no longer delete"}
GAINED = {"read": "gain sight of", "update": "may newly change", "delete": "may newly delete"}


@dataclass(slots=True)
class Tally:
    """People and records of one kind of change."""

    people: set[int] = field(default_factory=set)
    ids: set[int] = field(default_factory=set)
    more: bool = False


class RightsInspector:
    """Adds findings to a plan. `before` gives the registry of the published version, None when there is none."""

    def __init__(self, before: Callable[[], Registry | None], clock: Clock) -> None:
        self._before = before
        self._clock = clock

    def __call__(self, look: Look) -> Iterator[Finding]:
        """The findings; nothing is written."""
        if look.before("user") is None or look.before("role") is None:
            return
        people = dict(_people(look.db))
        yield from _duties(look.registry, people)
        touched = _touched(look)
        old = self._before() if touched else None
        if old is not None:
            yield from Impact(look.db, old, look.registry, touched, self._clock.now()).findings(people)


def _people(db: Handle) -> Iterator[tuple[int, tuple[str, frozenset[str]]]]:
    """id → (log-in name, roles given) of active users."""
    given: dict[int, set[str]] = {}
    names = {
        int(row[0]): str(row[1]) for row in db.rows("SELECT id, name FROM o_user WHERE deleted_at IS NULL AND active")
    }
    sql = "SELECT l.source, r.name FROM l_user_roles l JOIN o_role r ON r.id = l.target WHERE r.deleted_at IS NULL"
    for user, role in db.rows(sql):
        given.setdefault(int(user), set()).add(str(role))
    for number, name in sorted(names.items()):
        yield number, (name, frozenset(given.get(number, ())))


def _duties(registry: Registry, people: Mapping[int, tuple[str, frozenset[str]]]) -> Iterator[Finding]:
    if not duties_of(registry):
        return
    for role in registry.roles.values():
        for breach in breaches(registry, [role.name]):
            said = f"duty {breach.duty.name}: the role {role.name} alone has {' and '.join(breach.parts)}"
            yield Finding("duty", "note", said)
    broken: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for roles in {roles for _, roles in people.values()}:
        for breach in breaches(registry, roles):
            names = [name for name, own in people.values() if own == roles]
            broken.setdefault((breach.duty.name, breach.parts), []).extend(names)
    for (name, parts), names in sorted(broken.items()):
        duty = duties_of(registry)[name]
        said = f"duty {name}: {_named(names)} would have {' and '.join(parts)}"
        yield Finding("duty", "block" if duty.severity == "refuse" else "note", said, count=len(names))


def _named(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
    return ", ".join(listed[:MOST_NAMES]) + more


def _touched(look: Look) -> frozenset[str]:
    """Definitions that differ and have to do with rights."""
    if not look.old.definitions:
        return frozenset()
    found = changes(look.old.definitions, digests(look.registry))
    rights = (one["definition"] for one in found if one["definition"].startswith(KINDS))
    objects = (one["definition"] for one in found if {"access", "owned"} & set(one["parts"]))
    return frozenset((*rights, *objects))


class Impact:
    """Compares two registries for the people of one database."""

    def __init__(self, db: Handle, old: Registry, new: Registry, touched: frozenset[str], now: datetime) -> None:
        from guanxi.runtime.people.actors import ActorLoader
        from guanxi.runtime.query.frame import ReadModel
        from guanxi.runtime.query.lookups import LazyCalendars, RowLookup

        self.db = db
        self.sides = {"old": old, "new": new}
        self.touched = touched
        self.now = now
        self.access = {side: AccessTable(registry) for side, registry in self.sides.items()}
        self.models = {
            side: ReadModel(registry, db, self.access[side], Tables(registry, db.peewee))
            for side, registry in self.sides.items()
        }
        self.loader = ActorLoader(db, old, Tables(old, db.peewee), UTC_ZONE, "en")
        self.ports = {"lookup": RowLookup(self.models["old"], db).row, "calendars": LazyCalendars(old)}
        self.statements = 0
        self.uncounted: set[str] = set()

    def findings(self, people: Mapping[int, tuple[str, frozenset[str]]]) -> Iterator[Finding]:
        """Rows first, then fields; each kind of change is one finding."""
        rows: dict[tuple[str, str, str], Tally] = {}
        fields: dict[tuple[str, str, str], set[int]] = {}
        bounded = len(people) > MOST_PEOPLE
        for number in sorted(people)[:MOST_PEOPLE]:
            pair = self._pair(number, people[number][1])
            if pair is not None and not all(actor.unrestricted for actor in pair.values()):
                self._compare(number, pair, rows, fields)
        found = [*self._of_rows(rows), *self._of_fields(fields)]
        yield from found[:MOST_FINDINGS]
        if bounded or self.statements >= MOST_STATEMENTS or len(found) > MOST_FINDINGS:
            said = f"access: only the first {MOST_PEOPLE} people and {MOST_FINDINGS} changes were looked at"
            yield Finding("access", "note", said)
        for name in sorted(self.uncounted):
            yield Finding("access", "note", f"{name}: who sees its records changes with new fields; not counted", name)

    def _pair(self, number: int, given: frozenset[str]) -> dict[str, Actor] | None:
        actor = self.loader.load(number)
        if actor is None:
            return None
        roles = {
            name for one in given if (role := self.sides["new"].roles.get(one)) for name in (role.lineage or (one,))
        }
        new = replace(actor, roles=frozenset(roles), administrator="administrator" in roles)
        return {"old": actor, "new": new}

    def _compare(
        self,
        number: int,
        pair: Mapping[str, Actor],
        rows: dict[tuple[str, str, str], Tally],
        fields: dict[tuple[str, str, str], set[int]],
    ) -> None:
        for name in self.sides["new"].objects.keys() & self.sides["old"].objects.keys():
            rights = {side: self.access[side].rights(pair[side], name) for side in pair}
            cause = self._cause(pair, name)
            if not cause:
                continue
            for operation in LOST:
                if _signature(rights["old"], operation) != _signature(rights["new"], operation):
                    self._count(number, pair, name, operation, cause, rows)
            for field_, grant in rights["new"].fields.items():
                before = rights["old"].fields.get(field_)
                if before is not None and before != grant:
                    fields.setdefault((cause, f"{name}.{field_}", f"{before} → {grant}"), set()).add(number)

    def _cause(self, pair: Mapping[str, Actor], name: str) -> str:
        """The definitions that changed and concern this person and object, as plans name them."""
        found = [
            f"role {role}" for role in sorted(pair["old"].roles | pair["new"].roles) if f"role/{role}" in self.touched
        ]
        for kind in ("share", "restriction"):
            for registry in self.sides.values():
                for one in registry.others.get(kind, {}).values():
                    if one.object == name and f"{kind}/{one.name}" in self.touched:
                        found.append(f"{kind} {one.name}")
        if f"object/{name}" in self.touched:
            found.append(f"object {name}")
        return ", ".join(dict.fromkeys(found))

    # records ----------------------------------------------------------------------------------------
    def _count(  # noqa: PLR0917
        self,
        number: int,
        pair: Mapping[str, Actor],
        name: str,
        operation: str,
        cause: str,
        rows: dict[tuple[str, str, str], Tally],
    ) -> None:
        if not self._countable(name, pair, operation):
            self.uncounted.add(name)
            return
        selects = {side: self._select(side, pair[side], name, operation) for side in pair}
        for first, second, words in (("old", "new", LOST), ("new", "old", GAINED)):
            if self.statements >= MOST_STATEMENTS:
                return
            self.statements += 1
            ids = self._difference(selects[first], selects[second])
            if ids:
                tally = rows.setdefault((cause, words[operation], name), Tally())
                tally.people.add(number)
                tally.ids.update(ids[:MOST_ROWS])
                tally.more = tally.more or len(ids) > MOST_ROWS

    def _countable(self, name: str, pair: Mapping[str, Actor], operation: str) -> bool:
        """The new conditions can be asked of the tables as they are."""
        if any(one.name not in self.sides["old"].objects for one in (self.sides["new"].objects[name],)):
            return False
        rights = self.access["new"].rights(pair["new"], name)
        rules = (*rights.of(operation), *rights.denied(operation), *rights.of("read"), *rights.denied("read"))
        conditions = [one for rule in rules for one in (rule.where, rule.also) if one is not None]
        old = self.sides["old"].objects
        return all(use.object in old and use.field in old[use.object].fields for one in conditions for use in one.uses)

    def _select(self, side: str, actor: Actor, name: str, operation: str) -> tuple[str, list[Any]]:
        from guanxi.runtime.query.frame import Frame

        model, registry = self.models[side], self.sides[side]
        frame = Frame(model, registry.objects[name], self.access[side].of(actor))
        rights = self.access[side].rights(actor, name)
        where = frame.column("deleted_at").is_null()
        for one in dict.fromkeys(("read", operation)):
            rule = row_predicate(registry.objects[name], rights, one, frame)
            where &= peewee.SQL("(1 = 1)" if rule else "(1 = 0)") if isinstance(rule, bool) else rule
        sql, params = model.sql(frame.select([frame.column("id")]).where(where))
        moment = Moment(actor, self.now, self.db.engine, self.ports)
        return sql, bind_all(params, moment)

    def _difference(self, first: tuple[str, list[Any]], second: tuple[str, list[Any]]) -> list[int]:
        sql = f"{first[0]} EXCEPT {second[0]} LIMIT {MOST_ROWS + 1}"
        return [int(row[0]) for row in self.db.rows(sql, [*first[1], *second[1]])]

    # words ------------------------------------------------------------------------------------------
    def _of_rows(self, rows: Mapping[tuple[str, str, str], Tally]) -> Iterator[Finding]:
        for (cause, words, name), tally in sorted(rows.items()):
            kind = self.sides["new"].objects[name]
            records = f"{'more than ' if tally.more else ''}{len(tally.ids):,}"
            said = words
            if len(tally.people) == 1:
                said = words.replace("lose ", "loses ").replace("gain ", "gains ")
            label = (kind.plural.text("en") or name).lower() if len(tally.ids) != 1 else name
            yield Finding("access", "note", f"{cause}: {_count_of(tally.people)} {said} {records} {label}", name)

    @staticmethod
    def _of_fields(fields: Mapping[tuple[str, str, str], set[int]]) -> Iterator[Finding]:
        for (cause, path, move), people in sorted(fields.items()):
            name, _, field_ = path.partition(".")
            yield Finding("access", "note", f"{cause}: {path} {move} for {_count_of(people)}", name, field_)


def _count_of(people: set[int]) -> str:
    return "1 person" if len(people) == 1 else f"{len(people):,} people"


def _signature(rights: ObjectRights, operation: str) -> tuple[Any, ...]:
    """What decides about rows: equal signatures need no counting."""

    def said(rules: Iterable[RowRule]) -> frozenset[tuple[str, str, str]]:
        return frozenset(
            (rule.scope, rule.where.source if rule.where else "", rule.also.source if rule.also else "")
            for rule in rules
        )

    wanted = dict.fromkeys(("read", operation))
    return tuple((said(rights.of(one)), said(rights.denied(one))) for one in wanted)
