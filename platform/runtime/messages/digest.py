"""Digests: notices that wait, gathered into one mail a person.

A person's rows are taken and the mail is posted in one transaction. Rights are asked again: what somebody may no longer
see does not leave with his digest; what he has read meanwhile is not sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from guanxi.runtime.access.actor import Actor
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_from_text, instant_text

from .outgoing import Outgoing
from .texts import said

if TYPE_CHECKING:
    from .room import Messaging

PEOPLE_AT_ONCE = 500
MOST_LINES = 200


class Digests:
    """See the module; `services.messaging.digests`."""

    def __init__(self, messaging: Messaging) -> None:
        self.messaging = messaging
        self.db = messaging.room.db

    def send_due(self) -> int:
        """Send what is due; returns how many mails were posted."""
        now = instant_text(self.messaging.room.clock.now())
        people = self.db.rows(
            self.db.sql(
                "SELECT DISTINCT user_id FROM gx_notifications WHERE digest_at IS NOT NULL AND digest_at <= ?"
                " ORDER BY user_id LIMIT ?"
            ),
            (now, PEOPLE_AT_ONCE),
        )
        return sum(self._send(int(row[0]), now) for row in people)

    def _send(self, user_id: int, now: str) -> int:
        with self.db.write():
            rows = self.db.returning(
                self.db.sql(
                    "UPDATE gx_notifications SET digest_at = NULL WHERE user_id = ? AND digest_at IS NOT NULL"
                    " AND digest_at <= ? RETURNING id, at, object, record_id, text, link, times, read_at"
                ),
                (user_id, now),
            )
            person = self.messaging.actors.load(user_id)
            address = str(person.me.get("email") or "") if person is not None else ""
            if person is None or not address:
                return 0
            kept = self._still(person, [row for row in rows if row[7] is None])
            if not kept:
                return 0
            name = self.messaging.settings.name
            subject = f"[{name}] {said('digest_subject', person.language, count=len(kept))}"
            text = "\n".join(self._line(person, row) for row in kept[:MOST_LINES])
            self.messaging.outgoing.send(
                Outgoing(
                    "email", address, text, subject=subject, source="digest", user_id=user_id, language=person.language
                )
            )
        return 1

    def _still(self, person: Actor, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        work = Work(self.messaging.room, person)
        known = self.messaging.room.registry.objects
        kept = [r for r in rows if not r[2] or (r[2] in known and r[3] is not None and work.visible(r[2], int(r[3])))]
        return sorted(kept, key=lambda row: (row[1], row[0]))

    def _line(self, person: Actor, row: tuple[Any, ...]) -> str:
        at = instant_from_text(row[1]).astimezone(person.zone).strftime("%m-%d %H:%M")
        times = f" (×{row[6]})" if row[6] > 1 else ""
        base = self.messaging.settings.url.rstrip("/")
        place = f"\n  {base}{row[5]}" if base and str(row[5]).startswith("/") else ""
        return f"• {at}  {row[4]}{times}{place}"
