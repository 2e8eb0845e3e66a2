"""`kind: automation` → Automation: condition and steps checked on its object, its trigger told apart.

`watched` is worked out here: the fields of which one must have moved for the condition to hold on an update, so that
a save which moves none of them never asks.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from guanxi.common.text import described
from guanxi.expressions import tree as t
from guanxi.expressions.expression import Expression
from guanxi.expressions.types import BOOLEAN
from guanxi.registry import Automation, DateTrigger, Once
from guanxi.registry.step_parts import calendar, time_of_day
from guanxi.registry.step_source import build_steps

from ..documents.automation import AutomationDocument
from ..link.context import Context
from ..nodes import Document, ListNode, Path
from .rules import constant
from .scope import label_of, text_in_all
from .steps import DocumentGround


def compile_automation(context: Context, document: Document, model: AutomationDocument) -> Automation | None:
    """The compiled rule, from memory when nothing it depends on changed."""
    if not context.has("object", model.object):
        context.unknown("unknown-object", "object", model.object, context.names("object"), document, ("object",))
        return None
    return context.made(document, "automation", lambda: _compile(context, document, model))


def _compile(context: Context, document: Document, model: AutomationDocument) -> Automation:
    events = frozenset(model.on) if isinstance(model.on, list) else frozenset()
    when = _condition(context, document, model, events=bool(events))
    if not model.do:
        context.error("wrong-value", "a rule without steps does nothing", document, ("do",))
    if model.run_as == "user" and not events:
        said = "a rule of time has no person whose rights it could have"
        context.error("model-rule", said, document, ("run_as",), hint="leave run_as out")
    if model.on_error == "fail" and not events:
        said = "a rule of time has no save that it could refuse"
        context.error("model-rule", said, document, ("on_error",), hint="leave on_error out")
    ground = DocumentGround(context, document, model.object, change=bool(events), people=bool(events), waits=True)
    do = build_steps(ground, ("do",), model.do)
    text_in_all(context, document, ("description",), model.description)
    once = model.once
    trigger: dict[str, Any] = model.on if isinstance(model.on, dict) else {}
    return Automation(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        object=model.object,
        do=do,
        events=_events(context, document, model, events),
        schedule=trigger.get("schedule", ""),
        date=_date(ground, trigger) if "date" in trigger else None,
        webhook=trigger.get("webhook", ""),
        when=when,
        run_as=model.run_as,
        once=None if once == "per_change" else Once(0 if once == "per_record" else once["per_record_days"]),
        on_error=model.on_error,
        priority=model.priority,
        active=model.active,
        settles=model.settles,
        watched=watched(when) if when is not None else None,
        mark=_mark(model.do),
        description=model.description,
        layer=document.layer,
        place=document.place,
    )


def _condition(context: Context, document: Document, model: AutomationDocument, *, events: bool) -> Expression | None:
    if model.when is None:
        return None
    when = context.expression(
        document, ("when",), model.when, model.object, expect=BOOLEAN, change=events, sql=not events, people=events
    )
    if constant(when) is False:
        context.error("never-true", "the condition never holds, so the rule can never run", document, ("when",))
    return when


def _events(context: Context, document: Document, model: AutomationDocument, events: frozenset[str]) -> frozenset[str]:
    outline = context.outline_of(model.object)
    listed = isinstance(document.node.get("on"), ListNode)
    for index, event in enumerate(model.on if events else ()):
        at: Path = ("on", index) if listed else ("on",)
        if event == "stage" and outline is not None and outline.model.stages is None:
            context.error("never-true", f"'{model.object}' has no stages, so none is ever entered", document, at)
        if event in ("assigned", "claimed", "released", "recycled") and not context.owned(model.object):
            said = f"records of '{model.object}' have no owner, so this never happens"
            context.error("never-true", said, document, at)
    return events


def _date(ground: DocumentGround, trigger: dict[str, Any]) -> DateTrigger | None:
    name = trigger["date"]
    path: Path = ("on", "date")
    info = ground.context.field(ground.subject, name)
    if info is None:
        known = ground.context.field_names(ground.subject)
        ground.context.unknown("unknown-field", f"field of {ground.subject}", name, known, ground.document, path)
        return None
    if info.value is not None or info.type.kind not in ("date", "datetime"):
        said = f"a stored date or datetime is needed here, '{name}' is {'a formula' if info.value else info.type}"
        ground.error("expression-type", said, path)
        return None
    hours = trigger.get("offset_hours", 0)
    at = time_of_day(ground, ("on", "at"), trigger["at"]) if "at" in trigger else ""
    if info.type.kind == "date" and hours:
        said = "a date has no hours; say the time of day with 'at'"
        ground.error("model-rule", said, ("on", "offset_hours"), key=True)
    if at and hours:
        ground.error("model-rule", "say offset_hours or a time of day, not both", ("on", "at"), key=True)
    return DateTrigger(
        field=name,
        kind="date" if info.type.kind == "date" else "datetime",
        days=trigger.get("offset_days", 0),
        working_days=trigger.get("offset_working_days", 0),
        hours=hours,
        calendar=calendar(ground, ("on", "calendar"), trigger["calendar"]) if "calendar" in trigger else "",
        at=at or ("09:00" if info.type.kind == "date" or "offset_working_days" in trigger else ""),
    )


def _mark(do: object) -> str:
    return hashlib.sha256(orjson.dumps(do, default=described, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


# what must have moved ---------------------------------------------------------------------------------------------
def watched(when: Expression) -> frozenset[str] | None:
    """The record's own fields of which one must have moved for the condition to hold on an update; None: any may do."""
    return _moved(when.tree)


def _moved(term: t.Term) -> frozenset[str] | None:
    if isinstance(term, t.Changed):
        return _own_fields(term.now)
    if isinstance(term, t.Logic):
        parts = [_moved(part) for part in term.operands]
        known = [part for part in parts if part is not None]
        if term.operator == "and":  # one part that needs a move is enough; the smallest says most
            return min(known, key=len) if known else None
        return frozenset().union(*known) if len(known) == len(parts) else None
    if isinstance(term, t.IsNew):
        return frozenset()
    return None


def _own_fields(term: t.Term) -> frozenset[str] | None:
    """The stored field of the record itself that a term is; None for what can move by other records or by time."""
    if isinstance(term, t.FieldTerm) and isinstance(term.row, t.Row):
        return frozenset({term.name})
    return None
