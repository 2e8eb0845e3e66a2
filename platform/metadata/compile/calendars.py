"""`kind: calendar` → Calendar."""

from __future__ import annotations

from types import MappingProxyType

from guanxi.registry import Calendar

from ..documents.calendar import CalendarDocument
from ..link.context import Context
from ..nodes import Document
from .scope import label_of


def compile_calendar(context: Context, document: Document, model: CalendarDocument) -> Calendar:
    """Working time; a calendar without a single working hour is refused."""
    if not any(model.hours.values()):
        context.error("never-true", "the calendar has no working hours at all", document, ("hours",))
    both = sorted(set(model.off) & set(model.work))
    if both:
        context.error("clash", f"{both[0].isoformat()} is both off and worked", document, ("work",))
    return Calendar(
        name=document.name,
        timezone=model.timezone,
        hours=MappingProxyType({day: model.hours[day] for day in sorted(model.hours)}),
        holidays=model.holidays or "",
        off=frozenset(model.off),
        work=frozenset(model.work),
        label=label_of(context, document, ("label",), model.label, document.name),
        layer=document.layer,
    )
