"""What arrives: judged, kept once, matched, and told to whoever owns the record.

A reply joins its thread's records. A new mail from a person makes a record where the instance says so (a case, say),
joined to the people known under that address; else it joins those people; else it waits as unmatched. Machines' answers
are kept and make nothing. A report of non-delivery counts only for an address that we did write to, in that message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import GuanxiError, NotFound
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.records.create import create
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_text

from .addresses import key_of
from .mail_in import Bounce, Incoming, Piece, parse
from .matching import Match, match
from .settings import Inbound
from .texts import said

if TYPE_CHECKING:
    from .room import Messaging

MAIL = Actor(id=None, name="mail", system=True, channel="mail")
PLACE = "gx:message"
_COLUMNS = (
    "at, direction, channel, state, source, sender, recipient, address, cc, subject, text, html, uses, message_id,"
    " in_reply_to, thread, error, sent_at"
)
_INSERT = (
    f"INSERT INTO gx_messages ({_COLUMNS}) VALUES ({', '.join('?' * 18)})"  # noqa: S608
    " ON CONFLICT (direction, message_id) WHERE message_id <> '' DO NOTHING RETURNING id"
)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a mail: matched, created, unmatched, automatic, bounce, loop or known (it was here already)."""

    id: int | None
    state: str
    records: tuple[tuple[str, int], ...] = ()


