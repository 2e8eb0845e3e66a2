"""The record page: head with highlights and stage path, tabs (details, related lists, history), declared actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from markupsafe import Markup

from guanxi.common.errors import GuanxiError, NotFound
from guanxi.registry import Action, Related
from guanxi.runtime.access.grants import shareable
from guanxi.runtime.approvals.desk import Lock
from guanxi.runtime.query.request import ListQuery

from .approval_record import ApprovalParts, banner, held_now, sent_for_approval
from .cells import DASH
from .clock_pages import ClockView, clock_views
from .fields import FieldView
from .forms import FormState
from .inputs import plain
from .json_pages import message_of
from .lists import choose_columns, expandable
from .rights_pages import RightsPages
from .routes import expose
from .texts import gettext
from .visit import current_visit

RELATED_ROWS = 10
RELATED_COLUMNS = 5
HISTORY_ROWS = 20
ACTION_TEXT = {
    "create": "created the record",
    "assign": "changed the owner",
    "delete": "moved the record to the trash",
    "restore": "restored the record",
}


@dataclass(frozen=True, slots=True)
class StepView:
    """One stage on the path. `state` is done, current, open (may be entered from here) or closed."""

    name: str
    label: str
    color: str
    state: str


@dataclass(frozen=True, slots=True)
class ButtonView:
    """One declared action; `reason` says why it cannot be used now, "" when it can."""

    name: str
    label: str
    icon: str
    confirm: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One changed field in the history."""

    label: str
    before: Markup
    after: Markup


@dataclass(frozen=True, slots=True)
class EventView:
    """One entry of the history."""

    at: str
    instant: str
    by: str
    by_key: int
    action: str
    verb: str
    rule: str
    changes: tuple[ChangeView, ...]


