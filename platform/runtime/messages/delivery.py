"""Delivering one logged message: the outbox asks, the channel's adapter sends, the log says what became of it.

At least once: a process that dies between the relay's yes and our note sends again with the same Message-ID (or key).
Without a relay or gateway a message ends as `local`: kept, shown, never sent. A message that was dropped or whose
addressee withdrew meanwhile goes nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import Conflict
from guanxi.runtime.outbox import Deliverer, Entry, GiveUp, Retry
from guanxi.runtime.storage.rows import instant_text

from .addresses import key_of
from .gateways import Adapter, Short
from .mail_out import Attachment, Mail, build, hand_over
from .outcome import Permanent, Temporary
from .texts import said

if TYPE_CHECKING:
    from ..services import Services
    from .room import Messaging

WAITS = tuple(timedelta(seconds=n) for n in (30, 120, 600, 1800, 3600, 3600 * 2, 3600 * 4, 3600 * 8, 3600 * 8))
_COLUMNS = (
    "id", "channel", "state", "source", "marketing", "recipient", "address", "cc", "subject", "text", "html",
    "attachments", "language", "object", "record_id", "message_id", "in_reply_to", "thread", "token", "attempts",
)  # fmt: skip


class Delivery:
    """See the module; `services.messaging.delivery`."""

    def __init__(self, messaging: Messaging) -> None:
        self.messaging = messaging
        self.db = messaging.room.db

    def deliver(self, number: int) -> str:
        """Send one message now; returns the state it ends in. Raises Permanent (noted as failed) or Temporary."""
        row = self._row(number)
        if row is None or row["state"] not in ("queued", "sending"):
            return row["state"] if row else "gone"
        reason = self._withdrawn(row)
        if reason:
            return self._end(number, "refused", error=reason)
        if not self._begin(number):
            return "gone"
        try:
            state, provider = self._send(row)
        except Permanent as fault:
            if fault.bounced and row["address"]:
                self.messaging.consents.suppress(
                    row["channel"], row["address"], scope="all", reason="bounced", note=fault.reason
                )
            self._end(number, "bounced" if fault.bounced else "failed", error=fault.reason)
            raise
        except Temporary as fault:
            self._note(number, "queued", fault.reason)
            raise
        return self._end(number, state, provider=provider)

    def _row(self, number: int) -> dict[str, Any] | None:
        found = self.db.one(
            self.db.sql(f"SELECT {', '.join(_COLUMNS)} FROM gx_messages WHERE id = ? AND direction = 'out'"),  # noqa: S608
            (number,),
        )
        return dict(zip(_COLUMNS, found, strict=True)) if found else None

    def _withdrawn(self, row: Mapping[str, Any]) -> str:
        return self.messaging.consents.refusal(
            row["channel"],
            row["address"],
            marketing=bool(row["marketing"]),
            object_name=row["object"],
            record_id=row["record_id"],
        )

    def _send(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """(state, provider's id)."""
        settings = self.messaging.settings
        if row["channel"] == "email":
            if settings.smtp is None:
                return "local", ""
            mail = self._mail(row)
            recipients = [row["address"], *filter(None, (key_of("email", one) for one in row["cc"].split(",")))]
            hand_over(build(mail, settings), recipients, settings.sender, settings.smtp)
            return "sent", row["message_id"]
        adapter = self.messaging.adapter(row["channel"])
        if adapter is None:
            return "local", ""
        return "sent", self._short(adapter, row)

    def _short(self, adapter: Adapter, row: Mapping[str, Any]) -> str:
        text = row["text"]
        if row["marketing"] and self.messaging.settings.url:
            text += " " + said("sms_stop", row["language"], link=self.way_out(row))
        return adapter.send(Short(row["address"], text, f"message-{row['id']}"), self.messaging.room.clock.now())

    def way_out(self, row: Mapping[str, Any]) -> str:
        """The address of a marketing message's unsubscribe page; "" while the instance has no address of its own."""
        base = self.messaging.settings.url.rstrip("/")
        token = self.messaging.consents.link(row["channel"], row["address"], int(row["id"]))
        return f"{base}/u/{token}" if base else ""

    def _mail(self, row: Mapping[str, Any]) -> Mail:
        way_out = self.way_out(row) if row["marketing"] else ""
        if row["marketing"] and not way_out:
            raise Permanent("marketing mail needs `url` in guanxi.yaml, for its unsubscribe link")
        return Mail(
            to=row["recipient"],
            subject=row["subject"],
            text=row["text"],
            html=row["html"],
            message_id=row["message_id"],
            at=self.messaging.room.clock.now(),
            cc=[one.strip() for one in row["cc"].split(",") if one.strip()],
            in_reply_to=row["in_reply_to"],
            references=self._references(row),
            token=row["token"],
            language=row["language"],
            automatic=row["source"] != "person",
            unsubscribe=way_out,
            attachments=self._attachments(row),
        )

    def _references(self, row: Mapping[str, Any]) -> list[str]:
        if not row["in_reply_to"] or not row["thread"]:
            return []
        rows = self.db.rows(
            self.db.sql(
                "SELECT message_id FROM gx_messages WHERE thread = ? AND message_id <> '' AND id < ?"
                " ORDER BY id LIMIT 50"
            ),
            (row["thread"], row["id"]),
        )
        return [str(one[0]) for one in rows if one[0] not in (row["in_reply_to"], row["message_id"])]

    def _attachments(self, row: Mapping[str, Any]) -> list[Attachment]:
        files, found = self.messaging.room.files, []
        for card in orjson.loads(row["attachments"]):
            file = files.find(str(card.get("id", "")))
            if file is None:
                raise Permanent(f"the attachment {card.get('name', '')} is gone")
            found.append(Attachment(file.name, file.type, b"".join(files.read(file))))
        return found

    # the log ----------------------------------------------------------------------------------------
    def _begin(self, number: int) -> bool:
        with self.db.write():
            return bool(
                self.db.execute(
                    self.db.sql(
                        "UPDATE gx_messages SET state = 'sending', attempts = attempts + 1"
                        " WHERE id = ? AND state IN ('queued', 'sending')"
                    ),
                    (number,),
                )
            )

    def _note(self, number: int, state: str, error: str) -> None:
        with self.db.write():
            self.db.execute(
                self.db.sql("UPDATE gx_messages SET state = ?, error = ? WHERE id = ? AND state = 'sending'"),
                (state, error, number),
            )

    def _end(self, number: int, state: str, *, provider: str = "", error: str = "") -> str:
        now = instant_text(self.messaging.room.clock.now())
        with self.db.write():
            self.db.execute(
                self.db.sql(
                    "UPDATE gx_messages SET state = ?, error = ?, provider_id = ?, sent_at = ?"
                    " WHERE id = ? AND state IN ('queued', 'sending')"
                ),
                (state, error, provider[:200], now if state in ("sent", "local") else None, number),
            )
        return state

    def give_up(self, number: int) -> None:
        """The tries are used up."""
        with self.db.write():
            self.db.execute(
                self.db.sql("UPDATE gx_messages SET state = 'failed' WHERE id = ? AND state IN ('queued', 'sending')"),
                (number,),
            )

    # operators --------------------------------------------------------------------------------------
    def retry(self, number: int) -> bool:
        """Send a message again that failed, was dropped or stayed here, as a new effect; marketing asks for its cap
        again, consent and bounces are asked when it leaves.
        """
        now = self.messaging.room.clock.now()
        with self.db.write():
            row = self._row(number)
            if row is None or row["state"] not in ("failed", "bounced", "dropped", "local"):
                return False
            counted = row["state"] in ("bounced", "local")
            if row["marketing"] and not counted and self.messaging.consents.over_cap(row["channel"], row["address"]):
                raise Conflict("One more marketing message to this address would pass the cap.", code="cap")
            done = self.db.execute(
                self.db.sql("UPDATE gx_messages SET state = 'queued', error = '' WHERE id = ? AND state = ?"),
                (number, row["state"]),
            )
            if done:
                self.messaging.outgoing.post(number, now, again=f"{row['attempts']}-{now.timestamp():.0f}")
        return bool(done)

    def drop(self, number: int) -> bool:
        """Never send a message that waits."""
        with self.db.write():
            return bool(
                self.db.execute(
                    self.db.sql(
                        "UPDATE gx_messages SET state = 'dropped' WHERE id = ? AND direction = 'out'"
                        " AND state IN ('queued', 'failed')"
                    ),
                    (number,),
                )
            )


def _deliver(services: Services, entry: Entry) -> None:
    """The outbox's side: what is for good is given up, what is for now is tried again."""
    delivery = services.messaging.delivery
    number = int(entry.payload["message"])
    try:
        delivery.deliver(number)
    except Permanent as fault:
        raise GiveUp(fault.reason) from None
    except Temporary as fault:
        if entry.attempts > len(WAITS):
            delivery.give_up(number)
            raise GiveUp(fault.reason) from None
        raise Retry(fault.after, fault.reason) from None


DELIVERER = Deliverer(deliver=_deliver, waits=WAITS, lease=timedelta(minutes=3))
