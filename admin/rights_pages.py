"""Who else works on a record and why one sees it: the tab "Sharing", its form, and the eye at a masked value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, jsonify, redirect, render_template, request

from guanxi.common.errors import BadRequest, GuanxiError

from .json_pages import JsonPages, message_of
from .routes import expose
from .texts import gettext
from .visit import current_visit

KINDS = ("user", "team", "role")


@dataclass(frozen=True, slots=True)
class ShareView:
    """One share as the page shows it; `mine` may be ended by the one who looks."""

    kind: str
    number: int
    name: str
    access: str
    until: str
    by: str
    reason: str
    mine: bool


@dataclass(frozen=True, slots=True)
class ReasonView:
    """One rule of an explanation: what it does, who says so, where that stands."""

    effect: str
    source: str
    place: str
    more: str
    holds: bool


class RightsPages(JsonPages):
    """Sharing and its explanation on record pages of one object."""

    @expose("/<int:key>/sharing/")
    def sharing_view(self, key: int) -> Any:
        """The tab, as a fragment."""
        visit = current_visit()
        rights = visit.services.records.permissions(visit.person, self.item.name, key)
        may = (rights.get("actions") or {}).get("share")
        told = self.records.explain(visit.person, self.item.name, key)
        return render_template(
            "parts/sharing.html",
            view=self,
            key=key,
            shares=[
                self._share(entry, may is not None) for entry in self.records.shares(visit.person, self.item.name, key)
            ],
            kinds=self._kinds() if may is not None else [],
            levels=(may or {}).get("access") or [],
            reasons=[_reason(rule) for rule in told["because"]],
        )

    def _kinds(self) -> list[tuple[str, str, str]]:
        """With whom one may share, as far as one may look them up: (kind, label, where to look them up)."""
        visit = current_visit()
        objects, records = visit.services.registry.objects, visit.services.records
        return [
            (kind, objects[kind].label.text(visit.language) or kind, f"/o/{kind}/lookup/")
            for kind in KINDS
            if records.permissions(visit.person, kind).get("read")
        ]

    def _share(self, entry: Mapping[str, Any], may: bool) -> ShareView:
        kind = next(one for one in KINDS if one in entry)
        who, by = entry[kind], entry.get("by") or {}
        mine = kind == "user" and who["id"] == current_visit().person.id
        return ShareView(
            kind,
            int(who["id"]),
            str(who["title"] or f"#{who['id']}"),
            gettext("May edit") if entry["access"] == "edit" else gettext("May read"),
            self.shown.instant(str(entry["until"])) if entry["until"] else "",
            str(by.get("title") or ""),
            str(entry["reason"]),
            may or mine,
        )

    @expose("/<int:key>/share/", methods=("POST",))
    def share_view(self, key: int) -> Any:
        """Share with a user, a team or a role, or end a share, then back to the record."""
        form = request.form
        kind = form.get("kind", "user")
        kind = kind if kind in KINDS else "user"
        payload: dict[str, Any] = {kind: form.get("who", type=int) or form.get(f"who_{kind}", type=int)}
        act = "unshare" if form.get("end") else "share"
        if act == "share":
            payload |= {name: form.get(name, "") for name in ("access", "until", "reason") if form.get(name)}
        try:
            self.records.act(current_visit().person, self.item.name, key, act, payload)
            flash(gettext("Shared.") if act == "share" else gettext("No longer shared."))
        except GuanxiError as refusal:
            if refusal.status == 404:
                raise
            flash(message_of(refusal), "error")
        return redirect(f"{self.base}{key}/?tab=sharing")

    @expose("/<int:key>/reveal/", methods=("POST",))
    def reveal_view(self, key: int) -> Any:
        """`{"field", "reason"}` → `{"value"}`: one masked value, audited."""
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or not isinstance(body.get("field"), str):
            raise BadRequest("Name the field.", code="type")
        payload = {"fields": [body["field"]], "reason": body.get("reason")}
        found = self.records.act(current_visit().person, self.item.name, key, "reveal", payload)
        return jsonify({"value": str(found["values"][body["field"]] or "")})


def _reason(rule: Mapping[str, Any]) -> ReasonView:
    more = [str(rule[name]) for name in ("scope", "where") if rule.get(name)]
    return ReasonView(
        str(rule["effect"]), str(rule["source"]), str(rule.get("place", "")), " · ".join(more), bool(rule["holds"])
    )
