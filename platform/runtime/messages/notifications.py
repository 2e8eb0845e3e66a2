"""Notices to people inside: one row per person and subject, written in the transaction of what they tell of.

The reader's rights decide first: who may not see the record gets nothing, and holes in the text show only what he may
read. Unread notices of one kind about one record are one row that counts. Mail, SMS and WeCom follow each person's
preferences; a digest is a row that waits. Lists are by cursor, newest first.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest
from guanxi.common.labels import Label
from guanxi.expressions.template import Template
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.query.request import Page
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_text, instant_text_json

from .preferences import Preferences
from .rendering import View, fill, title_of

if TYPE_CHECKING:
    from .room import Messaging

Row = Mapping[str, Any]
Text = str | Label | Mapping[str, str] | Mapping[str, Template]
LONGEST = 2_000
_INSERT = (
    "INSERT INTO gx_notifications"
    " (user_id, at, kind, object, record_id, text, link, group_key, by_id, shown, digest_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (user_id, group_key) WHERE read_at IS NULL AND group_key <> ''"
    " DO UPDATE SET at = excluded.at, text = excluded.text, link = excluded.link, by_id = excluded.by_id,"
    " seen_at = NULL, times = gx_notifications.times + 1, shown = excluded.shown,"
    " digest_at = coalesce(gx_notifications.digest_at, excluded.digest_at)"
)
_COLUMNS = "id, at, kind, object, record_id, text, link, times, by_id, seen_at, read_at"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a notice is about: a record (with the row as it is or was), or nothing."""

    object: str = ""
    record_id: int | None = None
    row: Row | None = None
    old: Row | None = None


class Notifications:
    """See the module; `services.notifications`."""

    def __init__(self, messaging: Messaging) -> None:
        self.messaging = messaging
        self.db = messaging.room.db

    # sending ----------------------------------------------------------------------------------------
    def send(
        self,
        to: Iterable[int],
        kind: str,
        text: Text,
        *,
        work: Work | None = None,
        object: str = "",
        record_id: int | None = None,
        row: Row | None = None,
        old: Row | None = None,
        link: str = "",
        group: str | None = None,
        by: int | None = None,
        mail: Callable[[Actor], str] | None = None,
    ) -> int:
        """Tell people, inside the transaction at hand (or one of its own); returns how many were told.

        `text` is a text, texts by language, or checked templates by language, filled from `row` (read when absent).
        `row` also serves for a record that is being deleted.
        `mail` gives lines that only a person's own mail has. `group` joins unread notices into one; by default those of
        one kind about one record; "" never joins. Inactive people and people who may not see the record are left out.
        """
        piece = work or Work(self.messaging.room, SYSTEM)
        about = Subject(object, record_id, row, old)
        if object and record_id is not None and row is None:
            about = Subject(object, record_id, piece.row(object, record_id), old)
            if about.row is None:
                return 0
        ids = list(dict.fromkeys(int(one) for one in to))
        with self.db.write():
            people = [found for one in ids if (found := self.messaging.actors.load(one)) is not None]
            wanted = self.messaging.preferences.of(found.id for found in people if found.id is not None)
            key = _group(kind, object, record_id) if group is None else group
            author = by if by is not None else piece.actor.id
            rows = []
            for person in people:
                told = self._told(piece, person, wanted[person.id or 0], kind, text, about)
                if told is not None:
                    place = link or (f"/o/{object}/{record_id}/" if object and record_id is not None else "")
                    body, shown, digest = told
                    self._leave(piece, person, wanted[person.id or 0], kind, body, place, mail)
                    rows.append(
                        (person.id, piece.stamp, kind, object, record_id, body, place, key, author, shown, digest)
                    )
            if rows:
                self.db.execute_many(self.db.sql(_INSERT), rows)
        return len(rows)

    def _told(  # noqa: PLR0917 (one place calls it)
        self, work: Work, person: Actor, wanted: Preferences, kind: str, text: Text, about: Subject
    ) -> tuple[str, int, str | None] | None:
        """(text, shown on the screen, when its digest is due) for one person; None when there is nothing to tell."""
        view = View.of(work, person)
        if about.object:
            rights = work.room.access.rights(person, about.object)
            plan = work.room.plan(about.object)
            reading = view.reading
            if not rights.visible or about.row is None or reading is None or not reading.may(plan, "read", about.row):
                return None
        values = {channel: wanted.value(kind, channel) for channel in ("screen", "email", "sms", "wecom")}
        if set(values.values()) == {"off"}:
            return None
        body = _filled(text, view, about)[:LONGEST]
        if not body and about.object and about.record_id is not None:
            body = title_of(view, about.object, about.record_id)
        digest = None
        if values["email"] in ("hourly", "daily"):
            digest = instant_text(wanted.digest_at(values["email"], work.now, person.zone))
        return body, int(values["screen"] == "on"), digest

    def _leave(  # noqa: PLR0917 (one place calls it)
        self,
        work: Work,
        person: Actor,
        wanted: Preferences,
        kind: str,
        body: str,
        link: str,
        mail: Callable[[Actor], str] | None = None,
    ) -> None:
        """What goes out at once (or when quiet hours end) beside the screen."""
        due = wanted.due(work.now, person.zone)
        for channel, address in (
            ("email", person.me.get("email")),
            ("sms", person.me.get("phone")),
            ("wecom", wanted.wecom),
        ):
            if address and wanted.value(kind, channel) == "now":
                more = mail(person) if mail is not None and channel == "email" else ""
                self.messaging.outgoing.notice(work, channel, str(address), person, body, link, due, more)

    # reading ----------------------------------------------------------------------------------------
    def unread(self, user_id: int) -> int:
        """How many notices wait."""
        row = self.db.one(
            self.db.sql("SELECT count(*) FROM gx_notifications WHERE user_id = ? AND read_at IS NULL AND shown = 1"),
            (user_id,),
        )
        return int(row[0]) if row else 0

    def list(self, user_id: int, *, unread: bool = False, kind: str = "", limit: int = 50, after: str = "") -> Page:
        """A page of a person's notices, newest first."""
        conditions, params = ["user_id = ?", "shown = 1"], [user_id]
        values: list[Any] = list(params)
        if unread:
            conditions.append("read_at IS NULL")
        if kind:
            conditions.append("(kind = ? OR kind LIKE ?)")
            values += [kind, f"{kind}.%"]
        if after:
            at, number = _cursor_of(after)
            conditions.append("(at < ? OR (at = ? AND id < ?))")
            values += [at, at, number]
        found = self.db.rows(
            self.db.sql(
                f"SELECT {_COLUMNS} FROM gx_notifications WHERE {' AND '.join(conditions)}"  # noqa: S608
                f" ORDER BY at DESC, id DESC LIMIT {int(limit) + 1}"
            ),
            values,
        )
        more = len(found) > limit
        rows = [_as_dict(one) for one in found[:limit]]
        return Page(rows, _cursor(found[limit - 1]) if more else None, None)

    def read(self, user_id: int, ids: Sequence[int] | None = None) -> int:
        """Mark some (or all) as read; returns how many were not before."""
        now = instant_text(self.messaging.room.clock.now())
        sql, params = "UPDATE gx_notifications SET read_at = ?, seen_at = coalesce(seen_at, ?)", [now, now]
        return self._mark(sql, params, "read_at IS NULL", user_id, ids)

    def unmark(self, user_id: int, ids: Sequence[int]) -> int:
        """Mark some as not read again; what meanwhile joined anew stays its own row."""
        sql = "UPDATE gx_notifications SET read_at = NULL, group_key = ''"
        return self._mark(sql, [], "read_at IS NOT NULL", user_id, ids)

    def link_of(self, user_id: int, number: int) -> str:
        """Where a notice leads, which counts as reading it; "" when it leads nowhere or is not this person's."""
        row = self.db.one(
            self.db.sql("SELECT link FROM gx_notifications WHERE id = ? AND user_id = ?"), (number, user_id)
        )
        if row is not None:
            self.read(user_id, [number])
        return str(row[0]) if row is not None else ""

    def seen(self, user_id: int) -> None:
        """The panel was opened."""
        now = instant_text(self.messaging.room.clock.now())
        with self.db.write():
            self.db.execute(
                self.db.sql("UPDATE gx_notifications SET seen_at = ? WHERE user_id = ? AND seen_at IS NULL"),
                (now, user_id),
            )

    def _mark(self, sql: str, params: Sequence[Any], still: str, user_id: int, ids: Sequence[int] | None) -> int:
        where, values = f" WHERE user_id = ? AND {still}", [*params, user_id]
        if ids is not None:
            if not ids:
                return 0
            where += f" AND id IN ({', '.join('?' * len(ids))})"
            values += list(ids)
        with self.db.write():
            return self.db.execute(self.db.sql(sql + where), values)


