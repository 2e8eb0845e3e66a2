"""The catalogue of kinds: one row per kind of document. A new kind is one module and one row here.

Each row says the model that judges a document, the function that compiles it and where the result stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .compile.approvals import compile_approval
from .compile.apps import compile_app
from .compile.automations import compile_automation
from .compile.calendars import compile_calendar
from .compile.dashboards import compile_dashboard
from .compile.data import compile_data
from .compile.forms import compile_form
from .compile.objects import compile_object
from .compile.option_sets import compile_options
from .compile.packs import compile_pack
from .compile.pools import compile_assignment, compile_pool
from .compile.roles import compile_role
from .compile.segments import compile_segment
from .compile.sharing import compile_duty, compile_restriction, compile_share
from .compile.slas import compile_sla
from .compile.templates import compile_template
from .compile.tests import compile_test
from .documents.app import AppDocument
from .documents.approval import ApprovalDocument
from .documents.assignment import AssignmentDocument
from .documents.automation import AutomationDocument
from .documents.base import Definition
from .documents.calendar import CalendarDocument
from .documents.dashboard import DashboardDocument
from .documents.data import DataDocument
from .documents.form import FormDocument
from .documents.object import ObjectDocument
from .documents.options import OptionsDocument
from .documents.pack import PackDocument, PatchDocument
from .documents.pool import PoolDocument
from .documents.role import RoleDocument
from .documents.segment import SegmentDocument
from .documents.sharing import DutyDocument, RestrictionDocument, ShareDocument
from .documents.sla import SlaDocument
from .documents.template import TemplateDocument
from .documents.test import TestDocument

if TYPE_CHECKING:
    from .link.context import Context
    from .nodes import Document

Compile = Callable[["Context", "Document", Any], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document.

    `compile(context, document, model)` gives the frozen value for the Registry and notes faults in `context.found`;
    it is None for kinds that the overlay stage consumes. `slot` names the Registry's attribute; "" puts the value
    under `Registry.others[name]`. Kinds compile in the order of the catalogue: a later one may look up earlier ones.
    """

    name: str
    model: type[Definition]
    compile: Compile | None
    slot: str = ""
    summary: str = ""


_ROWS = (
    Kind("pack", PackDocument, compile_pack, "packs", "a pack: its version and what it requires"),
    Kind("options", OptionsDocument, compile_options, "option_sets", "a shared list of choices"),
    Kind("calendar", CalendarDocument, compile_calendar, "calendars", "working hours, holidays and make-up days"),
    Kind("object", ObjectDocument, compile_object, "objects", "a table of records with its rules and screens"),
    Kind("role", RoleDocument, compile_role, "roles", "a bundle of rights"),
    Kind("template", TemplateDocument, compile_template, "", "a message with holes"),
    Kind(
        "automation", AutomationDocument, compile_automation, "automations", "a rule: when something happens, do steps"
    ),
    Kind("sla", SlaDocument, compile_sla, "", "service levels: clocks on records, with warnings and breaches"),
    Kind("share", ShareDocument, compile_share, "", "records opened beyond what roles grant"),
    Kind("restriction", RestrictionDocument, compile_restriction, "", "what is closed whatever roles grant"),
    Kind("duty", DutyDocument, compile_duty, "", "duties that one person must not hold together"),
    Kind("app", AppDocument, compile_app, "apps", "a menu"),
    Kind("form", FormDocument, compile_form, "", "a public web form or survey"),
    Kind("approval", ApprovalDocument, compile_approval, "", "who must agree before something happens to a record"),
    Kind("dashboard", DashboardDocument, compile_dashboard, "", "figures, charts and short lists on one page"),
    Kind("segment", SegmentDocument, compile_segment, "", "a named group of records by a condition"),
    Kind("pool", PoolDocument, compile_pool, "", "where ownerless records wait to be taken"),
    Kind("assignment", AssignmentDocument, compile_assignment, "", "who gets a new or ownerless record"),
    Kind("data", DataDocument, compile_data, "data", "seed or sample rows"),
    Kind("test", TestDocument, compile_test, "tests", "a test of the metadata"),
    Kind("patch", PatchDocument, None, "", "a local change to a definition of a pack"),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ROWS}
