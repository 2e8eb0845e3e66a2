"""The record of one submission: values read, worked out and written with the form's own rights, consent kept.

A form without a role writes as the definitions do, but only the fields that its document names; one with a role has
that role's rights and no more. Questions are judged by the same rules as any record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import FieldError, Invalid
from guanxi.expressions.evaluate import compile_expression
from guanxi.fieldtypes import ValueFault
from guanxi.registry.forms import WebForm

from ..access.actor import Actor
from ..files.store import FILE_TYPES
from ..merging.collision import own_hit
from ..messages.room import Messaging
from ..records import create as creating
from ..records.draft import Draft, filled
from ..records.environment import environment
from ..records.inputs import value_fault
from ..records.messages import fault
from ..records.plan import ObjectPlan
from ..records.room import Room
from ..records.update import update
from ..records.work import Work
from ..storage.tables import unique_value

if TYPE_CHECKING:
    from .service import Sent
    from .tokens import Link

LONGEST = 20_000
TOLD_NOBODY = frozenset({"unique", "duplicate"})
_POST = "INSERT INTO gx_posts (at, object, record_id, by_id, run_id, body) VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a submission."""

    state: str
    record_id: int | None
    reason: str = ""


def known_fields(form: WebForm, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the record of a link says already of the fields that the form asks for."""
    return {name: row[name] for name in form.fields if filled(row.get(name))}


class Maker:
    """See the module."""

    def __init__(self, room: Room, messaging: Messaging) -> None:
        self.room = room
        self.messaging = messaging

    def actor(self, form: WebForm, language: str) -> Actor:
        """Who a form is: nobody, with the roles it was given."""
        roles = self.room.actors.flattened((form.role,)) if form.role else frozenset()
        return Actor(
            id=None, name=f"form {form.name}", roles=roles, channel="form", language=language or "en",
            zone=self.room.zone,
        )  # fmt: skip

    def work(self, form: WebForm, language: str) -> Work:
        """A piece of work of the form."""
        return Work(self.room, self.actor(form, language))

    @contextmanager
    def _rights(self, work: Work, form: WebForm) -> Iterator[None]:
        if form.role:
            yield
        else:
            with work.trust():
                yield

    def make(
        self, form: WebForm, asked: Collection[str], sent: Sent, link: Link | None, *, strict: bool = False
    ) -> Made:
        """Write the record, inside `write()`. Invalid with what may be told; `strict` tells everything."""
        work = self.work(form, sent.language)
        with self._rights(work, form):
            plan = work.plan(form.object) if form.role else self.room.plan(form.object)
            values = self._values(form, plan, asked, sent)
            own = form.link is not None and not form.link.field and link is not None
            if own and link is not None:
                row, _ = update(work, plan, link.record_id, values, force=True)
                self._consents(form, sent, row)
                return Made("accepted", row["id"])
            self._completed(form, work, plan, values, link)
            return self._create(form, work, plan, values, sent, strict=strict)

    def _create(
        self, form: WebForm, work: Work, plan: ObjectPlan, values: dict[str, Any], sent: Sent, *, strict: bool
    ) -> Made:
        try:
            with work.db.savepoint():
                row = creating.create(work, plan, values, force=True)
                self._consents(form, sent, row)
            return Made("accepted", row["id"])
        except Invalid as refusal:
            telling = [error for error in refusal.errors if error.code not in TOLD_NOBODY]
            if strict or telling:
                raise Invalid(refusal.errors if strict else telling) from refusal
            work.forget()
            found = self._existing(work, plan, values)
            if found is not None:
                self._note(form, plan, values, found, work)
                with_consent = work.row(plan.name, found)
                if with_consent is not None:
                    self._consents(form, sent, {**values, "id": found})
            return Made("refused", found, "known")

    # values -----------------------------------------------------------------------------------------
    def _values(self, form: WebForm, plan: ObjectPlan, asked: Collection[str], sent: Sent) -> dict[str, Any]:
        """What was sent, in Python form. Raises Invalid with a fault per wrong field."""
        found: dict[str, Any] = {}
        errors: list[FieldError] = []
        for name in asked:
            known = plan.fields[name]
            if name in sent.files:
                found[name] = self._file(form, name, sent)
            elif known.field.type == "boolean" and sent.page:
                found[name] = _ticked(sent.values.get(name))
            elif name in sent.values:
                self._read(plan, name, sent, found, errors)
            needed = form.fields[name].required
            missing = not filled(found.get(name)) or (known.field.type == "boolean" and found[name] is False)
            if needed and missing and name not in {error.field for error in errors}:
                errors.append(fault(name, "required", "required", sent.language))
        if form.consent is not None and form.consent.required and not sent.consent:
            errors.append(fault("_consent", "required", "required", sent.language))
        if errors:
            raise Invalid(errors + self._others(form, plan, found, errors, sent))
        return found

    def _others(
        self, form: WebForm, plan: ObjectPlan, found: Mapping[str, Any], errors: Sequence[FieldError], sent: Sent
    ) -> list[FieldError]:
        """Required answers that are missing too, so that a visitor is told once."""
        told = {error.field for error in errors}
        return [
            fault(name, "required", "required", sent.language)
            for name in form.fields
            if name not in told
            and plan.fields[name].field.required is True
            and plan.fields[name].when is None
            and not filled(found.get(name))
        ]

    @staticmethod
    def _read(plan: ObjectPlan, name: str, sent: Sent, found: dict[str, Any], errors: list[FieldError]) -> None:
        known, value = plan.fields[name], sent.values[name]
        wrong = value_fault(name, value, sent.language)
        if wrong is None and isinstance(value, str) and len(value) > LONGEST:
            wrong = fault(name, "length", "length", sent.language, most=LONGEST)
        if wrong is None and known.field.type in FILE_TYPES and value not in (None, ""):
            wrong = fault(name, "type", "type", sent.language)
        if wrong is not None:
            errors.append(wrong)
            return
        try:
            found[name] = (known.typed if sent.page and isinstance(value, str) else known.coerce)(value)
        except ValueFault as problem:
            sentence = problem.message_zh if sent.language[:2] == "zh" else problem.message
            errors.append(FieldError(name, problem.code, sentence))

    def _file(self, form: WebForm, name: str, sent: Sent) -> dict[str, Any]:
        upload = sent.files[name]
        most = form.limits.megabytes * 1024 * 1024
        stored = self.room.files.put(upload.stream, upload.name, by_id=None, said=upload.type, most=most)
        return stored.card

    def _completed(
        self, form: WebForm, work: Work, plan: ObjectPlan, values: dict[str, Any], link: Link | None
    ) -> None:
        """Add what the link and the form itself say."""
        if link is not None and form.link is not None:
            values[form.link.field] = link.record_id
            if form.ask_once:
                row = work.row(link.object, link.record_id) or {}
                values.update({n: v for n, v in known_fields(form, row).items() if n not in values})
        env = environment(work, plan.name, {**plan.blank, **values})
        for name, expression in form.values.items():
            values[name] = compile_expression(expression)(env)

    # what exists already ----------------------------------------------------------------------------
    def _existing(self, work: Work, plan: ObjectPlan, values: Mapping[str, Any]) -> int | None:
        """The record that stands in the way."""
        draft = Draft(plan, work.language, None, {**plan.blank, **values})
        for rule in plan.duplicates:
            if rule.action == "block" and (found := own_hit(work, plan, rule, draft.new)) is not None:
                return found
        texts = work.statements(plan.name)
        for key, fields in plan.unique.items():
            value = unique_value([draft.new.get(name) for name in fields])
            if value is not None and (rows := work.db.rows(texts.holders(key), (value, 0))):
                return int(rows[0][0])
        return None

    def _note(self, form: WebForm, plan: ObjectPlan, values: Mapping[str, Any], record_id: int, work: Work) -> None:
        """What was sent, on the timeline of the record that exists; each answer for those who may read its field."""
        body: dict[str, list[Any]] = {}
        for language in form.languages:
            parts: list[Any] = [form.label.text(language)]
            for name in form.fields:
                if filled(values.get(name)):
                    known = plan.fields[name]
                    shown = known.json(values[name])
                    text = shown if isinstance(shown, str) else orjson.dumps(shown, default=str).decode()
                    parts.append(f"\n{known.field.label.text(language) or name}: ")
                    parts.append({"text": text[:2000], "needs": [[plan.name, name]], "seen": []})
            body[language] = parts
        params = (work.stamp, plan.name, record_id, None, None, orjson.dumps(body).decode())
        work.db.execute(work.db.sql(_POST), params)

    # consent ----------------------------------------------------------------------------------------
    def _consents(self, form: WebForm, sent: Sent, row: Mapping[str, Any]) -> None:
        consent = form.consent
        if consent is None or not sent.consent:
            return
        wording = f"{consent.version}: {consent.text.text(sent.language)}"[:2000]
        for channel, name in consent.channels.items():
            if filled(row.get(name)):
                self.messaging.consents.note(
                    channel,
                    "given",
                    source=f"form:{form.name}",
                    address=str(row[name]),
                    object=form.object,
                    record_id=int(row["id"]),
                    wording=wording,
                )


def _ticked(value: object) -> bool:
    return value in ("1", "true", "on", "yes", True)
