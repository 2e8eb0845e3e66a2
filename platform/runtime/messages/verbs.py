"""The steps `notify`, `email` and `sms`: people or addresses, and a template or the step's own text.

What a step says is written by who wrote the definitions; a notice is filled for each reader as far as he may read, a
message that leaves is filled whole, and its copy on the record's page is gated by what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from guanxi.expressions.template import Template
from guanxi.expressions.tree import FieldTerm
from guanxi.registry import People, Texts
from guanxi.runtime.automation.people import people
from guanxi.runtime.records.steps import value

from .notifications import in_language
from .outgoing import Outgoing
from .rendering import fill, uses_of
from .room import Messaging, messaging
from .templates import Rendered

if TYPE_CHECKING:
    from guanxi.runtime.access.actor import Actor
    from guanxi.runtime.records.plan import ObjectPlan
    from guanxi.runtime.records.work import Work

Row = Mapping[str, Any]
KIND = "automation"
USER_FIELDS = {"email": "email", "sms": "phone"}


def notify(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """`notify: {to, text | template}`: a notice for each of the people who may see the record."""
    known = messaging(work.room)
    text: Mapping[str, Template]
    if "template" in given:
        text = known.templates.texts(known.templates.get(given["template"]), "body", plan.name)
    else:
        text = dict(given["text"].languages)
    known.notifications.send(
        people(given["to"], work, plan, row, old),
        "sla" if work.chain and work.chain[-1].name.startswith("sla.") else KIND,
        text,
        work=work,
        object=plan.name,
        record_id=row["id"],
        row=row,
        old=old,
    )


def email(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """`email: {to, template | subject and body, cc, attachments}`: one message for each recipient."""
    known = messaging(work.room)
    cc = [address for address, _, _ in _recipients(work, plan, row, given.get("cc", ()), old, "email")]
    for address, person, uses in _recipients(work, plan, row, given["to"], old, "email"):
        made = _rendered(known, work, plan, row, given, old, person)
        if "form" in given:
            made = _with_form(known, work, plan, row, given["form"], made)
        files = [*made.attachments, *known.templates.attachments(tuple(given.get("attachments") or ()), row)]
        shown = [*(known.templates.get(given["template"]).attachments if "template" in given else ())]
        shown += given.get("attachments") or ()
        _send(
            known,
            work,
            plan,
            row,
            Outgoing(
                "email",
                address,
                made.text,
                subject=made.subject,
                html=made.html,
                cc=cc,
                attachments=files,
                uses={
                    "text": [*made.uses],
                    "records": [*made.records],
                    "to": uses,
                    "attachments": [(plan.name, name) for name in shown],
                },
                language=made.language,
            ),
            given,
            person,
        )


def _with_form(known: Messaging, work: Work, plan: ObjectPlan, row: Row, name: str, made: Rendered) -> Rendered:  # noqa: PLR0917
    """The message with the form's personal link about the record below it; one link for each recipient."""
    from html import escape

    from guanxi.runtime.forms.service import forms

    service = forms(work.room)
    url = known.settings.url.rstrip("/") + service.link(name, plan.name, int(row["id"]))
    label = service.get(name).label.text(made.language)
    html = f'{made.html}<p><a href="{escape(url)}">{escape(label)}</a></p>' if made.html else ""
    return replace(made, text=f"{made.text}\n\n{label}: {url}", html=html)


def sms(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """`sms: {to, text | template}`: one text message for each recipient."""
    known = messaging(work.room)
    for address, person, uses in _recipients(work, plan, row, given["to"], old, "sms"):
        made = _rendered(known, work, plan, row, given, old, person)
        message = Outgoing(
            "sms",
            address,
            made.text,
            uses={"text": [*made.uses], "records": [*made.records], "to": uses},
            language=made.language,
        )
        _send(known, work, plan, row, message, given, person)


def _send(  # noqa: PLR0917
    known: Messaging, work: Work, plan: ObjectPlan, row: Row, message: Outgoing, given: Any, person: Actor | None
) -> None:
    """Put the message on its record, marked as marketing where its template is."""
    name = given.get("template", "")
    marketing = bool(name) and known.templates.get(name).marketing and person is None
    known.outgoing.send(
        replace(
            message,
            template=name,
            marketing=marketing,
            source="step",
            object=plan.name,
            record_id=row["id"],
            user_id=person.id if person is not None else None,
        ),
        work=work,
    )


def _recipients(  # noqa: PLR0917
    work: Work, plan: ObjectPlan, row: Row, specs: Sequence[People], old: Row | None, channel: str
) -> Iterator[tuple[str, Actor | None, list[tuple[str, str]]]]:
    """(address, the person inside or None, the fields it stands in) of everybody meant, each address once."""
    seen: set[str] = set()
    for address, person, uses in _meant(work, plan, row, specs, old, channel):
        if address and address not in seen:
            seen.add(address)
            yield address, person, uses


def _meant(  # noqa: PLR0917
    work: Work, plan: ObjectPlan, row: Row, specs: Sequence[People], old: Row | None, channel: str
) -> Iterable[tuple[str, Actor | None, list[tuple[str, str]]]]:
    for spec in specs:
        if spec.kind == "address" and spec.value is not None:
            found = value(work, plan, row, spec.value, old)
            uses = [(use.object, use.field) for use in spec.value.uses]
            if isinstance(spec.value.tree, FieldTerm):
                uses = [(spec.value.tree.row.object, spec.value.tree.name)]
            yield str(found or "").strip(), None, sorted(uses)
            continue
        for user in people([spec], work, plan, row, old):
            person = work.room.actors.load(user)
            if person is not None:
                field = USER_FIELDS[channel]
                yield str(person.me.get(field) or ""), person, [("user", field)]


def _rendered(  # noqa: PLR0917
    known: Messaging, work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None, person: Actor | None
) -> Rendered:
    """What the step says: to a person inside in his language and as far as he may read, else to the customer."""
    language = person.language if person is not None else known.templates.language_of(row)
    if "template" in given:
        template = known.templates.get(given["template"])
        return known.templates.render(template, work, plan.name, row, language=language, reader=person, old=old)
    view = known.templates.view(work, language, person)
    subject, body = _text(given.get("subject"), language), _text(given.get("body") or given.get("text"), language)
    texts = [one for one in (subject, body) if one is not None]
    said = [fill(one, view, row, old) if one is not None else "" for one in (subject, body)]
    own = (plan.name, int(row["id"]))
    return Rendered(said[0], said[1], "", language, tuple(uses_of(texts)), tuple(sorted(view.touched - {own})), ())


def _text(texts: Texts | None, language: str) -> Template | None:
    return in_language(dict(texts.languages), language) if texts is not None else None
