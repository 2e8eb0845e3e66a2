"""Texts with holes, filled for one reader: what he may not see stands as stars, records he may not see are blank.

A hole is judged by every field it reads, on whatever record. A message that leaves for a customer has no reader inside;
it is filled as its definition says, and remembers which fields it showed, so that its copy on the record's page is
shown only to those who may read them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from guanxi.expressions.decimals import decimal_text
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.expressions.expression import Expression
from guanxi.expressions.template import Template
from guanxi.expressions.tree import FieldTerm
from guanxi.expressions.types import ValueType
from guanxi.fieldtypes import CATALOGUE
from guanxi.fieldtypes.masks import HIDDEN
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.pooled import hidden_for
from guanxi.runtime.records.steps import surroundings

if TYPE_CHECKING:
    from guanxi.runtime.records.work import Work

Row = Mapping[str, Any]
Escape = Callable[[str], str]
MOST_TOUCHED = 50
YES_NO = {"en": ("yes", "no"), "zh": ("是", "否")}


@dataclass(frozen=True, slots=True)
class View:
    """For whom a text is filled. `reading` sees with the reader's rights; None is the customer outside, and then
    `touched` gathers the other records that the text was made from (id 0: more of the object than are listed).
    """

    work: Work
    reading: Work | None
    language: str
    zone: ZoneInfo
    touched: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def outside(cls, work: Work, language: str, zone: ZoneInfo) -> View:
        """The view of a message that leaves."""
        return cls(work, None, language, zone)

    @classmethod
    def of(cls, work: Work, reader: Actor) -> View:
        """The view of a person inside."""
        from guanxi.runtime.records.work import Work as Piece

        return cls(work, Piece(work.room, reader), reader.language, reader.zone)


def fill(template: Template, view: View, row: Row, old: Row | None = None, escape: Escape | None = None) -> str:
    """The text of one record. `escape` makes values (not the text around them) safe for where they stand."""
    parts: list[str] = []
    env: Env | None = None
    for part in template.parts:
        if isinstance(part, str):
            parts.append(part)
            continue
        if env is None:
            env = _surroundings(view, part.object, row, old)
        value = _hole(part, env.with_row(row, old), view)
        parts.append(escape(value) if escape is not None else value)
    return "".join(parts)


def uses_of(templates: Sequence[Template]) -> list[tuple[str, str]]:
    """Every (object, field) that the holes read, for the gate of the message's copy."""
    found = {(use.object, use.field) for one in templates for hole in one.expressions for use in hole.uses}
    return sorted(found)


def may_read(work: Work, uses: Sequence[Sequence[str]], records: Sequence[tuple[str, int]] = ()) -> bool:
    """True when the actor reads all these fields unmasked, and these records at all."""
    if work.actor.unrestricted:
        return True
    if not all(work.rights(owner).readable(name) for owner, name in uses):
        return False
    known = work.room.registry.objects
    return all(
        name in known and (work.visible(name, number) if number else work.rights(name).all_rows("read"))
        for name, number in records
    )


def _surroundings(view: View, object_name: str, row: Row, old: Row | None) -> Env:
    """The system's surroundings, in the reader's zone and language; records out of the reader's sight are absent."""
    env = surroundings(view.work, view.work.room.plan(object_name), row, old)
    env.zone = view.zone
    reading = view.reading
    lookup, children = env.lookup, env.children
    if reading is None:
        env.lookup, env.children = _gathering(view, object_name, row, lookup, children)
        return env
    if reading.actor.unrestricted:
        return env

    def seen(name: str, record_id: int) -> Row | None:
        own = name == object_name and record_id == row.get("id")
        found = lookup(name, record_id) if own or reading.visible(name, record_id) else None
        registry = view.work.room.registry
        if own or found is None or not hidden_for(registry, name, reading.actor, found):
            return found
        return None  # what waits in a pool is blank behind a reference

    def seen_children(name: str, list_name: str, record_id: int) -> Sequence[Row]:
        child = view.work.room.related[name][list_name].object
        plan = view.work.room.plan(child)
        return [one for one in children(name, list_name, record_id) if reading.may(plan, "read", one)]

    env.lookup, env.children = seen, seen_children
    env.me, env.roles, env.teams, env.reports = (
        reading.actor.me,
        reading.actor.roles,
        reading.actor.teams,
        reading.actor.reports,
    )
    return env


