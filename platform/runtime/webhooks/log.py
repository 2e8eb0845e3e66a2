"""What became of each try of a webhook, for its destination's owner: `gx_deliveries`, without secrets, for a month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..outbox.entry import Entry
from ..ports import Database
from ..storage.rows import instant_text, instant_text_json

MOST_KEPT = 2048
_COLUMNS = (
    "id, outbox_id, at, webhook, message_id, event, object, record_id, attempt, status, milliseconds, request,"
    " answer, error"
)


@dataclass(frozen=True, slots=True)
class Try:
    """One try. `status` is 0 when no answer came; `answer` holds its first 2 KB."""

    id: int
    outbox_id: int
    at: str
    webhook: str
    message_id: str
    event: str
    object: str
    record_id: int | None
    attempt: int
    status: int
    milliseconds: int
    request: str
    answer: str
    error: str


def note(db: Database, entry: Entry, at: datetime, **known: Any) -> None:
    """Keep a try: `message_id`, `status`, `milliseconds`, `request`, `answer`, `error`."""
    db.execute(
        db.sql(
            "INSERT INTO gx_deliveries (outbox_id, at, webhook, message_id, event, object, record_id, attempt, status,"
            " milliseconds, request, answer, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ),
        (
            entry.id,
            instant_text(at),
            entry.destination,
            known["message_id"],
            str(entry.payload.get("event", "")),
            entry.object,
            entry.record_id,
            entry.attempts,
            known.get("status", 0),
            known.get("milliseconds", 0),
            known.get("request", "")[:MOST_KEPT],
            known.get("answer", "")[:MOST_KEPT],
            known.get("error", "")[:MOST_KEPT],
        ),
    )


def clean(body: bytes, secrets: Sequence[str]) -> str:
    """The beginning of an answer as text that holds no secret and no control character."""
    text = body[: MOST_KEPT * 2].decode("utf-8", "replace")
    for secret in secrets:
        text = text.replace(secret, "***")
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)[:MOST_KEPT]


def tries(db: Database, *, webhook: str = "", before: int = 0, limit: int = 50) -> list[Try]:
    """The newest tries, of one webhook or of all, older than the id `before`."""
    given: list[Any] = [before or 2**62]
    chosen = " WHERE id < ?"
    if webhook:
        chosen += " AND webhook = ?"
        given.append(webhook)
    sql = f"SELECT {_COLUMNS} FROM gx_deliveries{chosen} ORDER BY id DESC LIMIT ?"  # noqa: S608 (fixed texts)
    return [Try(*row) for row in db.rows(db.sql(sql), (*given, limit))]


def find(db: Database, try_id: int) -> Try | None:
    """One try."""
    row = db.one(db.sql(f"SELECT {_COLUMNS} FROM gx_deliveries WHERE id = ?"), (try_id,))  # noqa: S608
    return Try(*row) if row else None


def prune(db: Database, before: datetime) -> int:
    """Forget tries made before."""
    sql = "DELETE FROM gx_deliveries WHERE id IN (SELECT id FROM gx_deliveries WHERE at < ? LIMIT 5000)"
    total = 0
    while gone := db.execute(db.sql(sql), (instant_text(before),)):
        total += gone
    return total


def as_json(one: Try) -> Mapping[str, Any]:
    """A try as the API tells it."""
    return {
        "id": one.id,
        "webhook": one.webhook,
        "message_id": one.message_id,
        "event": one.event,
        "object": one.object or None,
        "record": one.record_id,
        "at": instant_text_json(one.at),
        "attempt": one.attempt,
        "status": one.status or None,
        "milliseconds": one.milliseconds,
        "request": one.request,
        "answer": one.answer,
        "error": one.error or None,
    }
