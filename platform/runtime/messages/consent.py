"""What customers agreed to: consent by address or record, who must not be written to, and the cap on marketing.

Marketing needs a consent that stands: the newest word about the address or the record decides, and without any there is
none. A suppressed address gets no marketing (it unsubscribed) or nothing at all (mail to it bounces). The cap is
counted on the log itself, under a lock on the address, so that parallel senders cannot pass it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from itsdangerous import BadSignature, URLSafeSerializer

from guanxi.common.clock import Clock
from guanxi.common.errors import FieldError, Invalid, NotFound
from guanxi.common.text import text_fault
from guanxi.runtime.ports import Database
from guanxi.runtime.storage.rows import instant_text, instant_text_json

from .addresses import key_of
from .settings import MessageSettings

State = Literal["given", "withdrawn"]
CHANNELS = ("email", "sms", "wecom")
STATES = ("given", "withdrawn")
LONGEST = 2_000
_COUNTED = "('queued', 'sending', 'sent', 'local', 'bounced')"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an unsubscribe link is about."""

    channel: str
    address: str
    message: int


class Consents:
    """See the module; `services.messaging.consents`."""

    def __init__(self, database: Database, clock: Clock, settings: MessageSettings) -> None:
        self.db = database
        self.clock = clock
        self.settings = settings
        self._links = URLSafeSerializer(settings.secret, salt="guanxi.unsubscribe")

    # writing ----------------------------------------------------------------------------------------
    def note(
        self,
        channel: str,
        state: State,
        *,
        source: str,
        address: str = "",
        object: str = "",
        record_id: int | None = None,
        wording: str = "",
        by: int | None = None,
    ) -> int:
        """Keep that somebody agreed or withdrew; returns the entry's id. Consent takes an unsubscription back.

        Raises Invalid with a fault per wrong part.
        """
        key = self._checked(channel, state, source, address, object, record_id, wording)
        now = instant_text(self.clock.now())
        with self.db.write():
            made = self.db.returning(
                self.db.sql(
                    "INSERT INTO gx_consents (at, channel, address, object, record_id, state, source, wording, by_id)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
                ),
                (now, channel, key, object, record_id, state, source, wording, by),
            )
            if key and state == "given":
                self._lift(channel, key, "marketing")
            elif key:
                self.suppress(channel, key, scope="marketing", reason="withdrawn", note=source)
        return int(made[0][0])

    @staticmethod
    def _checked(  # noqa: PLR0917 (the parts of one entry)
        channel: str, state: str, source: str, address: str, object_name: str, record_id: int | None, wording: str
    ) -> str:
        errors = []
        if channel not in CHANNELS:
            errors.append(FieldError("channel", "choice", f"One of {', '.join(CHANNELS)}."))
        if state not in STATES:
            errors.append(FieldError("state", "choice", f"One of {', '.join(STATES)}."))
        for name, value in (("source", source), ("wording", wording)):
            if len(value) > LONGEST or text_fault(value):
                errors.append(FieldError(name, "type", "The text cannot be kept."))
        if not source.strip():
            errors.append(FieldError("source", "required", "Say where the consent comes from."))
        key = key_of(channel, address) if address and channel in CHANNELS else ""
        if address and channel in CHANNELS and not key:
            errors.append(FieldError("address", "type", "This is no address of the channel."))
        if not key and not (object_name and record_id is not None) and not errors:
            errors.append(FieldError("address", "required", "Name an address or a record."))
        if errors:
            raise Invalid(errors)
        return key

    def suppress(self, channel: str, key: str, *, scope: str, reason: str, note: str = "") -> None:
        """Never write to this address again: `scope` marketing or all."""
        with self.db.write():
            self.db.execute(
                self.db.sql(
                    "INSERT INTO gx_suppressions (channel, address, at, scope, reason, note) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (channel, address, scope) DO NOTHING"
                ),
                (channel, key, instant_text(self.clock.now()), scope, reason, note[:200]),
            )

    def lift(self, channel: str, address: str) -> int:
        """Take an address off the list, for an administrator; returns how many entries went."""
        with self.db.write():
            return self._lift(channel, key_of(channel, address), "")

    def _lift(self, channel: str, key: str, scope: str) -> int:
        sql, params = "DELETE FROM gx_suppressions WHERE channel = ? AND address = ?", [channel, key]
        if scope:
            sql, params = f"{sql} AND scope = ?", [*params, scope]
        return self.db.execute(self.db.sql(sql), params)

    # asking -----------------------------------------------------------------------------------------
    def refusal(
        self, channel: str, key: str, *, marketing: bool, object_name: str = "", record_id: int | None = None
    ) -> str:
        """Why nothing may be sent to an address: bouncing, unsubscribed or no_consent; "" when it may."""
        scopes = {
            str(row[0]): str(row[1])
            for row in self.db.rows(
                self.db.sql("SELECT scope, reason FROM gx_suppressions WHERE channel = ? AND address = ?"),
                (channel, key),
            )
        }
        if "all" in scopes:
            return "bouncing"
        if not marketing:
            return ""
        if "marketing" in scopes:
            return "unsubscribed"
        return "" if self.given(channel, key, object_name, record_id) else "no_consent"

    def given(self, channel: str, key: str, object_name: str = "", record_id: int | None = None) -> bool:
        """Whether the newest word about the address or the record is a consent."""
        row = self.db.one(
            self.db.sql(
                "SELECT state FROM gx_consents WHERE channel = ? AND ((address = ? AND address <> '')"
                " OR (object = ? AND record_id = ? AND object <> '')) ORDER BY id DESC LIMIT 1"
            ),
            (channel, key, object_name, record_id if record_id is not None else -1),
        )
        return row is not None and row[0] == "given"

    def over_cap(self, channel: str, key: str) -> bool:
        """True when one more marketing message would pass the cap; inside `write()`, which holds the address."""
        cap = self.settings.caps.get(channel)
        if cap is None:
            return False
        now = self.clock.now()
        self.db.execute(
            self.db.sql(
                "INSERT INTO gx_marketing_locks (channel, address, at) VALUES (?, ?, ?)"
                " ON CONFLICT (channel, address) DO UPDATE SET at = excluded.at"
            ),
            (channel, key, instant_text(now)),
        )
        row = self.db.one(
            self.db.sql(
                "SELECT count(*) FROM gx_messages WHERE marketing = 1 AND channel = ? AND address = ? AND at > ?"  # noqa: S608
                f" AND direction = 'out' AND state IN {_COUNTED}"
            ),
            (channel, key, instant_text(now - timedelta(days=cap.days))),
        )
        return row is not None and int(row[0]) >= cap.count

    def of_record(
        self, object_name: str, record_id: int, addresses: Sequence[tuple[str, str]] = ()
    ) -> list[dict[str, Any]]:
        """Entries about a record and about its addresses (channel, key), newest first."""
        conditions, values = ["(object = ? AND record_id = ?)"], [object_name, record_id]
        params: list[Any] = list(values)
        for channel, key in addresses:
            conditions.append("(channel = ? AND address = ?)")
            params += [channel, key]
        rows = self.db.rows(
            self.db.sql(
                "SELECT id, at, channel, address, state, source, wording, by_id FROM gx_consents"  # noqa: S608
                f" WHERE {' OR '.join(conditions)} ORDER BY id DESC LIMIT 500"
            ),
            params,
        )
        names = ("id", "at", "channel", "address", "state", "source", "wording", "by")
        return [dict(zip(names, row, strict=True)) | {"at": instant_text_json(row[1])} for row in rows]

    def suppressions(self, *, limit: int = 100, after: str = "") -> list[dict[str, Any]]:
        """Suppressed addresses, by address, after one of them."""
        rows = self.db.rows(
            self.db.sql(
                "SELECT channel, address, at, scope, reason, note FROM gx_suppressions WHERE address > ?"
                " ORDER BY address, channel, scope LIMIT ?"
            ),
            (after, limit),
        )
        names = ("channel", "address", "at", "scope", "reason", "note")
        return [dict(zip(names, row, strict=True)) | {"at": instant_text_json(row[2])} for row in rows]

    # links ------------------------------------------------------------------------------------------
    def link(self, channel: str, key: str, message: int) -> str:
        """The token of an unsubscribe link; it never expires and says nothing but this."""
        return str(self._links.dumps([channel, key, message]))

    def read_link(self, token: str) -> Subscription:
        """What a token is about; NotFound when it was not made here."""
        try:
            channel, address, message = self._links.loads(token[:1000])
            return Subscription(str(channel), str(address), int(message))
        except (BadSignature, ValueError, TypeError):
            raise NotFound("This link is not complete. Copy it whole from the message.") from None

    def unsubscribe(self, token: str, source: str) -> Subscription:
        """No more marketing to this address. Doing it again changes nothing."""
        about = self.read_link(token)
        with self.db.write():
            if self.refusal(about.channel, about.address, marketing=True) not in ("unsubscribed", "bouncing"):
                self.note(about.channel, "withdrawn", source=source, address=about.address)
        return about

    def resubscribe(self, token: str, source: str) -> Subscription:
        """The person takes the unsubscription back on the same page."""
        about = self.read_link(token)
        self.note(about.channel, "given", source=source, address=about.address)
        return about
