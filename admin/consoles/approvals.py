"""Approvals as a console: every one with filters, suspended ones first, what frees them; the published flows drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request

from guanxi.common.errors import BadRequest, GuanxiError, NotFound
from guanxi.registry.approvals import Flow
from guanxi.runtime.approvals.desk import STATES, ApprovalDesk
from guanxi.runtime.approvals.desk import Line as Entry

from .. import approval_texts as words
from ..approval_flow import Drawing
from ..formats import formats
from ..routes import expose
from ..texts import gettext
from ..visit import current_visit, safe_target
from .base import Console

PAGE = 50
ACTS = ("retry", "terminate")


@dataclass(frozen=True, slots=True)
class Row:
    """One approval as it is drawn."""

    entry: Entry
    kind: str
    state: str
    tone: str
    operation: str
    moment: str


class ApprovalsConsole(Console):
    """See the module."""

    address = "approvals"
    title = "All approvals"
    sign = "stamp"

    @expose("/")
    def index(self) -> Any:
        """A page of approvals that fit the filters, and the flows there are."""
        visit = current_visit()
        flows = self._flows()
        given = self._given()
        before = self._before()
        found = self._desk().all(visit.person, **given, before=before, limit=PAGE + 1)
        first = [one for one in found if one.state == "suspended" and not given["state"] and not before]
        rest = [one for one in found if one not in first]
        kept = {name: value for name, value in given.items() if value}
        older = "?" + urlencode(kept | {"before": rest[PAGE - 1].id}) if len(rest) > PAGE else ""
        return render_template(
            "consoles/approvals.html",
            rows=[self._row(one) for one in (*first, *rest[:PAGE])],
            stuck=len(first),
            flows=[(name, flow.label.text(visit.language) or name, flow) for name, flow in sorted(flows.items())],
            objects=self._objects(flows),
            states={name: gettext(words.STATES[name]) for name in STATES},
            given=given,
            older=older,
            here=request.full_path.rstrip("?"),
        )

    @expose("/flow/<flow_name>/")
    def flow(self, flow_name: str) -> Any:
        """One published flow, drawn."""
        visit = current_visit()
        flow = self._flows().get(flow_name)
        if flow is None:
            raise NotFound(gettext("There is no such flow."))
        item = visit.services.registry.objects[flow.object]
        return render_template(
            "consoles/approval_flow.html",
            flow=flow,
            label=flow.label.text(visit.language) or flow_name,
            about=str(flow.description.text(visit.language) or ""),
            kind=item.label.text(visit.language) or item.name,
            nodes=Drawing(flow, self._formats()).nodes(),
            starts=[words.operation(one) for one in flow.start.on],
            when=flow.start.when.source.strip() if flow.start.when is not None else "",
            stages=", ".join(flow.start.stages),
        )

    @expose("/<int:number>/<act>/", methods=("POST",))
    def act(self, number: int, act: str) -> Any:
        """Let one try again, or end it; then back to the list."""
        if act not in ACTS:
            raise NotFound
        visit = current_visit()
        comment = request.form.get("comment", "").strip()
        try:
            visit.services.approvals.act_on(visit.person, number, act, {"comment": comment} if comment else {})
        except GuanxiError as refusal:
            if refusal.status == 404:
                raise
            errors = getattr(refusal, "errors", ())
            flash(" ".join(one.message for one in errors) or refusal.detail, "error")
        else:
            flash(gettext("Done"), "ok")
        return redirect(safe_target(request.form.get("url"), "/console/approvals/"))

    # pieces ----------------------------------------------------------------------------------------------------
    @staticmethod
    def _desk() -> ApprovalDesk:
        return ApprovalDesk(current_visit().services.approvals)

    @staticmethod
    def _formats() -> Any:
        visit = current_visit()
        return formats(visit.locale, visit.person.zone.key)

    @staticmethod
    def _flows() -> dict[str, Flow]:
        return dict(current_visit().services.registry.others.get("approval", {}))

    @staticmethod
    def _objects(flows: dict[str, Flow]) -> list[tuple[str, str]]:
        visit = current_visit()
        objects = visit.services.registry.objects
        names = sorted({flow.object for flow in flows.values()})
        return [(name, objects[name].label.text(visit.language) or name) for name in names]

    @staticmethod
    def _given() -> dict[str, str]:
        given = {name: request.args.get(name, "") for name in ("flow", "state", "object")}
        if given["state"] and given["state"] not in STATES:
            raise BadRequest(gettext("There is no such state or kind."), code="bad_parameter")
        return given

    @staticmethod
    def _before() -> int:
        text = request.args.get("before", "0") or "0"
        if not (text.isascii() and text.isdigit()) or len(text) > 18:
            raise BadRequest("'before' is a number.", code="bad_parameter")
        return int(text)

    def _row(self, one: Entry) -> Row:
        visit = current_visit()
        item = visit.services.registry.objects.get(one.object)
        text, tone = words.state(one.state)
        kind = (item.label.text(visit.language) or item.name) if item else one.object
        operation = words.operation(one.operation)
        return Row(one, kind, text, tone, operation, self._formats().instant(one.at))
