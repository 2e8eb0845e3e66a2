"""Approvals on the pages of a record: the banner of a lock, the tab, submitting, gates of stages, and what is said when
a change waits for an approval instead of being saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request
from markupsafe import Markup

from guanxi.common.errors import Conflict, Forbidden, GuanxiError, Invalid, NotFound
from guanxi.registry.approvals import Flow
from guanxi.runtime.approvals.desk import Lock, Picking, is_active

from . import approval_texts as words
from .approval_flow import Drawing
from .approval_inbox import desk, shape
from .approval_one import picked_of
from .forms import RecordForm
from .json_pages import JsonPages
from .routes import expose
from .texts import gettext
from .visit import current_visit


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands above a locked record."""

    text: str
    url: str
    action: str
    tone: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One flow that may be started: whom to pick, and the way it would go."""

    name: str
    label: str
    help: str
    pickings: list[Picking]
    nodes: Any


def sent_for_approval(number: int) -> None:
    """Say that a change waits for an approval, with the way there."""
    link = Markup('<a href="/approvals/{}/">{}</a>').format(number, gettext("See the approval"))
    said = gettext("This needs an approval and has been submitted. It happens once it is agreed to.")
    flash(Markup("<span>{} {}</span>").format(said, link), "ok")


def banner(lock: Lock) -> Banner:
    """Why the record is locked, in a sentence."""
    since = shape().instant(lock.since)
    url, action, tone = f"/approvals/{lock.approval}/", gettext("See the approval"), ""
    if lock.state == "suspended":
        said = gettext("“%(flow)s” could not go on; an administrator has to look at it.", flow=lock.label)
        tone = "t"
    elif lock.state == "returned":
        mine = lock.open is None or bool(lock.open)
        tone = "t"
        said = gettext("“%(flow)s” was returned; it waits for %(who)s.", flow=lock.label, who=_names(lock.waits))
        if mine:
            said = gettext("“%(flow)s” was returned to you. Correct the record and submit it again.", flow=lock.label)
            action = gettext("Submit again")
    elif not is_active(lock.state):
        said = gettext("Locked by “%(flow)s” since %(moment)s.", flow=lock.label, moment=since)
    elif lock.waits:
        said = gettext(
            "“%(flow)s” waits for %(who)s since %(moment)s.", flow=lock.label, who=_names(lock.waits), moment=since
        )
    else:
        said = gettext("“%(flow)s” is under way since %(moment)s.", flow=lock.label, moment=since)
    return Banner(said, url, action, tone)


def _names(names: tuple[str, ...]) -> str:
    mark = "、" if current_visit().language == "zh" else ", "
    return mark.join(names[:5]) + (" …" if len(names) > 5 else "")


class ApprovalParts(JsonPages):
    """What approvals add to the pages of one object."""

    def lock_of(self, key: int) -> Lock | None:
        """What locks a record; None when nothing does."""
        return desk().lock(current_visit().person, self.item.name, key)

    def has_approvals(self) -> bool:
        """Whether records of this object can have approvals."""
        return desk().watched(self.item.name)

    def gates(self, key: int, open_stages: Any) -> dict[str, str]:
        """Stage → the flow that must agree before it can be entered, as far as it has not."""
        visit = current_visit()
        flows: Mapping[str, Flow] = visit.services.registry.others.get("approval", {})
        mine = [flow for flow in flows.values() if flow.object == self.item.name and flow.start.stages]
        if not mine:
            return {}
        newest: dict[str, str] = {}
        for one in visit.services.approvals.of_record(visit.person, self.item.name, key):
            newest.setdefault(one["approval"], one["state"])
        wanted = [flow for flow in mine if newest.get(flow.name) != "approved"]
        return {
            stage: flow.label.text(self.language) or flow.name
            for flow in wanted
            for stage in flow.start.stages
            if stage in open_stages
        }

    def open_form(self, form_type: type[RecordForm], lock: Lock | None) -> type[RecordForm]:
        """The form less what is locked."""
        if lock is None:
            return form_type
        views = tuple(view for view in form_type.views if lock.editable(view.name))
        return type("OpenForm", (RecordForm,), {"views": views})

    # the tab ---------------------------------------------------------------------------------------------------
    @expose("/<int:key>/approvals/")
    def approvals_view(self, key: int) -> Any:
        """The record's approvals, newest first, as a fragment; the one under way with its drawing."""
        visit = current_visit()
        found = visit.services.approvals.of_record(visit.person, self.item.name, key)
        people = desk().names({one["submitted_by"] for one in found if one["submitted_by"] is not None})
        lines = [
            {
                **one,
                "text": words.state(one["state"])[0],
                "tone": words.state(one["state"])[1],
                "by": people.get(one["submitted_by"] or 0, gettext("System")),
                "moment": shape().instant(one["submitted_at"]),
                "ended": shape().instant(one["finished_at"]) if one["finished_at"] else "",
                "spoken": words.operation(one["operation"]),
            }
            for one in found
        ]
        return render_template("parts/approvals.html", lines=lines, now=self._now(found))

    def _now(self, found: Any) -> dict[str, Any] | None:
        """The one under way, drawn."""
        active = next((one for one in found if is_active(one["state"])), None)
        flow = desk().flow(active["id"]) if active is not None else None
        if active is None or flow is None:
            return None
        visit = current_visit()
        shown = visit.services.approvals.show(visit.person, active["id"])
        return {
            "id": active["id"],
            "label": active["label"],
            "nodes": Drawing(flow, shape(), shown, desk().rounds(active["id"])).nodes(),
            "state": active["state"],
            "text": words.state(active["state"])[0],
            "tone": words.state(active["state"])[1],
        }

    # submitting ------------------------------------------------------------------------------------------------
    @expose("/<int:key>/submit/", methods=("GET", "POST"))
    def submit_view(self, key: int) -> Any:
        """Choose a flow, see its way, pick people, say something, submit."""
        row = self.read(key)
        visit = current_visit()
        rights = visit.services.records.permissions(visit.person, self.item.name, key)
        offered = ((rights.get("actions") or {}).get("submit") or {}).get("approvals") or []
        if not offered:
            running = self.lock_of(key)
            if running is not None:
                return redirect(f"/approvals/{running.approval}/")
            raise Forbidden(gettext("No approval can be started for this record now."))
        chosen = request.values.get("gx.flow", offered[0]["name"])
        if chosen not in [one["name"] for one in offered]:
            raise NotFound
        offer = self._offer(chosen, key)
        at: dict[str, str] = {}
        if request.method == "POST" and request.form.get("gx.go") == "1":
            at = self._submit(key, offer)
            if not at:
                return redirect(f"{self.base}{key}/?tab=approvals")
        page = self.page(
            "approvals/submit.html",
            key=key,
            title=self.title(row),
            offered=offered,
            offer=offer,
            at=at,
            typed=request.form,
        )
        return (page, 422) if at else page

    def _offer(self, name: str, key: int) -> Offer:
        visit = current_visit()
        flow = visit.services.registry.others["approval"][name]
        return Offer(
            name,
            flow.label.text(self.language) or name,
            str(flow.description.text(self.language) or ""),
            desk().pickings(visit.person, flow, key),
            Drawing(flow, shape()).nodes(),
        )

    def _submit(self, key: int, offer: Offer) -> dict[str, str]:
        """Start the flow; messages by input when it is refused."""
        payload: dict[str, Any] = {"approval": offer.name, **picked_of(offer.pickings, request.form)}
        if comment := request.form.get("gx.comment", "").strip():
            payload["comment"] = comment
        try:
            self.records.act(current_visit().person, self.item.name, key, "submit", payload)
        except Invalid as refusal:
            return {error.field: error.message for error in refusal.errors}
        except (Conflict, Forbidden) as refusal:
            return {"": refusal.detail}
        flash(gettext("Submitted for approval."), "ok")
        return {}


def held_now(before: Lock | None, pages: ApprovalParts, key: int) -> int | None:
    """The approval that an act has just been taken over by; None when there is none, or the record is out of sight."""
    if before is not None:
        return None
    try:
        now = pages.lock_of(key)
    except GuanxiError:
        return None
    return now.approval if now is not None and is_active(now.state) else None
