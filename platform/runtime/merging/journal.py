"""The journal of merges: one row per merge, and one per value, reference or platform row that it moved.

Values stand in JSON form, so that a rename of an object or field carries them along; undoing reads them backwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from guanxi.runtime.ports import Database
from guanxi.runtime.storage.rows import instant_text, instant_text_json

WINDOW = timedelta(days=30)
MASTER, CHILD = "master", "child"


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge: `record` is the master's id, `at` a stored instant."""

    id: int
    object: str
    record: int
    losers: tuple[int, ...]
    at: str
    by: int | None
    undone: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"id": self.id, "losers": list(self.losers), "at": instant_text_json(self.at), "by": self.by}


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing a merge moved. `place` is `master` (a value of the master), `child` (a reference of another record) or
    a platform table, whose row `record` is; `before` and `after` are JSON values.
    """

    place: str
    object: str
    record: int
    field: str
    before: Any
    after: Any


class Journal:
    """Writes the rows of one merge."""

    def __init__(self, db: Database, merge_id: int) -> None:
        self.db = db
        self.id = merge_id
        self.counts: dict[str, int] = {}

    def note(self, moved: Moved) -> None:
        """Keep what was moved; inside `write()`."""
        if moved.place == CHILD:
            key = f"{moved.object}.{moved.field}"
            self.counts[key] = self.counts.get(key, 0) + 1
        self.db.execute(
            self.db.sql(
                "INSERT INTO gx_merge_rows (merge_id, place, object, record_id, field, before, after)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)"
            ),
            (
                self.id,
                moved.place,
                moved.object,
                moved.record,
                moved.field,
                orjson.dumps(moved.before).decode(),
                orjson.dumps(moved.after).decode(),
            ),
        )


def begin(db: Database, object_name: str, master: int, losers: Sequence[int], *, at: str, by: int | None) -> Journal:
    """A new merge and where its losers lead; inside `write()`."""
    stored = orjson.dumps(list(losers)).decode()
    sql = "INSERT INTO gx_merges (object, record_id, losers, at, by_id) VALUES (?, ?, ?, ?, ?) RETURNING id"
    merge_id = int(db.returning(db.sql(sql), (object_name, master, stored, at, by))[0][0])
    for loser in losers:
        sql = "INSERT INTO gx_merged (object, record_id, into_id, merge_id) VALUES (?, ?, ?, ?)"
        db.execute(db.sql(sql), (object_name, loser, master, merge_id))
    return Journal(db, merge_id)


_MERGE = "SELECT id, object, record_id, losers, at, by_id, undone_at FROM gx_merges WHERE "


def _read(row: Sequence[Any]) -> Merge:
    number, object_name, record, losers, at, by, undone = row
    return Merge(number, object_name, record, tuple(orjson.loads(losers)), at, by, undone is not None)


def find(db: Database, merge_id: int) -> Merge | None:
    """A merge by its number."""
    row = db.one(db.sql(_MERGE + "id = ?"), (merge_id,))
    return _read(row) if row is not None else None


def standing(db: Database, object_name: str, master: int, now: datetime) -> list[Merge]:
    """The merges of a master that can still be undone, newest first; only the first one may be."""
    sql = _MERGE + "object = ? AND record_id = ? AND undone_at IS NULL AND at > ? ORDER BY id DESC LIMIT 20"
    return [_read(row) for row in db.rows(db.sql(sql), (object_name, master, instant_text(now - WINDOW)))]


def backwards(db: Database, merge_id: int) -> Iterator[Moved]:
    """What a merge moved, last first."""
    sql = "SELECT place, object, record_id, field, before, after FROM gx_merge_rows WHERE merge_id = ? ORDER BY id DESC"
    for place, object_name, record, field, before, after in db.rows(db.sql(sql), (merge_id,)):
        yield Moved(place, object_name, record, field, orjson.loads(before), orjson.loads(after))


def end(db: Database, merge: Merge, at: str, by: int | None) -> None:
    """A merge was taken back; its losers lead nowhere any more."""
    db.execute(db.sql("UPDATE gx_merges SET undone_at = ?, undone_by = ? WHERE id = ?"), (at, by, merge.id))
    db.execute(db.sql("DELETE FROM gx_merged WHERE merge_id = ?"), (merge.id,))
