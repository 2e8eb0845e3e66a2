"""What scripts ask for in JSON, all of the record service: lookups, judging a form, bulk deletion, moving a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import jsonify, request

from guanxi.common.errors import BadRequest, FieldError, GuanxiError, Invalid
from guanxi.runtime.query.request import ListQuery

from .approval_inbox import desk
from .object_base import ObjectBase
from .routes import expose
from .texts import gettext
from .visit import current_visit

FOUND = 8
WAITS = "This needs an approval and has been submitted. It happens once it is agreed to."
MOST_BULK = 200


def message_of(error: GuanxiError) -> str:
    """One sentence for a person."""
    if isinstance(error, Invalid):
        return " ".join(dict.fromkeys(e.message for e in error.errors)) or error.detail
    return error.detail


class JsonPages(ObjectBase):
    """JSON endpoints of one object."""

    @expose("/lookup/")
    def lookup_view(self) -> Any:
        """Up to eight records whose name fits `q`: `[{"id", "title", "note"}]`."""
        return jsonify(self.lookup(request.args.get("q", "").strip()[:200], FOUND))

    def lookup(self, q: str, limit: int) -> list[dict[str, Any]]:
        """Records by search text, newest first without one; `note` helps to tell namesakes apart."""
        notes = [n for n in self._note_fields() if n != self.title_name]
        wanted = ["id", *([self.title_name] if self.title_name in self.fields else []), *notes]
        query = ListQuery(self.item.name, q=q, sort=(("id", True),) if not q else (), fields=tuple(wanted), limit=limit)
        found = self.records.list(current_visit().person, query)
        titles = self.titles(found.data)
        return [
            {
                "id": row["id"],
                "title": titles[row["id"]],
                "note": " · ".join(str(row[n]) for n in notes if row.get(n) and str(row[n]) != titles[row["id"]]),
            }
            for row in found.data
        ]

    def _note_fields(self) -> list[str]:
        plain = ("text", "email", "phone", "auto_number", "company_name", "person_name")
        return [f.name for f in self.fields.values() if f.type in plain and f.operand and f.definition.search][:2]

    def lookup_titles(self, object_name: str, keys: Sequence[int]) -> dict[int, str]:
        """Titles of some records of any object; those out of sight are left out."""
        visit = current_visit()
        if object_name not in visit.services.registry.objects or not keys:
            return {}
        return dict(visit.services.records.titles(visit.person, object_name, list(keys[:20])))

    @expose("/validate/", methods=("POST",))
    def validate_view(self) -> Any:
        """What the record service would say to a form, and what the form should show: nothing is written."""
        key = request.args.get("id", type=int)
        stored: Mapping[str, Any] = self.read(key) if key else {}
        form = (self.form_type if key else self.new_form_type)(request.form, stored)
        form.validate()
        values = form.changed(stored) if key else {n: v for n, v in form.values().items() if v not in (None, "", [])}
        faults: list[FieldError] = [*form.faults]
        faults += self.records.validate(current_visit().person, self.item.name, values, key)
        state = self.records.form_state(current_visit().person, self.item.name, form.values(), key)
        errors: dict[str, list[str]] = {}
        for fault in faults:
            if fault.message not in errors.setdefault(fault.field, []):
                errors[fault.field].append(fault.message)
        return jsonify({"errors": errors, **{k: sorted(v) for k, v in state.items()}})

    @expose("/bulk/", methods=("POST",))
    def bulk_view(self) -> Any:
        """`{"ids": […], "op": "delete" | "update", "values": {…}}` → how many went through, and why others did not."""
        body = self._body()
        keys, op, values = body.get("ids"), body.get("op"), body.get("values", {})
        if not isinstance(keys, list) or not keys or len(keys) > MOST_BULK or not all(type(k) is int for k in keys):
            raise BadRequest("Choose between 1 and 200 records.", code="bulk")
        if op not in ("delete", "update") or not isinstance(values, dict):
            raise BadRequest("There is no such act.", code="bulk")
        operations: list[dict[str, Any]] = [
            {"op": op, "id": k, **({"values": values} if op == "update" else {})} for k in keys
        ]
        results = self.records.batch(current_visit().person, self.item.name, operations, atomic=False)
        done = [k for k, r in zip(keys, results, strict=True) if r.get("status", 500) < 400 and "approval" not in r]
        refused = {str(k): _reasons(r) for k, r in zip(keys, results, strict=True) if r.get("status", 500) >= 400}
        refused |= {str(k): gettext(WAITS) for k, r in zip(keys, results, strict=True) if r.get("approval") is not None}
        return jsonify({"done": done, "refused": refused})

    @expose("/<int:key>/move/", methods=("POST",))
    def move_view(self, key: int) -> Any:
        """`{"field", "to", "version"}`: to another stage (through its gate) or another option; a refusal says why."""
        body = self._body()
        name, to, version = body.get("field"), body.get("to"), body.get("version")
        field = self.fields.get(str(name))
        if field is None or field.grant != "edit" or field.option(to) is None:
            raise BadRequest("This cannot be moved there.", code="move")
        person = current_visit().person
        stages = self.item.stages
        free = not desk().watched(self.item.name)
        before = None if free else desk().lock(person, self.item.name, key)
        held = None
        try:
            if stages is not None and stages.field == name:
                payload: dict[str, Any] = {"to": to, "values": body.get("values") or {}}
                record: Mapping[str, Any] = self.records.act(person, self.item.name, key, "move_stage", payload)
            else:
                given = version if isinstance(version, int) else None
                saved = self.records.update(person, self.item.name, key, {str(name): to}, version=given)
                record, held = saved.record, saved.approval
        except Invalid as refusal:
            raise Invalid(self.named_errors(refusal)) from refusal
        if held is None and not free and before is None:
            now = desk().lock(person, self.item.name, key)
            held = now.approval if now is not None and record.get(str(name)) != to else None
        waits = {"approval": held, "message": gettext(WAITS)} if held is not None else {}
        return jsonify({"id": key, "version": record.get("version"), "at": to, **waits})

    def named_errors(self, refusal: Invalid) -> list[FieldError]:
        """Messages that name their field, for places where no input stands beside them."""
        return [
            FieldError(
                e.field, e.code, f"{self.fields[e.field].label}: {e.message}" if e.field in self.fields else e.message
            )
            for e in refusal.errors
        ]

    @staticmethod
    def _body() -> Mapping[str, Any]:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise BadRequest("The request is not a JSON object.")
        return body


def _reasons(result: Mapping[str, Any]) -> str:
    errors = result.get("errors") or []
    return " ".join(str(e.get("message", "")) for e in errors if isinstance(e, dict)) or str(result.get("detail", ""))
