"""Reading the log of messages: the consoles see all of it, a record's readers see their record's part, gated.

A message is on the timeline of every record it belongs to. Who may not read all that its text was made from sees that
there was a message and nothing of it; who may not read the field an address stands in does not see the address.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import BadRequest, NotFound
from guanxi.fieldtypes.masks import HIDDEN
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.query.request import Page
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_text_json

from .rendering import may_read

if TYPE_CHECKING:
    from guanxi.runtime.files.store import StoredFile

    from .room import Messaging

COLUMNS = (
    "id", "at", "direction", "channel", "state", "source", "template", "marketing", "sender", "recipient", "cc",
    "subject", "text", "html", "attachments", "uses", "language", "object", "record_id", "user_id", "by_id", "thread",
    "attempts", "error", "due_at", "sent_at", "provider_id", "message_id",
)  # fmt: skip
_LIST = ", ".join(f"m.{name}" for name in COLUMNS)
DIRECTIONS = ("in", "out")
CHANNELS = ("email", "sms", "wecom")
STATES = (
    "queued", "sending", "sent", "local", "refused", "failed", "bounced", "dropped",
    "matched", "created", "unmatched", "automatic", "bounce", "ignored", "received",
)  # fmt: skip


class MessageLog:
    """See the module; `services.messaging.log`."""

    def __init__(self, messaging: Messaging) -> None:
        self.messaging = messaging
        self.db = messaging.room.db

    # administrators ---------------------------------------------------------------------------------
    def page(
        self, *, direction: str = "", channel: str = "", state: str = "", q: str = "", limit: int = 50, after: str = ""
    ) -> Page:
        """The log, newest first, for administrators."""
        conditions, values = ["1 = 1"], list[Any]()
        for column, value in (("direction", direction), ("channel", channel), ("state", state)):
            if value:
                conditions.append(f"m.{column} = ?")
                values.append(value)
        if q:
            like = "%" + q.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            conditions.append("(lower(m.subject) LIKE ? ESCAPE '\\' OR m.address LIKE ? ESCAPE '\\')")
            values += [like, like]
        if after:
            conditions.append("m.id < ?")
            values.append(_number(after))
        rows = self._rows(" AND ".join(conditions), values, limit + 1)
        following = _cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
        return Page([whole(row) for row in rows[:limit]], following, None)

    def one(self, number: int) -> dict[str, Any]:
        """One entry with everything, for administrators; NotFound when there is none."""
        rows = self._rows("m.id = ?", [number], 1)
        if not rows:
            raise NotFound("There is no such message.")
        linked = self.db.rows(
            self.db.sql("SELECT object, record_id FROM gx_message_records WHERE message_id = ? ORDER BY object"),
            (number,),
        )
        return whole(rows[0]) | {"records": [{"object": row[0], "id": int(row[1])} for row in linked]}

    def counts(self) -> dict[str, int]:
        """How many messages stand in each state that asks for somebody: failed, bounced, refused, unmatched, queued."""
        rows = self.db.rows(
            "SELECT state, count(*) FROM gx_messages WHERE state IN ('failed', 'unmatched', 'queued') GROUP BY state"
        )
        return {str(row[0]): int(row[1]) for row in rows}

    def _rows(self, where: str, values: Sequence[Any], limit: int) -> list[dict[str, Any]]:
        found = self.db.rows(
            self.db.sql(f"SELECT {_LIST} FROM gx_messages m WHERE {where} ORDER BY m.id DESC LIMIT {int(limit)}"),  # noqa: S608
            values,
        )
        return [dict(zip(COLUMNS, row, strict=True)) for row in found]

    # a record's readers -----------------------------------------------------------------------------
    def of_record(
        self, actor: Actor, object_name: str, record_id: int, limit: int, before: int = 0
    ) -> list[dict[str, Any]]:
        """A record's messages, newest first, as the actor (who reads the record) may see them."""
        before_sql = " AND r.message_id < ?" if before else ""
        found = self.db.rows(
            self.db.sql(
                f"SELECT {_LIST} FROM gx_message_records r JOIN gx_messages m ON m.id = r.message_id"  # noqa: S608
                f" WHERE r.object = ? AND r.record_id = ?{before_sql} ORDER BY r.message_id DESC LIMIT {int(limit)}"
            ),
            (object_name, record_id, before) if before else (object_name, record_id),
        )
        work = Work(self.messaging.room, actor)
        return [shown(work, dict(zip(COLUMNS, row, strict=True))) for row in found]

    def readable(self, actor: Actor, number: int) -> dict[str, Any]:
        """One message for somebody who reads one of its records; NotFound otherwise."""
        rows = self._rows("m.id = ?", [number], 1)
        if rows and actor.administrator:
            return shown(Work(self.messaging.room, actor), rows[0])
        work = Work(self.messaging.room, actor)
        linked = self.db.rows(
            self.db.sql("SELECT object, record_id FROM gx_message_records WHERE message_id = ?"), (number,)
        )
        known = self.messaging.room.registry.objects
        if not rows or not any(str(n) in known and work.visible(str(n), int(i)) for n, i in linked):
            raise NotFound("There is no such message.")
        return shown(work, rows[0])

    def attachment(self, actor: Actor, number: int, position: int) -> StoredFile:
        """A file that came or went with a message, for who may read its text; NotFound otherwise."""
        entry = self.readable(actor, number)
        files = entry["attachments"]
        if not 0 <= position < len(files):
            raise NotFound("There is no such file.")
        file = self.messaging.room.files.find(str(files[position]["id"]))
        if file is None:
            raise NotFound("There is no such file.")
        return file


def whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry for administrators."""
    entry = {name: row[name] for name in COLUMNS if name not in ("uses", "at", "due_at", "sent_at", "attachments")}
    entry |= {name: instant_text_json(row[name]) if row[name] else None for name in ("at", "due_at", "sent_at")}
    entry["attachments"] = orjson.loads(row["attachments"])
    entry["marketing"] = bool(row["marketing"])
    return entry


def shown(work: Work, row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the actor may see it."""
    uses = orjson.loads(row["uses"])
    text = may_read(work, uses.get("text", ()), [(str(n), int(i)) for n, i in uses.get("records", ())])
    address = may_read(work, uses.get("to" if row["direction"] == "out" else "from", ()))
    files = may_read(work, uses.get("attachments", ()))
    return {
        "id": int(row["id"]),
        "at": instant_text_json(row["sent_at"] if row["direction"] == "in" and row["sent_at"] else row["at"]),
        "direction": row["direction"],
        "channel": row["channel"],
        "state": row["state"],
        "marketing": bool(row["marketing"]),
        "from": row["sender"] if row["direction"] == "out" or address else HIDDEN,
        "to": row["recipient"] if row["direction"] == "in" or address else HIDDEN,
        "subject": row["subject"] if text else None,
        "text": row["text"] if text else None,
        "html": row["html"] if text else None,
        "withheld": not text,
        "attachments": orjson.loads(row["attachments"]) if text and files else [],
        "by": row["by_id"],
        "template": row["template"] or None,
        "thread": row["thread"] or None,
    }


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"m{number}".encode()).decode().rstrip("=")


def _number(after: str) -> int:
    try:
        text = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode("ascii")
        if not text.startswith("m") or not text[1:].isdigit() or len(text) > 20:
            raise ValueError(text)
        return int(text[1:])
    except ValueError:
        raise BadRequest("The cursor in 'after' does not belong to this list.", code="bad_cursor") from None
