"""Forms: new and edit. The record service is the judge; its messages come back to the fields they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request

from guanxi.common.errors import Conflict, FieldError, Forbidden, GuanxiError, Invalid, Stale

from .approval_record import ApprovalParts, banner, sent_for_approval
from .fields import FieldView
from .forms import FormPage, FormState, RecordForm, same
from .inputs import plain
from .json_pages import message_of
from .texts import gettext
from .visit import current_visit, safe_target


class FormPages(ApprovalParts):
    """Form pages of one object."""

    def new_page(self) -> Any:
        """Draw or take a new record's form."""
        if not self.rights.get("create"):
            raise Forbidden(gettext("You may not create records here."))
        if request.method == "GET":
            start = self._starting_values()
            return self._draw_form(FormPage(self.new_form_type(None, start), self.new_sections, self._state(start)))
        form = self.new_form_type(request.form)
        form.validate()
        values = self._new_values(form)
        page = FormPage(form, self.new_sections, self._state(form.values()))
        if not form.faults:
            try:
                force = "force_duplicates" in request.form
                saved = self.records.create(current_visit().person, self.item.name, values, force_duplicates=force)
            except Invalid as refusal:
                return self._refused(page, refusal.errors)
            flash(gettext("Saved."))
            if "another" in request.form:
                return redirect(f"{self.base}new/")
            return redirect(safe_target(request.form.get("url"), f"{self.base}{saved.id}/"))
        return self._refused(page, self.records.validate(current_visit().person, self.item.name, values))

    def edit_page(self, key: int) -> Any:
        """Draw or take the form of one record."""
        stored = self.read(key)
        rights = self.records.permissions(current_visit().person, self.item.name, key)
        if not rights.get("update"):
            raise Forbidden(gettext("You may not change this record."))
        sections = self.form_sections
        lock = self.lock_of(key)
        form_type = self.open_form(self.form_type, lock)
        if request.method == "GET":
            state = self._state(stored, key)
            return self._draw_form(FormPage(form_type(None, stored), sections, state, stored["version"]), stored)
        form = form_type(request.form, stored)
        form.validate()
        version = request.form.get("version", type=int)
        page = FormPage(form, sections, self._state(form.values(), key), version)
        if form.faults:
            faults = self.records.validate(current_visit().person, self.item.name, form.changed(stored), key)
            return self._refused(page, faults, stored)
        return self._store(page, key, stored)

    def _store(self, page: FormPage, key: int, stored: Mapping[str, Any]) -> Any:
        person, changed = current_visit().person, page.form.changed(stored)
        force = "force_duplicates" in request.form
        try:
            saved = (
                self.records.update(person, self.item.name, key, changed, version=page.version, force_duplicates=force)
                if changed
                else None
            )
        except Stale:
            return self._conflict(page, key)
        except Invalid as refusal:
            return self._refused(page, refusal.errors, stored)
        except Conflict as refusal:
            page.loose = [refusal.detail]
            return self._draw_form(page, stored), 409
        if saved is not None and saved.approval is not None:
            sent_for_approval(saved.approval)
        else:
            flash(gettext("Saved."))
        return redirect(safe_target(request.form.get("url"), f"{self.base}{key}/"))

    def delete_page(self, key: int) -> Any:
        """Move to the trash and go back to the list."""
        try:
            held = self.records.delete(current_visit().person, self.item.name, key)
        except GuanxiError as refusal:
            if refusal.status == 404:
                raise
            flash(message_of(refusal), "error")
            return redirect(f"{self.base}{key}/")
        if held is not None:
            sent_for_approval(held)
            return redirect(f"{self.base}{key}/")
        flash(gettext("Moved to the trash."))
        return redirect(self.base)

    # pieces ------------------------------------------------------------------------------------------------
    def _state(self, values: Mapping[str, Any], key: int | None = None) -> FormState:
        sent = {n: plain(v) for n, v in values.items() if n in self.fields and not self.fields[n].definition.system}
        return FormState.of(self.records.form_state(current_visit().person, self.item.name, sent, key))

    def _starting_values(self) -> dict[str, Any]:
        """Constant defaults, then what the address asks to fill in (a related list's "new" does)."""
        start: dict[str, Any] = {}
        for view in self.new_form_type.views:
            default = view.definition.default
            if default is not None and default.expression is None:
                start[view.name] = default.constant
            text = request.args.get(view.name)
            if text is not None:
                start[view.name] = self._prefilled(view, text)
        if "owner" in self.fields and start.get("owner") is None and current_visit().person.id:
            start["owner"] = {"id": current_visit().person.id, "title": current_visit().display_name}
        return start

    def _prefilled(self, view: FieldView, text: str) -> Any:
        if view.family not in ("reference", "references"):
            return text
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            return None
        title = self.lookup_titles(view.target, [int(text)]).get(int(text))
        value = {"id": int(text), "title": title} if title else None
        return [value] if value and view.family == "references" else value

    def _new_values(self, form: RecordForm) -> dict[str, Any]:
        """What was filled in; a field that was offered with a constant default and emptied is sent as empty."""
        start = self._starting_values()
        return {n: v for n, v in form.values().items() if v not in (None, "", []) or start.get(n) not in (None, "", [])}

    def _refused(self, page: FormPage, errors: list[FieldError] | tuple[FieldError, ...], stored: Any = None) -> Any:
        page.duplicates = bool(errors) and all(e.code == "duplicate" for e in errors)
        page.loose = page.form.attach(errors)
        return self._draw_form(page, stored), 422

    def _conflict(self, page: FormPage, key: int) -> Any:
        """Somebody saved first: show both versions; saving again is a decision to write over theirs."""
        theirs = self.read(key)
        page.version = theirs["version"]
        mine = page.form.values()
        for view in page.form.views:
            if not same(mine.get(view.name), plain(theirs.get(view.name)), view):
                draw = self.draw(view, links=False)
                own = page.form[view.name].data if view.family != "reference" else _titled(page.form, view)
                page.conflict.append((view.label, draw(own), draw(theirs.get(view.name))))
        return self._draw_form(page, theirs), 409

    def _draw_form(self, page: FormPage, stored: Mapping[str, Any] | None = None) -> str:
        lock = self.lock_of(stored["id"]) if stored else None
        return self.page(
            "form.html",
            lock=banner(lock) if lock is not None else None,
            show=lambda view: self.draw(view, links=False)((stored or {}).get(view.name)),
            form_page=page,
            form=page.form,
            stored=stored,
            title=self.title(stored) if stored else "",
            back=safe_target(request.values.get("url"), f"{self.base}{stored['id']}/" if stored else self.base),
            url=request.values.get("url", ""),
        )


def _titled(form: RecordForm, view: FieldView) -> Any:
    found = form[view.name].references
    return {"id": found[0][0], "title": found[0][1]} if found else None
