"""What a duplicate rule finds, and how little of it is told: the record's number and title to those who may read it, to
all others its owner's name (or the team's) and where it stands.

Keys bound what is looked at; likeness is judged on those few. Everything is searched, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import FieldError, Invalid
from guanxi.registry.objects import DuplicateRule, MatchPart

from ..records import store
from ..records.draft import filled
from ..records.messages import text
from ..records.plan import ObjectPlan
from . import keys, specs
from .index import KeyWatcher, book

if TYPE_CHECKING:
    from ..records.extensions import Watcher
    from ..records.room import Room
    from ..records.work import Work

MOST_CANDIDATES = 500
COMMON = 5
"""A key that more live records share than this is no evidence that refuses."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that a rule takes for the same: `score` 0 to 1."""

    object: str
    id: int
    live: bool
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where keys are looked for: an object, the kind of key, and the record that is not meant."""

    object: str
    kind: str
    own: int


def hits(
    work: Work, plan: ObjectPlan, rule: DuplicateRule, row: Mapping[str, Any], *, trash: bool = False
) -> list[Hit]:
    """Live records (those in the trash too, with `trash`) that the rule takes for the same as `row`, best first."""
    if not all(filled(row.get(part.field)) for part in rule.match):
        return []
    values = specs.source_of(rule).values(row)
    if not values:
        return []
    found: list[Hit] = []
    own = row.get("id") or 0
    for name in dict.fromkeys((plan.name, *rule.across)):
        book(work.room).ensure(name)
        at = Place(name, specs.kind_of(rule), own if name == plan.name else 0)
        kept = _holders(work, at, values, trash=trash)
        found += _judged(work, rule, row, at, kept)
    if rule.action == "warn" and own:
        different = _different(work, plan.name, own)
        found = [hit for hit in found if hit.object != plan.name or hit.id not in different]
    return sorted(found, key=lambda hit: (not hit.live, -hit.score, -hit.id))


def _holders(work: Work, at: Place, values: Iterable[str], *, trash: bool) -> dict[int, bool]:
    """Record → live, of those that hold one of the keys, newest first."""
    asked = sorted(values)
    marks = ", ".join("?" * len(asked))
    live = "" if trash else " AND live = 1"
    sql = (
        f"SELECT record_id, live FROM gx_keys WHERE object = ? AND kind = ? AND value IN ({marks}) AND record_id <> ?"  # noqa: S608
        f"{live} ORDER BY record_id DESC LIMIT {MOST_CANDIDATES}"
    )
    return {row[0]: bool(row[1]) for row in work.db.rows(work.db.sql(sql), (at.object, at.kind, *asked, at.own))}


def _judged(work: Work, rule: DuplicateRule, row: Mapping[str, Any], at: Place, kept: Mapping[int, bool]) -> list[Hit]:
    like, name = [part for part in rule.match if specs.is_like(part)], at.object
    if not like:
        return [Hit(name, number, live, 1.0) for number, live in kept.items()]
    wanted = [keys.normal(part.by, row[part.field]) for part in like]
    found = []
    for number, values in _fields(work, name, [part.within(name) for part in like], kept):
        score = _score(like, wanted, values)
        if score >= rule.score:
            found.append(Hit(name, number, kept[number], score))
    return found


def _fields(
    work: Work, object_name: str, fields: list[str], ids: Iterable[int]
) -> Iterable[tuple[int, tuple[Any, ...]]]:
    from guanxi.runtime.storage.names import quoted

    numbers = list(ids)
    if not numbers:
        return
    texts = work.statements(object_name)
    selected, marks = ", ".join(map(quoted, fields)), ", ".join([texts.mark] * len(numbers))
    sql = f'SELECT "id", {selected} FROM {texts.name} WHERE "id" IN ({marks})'  # noqa: S608 (names from the registry)
    for number, *values in work.db.rows(sql, numbers):
        yield number, tuple(values)


def _score(like: list[MatchPart], wanted: list[str], values: tuple[Any, ...]) -> float:
    scores = [
        keys.likeness(form, keys.normal(part.by, value)) if value is not None else 0.0
        for part, form, value in zip(like, wanted, values, strict=True)
    ]
    return min(scores)


def _different(work: Work, object_name: str, record: int) -> set[int]:
    sql = "SELECT record_id, other_id FROM gx_different WHERE object = ? AND (record_id = ? OR other_id = ?)"
    rows = work.db.rows(work.db.sql(sql), (object_name, record, record))
    return {one for row in rows for one in row} - {record}


# what is told -------------------------------------------------------------------------------------------
def disclosed(work: Work, hit: Hit, rule: DuplicateRule) -> dict[str, Any]:
    """What the actor is told of a record: see the module."""
    plan = work.room.plan(hit.object)
    row = store.load(work, plan, hit.id) or {}
    owner = row.get("owner")
    state = "trash" if not hit.live else "mine" if owner is not None and owner == work.actor.id else "other"
    if hit.live and plan.owned and owner is None:
        state = "pool" if filled(row.get("pool")) else "other"
    told: dict[str, Any] = {"object": hit.object}
    if row and work.rights(hit.object).visible and work.may(plan, "read", row):
        told["id"] = hit.id
        titles = {} if not hit.live else work.room.reader.titles(work.actor, hit.object, [hit.id])
        if hit.id in titles:
            told["title"] = titles[hit.id]
    strength = "strong" if specs.strong(rule) else "weak"
    told |= {"owner": _owner(work, row), "state": state, "rule": rule.name, "score": round(hit.score, 3)}
    return told | {"strength": strength}


def _owner(work: Work, row: Mapping[str, Any]) -> str | None:
    """The name of the owner, else of the team; None when nobody has it."""
    for kind, field in (("user", "owner"), ("team", "team")):
        number = row.get(field)
        found = work.row(kind, number) if isinstance(number, int) else None
        if found is not None:
            return str(found.get("full_name") or found.get("name") or "") or None
    return None


def fault_of(work: Work, plan: ObjectPlan, rule: DuplicateRule, hit: Hit) -> FieldError:
    """The refusal of a record that the rule takes for one that is there."""
    match = disclosed(work, hit, rule)
    said = rule.message.text(work.language) or text("duplicate", work.language)
    if "id" in match:
        said += f" (#{hit.id})" if hit.object == plan.name else f" ({hit.object} #{hit.id})"
    elif match["state"] == "pool":
        said += text("duplicate_pool", work.language)
    elif match["owner"]:
        said += text("duplicate_owner", work.language, owner=match["owner"])
    return FieldError(rule.match[0].field, "duplicate", said, match)


def first_fault(
    work: Work, plan: ObjectPlan, rule: DuplicateRule, row: Mapping[str, Any], *, force: bool
) -> FieldError | None:
    """The refusal that a rule gives; None when it finds nothing, or too many for its key to be evidence."""
    if rule.action == "warn" and force:
        return None
    found = hits(work, plan, rule, row)
    if not found or (force and len(found) > COMMON):
        return None
    return fault_of(work, plan, rule, found[0])


def own_hit(work: Work, plan: ObjectPlan, rule: DuplicateRule, row: Mapping[str, Any]) -> int | None:
    """The id of a live record of the object itself that the rule takes for the same; None without one."""
    return next((hit.id for hit in hits(work, plan, rule, row) if hit.object == plan.name), None)


def watchers(room: Room) -> Mapping[str, Watcher]:
    """Entry of the catalogue of extensions: the objects whose records have keys."""
    keys_ = book(room)
    return {name: KeyWatcher(keys_, name, _raced) for name in keys_.sources}


def _raced(work: Work, plan: ObjectPlan, row: Mapping[str, Any], kind: str, value: str) -> None:
    """Somebody else's record with the same strong key was first."""
    rules = [rule for rule in plan.duplicates if specs.strong(rule) and specs.kind_of(rule) == kind]
    holders = _holders(work, Place(plan.name, kind, row["id"]), (value,), trash=False)
    if rules and holders:
        raise Invalid([fault_of(work, plan, rules[0], Hit(plan.name, next(iter(holders)), live=True, score=1.0))])
    raise Invalid([FieldError("", "duplicate", text("duplicate", work.language))])
