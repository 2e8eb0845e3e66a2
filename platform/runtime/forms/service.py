"""From what a visitor sent to a record: once, within limits, with the form's own rights and through the record service.

Nobody outside learns whether a record was made, found or held back: what can be told is told at the fields, everything
else is thanks. A record that exists already gets a note on its timeline instead of a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from guanxi.common.errors import Conflict, FieldError, Invalid, NotFound, TooLarge
from guanxi.common.names import nearest
from guanxi.registry.forms import WebForm
from guanxi.registry.objects import ObjectType

from ..files.store import FILE_TYPES
from ..messages.room import Messaging
from ..records.inputs import field_name
from ..records.messages import text
from ..records.room import Room
from .maker import Made, Maker, known_fields
from .questions import describe, said
from .spam import age_of, verdict
from .store import Submissions
from .tokens import Link, LinkOver, Tokens

HONEYPOT = "_homepage"
KIND = "form"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file beside the other answers."""

    stream: BinaryIO
    name: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came. `page` says that `values` are texts of an HTML form; `started` is the page's mark, `bait` the field
    that nobody sees, `link` a personal link's token.
    """

    values: Mapping[str, Any]
    address: str
    language: str
    page: bool = False
    started: str = ""
    bait: str = ""
    link: str = ""
    consent: bool = False
    files: Mapping[str, Upload] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """A form for one visitor: its questions as data, and the personal link it was opened by."""

    form: WebForm
    questions: dict[str, Any]
    link: Link | None


class Forms:
    """See the module; `forms(services)`."""

    def __init__(self, room: Room, messaging: Messaging) -> None:
        self.room = room
        self.messaging = messaging
        self.tokens = Tokens(messaging.settings.secret)
        self.submissions = Submissions(room.db, room.clock)
        self.maker = Maker(room, messaging)

    # asking -----------------------------------------------------------------------------------------
    def all(self) -> Mapping[str, WebForm]:
        """Every form of this version."""
        found: Mapping[str, WebForm] = self.room.registry.others.get(KIND, {})
        return found

    def get(self, name: str) -> WebForm:
        """An active form, else NotFound."""
        found = self.all().get(name)
        if found is None or not found.active:
            raise NotFound("There is no such form.")
        return found

    def language(self, form: WebForm, wanted: str, accepted: Any = None) -> str:
        """The form's language that was asked for, else the browser's first that it has, else its own first."""
        if wanted in form.languages:
            return wanted
        for one, _ in accepted or ():
            short = str(one).replace("-", "_").split("_")[0].lower()
            if (found := next((own for own in form.languages if own.split("_")[0] == short), "")) != "":
                return found
        return form.languages[0]

    def view(self, name: str, language: str, token: str = "") -> View:
        """What to ask. NotFound without a form (or without the link it needs), LinkOver when the link is."""
        form = self.get(name)
        link = self._link(form, token)
        questions = describe(form, self._kind(form), language, self._asked(form, link))
        return View(form, questions, link)

    def _kind(self, form: WebForm) -> ObjectType:
        return self.room.registry.objects[form.object]

    def _link(self, form: WebForm, token: str) -> Link | None:
        if form.link is None or not token:
            if token or (form.link is not None and form.link.needed):
                raise NotFound("This page opens by the link of a message only.")
            return None
        link = self.tokens.read_link(form.name, token, self.room.clock.now())
        if link.object != form.link.object or self.maker.work(form, "").row(link.object, link.record_id) is None:
            raise LinkOver("This link has ended.")
        if form.link.once and self.submissions.used(link.number):
            raise LinkOver("This link was used already. Thank you.")
        return link

    def _asked(self, form: WebForm, link: Link | None) -> list[str]:
        """The fields a visitor is asked now."""
        names = list(form.fields)
        if link is None or not form.ask_once:
            return names
        row = self.maker.work(form, "").row(link.object, link.record_id) or {}
        known = known_fields(form, row)
        names = [name for name in names if name not in known]
        if not form.one_at_a_time:
            return names
        shown = [name for name in names if not form.fields[name].hidden]
        return shown[:1] + [name for name in names if form.fields[name].hidden]

    # links ------------------------------------------------------------------------------------------
    def link(self, name: str, object_name: str, record_id: int) -> str:
        """The path of a personal link about a record, such as /forms/satisfaction?p=…"""
        form = self.get(name)
        if form.link is None or form.link.object != object_name:
            raise Conflict("This form has no links about such a record.", code="state")
        token = self.tokens.link(name, object_name, record_id, self.room.clock.now(), form.link.days)
        return f"/forms/{name}?p={token}"

    # taking -----------------------------------------------------------------------------------------
    def submit(self, name: str, sent: Sent) -> WebForm:
        """Take what came. Returns the form, for its thanks; Invalid says at the fields what is wrong, TooManyRequests
        and BadRequest (`expired`) that it cannot be taken now.
        """
        form = self.get(name)
        link = self._link(form, sent.link)
        now = self.room.clock.now()
        age = age_of(form, sent.started, self.tokens.age(form.name, sent.started, now), page=sent.page)
        asked = self._asked(form, link)
        self._unknown(asked, sent)
        self._sizes(form, sent)
        reason = verdict(form, sent.values, sent.bait, age)
        self.room.db.retry(lambda: self._take(form, link, asked, sent, reason))
        return form

    def _take(self, form: WebForm, link: Link | None, asked: list[str], sent: Sent, reason: str) -> None:
        rows, address = self.submissions, self.tokens.address(sent.address)
        with self.room.db.write():
            rows.lock(form.name)
            rows.within_limits(form, address)
            row: dict[str, Any] = {
                "form": form.name, "version": self.room.version, "address": address, "object": form.object,
                "language": sent.language, "about": link.record_id if link is not None else None,
                "consent": _kept(self._consent(form, sent)),
            }  # fmt: skip
            if reason:
                if rows.spam_today(form.name) < form.limits.per_day:
                    rows.add(**row, state="spam", reason=reason, content=_kept(self._content(sent, link)))
                return
            if link is not None and form.link is not None and form.link.once and rows.used(link.number):
                raise LinkOver("This link was used already. Thank you.")
            digest = self.tokens.digest(form.name, address, sent.link, sent.values, sorted(sent.files))
            if rows.came_before(digest):
                return
            made = self.maker.make(form, asked, sent, link)
            once = link is not None and form.link is not None and form.link.once
            rows.add(
                **row,
                state=made.state,
                reason=made.reason,
                record_id=made.record_id,
                content=_kept(self._content(sent, link)) if made.state == "refused" else "",
                digest=digest,
                link=link.number if once and link is not None else "",
            )

    @staticmethod
    def _content(sent: Sent, link: Link | None) -> dict[str, Any]:
        about = {"object": link.object, "id": link.record_id} if link is not None else None
        return {"values": dict(sent.values), "page": sent.page, "link": about, "consent": sent.consent}

    @staticmethod
    def _consent(form: WebForm, sent: Sent) -> dict[str, Any] | None:
        if form.consent is None or not sent.consent:
            return None
        return {"version": form.consent.version, "text": form.consent.text.text(sent.language)}

    @staticmethod
    def _unknown(asked: list[str], sent: Sent) -> None:
        errors = []
        for given in (*sent.values, *sent.files):
            if given in asked:
                continue
            shown = field_name(given)
            sentence = text("unknown_field", sent.language, name=shown)
            if hint := nearest(shown, asked):
                sentence += text("nearest", sent.language, name=hint)
            errors.append(FieldError(shown, "unknown_field", sentence))
        if errors:
            raise Invalid(errors)

    def _sizes(self, form: WebForm, sent: Sent) -> None:
        kind = self._kind(form)
        for name, upload in sent.files.items():
            if kind.fields[name].type not in FILE_TYPES:
                raise Invalid([FieldError(name, "type", said("no_file", sent.language))])
            upload.stream.seek(0, 2)
            size = upload.stream.tell()
            upload.stream.seek(0)
            if size > form.limits.megabytes * 1024 * 1024:
                raise TooLarge(f"A file has at most {form.limits.megabytes} MB.")

    # looking again ----------------------------------------------------------------------------------
    def accept(self, number: int, by_id: int | None) -> dict[str, Any]:
        """Make the record of what was held back after all. Raises Conflict when there is nothing to make, Invalid when
        the record is refused.
        """

        def once() -> None:
            with self.room.db.write():
                found = self.submissions.one(number)
                self.submissions.lock(found["form"])
                found = self.submissions.one(number)
                if found["state"] == "accepted" or not found["content"]:
                    raise Conflict("There is a record of it already.", code="state")
                made = self._again(found)
                self.submissions.settle(number, made.state, made.record_id, by_id)

        self.room.db.retry(once)
        return self.submissions.one(number)

    def _again(self, found: Mapping[str, Any]) -> Made:
        form, content = self.get(found["form"]), found["content"]
        about = content["link"]
        link = Link(form.name, about["object"], int(about["id"]), "", 0) if about else None
        sent = Sent(content["values"], "", found["language"], page=content["page"], consent=bool(content["consent"]))
        return self.maker.make(form, self._asked(form, link), sent, link, strict=True)

    def refuse(self, number: int, by_id: int | None) -> dict[str, Any]:
        """Put what was held back aside for good: its content goes."""
        with self.room.db.write():
            found = self.submissions.one(number)
            if found["state"] == "accepted":
                raise Conflict("There is a record of it already.", code="state")
            sql = "UPDATE gx_form_submissions SET state = 'refused', content = '', by_id = ? WHERE id = ?"
            self.room.db.execute(self.room.db.sql(sql), (by_id, number))
        return self.submissions.one(number)


def _kept(value: Any) -> str:
    return orjson.dumps(value, default=str).decode() if value is not None else ""


def forms(room: Room) -> Forms:
    """The forms of a room; kept with it."""
    from ..messages.room import messaging

    found = room.shared.get(KIND)
    if not isinstance(found, Forms):
        found = room.shared[KIND] = Forms(room, messaging(room))
    return found
