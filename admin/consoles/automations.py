"""What automations did, as a page: each rule with its counts, and the runs, newest first, by rule and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request

from guanxi.common.errors import BadRequest
from guanxi.registry import Automation
from guanxi.runtime.automation.runs import OUTCOMES, Run, newest, totals
from guanxi.runtime.storage.rows import instant_text

from ..formats import formats
from ..routes import expose
from ..texts import gettext
from ..visit import Visit, current_visit
from .base import Console

PAGE = 50
COUNTED_DAYS = 7
OUTCOME_TEXT = {"done": "Done", "failed": "Failed", "waiting": "Waiting", "left": "Left out"}
EVENT_TEXT = {
    "create": "Created",
    "update": "Changed",
    "stage": "Stage moved",
    "delete": "Deleted",
    "restore": "Restored",
    "assigned": "Assigned",
    "schedule": "Schedule",
    "date": "Date",
    "wait": "After waiting",
    "webhook": "Incoming call",
    "submitted": "Submitted",
    "approved": "Approved",
    "rejected": "Rejected",
    "returned": "Returned",
    "withdrawn": "Withdrawn",
}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule as it is drawn."""

    name: str
    label: str
    object: str
    trigger: str
    active: bool
    done: int
    failed: int
    url: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run as it is drawn."""

    run: Run
    moment: str
    label: str
    event: str
    outcome: str
    record: str
    url: str


class AutomationConsole(Console):
    """See the module."""

    address = "automations"
    title = "Automations"
    sign = "zap"

    @expose("/")
    def index(self) -> Any:
        """The rules, and a page of runs that fit the filters."""
        visit = current_visit()
        rules = visit.services.registry.automations
        rule, outcome, before = _given(rules)
        db = visit.services.audit.db
        found = newest(db, rule=rule, outcome=outcome, limit=PAGE + 1, before=before or 2**63 - 1)
        kept = {"rule": rule, "outcome": outcome}
        more = _url(kept, found[PAGE - 1].id) if len(found) > PAGE else ""
        return render_template(
            "consoles/automations.html",
            rules=_rules(visit, rules),
            runs=[_run(visit, rules, run) for run in found[:PAGE]],
            given=kept,
            outcomes={name: gettext(OUTCOME_TEXT[name]) for name in OUTCOMES},
            more=more,
            newest=_url(kept) if before else "",
            days=COUNTED_DAYS,
        )


def _given(rules: Mapping[str, Automation]) -> tuple[str, str, int]:
    rule, outcome = request.args.get("rule", ""), request.args.get("outcome", "")
    before = request.args.get("before", "0") or "0"
    if (rule and rule not in rules) or (outcome and outcome not in OUTCOMES):
        raise BadRequest(gettext("There is no such rule or outcome."), code="bad_parameter")
    if not (before.isascii() and before.isdigit()) or len(before) > 18:
        raise BadRequest("'before' is a number.", code="bad_parameter")
    return rule, outcome, int(before)


def _url(given: Mapping[str, str], before: int | None = None) -> str:
    kept = {name: value for name, value in given.items() if value}
    return "?" + urlencode(kept | ({"before": str(before)} if before is not None else {}))


def _rules(visit: Visit, rules: Mapping[str, Automation]) -> list[RuleLine]:
    services = visit.services
    since = instant_text(services.audit.clock.now() - timedelta(days=COUNTED_DAYS))
    counts = totals(services.audit.db, since)
    lines = []
    for name, rule in sorted(rules.items()):
        item = services.registry.objects.get(rule.object)
        lines.append(
            RuleLine(
                name,
                rule.label.text(visit.language) or name,
                (item.label.text(visit.language) if item else "") or rule.object,
                _trigger(rule),
                rule.active,
                sum(count for (known, outcome), count in counts.items() if known == name and outcome != "failed"),
                counts.get((name, "failed"), 0),
                _url({"rule": name}),
            )
        )
    return lines


def _trigger(rule: Automation) -> str:
    if rule.schedule:
        return rule.schedule
    if rule.date is not None:
        moved = rule.date.working_days or rule.date.days
        return f"{rule.date.field} {moved:+d}" if moved else rule.date.field
    if rule.webhook:
        return rule.webhook
    return ", ".join(gettext(EVENT_TEXT.get(event, event)) for event in sorted(rule.events))


def _run(visit: Visit, rules: Mapping[str, Automation], run: Run) -> RunLine:
    shown = formats(visit.locale, visit.person.zone.key)
    rule, item = rules.get(run.rule), visit.services.registry.objects.get(run.object)
    label = (rule.label.text(visit.language) if rule else "") or run.rule
    record = f"{(item.label.text(visit.language) if item else '') or run.object} {run.record_id}"
    event = gettext(EVENT_TEXT.get(run.event, run.event))
    url = f"/o/{run.object}/{run.record_id}/" if item is not None else ""
    return RunLine(run, shown.instant(run.at), label, event, gettext(OUTCOME_TEXT[run.outcome]), record, url)
