"""Why somebody may or may not do something with a record: every rule that was asked, with its answer and its place.

The rules are the ones lists are filtered by, compiled by the same function, each as a column of one statement on the
one record; so an explanation cannot differ from what happens. Fields tell where their grant comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import peewee

from guanxi.common.errors import BadRequest, NotFound
from guanxi.common.names import did_you_mean
from guanxi.registry.access import OPERATIONS

from . import shares
from .actor import Actor
from .binds import argument, bound
from .grants import Grants, ObjectRights, RowRule
from .predicate import rule_sql

if TYPE_CHECKING:
    from guanxi.runtime.query.reader import Reader


@dataclass(frozen=True, slots=True)
class Answered:
    """One rule as it was asked of the record. `effect` is allow or deny, `holds` whether the record is inside it,
    `detail` more about it (who shared it, until when).
    """

    effect: str
    operation: str
    source: str
    place: str
    scope: str
    where: str
    holds: bool
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON form; what is empty is left out."""
        told = {name: getattr(self, name) for name in ("effect", "operation", "source", "place", "scope", "where")}
        return {k: v for k, v in told.items() if v} | {"holds": self.holds} | dict(self.detail)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole answer. `allowed` is reading and the operation together; `sees` reading alone."""

    actor: Actor
    object: str
    record_id: int
    operation: str
    sees: bool
    allowed: bool
    rules: tuple[Answered, ...]
    fields: Mapping[str, Mapping[str, str]]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "user": {"id": self.actor.id, "name": self.actor.name, "roles": sorted(self.actor.roles)},
            "object": self.object,
            "id": self.record_id,
            "operation": self.operation,
            "sees": self.sees,
            "allowed": self.allowed,
            "because": [rule.as_dict() for rule in self.rules],
            "fields": {name: dict(right) for name, right in self.fields.items()},
        }


def explain(
    reader: Reader,
    actor: Actor,
    object_name: str,
    record_id: int,
    operation: str = "read",
    *,
    asker: Actor | None = None,
) -> Explanation:
    """Every rule on reading the record and on the operation, asked for the actor now. NotFound when there is no such
    record at all (in the trash counts); whether `asker` (the actor without one) may know of it is judged before. What
    the asker may not read is not told: hidden fields, and conditions over them.
    """
    if object_name not in reader.registry.objects:
        raise NotFound(
            f"There is no object {object_name[:60]!r}.", hint=did_you_mean(object_name, reader.registry.objects)
        )
    if operation not in OPERATIONS:
        raise BadRequest(f"'operation' is one of {', '.join(OPERATIONS)}.", hint=did_you_mean(operation, OPERATIONS))
    rights = reader.access.rights(actor, object_name)
    reads = reader.access.of(asker or actor)
    asked = _asked(rights, operation)
    answers = _answers(reader, actor, object_name, record_id, [rule for _, _, rule in asked])
    told = tuple(
        _answered(reader, actor, object_name, record_id, (effect, about, rule), reads, holds=holds)
        for (effect, about, rule), holds in zip(asked, answers, strict=True)
    )
    sees = _decided(told, "read")
    return Explanation(
        actor,
        object_name,
        record_id,
        operation,
        sees,
        sees and (operation == "read" or _decided(told, operation)),
        told or (Answered("none", operation, "no role, share or access says anything", "", "", "", holds=True),),
        _fields(rights, reads.on(object_name)) if rights.visible else {},
    )


def _asked(rights: ObjectRights, operation: str) -> list[tuple[str, str, RowRule]]:
    """(effect, operation, rule) of everything that has a say."""
    found: list[tuple[str, str, RowRule]] = []
    for name in dict.fromkeys(("read", operation)):
        found += [("allow", name, rule) for rule in rights.of(name)]
        found += [("deny", name, rule) for rule in rights.denied(name)]
    return found


def _decided(told: Sequence[Answered], operation: str) -> bool:
    """What the rules on one operation come to: one allows, none denies."""
    mine = [one for one in told if one.operation == operation and one.holds]
    return any(one.effect == "allow" for one in mine) and not any(one.effect == "deny" for one in mine)


def _answers(
    reader: Reader, actor: Actor, object_name: str, record_id: int, rules: Sequence[RowRule]
) -> Sequence[bool]:
    """Whether the record is inside each rule."""
    from guanxi.runtime.query.frame import Frame

    object_type = reader.registry.objects[object_name]
    frame = Frame(reader.model, object_type, reader.access.of(actor))
    nodes = [frame.column("id")]
    for rule in rules:
        found = rule_sql(object_type, rule, frame)
        node = peewee.SQL("(1 = 1)" if found else "(1 = 0)") if isinstance(found, bool) else found
        nodes.append(peewee.Case(None, [(node, 1)], 0))
    sql, params = reader.model.sql(frame.select(nodes).where(frame.column("id") == bound(argument("id"))))
    rows = reader.run(sql, params, actor, {"id": record_id})
    if not rows:
        raise NotFound("There is no such record.")
    return [bool(cell) for cell in rows[0][1:]]


def _answered(  # noqa: PLR0917
    reader: Reader,
    actor: Actor,
    object_name: str,
    record_id: int,
    asked: tuple[str, str, RowRule],
    reads: Grants,
    *,
    holds: bool,
) -> Answered:
    effect, about, rule = asked
    conditions = [one for one in (rule.where, rule.also) if one is not None]
    open_ = all(reads.on(use.object).readable(use.field) for one in conditions for use in one.uses)
    where = " and ".join(f"({one.source})" for one in conditions) if open_ else "(fields you cannot read)"
    detail: dict[str, Any] = {}
    if rule.scope.startswith("shared") and holds:
        found = [
            one
            for one in shares.of_record(reader.database, object_name, record_id, reader.clock.now())
            if one.principal in actor.shared_as and (rule.scope == "shared" or one.access == "edit")
        ]
        detail["shares"] = [
            {one.kind: one.who, "access": one.access, "until": one.until or None, "by": one.by, "reason": one.reason}
            for one in found
        ]
    return Answered(effect, about, rule.source, rule.place, rule.scope, where, holds, detail)


def _fields(rights: ObjectRights, reads: ObjectRights) -> dict[str, dict[str, str]]:
    told = {}
    for name, right in rights.because.items():
        if not reads.shown(name):
            continue
        entry = {"grant": right.grant, "source": right.source, "place": right.place, "style": right.style}
        told[name] = {key: value for key, value in entry.items() if value}
    return told
