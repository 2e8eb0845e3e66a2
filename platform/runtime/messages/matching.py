"""Which records a mail belongs to: its thread, the token in our address, else whoever writes from that address.

Ids of our messages and tokens cannot be guessed, so only somebody who got one of our messages can write into its
thread. An address can be forged: mail matched by it is shown on the record as a message and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guanxi.runtime.storage.names import quoted

from .addresses import key_of, tokens_in
from .mail_in import Incoming

if TYPE_CHECKING:
    from .room import Messaging

Record = tuple[str, int]
FIRST = ("contact", "lead", "account", "customer")
MOST_OBJECTS = 20


@dataclass(frozen=True, slots=True)
class Match:
    """`thread` and `answered` (the id of the logged message that is answered) when it is a reply; `records` in order of
    closeness; `people` those found by the sender's address, with the field that holds it.
    """

    thread: str = ""
    answered: int | None = None
    records: tuple[Record, ...] = ()
    people: tuple[tuple[str, int, str], ...] = ()


def match(messaging: Messaging, mail: Incoming) -> Match:
    """See the module."""
    answered = _answered(messaging, mail)
    people = _people(messaging, mail.sender)
    if answered is None:
        return Match(records=tuple((name, number) for name, number, _ in people), people=people)
    number, thread = answered
    rows = messaging.room.db.rows(
        messaging.room.db.sql(
            "SELECT DISTINCT r.object, r.record_id FROM gx_message_records r JOIN gx_messages m ON m.id = r.message_id"
            " WHERE m.id = ? OR (m.thread = ? AND m.thread <> '') ORDER BY r.object, r.record_id LIMIT 50"
        ),
        (number, thread),
    )
    records = tuple((str(row[0]), int(row[1])) for row in rows)
    return Match(thread, number, records or tuple((name, one) for name, one, _ in people), people)


def _answered(messaging: Messaging, mail: Incoming) -> tuple[int, str] | None:
    db = messaging.room.db
    ids = list(dict.fromkeys(filter(None, (mail.in_reply_to, *reversed(mail.references)))))
    if ids:
        rows = db.rows(
            db.sql(
                f"SELECT message_id, id, thread FROM gx_messages WHERE message_id IN ({', '.join('?' * len(ids))})"  # noqa: S608
            ),
            ids,
        )
        found = {str(row[0]): (int(row[1]), str(row[2] or row[0])) for row in rows}
        for one in ids:
            if one in found:
                return found[one]
    tokens = [one for one in tokens_in(mail.recipients) if len(one) == 16][:20]
    for token in tokens:
        row = db.one(db.sql("SELECT id, thread FROM gx_messages WHERE token = ?"), (token,))
        if row is not None:
            return int(row[0]), str(row[1])
    return None


def email_fields(messaging: Messaging) -> list[tuple[str, str]]:
    """(object, field) of every e-mail field of the instance's own objects, people first."""
    found = [
        (one.name, field.name)
        for one in messaging.room.registry.objects.values()
        if not one.system and one.name not in ("user", "team", "role")
        for field in one.fields.values()
        if field.type == "email" and field.stored
    ]
    found.sort(key=lambda pair: FIRST.index(pair[0]) if pair[0] in FIRST else len(FIRST))
    return found[:MOST_OBJECTS]


def _people(messaging: Messaging, sender: str) -> tuple[tuple[str, int, str], ...]:
    """The newest live record of each object whose e-mail is the sender's."""
    key = key_of("email", sender)
    if not key:
        return ()
    db, found = messaging.room.db, {}
    local, _, domain = sender.rpartition("@")
    wanted: Sequence[str] = list(dict.fromkeys((sender, key, f"{local}@{domain.lower()}")))
    marks = ", ".join("?" * len(wanted))
    for name, field in email_fields(messaging):
        if name in found:
            continue
        table = quoted(messaging.room.tables[name].name)
        sql = f"SELECT max(id) FROM {table} WHERE deleted_at IS NULL AND {quoted(field)} IN ({marks})"  # noqa: S608
        row = db.one(db.sql(sql), wanted)
        if row is not None and row[0] is not None:
            found[name] = (int(row[0]), field)
    return tuple((name, number, field) for name, (number, field) in found.items())
