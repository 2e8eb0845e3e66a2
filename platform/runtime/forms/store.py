"""What was sent, as rows: how much of late, whether it came before, what was held back.

Contents are kept only of what made no record (spam, refused); everything else is on the record, under its rights.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from guanxi.common.clock import Clock
from guanxi.common.errors import BadRequest, NotFound, TooManyRequests
from guanxi.registry.forms import WebForm

from ..ports import Database
from ..query.request import Page
from ..storage.rows import instant_text, instant_text_json

STATES = ("accepted", "spam", "refused")
SPAM_DAYS = 60
SAME_MINUTES = 10
_NAMES = (
    "id", "at", "form", "version", "state", "reason", "object", "record_id", "content", "consent", "language", "about",
    "by_id",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_NAMES)} FROM gx_form_submissions"  # noqa: S608


class Submissions:
    """See the module."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.db = database
        self.clock = clock

    def lock(self, form: str) -> None:
        """One submission of a form at a time, so that limits and repeats hold over all workers; inside `write()`."""
        sql = "INSERT INTO gx_form_locks (form, at) VALUES (?, ?) ON CONFLICT (form) DO UPDATE SET at = excluded.at"
        self.db.execute(self.db.sql(sql), (form, instant_text(self.clock.now())))

    def within_limits(self, form: WebForm, address: str) -> None:
        """Raise TooManyRequests when the address or the form has had enough."""
        now = self.clock.now()
        hour, day = now - timedelta(hours=1), now - timedelta(days=1)
        of_address = "SELECT count(*), min(at) FROM gx_form_submissions WHERE address = ? AND form = ? AND at > ?"
        self._enough(of_address, (address, form.name), hour, 3600, form.limits.per_address_per_hour)
        of_form = "SELECT count(*), min(at) FROM gx_form_submissions WHERE form = ? AND state = 'accepted' AND at > ?"
        self._enough(of_form, (form.name,), day, 86400, form.limits.per_day)

    def _enough(self, sql: str, key: tuple[str, ...], since: Any, span: int, most: int) -> None:
        row = self.db.one(self.db.sql(sql), (*key, instant_text(since)))
        if row is not None and int(row[0]) >= most:
            from datetime import datetime

            first = datetime.fromisoformat(str(row[1]).replace("Z", "+00:00"))
            raise TooManyRequests(max(1, int(span - (self.clock.now() - first).total_seconds())))

    def came_before(self, digest: str) -> bool:
        """Whether the same content came within the last minutes."""
        since = instant_text(self.clock.now() - timedelta(minutes=SAME_MINUTES))
        sql = "SELECT 1 FROM gx_form_submissions WHERE digest = ? AND at > ? AND state <> 'spam' LIMIT 1"
        return self.db.one(self.db.sql(sql), (digest, since)) is not None

    def used(self, number: str) -> bool:
        """Whether a personal link was used up."""
        sql = "SELECT 1 FROM gx_form_submissions WHERE link = ?"
        return self.db.one(self.db.sql(sql), (number,)) is not None

    def spam_today(self, form: str) -> int:
        """Rows held back within a day, which are bounded too."""
        since = instant_text(self.clock.now() - timedelta(days=1))
        sql = "SELECT count(*) FROM gx_form_submissions WHERE form = ? AND state = 'spam' AND at > ?"
        row = self.db.one(self.db.sql(sql), (form, since))
        return int(row[0]) if row is not None else 0

    def add(self, **values: Any) -> int:
        """A row; inside `write()`. Old spam goes."""
        old = instant_text(self.clock.now() - timedelta(days=SPAM_DAYS))
        self.db.execute(self.db.sql("DELETE FROM gx_form_submissions WHERE state = 'spam' AND at < ?"), (old,))
        values["at"] = instant_text(self.clock.now())
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO gx_form_submissions ({names}) VALUES ({marks}) RETURNING id"  # noqa: S608 (our own names)
        return int(self.db.returning(self.db.sql(sql), tuple(values.values()))[0][0])

    def settle(self, number: int, state: str, record_id: int | None, by_id: int | None) -> None:
        """What became of a row that was looked at; its content goes once a record has it."""
        sql = (
            "UPDATE gx_form_submissions SET state = ?, record_id = ?, by_id = ?,"
            " content = CASE WHEN ? = 'accepted' THEN '' ELSE content END WHERE id = ?"
        )
        self.db.execute(self.db.sql(sql), (state, record_id, by_id, state, number))

    # looking ----------------------------------------------------------------------------------------
    def page(self, *, form: str = "", state: str = "", limit: int = 50, after: str = "") -> Page:
        """Rows, newest first."""
        if after and not (after.isascii() and after.isdigit() and len(after) < 19):
            raise BadRequest("'after' is not a page of this list.", code="bad_parameter")
        conditions, params = ["1 = 1"], []
        for name, value in (("form", form), ("state", state)):
            if value:
                conditions.append(f"{name} = ?")
                params.append(value)
        if after:
            conditions.append("id < ?")
            params.append(int(after))  # type: ignore[arg-type]
        sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT {limit + 1}"
        rows = [_row(row) for row in self.db.rows(self.db.sql(sql), params)]
        return Page(rows[:limit], str(rows[limit - 1]["id"]) if len(rows) > limit else None)

    def one(self, number: int) -> dict[str, Any]:
        """One row. Raises NotFound."""
        row = self.db.one(self.db.sql(f"{_SELECT} WHERE id = ?"), (number,))
        if row is None:
            raise NotFound("There is no such submission.")
        return _row(row)

    def counts(self) -> Mapping[str, int]:
        """Rows by state."""
        sql = "SELECT state, count(*) FROM gx_form_submissions GROUP BY state"
        return {str(state): int(count) for state, count in self.db.rows(self.db.sql(sql))}


def _row(row: tuple[Any, ...]) -> dict[str, Any]:
    made = dict(zip(_NAMES, row, strict=True))
    made["at"] = instant_text_json(made["at"])
    made["content"] = orjson.loads(made["content"]) if made["content"] else None
    made["consent"] = orjson.loads(made["consent"]) if made["consent"] else None
    return made