class Inbox:
    """See the module; `services.messaging.inbox`."""

    def __init__(self, messaging: Messaging) -> None:
        self.messaging = messaging
        self.db = messaging.room.db

    def receive(self, raw: bytes, source: str) -> Received:
        """Take one mail in, once. Raises TooLarge or BadRequest when it cannot be read."""
        mail = parse(raw, self.messaging.settings.max_megabytes * 1024 * 1024)
        return self.db.retry(lambda: self._take(mail, source))

    def _take(self, mail: Incoming, source: str) -> Received:
        with self.db.write():
            if self._ours(mail):
                return Received(None, "loop")
            found = match(self.messaging, mail)
            number = self._keep(mail, found, source)
            if number is None:
                return Received(None, "known")
            if mail.bounce is not None:
                self._bounced(mail.bounce)
                return self._settle(number, "bounce", found.records)
            self._files(number, mail.files)
            if mail.nature == "automatic":
                return self._settle(number, "automatic", found.records)
            return self._place(number, mail, found)

    def _ours(self, mail: Incoming) -> bool:
        """Our own message coming back."""
        row = self.db.one(
            self.db.sql("SELECT 1 FROM gx_messages WHERE direction = 'out' AND message_id = ?"), (mail.message_id,)
        )
        return row is not None

    def _keep(self, mail: Incoming, found: Match, source: str) -> int | None:
        now = instant_text(self.messaging.room.clock.now())
        uses = {"from": [[name, field] for name, _, field in found.people]}
        made = self.db.returning(
            self.db.sql(_INSERT),
            (
                now, "in", "email", "received", source,
                f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender,
                ", ".join(mail.recipients)[:2_000], key_of("email", mail.sender), "", mail.subject, mail.text,
                mail.html,
                orjson.dumps(uses).decode(), mail.message_id, mail.in_reply_to, found.thread or mail.message_id, "",
                instant_text(mail.at) if mail.at is not None else None,
            ),
        )  # fmt: skip
        return int(made[0][0]) if made else None

    def _place(self, number: int, mail: Incoming, found: Match) -> Received:
        inbound = self.messaging.settings.inbound
        if found.answered is None and inbound is not None:
            try:
                with self.db.savepoint():
                    made = self._make(inbound, mail, found)
            except GuanxiError as refusal:
                return self._settle(number, "unmatched", found.records, error=_words(refusal))
            return self._told(number, mail, self._settle(number, "created", ((inbound.object, made), *found.records)))
        state = "matched" if found.records else "unmatched"
        return self._told(number, mail, self._settle(number, state, found.records))

    def _make(self, inbound: Inbound, mail: Incoming, found: Match) -> int:
        """A record of the configured object, with the rights of the configured role where there is one: the configured
        fields and references to the people found, nothing else.
        """
        if inbound.object not in self.messaging.room.registry.objects:
            raise NotFound(f"mail.inbound names the object {inbound.object!r}, which does not exist.")
        work = Work(self.messaging.room, self._maker(inbound))
        plan = work.plan(inbound.object)
        values: dict[str, Any] = dict(inbound.values)
        for field, value in (
            (inbound.subject, mail.subject or mail.text[:80] or "—"),
            (inbound.body, mail.text),
            (inbound.sender, mail.sender),
            (inbound.to, mail.recipients[0] if mail.recipients else None),
        ):
            if field and field not in values and value:
                most = (
                    getattr(plan.object.fields[field].settings, "length", None) if field in plan.object.fields else None
                )
                values[field] = value[:most] if isinstance(most, int) else value
        known = {name: one for name, one, _ in found.people}
        for field_ in plan.object.fields.values():
            if field_.type == "reference" and field_.target in known and field_.name not in values:
                values[field_.name] = known[field_.target]
        return int(create(work, plan, values, force=True)["id"])

    def _maker(self, inbound: Inbound) -> Actor:
        """Who makes records of mail: somebody with the configured role alone, else the platform."""
        if not inbound.role:
            return MAIL
        roles = self.messaging.actors.flattened([inbound.role])
        return replace(MAIL, system=False, roles=roles, language=self.messaging.language)

    def _settle(self, number: int, state: str, records: Sequence[tuple[str, int]], error: str = "") -> Received:
        kept = [(name, one) for name, one in dict.fromkeys(records) if name in self.messaging.room.registry.objects]
        self.messaging.outgoing.link(number, kept)
        first = kept[0] if kept else ("", None)
        self.db.execute(
            self.db.sql("UPDATE gx_messages SET state = ?, error = ?, object = ?, record_id = ? WHERE id = ?"),
            (state, error[:500], first[0], first[1], number),
        )
        return Received(number, state, tuple(kept))

    def _files(self, number: int, files: Sequence[Piece]) -> None:
        cards = []
        store = self.messaging.room.files
        most = self.messaging.settings.max_megabytes * 1024 * 1024
        for one in files:
            try:
                kept = store.put(BytesIO(one.content), one.name, by_id=None, said=one.type, most=most)
            except GuanxiError:  # its bytes are not what it says: kept as bytes
                kept = store.put(BytesIO(one.content), one.name, by_id=None, most=most, judged=False)
            store.reserve(kept, PLACE, number)
            cards.append(kept.card)
        if cards:
            self.db.execute(
                self.db.sql("UPDATE gx_messages SET attachments = ? WHERE id = ?"),
                (orjson.dumps(cards).decode(), number),
            )

    def _bounced(self, bounce: Bounce) -> None:
        key = key_of("email", bounce.address)
        if not key or not bounce.original or not bounce.permanent:
            return
        done = self.db.execute(
            self.db.sql(
                "UPDATE gx_messages SET state = 'bounced', error = ? WHERE direction = 'out' AND message_id = ?"
                " AND address = ? AND state IN ('sending', 'sent')"
            ),
            (bounce.said, bounce.original, key),
        )
        if done:
            self.messaging.consents.suppress("email", key, scope="all", reason="bounced", note=bounce.said)

    def _told(self, number: int, mail: Incoming, received: Received) -> Received:
        """The owners of the records hear of it."""
        work = Work(self.messaging.room, MAIL)
        for name, one in received.records:
            row = work.row(name, one)
            owner = row.get("owner") if row is not None else None
            if isinstance(owner, int):
                who = mail.sender_name or mail.sender
                texts = {
                    language: said("mail_from", language, who=who, subject=mail.subject) for language in ("en", "zh")
                }
                self.messaging.notifications.send([owner], "message", texts, work=work, object=name, record_id=one)
        del number
        return received

    def assign(self, number: int, object_name: str, record_id: int) -> bool:
        """An administrator says where an unmatched mail belongs."""
        with self.db.write():
            done = self.db.execute(
                self.db.sql(
                    "UPDATE gx_messages SET state = 'matched', error = '', object = ?, record_id = ?"
                    " WHERE id = ? AND direction = 'in' AND state = 'unmatched'"
                ),
                (object_name, record_id, number),
            )
            if done:
                self.messaging.outgoing.link(number, [(object_name, record_id)])
        return bool(done)

    def ignore(self, number: int) -> bool:
        """An administrator puts an unmatched mail aside."""
        with self.db.write():
            return bool(
                self.db.execute(
                    self.db.sql(
                        "UPDATE gx_messages SET state = 'ignored'"
                        " WHERE id = ? AND direction = 'in' AND state = 'unmatched'"
                    ),
                    (number,),
                )
            )


def _words(refusal: GuanxiError) -> str:
    errors: Sequence[Any] = getattr(refusal, "errors", ())
    parts: Mapping[str, str] = {str(e.field): str(e.message) for e in errors}
    return "; ".join(f"{name}: {text}" if name else text for name, text in parts.items()) or refusal.detail
