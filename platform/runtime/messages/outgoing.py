"""The one door for everything that leaves: judged, logged and posted to the outbox in the caller's transaction.

Whoever sends (a step, a campaign, a notice, an answer) comes here. An address that bounces gets nothing; marketing
needs consent and obeys the cap. What may not leave is logged with the reason and goes nowhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.outbox import post
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_text

from .addresses import email_of, key_of, one_line

if TYPE_CHECKING:
    from .room import Messaging

LONGEST_TEXT = 200_000
LONGEST_SUBJECT = 400
KIND = "message"
_COLUMNS = (
    "at, direction, channel, state, source, template, marketing, sender, recipient, address, cc, subject, text, html,"
    " attachments, uses, language, object, record_id, user_id, by_id, message_id, in_reply_to, thread, token, error,"
    " due_at"
)
_INSERT = f"INSERT INTO gx_messages ({_COLUMNS}) VALUES ({', '.join('?' * 27)}) RETURNING id"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one recipient. `links` are further records it belongs to; `uses` names what its text shows
    (`text`) and where its address comes from (`to`) as [object, field] pairs, for the gate of its copy; `answers` is
    the id of the logged message it replies to. `attachments` are cards of stored files with their row's `file` id.
    """

    channel: str
    to: str
    text: str
    subject: str = ""
    html: str = ""
    cc: Sequence[str] = ()
    marketing: bool = False
    source: str = ""
    template: str = ""
    object: str = ""
    record_id: int | None = None
    links: Sequence[tuple[str, int]] = ()
    user_id: int | None = None
    uses: Mapping[str, Sequence[Sequence[Any]]] = field(default_factory=dict)
    attachments: Sequence[Mapping[str, Any]] = ()
    language: str = ""
    answers: int | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of it: `state` queued, or refused with the reason no_address, bouncing, unsubscribed, no_consent or
    cap.
    """

    id: int
    state: str
    reason: str = ""


class Door:
    """See the module; `services.messaging.outgoing`."""

    def __init__(self, messaging: Messaging) -> None:
        self.messaging = messaging
        self.db = messaging.room.db

    def send(self, message: Outgoing, *, work: Work | None = None) -> Posted:
        """Log a message and have it delivered after the commit, or refuse it with a reason."""
        piece = work or Work(self.messaging.room, SYSTEM)
        key = key_of(message.channel, message.to)
        with self.db.write():
            reason = self._refusal(message, key)
            number = self._log(piece, message, key, "refused" if reason else "queued", reason)
            if not reason:
                self.post(number, piece.now, message.due_at)
        return Posted(number, "refused" if reason else "queued", reason)

    def post(self, number: int, now: datetime, due_at: datetime | None = None, again: str = "") -> None:
        """Hand a logged message to the outbox; `again` makes another try of a finished one its own effect."""
        key = f"{number}{':' + again if again else ''}"
        post(self.db, kind=KIND, payload={"message": number}, at=now, due_at=due_at, key=key)

    def notice(  # noqa: PLR0917 (one place calls it)
        self, work: Work, channel: str, address: str, person: Actor, body: str, link: str, due: datetime, more: str = ""
    ) -> None:
        """A notice that also leaves for the person it is for; `more` stands below it."""
        place = f"{self.messaging.settings.url.rstrip('/')}{link}" if link and self.messaging.settings.url else ""
        subject = one_line(body)[:120]
        text = "\n\n".join(filter(None, (body, place, more)))
        later = due if due > work.now else None
        self.send(
            Outgoing(
                channel,
                address,
                text,
                subject=f"[{self.messaging.settings.name}] {subject}" if channel == "email" else "",
                source="notification",
                user_id=person.id,
                language=person.language,
                due_at=later,
            ),
            work=work,
        )

    def _refusal(self, message: Outgoing, key: str) -> str:
        if not key:
            return "no_address"
        consents = self.messaging.consents
        found = consents.refusal(
            message.channel,
            key,
            marketing=message.marketing,
            object_name=message.object,
            record_id=message.record_id,
        )
        if found or not message.marketing:
            return found
        return "cap" if consents.over_cap(message.channel, key) else ""

    def _log(self, work: Work, message: Outgoing, key: str, state: str, reason: str) -> int:
        mail = message.channel == "email"
        root = self._root(message.answers) if mail else ("", "")
        own = self.new_message_id() if mail else ""
        sender = self.messaging.settings.sender if mail else ""
        made = self.db.returning(
            self.db.sql(_INSERT),
            (
                work.stamp,
                "out",
                message.channel,
                state,
                message.source,
                message.template,
                int(message.marketing),
                sender,
                message.to.strip()[:320],
                key,
                ", ".join(filter(None, (email_of(one) for one in message.cc)))[:2_000],
                one_line(message.subject)[:LONGEST_SUBJECT],
                message.text[:LONGEST_TEXT],
                message.html[:LONGEST_TEXT],
                orjson.dumps([dict(one) for one in message.attachments]).decode(),
                orjson.dumps({name: [list(pair) for pair in pairs] for name, pairs in message.uses.items()}).decode(),
                message.language,
                message.object,
                message.record_id,
                message.user_id,
                work.actor.id,
                own,
                root[0],
                root[1] or own,
                secrets.token_hex(8) if mail else "",
                reason,
                instant_text(message.due_at) if message.due_at is not None else None,
            ),
        )
        number = int(made[0][0])
        links = list(message.links)
        if message.object and message.record_id is not None:
            links.insert(0, (message.object, message.record_id))
        self.link(number, links)
        return number

    def link(self, number: int, records: Sequence[tuple[str, int]]) -> None:
        """Put a message on the timelines of records; inside `write()`."""
        for object_name, record_id in dict.fromkeys(records):
            self.db.execute(
                self.db.sql(
                    "INSERT INTO gx_message_records (message_id, object, record_id) VALUES (?, ?, ?)"
                    " ON CONFLICT (message_id, object, record_id) DO NOTHING"
                ),
                (number, object_name, record_id),
            )

    def _root(self, answers: int | None) -> tuple[str, str]:
        """The Message-ID that is answered and its thread."""
        if answers is None:
            return "", ""
        row = self.db.one(self.db.sql("SELECT message_id, thread FROM gx_messages WHERE id = ?"), (answers,))
        return (str(row[0]), str(row[1] or row[0])) if row else ("", "")

    def new_message_id(self) -> str:
        """An id that nobody can guess, in the sender's domain."""
        settings = self.messaging.settings
        domain = email_of(settings.sender).rpartition("@")[2] or urlsplit(settings.url).hostname or "guanxi.invalid"
        return f"<{secrets.token_hex(16)}@{domain}>"