class RecordPages(ApprovalParts, RightsPages):
    """Record pages of one object."""

    def record_page(self, key: int) -> Any:
        """The page of one record."""
        row = self.read(key)
        visit = current_visit()
        rights = visit.services.records.permissions(visit.person, self.item.name, key)
        values = {n: plain(v) for n, v in row.items() if n in self.fields and not self.fields[n].definition.system}
        state = FormState.of(self.records.form_state(visit.person, self.item.name, values, key))
        lock = self.lock_of(key)
        steps = self._steps(row, rights, lock)
        whole = lock is not None and lock.complete
        return self.page(
            "record.html",
            row=row,
            key=key,
            title=self.title(row),
            rights=rights,
            highlights=self._highlights(row),
            steps=steps,
            gates=self.gates(key, {step.name for step in steps if step.state == "open"}),
            lock=banner(lock) if lock is not None else None,
            editable=bool(rights.get("update"))
            and (lock is None or any(lock.editable(view.name) for view in self.form_type.views)),
            deletable=bool(rights.get("delete")) and not whole,
            submits="submit" in (rights.get("actions") or {}),
            sections=self.details(row, state),
            system=self._system(row),
            tabs=self._tabs(rights),
            revealed=((rights.get("actions") or {}).get("reveal") or {}).get("fields") or (),
            related=self._related_page,
            buttons=self._buttons(rights),
            clocks=self._clocks(key),
            assignable="assign" in (rights.get("actions") or {}) and "owner" in self.fields and not whole,
        )

    def _clocks(self, key: int) -> list[ClockView]:
        """The record's clocks that count."""
        visit = current_visit()
        if not visit.services.clocks.has(self.item.name):
            return []
        found = visit.services.clocks.of_record(visit.person, self.item.name, key)
        return clock_views([one for one in found if one["state"] != "cancelled"])

    # head ----------------------------------------------------------------------------------------------------
    def _highlights(self, row: Mapping[str, Any]) -> list[tuple[str, Markup]]:
        names = [n for n in self.item.page.highlights if n in self.fields]
        if not names:
            names = [n for n in ("owner", "updated_at") if n in self.fields]
        return [(self.fields[n].label, self.draw(self.fields[n])(row.get(n))) for n in names]

    def _steps(self, row: Mapping[str, Any], rights: Mapping[str, Any], lock: Lock | None) -> list[StepView]:
        stages = self.item.stages
        field = self.fields.get(stages.field) if stages else None
        if stages is None or field is None:
            return []
        at = row.get(stages.field)
        order = list(stages.path)
        here = order.index(at) if at in order else -1
        reachable = (rights.get("actions") or {}).get("move_stage", {}).get("to", ())
        if lock is not None and not lock.editable(field.name):
            reachable = ()
        steps = []
        for index, name in enumerate(order):
            option = field.option(name)
            passed = index < here and bool(stages.path[name].to)  # an end that was not taken is not done
            state = "current" if name == at else "open" if name in reachable else "done" if passed else "closed"
            label = option.label if option else stages.path[name].label.text(self.language)
            steps.append(StepView(name, label, option.color if option else "slate", state))
        return steps

    def _buttons(self, rights: Mapping[str, Any]) -> list[ButtonView]:
        allowed = rights.get("actions") or {}
        return [self._button(action, allowed[name]) for name, action in self.item.actions.items() if name in allowed]

    def _button(self, action: Action, judged: Any) -> ButtonView:
        reason = ""
        if isinstance(judged, Mapping) and judged.get("enabled") is False:
            reason = str(judged.get("reason") or "") or gettext("Not possible at the moment.")
        language = self.language
        return ButtonView(
            action.name,
            action.label.text(language) or action.name,
            action.icon or "zap",
            action.confirm.text(language),
            reason,
        )

    # tabs ----------------------------------------------------------------------------------------------------
    def _tabs(self, rights: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(name, label): what metadata lists and this version can show, then what it forgot to list."""
        approvals = ("approvals",) if self.has_approvals() else ()
        wanted = dict.fromkeys((*self.item.page.tabs, *self.item.related, *approvals, "history", "sharing"))
        labels = {"details": gettext("Details"), "history": gettext("History"), "sharing": gettext("Sharing")}
        labels["approvals"] = gettext("Approvals")
        shown = {"details": True, "history": bool(self.item.history) and rights.get("history") is not False}
        shown["sharing"] = shareable(current_visit().services.registry, self.item)
        shown["approvals"] = bool(approvals)
        found = []
        for name in wanted:
            related = self.item.related.get(name)
            if related is not None and self._readable(related.object):
                found.append((name, self._related_label(related)))
            elif shown.get(name):
                given = self.item.page.labels.get(name)
                found.append((name, given.text(self.language) if given else labels[name]))
        return found

    def _related_label(self, related: Related) -> str:
        """The list's label; two lists of one label also say by which field they come."""
        given = self.item.page.labels.get(related.name)
        if given:
            return given.text(self.language)
        label = related.label.text(self.language) or related.name
        twins = [r for r in self.item.related.values() if r.label.text(self.language) == label]
        field = self.host.view(related.object).fields.get(related.field)
        return f"{label} · {field.label}" if len(twins) > 1 and field else label

    def _readable(self, object_name: str) -> bool:
        return self.host.readable(object_name)

    def details(self, row: Mapping[str, Any], state: FormState) -> list[tuple[str, list[tuple[FieldView, Markup]]]]:
        """(heading, [(field, drawn value)]) per section, as the form shows them."""
        found = []
        for section in self.sections:
            if section.name in state.hidden_sections:
                continue
            fields = [f for f in section.fields if f.name not in state.hidden]
            if fields:
                found.append((section.label, [(f, self.draw(f)(row.get(f.name))) for f in fields]))
        return found

    def _system(self, row: Mapping[str, Any]) -> list[tuple[FieldView, Markup]]:
        shown = ("owner", "team", "created_at", "created_by", "updated_at", "updated_by")
        placed = {f.name for s in self.sections for f in s.fields}
        names = [n for n in shown if n in self.fields and n not in placed]
        return [(self.fields[n], self.draw(self.fields[n])(row.get(n))) for n in names]

    # related lists and history, loaded when their tab opens -----------------------------------------------------
    @expose("/<int:key>/related/<part>/")
    def related_view(self, key: int, part: str) -> Any:
        """One page of a related list, as a fragment."""
        related = self.item.related.get(part)
        if related is None or not self._readable(related.object):
            raise NotFound
        return self._related_page(key, related, request.args.get("after", ""))

    def _related_page(self, key: int, related: Related | str, after: str = "") -> Markup:
        if isinstance(related, str):
            related = self.item.related[related]
        child = self.host.view(related.object)
        columns = [
            f
            for f in choose_columns((), self._child_view(child), child.fields, child.title_name)
            if f.name != related.field
        ]
        columns = columns[:RELATED_COLUMNS]
        query = ListQuery(
            related.object,
            fields=("id", *(f.name for f in columns)),
            expand=expandable(columns),
            limit=RELATED_ROWS,
            after=after,
            sort=(("id", True),),
            related=(self.item.name, key, related.name),
            total="exact",
        )
        found = self.records.list(current_visit().person, query)
        more = f"{self.base}{key}/related/{related.name}/?{urlencode({'after': found.next})}" if found.next else None
        writable = related.field in {v.name for v in child.form_type.views}
        prefill = urlencode({related.field: key, "url": f"{self.base}{key}/?tab={related.name}"})
        new = f"{child.base}new/?{prefill}" if child.rights.get("create") and writable else None
        rows = child.draw_rows(found.data, columns)
        values = {"view": child, "columns": columns, "rows": rows, "total": found.total, "more": more, "new": new}
        return Markup(render_template("parts/related.html", **values))  # noqa: S704

    @staticmethod
    def _child_view(child: Any) -> Any:
        return next((v for v in child.views.values() if v.shape == "table" and v.columns), None)

    @expose("/<int:key>/history/")
    def history_view(self, key: int) -> Any:
        """One page of the record's history, as a fragment."""
        after = request.args.get("after", "")
        found = self.records.history(current_visit().person, self.item.name, key, limit=HISTORY_ROWS, after=after)
        more = f"{self.base}{key}/history/?{urlencode({'after': found.next})}" if found.next else None
        return render_template("parts/history.html", events=[self._event(e) for e in found.data], more=more)

    def _event(self, entry: Mapping[str, Any]) -> EventView:
        by = entry.get("by") or {}
        title = str(by.get("title") or "") if isinstance(by, Mapping) else str(by)
        action = str(entry.get("action") or "update")
        changes = tuple(c for n, v in (entry.get("changes") or {}).items() if (c := self._change(n, v)))
        return EventView(
            at=self.shown.instant(str(entry.get("at", ""))),
            instant=str(entry.get("at", "")),
            by=title or gettext("System"),
            by_key=int(by.get("id") or 0) if isinstance(by, Mapping) else 0,
            action=action,
            verb=gettext(ACTION_TEXT.get(action, "changed the record")),
            rule=str((entry.get("automation") or {}).get("label") or ""),
            changes=changes,
        )

    def _change(self, name: str, moved: Mapping[str, Any]) -> ChangeView | None:
        field = self.fields.get(name)
        if field is None or (field.definition.system and name not in ("owner", "team")):
            return None
        draw = self.draw(field, links=False)
        before, after = moved.get("from"), moved.get("to")
        return ChangeView(
            field.label, draw(before) if before is not None else DASH, draw(after) if after is not None else DASH
        )

    # acts ------------------------------------------------------------------------------------------------------
    @expose("/<int:key>/act/<act>/", methods=("POST",))
    def act_view(self, key: int, act: str) -> Any:
        """A declared action or a change of hands, then back to the record."""
        action = self.item.actions.get(act)
        if action is None and act != "assign":
            raise NotFound
        payload: dict[str, Any] = {}
        if action is None:
            payload = {"owner": request.form.get("owner", type=int), "reason": request.form.get("reason", "")}
        label = action.label.text(self.language) or act if action else gettext("Change owner")
        before = self.lock_of(key)
        try:
            self.records.act(current_visit().person, self.item.name, key, act, payload)
            held = held_now(before, self, key)
            if held is not None:
                sent_for_approval(held)
            else:
                flash(gettext("Done: %(what)s", what=label))
        except GuanxiError as refusal:
            if refusal.status == 404:
                raise
            flash(message_of(refusal), "error")
        return redirect(f"{self.base}{key}/")