def _gathering(view: View, object_name: str, row: Row, lookup: Any, children: Any) -> tuple[Any, Any]:
    def noted(name: str, record_id: int) -> Row | None:
        if name != object_name or record_id != row.get("id"):
            view.touched.add((name, record_id))
        found: Row | None = lookup(name, record_id)
        return found

    def noted_children(name: str, list_name: str, record_id: int) -> Sequence[Row]:
        found: Sequence[Row] = children(name, list_name, record_id)
        child = view.work.room.related[name][list_name].object
        if len(view.touched) + len(found) > MOST_TOUCHED:
            view.touched.add((child, 0))
        else:
            view.touched.update((child, int(one["id"])) for one in found)
        return found

    return noted, noted_children


def _hole(expression: Expression, env: Env, view: View) -> str:
    grant = _grant(expression, view)
    if grant == "read" and _closed(expression, env, view):
        grant = "masked"
    if grant == "none":
        return HIDDEN
    value = evaluate(expression, env)
    if value is None:
        return ""
    if grant == "masked":
        field = _field(expression, view)
        if field is None:
            return HIDDEN
        return str(CATALOGUE[field.type].masked(value, field.mask))
    return _shown(value, expression, view)


def _grant(expression: Expression, view: View) -> str:
    """read, masked or none: the least of what the reader may see of the fields a hole reads."""
    reading = view.reading
    if reading is None or reading.actor.unrestricted:
        return "read"
    least = "read"
    for use in expression.uses:
        rights = reading.rights(use.object)
        if not rights.visible or not rights.shown(use.field):
            return "none"
        if not rights.readable(use.field):
            least = "masked"
    return least


def _closed(expression: Expression, env: Env, view: View) -> bool:
    """True when the record waits in a pool whose members see what the hole reads masked."""
    reading = view.reading
    if reading is None:
        return False
    own = {use.field for use in expression.uses if use.object == expression.object}
    hidden = hidden_for(view.work.room.registry, expression.object, reading.actor, env.row or {})
    return not hidden.isdisjoint(own)


def _field(expression: Expression, view: View) -> Any:
    """The field that a hole names plainly, perhaps over references; None for a calculation."""
    tree = expression.tree
    if not isinstance(tree, FieldTerm):
        return None
    found = view.work.room.registry.objects.get(tree.row.object)
    return found.fields.get(tree.name) if found is not None else None


def _shown(value: Any, expression: Expression, view: View) -> str:
    field = _field(expression, view)
    if field is not None and field.options and isinstance(value, str | tuple | list):
        names = (value,) if isinstance(value, str) else value
        labels = (field.options[n].label.text(view.language) or n if n in field.options else str(n) for n in names)
        return ("、" if view.language.startswith("zh") else ", ").join(labels)
    return plain(value, expression.type, view)


def plain(value: Any, kind: ValueType, view: View) -> str:
    """A value as people write it: 12,500.5, 2026-03-01 09:30 in the view's zone, titles of records."""
    if isinstance(value, bool):
        return YES_NO.get(view.language[:2], YES_NO["en"])[0 if value else 1]
    if isinstance(value, Decimal):
        text = decimal_text(value)
        whole, point, rest = text.partition(".")
        return f"{int(whole):,}{point}{rest}" if whole.lstrip("-").isdigit() and whole != "-0" else text
    if isinstance(value, datetime):
        return value.astimezone(view.zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date | time):
        return value.isoformat()
    if kind.kind in ("reference", "references") and kind.object:
        ids = (value,) if isinstance(value, int) else tuple(value)
        return ", ".join(filter(None, (title_of(view, kind.object, one) for one in ids)))
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(plain(one, kind, view) for one in value)
    if isinstance(value, dict):
        return str(value.get("name") or value.get("title") or "")
    return str(value)


def title_of(view: View, object_name: str, record_id: int) -> str:
    """What a record is called, as far as the reader may know."""
    reading, work = view.reading, view.work
    if reading is not None and not reading.visible(object_name, record_id):
        return ""
    row = work.row(object_name, record_id)
    if row is None:
        return ""
    title = work.room.registry.objects[object_name].title
    if _grant(title, view) != "read":
        return f"#{record_id}"
    found = evaluate(title, _surroundings(view, object_name, row, None))
    return f"#{record_id}" if found is None else str(found)
