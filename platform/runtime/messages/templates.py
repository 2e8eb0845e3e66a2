"""Templates at work: a subject, a text and HTML for one record in one language.

Values in HTML are escaped and the whole is cleaned, so that no value can become markup; nothing in a hole is code. A
template without an object is checked against the object of each place that uses it, at publish, and compiled here at
its first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, NotFound
from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean
from guanxi.expressions.faults import ExpressionErrors
from guanxi.expressions.template import Template, check_template
from guanxi.registry.messages import MessageTemplate
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.records.work import Work

from .addresses import one_line
from .html import clean_own, html_of
from .notifications import in_language
from .rendering import View, fill, uses_of

if TYPE_CHECKING:
    from .room import Messaging

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A filled message; `html` is "" where the text alone says it. `uses` are the (object, field) pairs it shows and
    `records` further records it was made from.
    """

    subject: str
    text: str
    html: str
    language: str
    uses: tuple[tuple[str, str], ...] = ()
    records: tuple[tuple[str, int], ...] = ()
    attachments: tuple[Mapping[str, Any], ...] = ()


class Templates:
    """See the module; `services.messaging.templates`."""

    def __init__(self, messaging: Messaging) -> None:
        self.messaging = messaging
        self._kept: dict[tuple[str, str, str], Mapping[str, Template]] = {}

    def get(self, name: str) -> MessageTemplate:
        """A template by name, else NotFound."""
        known = self.messaging.room.registry.others.get("template", {})
        if name not in known:
            raise NotFound(f"There is no template {name[:60]!r}.", hint=did_you_mean(name[:60], known))
        found: MessageTemplate = known[name]
        return found

    def texts(self, template: MessageTemplate, part: str, object_name: str) -> Mapping[str, Template]:
        """subject, body or html by language, checked against the object. Conflict when it does not fit the object."""
        if template.object:
            return template.checked.get(part, {})
        key = (template.name, part, object_name)
        if key not in self._kept:
            label: Label = getattr(template, part)
            self._kept[key] = self.checked(label.texts, object_name, f"The template {template.name}")
        return self._kept[key]

    def checked(self, texts: Any, object_name: str, what: str) -> Mapping[str, Template]:
        """Texts by language, checked now. Conflict when a hole does not fit the object."""
        try:
            return {
                language: check_template(text, self.messaging.room.registry, object_name) for language, text in texts
            }
        except ExpressionErrors as error:
            raise Conflict(f"{what} does not fit {object_name}: {error.faults[0].message}.", code="template") from error

    def language_of(self, row: Row) -> str:
        """The language to write to a customer in: the record's own `language` where the instance has it, else the
        instance's first.
        """
        own = row.get("language")
        languages = self.messaging.room.registry.languages
        return own if isinstance(own, str) and own in languages else self.messaging.language

    def render(
        self,
        template: MessageTemplate,
        work: Work,
        object_name: str,
        row: Row,
        *,
        language: str = "",
        reader: Actor | None = None,
        old: Row | None = None,
    ) -> Rendered:
        """Fill a template from a record: for the customer outside, or for a person inside (`reader`)."""
        chosen = language or (reader.language if reader is not None else self.language_of(row))
        view = self.view(work, chosen, reader)
        found = {
            part: in_language(self.texts(template, part, object_name), chosen) for part in ("subject", "body", "html")
        }
        text = fill(found["body"], view, row, old) if found["body"] else ""
        html = clean_own(fill(found["html"], view, row, old, _escaped)) if found["html"] else ""
        subject = one_line(fill(found["subject"], view, row, old)) if found["subject"] else ""
        own = (object_name, int(row["id"])) if row.get("id") is not None else ("", 0)
        return Rendered(
            subject,
            text or _words(html),
            html,
            chosen,
            tuple(uses_of([one for one in found.values() if one])),
            tuple(sorted(view.touched - {own})),
            tuple(self.attachments(template.attachments, row)),
        )

    def view(self, work: Work, language: str, reader: Actor | None) -> View:
        """Whose eyes a text is filled for."""
        if reader is None:
            return View.outside(work, language, work.room.zone)
        view = View.of(work, reader)
        return View(view.work, view.reading, language, view.zone)

    @staticmethod
    def attachments(fields: tuple[str, ...], row: Row) -> list[Mapping[str, Any]]:
        """The cards of the files in these fields of a record."""
        return [value for name in fields if isinstance(value := row.get(name), Mapping) and value.get("id")]

    def preview(self, actor: Actor, name: str, object_name: str, record_id: int, language: str) -> dict[str, Any]:
        """What the template would say of a record, as far as the actor may see it. NotFound when he may not."""
        template = self.get(name)
        if template.object and template.object != object_name:
            raise Conflict(f"The template {name} is for {template.object}.", code="template")
        work = Work(self.messaging.room, actor)
        plan = work.plan(object_name)
        with self.messaging.room.db.read():
            row = work.seen(plan, record_id)
            made = self.render(template, work, object_name, row, language=language, reader=actor)
        rights = work.rights(object_name)
        files = [name for name in template.attachments if rights.readable(name)]
        return {
            "template": name,
            "channel": template.channel,
            "language": made.language,
            "subject": made.subject,
            "text": made.text,
            "html": made.html or html_of(made.text),
            "marketing": template.marketing,
            "attachments": [dict(one) for one in self.attachments(tuple(files), row)],
        }

    def list(self) -> list[MessageTemplate]:
        """All templates."""
        return list(self.messaging.room.registry.others.get("template", {}).values())


def _escaped(text: str) -> str:
    return escape(text, quote=True)


def _words(html: str) -> str:
    from .html import text_of

    return text_of(html) if html else ""
