"""Texts with holes, written out for somebody: values as people of a language read them, and nothing the reader may
not know.

The rule is simple and holds for notices, tasks and posts alike: a hole is filled only when the reader may read the
record itself, every field that the hole names (unmasked), and every other record it leads to; withheld ones read
•••. A formula counts as its own field. No format strings and no code stand in a text: holes are checked expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from guanxi.common.text import text_fault
from guanxi.expressions import tree as t
from guanxi.expressions.decimals import decimal_text
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.expressions.types import ValueType
from guanxi.registry import Registry, Texts
from guanxi.registry.objects import Field
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.pooled import hidden_for
from guanxi.runtime.records.plan import ObjectPlan
from guanxi.runtime.records.steps import surroundings
from guanxi.runtime.records.work import Work

WITHHELD = "•••"
LONGEST = 20_000
Row = Mapping[str, Any]


def render(  # noqa: PLR0917
    texts: Texts,
    work: Work,
    plan: ObjectPlan,
    row: Row,
    reader: Actor | None,
    old: Row | None = None,
    *,
    language: str = "",
) -> str:
    """The text in the reader's language, with the holes filled as far as the reader may know; without a reader (what
    the definitions themselves send out) every hole is filled, in `language`.
    """
    template = texts.of(reader.language if reader is not None else language)
    env = surroundings(work, plan, row, old)
    gate = Gate(work, reader, plan, row) if reader is not None else None
    if gate is not None:
        env.lookup, env.children = gate.lookup(env), gate.children(env)
    zone = reader.zone if reader is not None else work.room.zone
    spoken = (reader.language if reader is not None else language) or work.room.registry.languages[0]
    show = Shown(work, spoken, zone)
    parts = []
    for part in template.parts:
        if isinstance(part, str):
            parts.append(part)
        elif gate is not None and not gate.allows(part):
            parts.append(WITHHELD)
        else:
            parts.append(show.text(part, env))
    return clean("".join(parts))


def clean(text: str) -> str:
    """Text that can be stored anywhere: of a bounded length, without what no database takes."""
    return "".join(ch for ch in text if not text_fault(ch))[:LONGEST] if text_fault(text) else text[:LONGEST]


# what a hole needs ------------------------------------------------------------------------------------------------
def needs(expression: Expression, registry: Registry) -> tuple[tuple[str, str], ...]:
    """The fields that a hole names, as (object, field): through paths and lists too, a formula as itself; what a
    record is called by where the hole gives one.
    """
    found = expression.cache.get("named")
    if found is None:
        named = list(_named(expression.tree))
        kind = registry.objects.get(expression.type.object)
        if kind is not None and expression.type.kind in ("reference", "references"):
            named += _named(kind.title.tree)
        found = expression.cache["named"] = tuple(dict.fromkeys(named))
    return found


def _named(term: t.Term) -> Iterator[tuple[str, str]]:
    if isinstance(term, t.FieldTerm | t.Inline):
        yield term.row.object, term.name
        yield from _hops(term.row)
        return
    if isinstance(term, t.Aggregate):
        owner = term.source.row.object if term.source.way == "links" else term.source.object
        yield owner, term.source.field
        yield from _hops(term.source.row)
    for below in t.children(term):
        yield from _named(below)


def _hops(row: t.RowTerm) -> Iterator[tuple[str, str]]:
    while isinstance(row, t.Hop):
        yield row.base.object, row.field
        row = row.base


class Gate:
    """What one reader may know of a record and of those around it."""

    def __init__(self, work: Work, reader: Actor, plan: ObjectPlan, row: Row) -> None:
        self._work = Work(work.room, reader)
        self._seen: dict[tuple[str, int], bool] = {}
        self.whole = reader.unrestricted
        self._object, self._closed = plan.name, hidden_for(work.room.registry, plan.name, reader, row)
        self.record = self.whole or self.sees(plan.name, row)

    def sees(self, object_name: str, row: Row) -> bool:
        """Whether the reader may read a row."""
        if self.whole:
            return True
        key = (object_name, row.get("id") or 0)
        if key not in self._seen:
            visible = self._work.rights(object_name).visible
            self._seen[key] = visible and self._work.may(self._work.room.plan(object_name), "read", row)
        return self._seen[key]

    def reads(self, object_name: str, field: str) -> bool:
        """Whether the reader may read a field unmasked."""
        if not self.whole and object_name == self._object and field in self._closed:
            return False  # the record waits in a pool
        return self.whole or self._work.rights(object_name).readable(field)

    def allows(self, hole: Expression) -> bool:
        """Whether a hole may be filled for the reader."""
        if self.whole:
            return True
        return (self.record or not t.needs_row(hole.tree)) and all(
            self.reads(*one) for one in needs(hole, self._work.room.registry)
        )

    def lookup(self, env: Env) -> Callable[[str, int], Row | None]:
        """Other records, where the reader may read them."""
        inner = env.lookup

        def find(object_name: str, record_id: int) -> Row | None:
            found = inner(object_name, record_id)
            return found if found is None or self.sees(object_name, found) else None

        return find

    def children(self, env: Env) -> Callable[[str, str, int], Sequence[Row]]:
        """Related records, those that the reader may read."""
        inner, related = env.children, self._work.room.related

        def find(object_name: str, name: str, record_id: int) -> Sequence[Row]:
            child = related[object_name][name].object
            return [row for row in inner(object_name, name, record_id) if self.sees(child, row)]

        return find


# values as text ---------------------------------------------------------------------------------------------------
class Shown:
    """Values as people of one language and zone read them."""

    def __init__(self, work: Work, language: str, zone: Any) -> None:
        self._work = work
        self._registry: Registry = work.room.registry
        self.language = language
        self.chinese = language.startswith("zh")
        self.zone = zone

    def text(self, expression: Expression, env: Env) -> str:
        """The value of a hole as text; nothing for a blank."""
        value = compile_expression(expression)(env)
        if value is None:
            return ""
        return self._value(value, expression.type, self._field(expression.tree), env)

    def _field(self, tree: t.Term) -> Field | None:
        if not isinstance(tree, t.FieldTerm | t.Inline):
            return None
        kind = self._registry.objects.get(tree.row.object)
        return kind.fields.get(tree.name) if kind is not None else None

    def _value(self, value: Any, kind: ValueType, field: Field | None, env: Env) -> str:
        if isinstance(value, bool):
            return ("是" if value else "否") if self.chinese else ("yes" if value else "no")
        if isinstance(value, tuple | list | frozenset):
            return ("、" if self.chinese else ", ").join(self._value(one, kind, field, env) for one in value)
        if kind.kind in ("reference", "references") and kind.object and isinstance(value, int):
            return self._title(kind.object, value, env)
        if isinstance(value, datetime):
            return self._instant(value)
        if isinstance(value, date):
            return self._day(value)
        if isinstance(value, time):
            return value.strftime("%H:%M")
        if isinstance(value, Decimal | int):
            return self._number(value, field)
        if field is not None and str(value) in field.options:
            return field.options[str(value)].label.text(self.language) or str(value)
        return str(value)

    def _title(self, object_name: str, record_id: int, env: Env) -> str:
        row = env.lookup(object_name, record_id)
        if row is None:
            return WITHHELD
        plan = self._work.room.plan(object_name)
        found = plan.title(surroundings(self._work, plan, row))
        return str(found) if found is not None else str(record_id)

    def _number(self, value: Decimal | int, field: Field | None) -> str:
        if field is None or field.type in ("integer", "auto_number", "rating"):
            return str(value) if isinstance(value, int) else f"{Decimal(decimal_text(value)):,f}"
        text = f"{value:,f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        currency = getattr(field.settings, "currency", "") if field.type == "money" else ""
        if currency:
            return f"¥{text}" if currency == "CNY" else f"{currency} {text}"
        return f"{text} %" if field.type == "percent" else text

    def _day(self, value: date) -> str:
        if self.chinese:
            return f"{value.year}年{value.month}月{value.day}日"
        from babel.dates import format_date

        return str(format_date(value, "medium", locale="en"))

    def _instant(self, value: datetime) -> str:
        local = value.astimezone(self.zone)
        return f"{self._day(local.date())} {local:%H:%M}"


# posts: read by many ----------------------------------------------------------------------------------------------
def parts_for(texts: Texts, work: Work, plan: ObjectPlan, row: Row, old: Row | None = None) -> dict[str, list[Any]]:
    """A text that people of different rights will read: by language, plain parts as text and filled holes as
    {"text", "needs": fields, "seen": other records that were looked at}; for `shown_parts`.
    """
    made: dict[str, list[Any]] = {}
    for language, template in texts.languages:
        show = Shown(work, language or work.room.registry.languages[0], work.room.zone)
        parts: list[Any] = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(clean(part))
                continue
            env = surroundings(work, plan, row, old)
            seen = _watch(env, work, plan, row)
            text = clean(show.text(part, env))
            parts.append(
                {"text": text, "needs": [list(one) for one in needs(part, work.room.registry)], "seen": sorted(seen)}
            )
        made[language] = parts
    return made


def _watch(env: Env, work: Work, plan: ObjectPlan, row: Row) -> set[tuple[str, int]]:
    """Note which other records an evaluation looks at."""
    seen: set[tuple[str, int]] = set()
    lookup, children = env.lookup, env.children

    def find(object_name: str, record_id: int) -> Row | None:
        if (object_name, record_id) != (plan.name, row.get("id")):
            seen.add((object_name, record_id))
        return lookup(object_name, record_id)

    def listed(object_name: str, name: str, record_id: int) -> Sequence[Row]:
        found = children(object_name, name, record_id)
        child = work.room.related[object_name][name].object
        seen.update((child, int(one["id"])) for one in found)
        return found

    env.lookup, env.children = find, listed
    return seen


def shown_parts(kept: Mapping[str, Any], room: Any, reader: Actor) -> str:
    """What a reader, who may read the record itself, is shown of a text kept by `parts_for`."""
    language = next((one for one in (reader.language, reader.language.split("-")[0], "") if one in kept), None)
    parts: Iterable[Any] = kept[language] if language is not None else next(iter(kept.values()), ())
    work = Work(room, reader)
    return "".join(part if isinstance(part, str) else _shown(part, work) for part in parts)


def _shown(part: Mapping[str, Any], work: Work) -> str:
    if work.actor.unrestricted:
        return str(part["text"])
    objects = work.room.registry.objects
    for owner, field in part["needs"]:
        if owner not in objects or not work.rights(owner).readable(field):
            return WITHHELD
    for owner, number in part["seen"]:
        if owner not in objects or not work.rights(owner).visible or not work.visible(owner, number):
            return WITHHELD
    return str(part["text"])