def _group(kind: str, object_name: str, record_id: int | None) -> str:
    return f"{kind}|{object_name}|{record_id}" if object_name and record_id is not None else ""


def _filled(text: Text, view: View, about: Subject) -> str:
    if isinstance(text, str):
        return text
    if isinstance(text, Label):
        return text.text(view.language)
    chosen = in_language(text, view.language)
    if isinstance(chosen, Template):
        return fill(chosen, view, about.row or {}, about.old)
    return str(chosen or "")


def in_language(texts: Mapping[str, Any], language: str) -> Any:
    """The text for a language with `Label`'s fallback: any, English, the first; None when there is none."""
    for wanted in (language, language.replace("-", "_").split("_")[0], "", "en"):
        if wanted in texts:
            return texts[wanted]
    return next(iter(texts.values()), None)


def _as_dict(row: Sequence[Any]) -> dict[str, Any]:
    number, at, kind, object_name, record_id, text, link, times, by_id, seen_at, read_at = row
    return {
        "id": int(number),
        "at": instant_text_json(at),
        "kind": kind,
        "object": object_name or None,
        "record": record_id,
        "text": text,
        "link": link or None,
        "times": int(times),
        "by": by_id,
        "seen": seen_at is not None or read_at is not None,
        "read": read_at is not None,
    }


def _cursor(row: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(f"{row[1]}|{row[0]}".encode()).decode().rstrip("=")


def _cursor_of(after: str) -> tuple[str, int]:
    try:
        at, _, number = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode("ascii").partition("|")
        datetime.fromisoformat(at)
        if len(at) != 27 or not number.isdigit() or len(number) > 18:
            raise ValueError(number)
        return at, int(number)
    except ValueError:
        raise BadRequest("The cursor in 'after' does not belong to this list.", code="bad_cursor") from None
