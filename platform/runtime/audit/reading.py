"""Reading the trail: a page by filters, newest first; the whole of it as NDJSON. Rights are the caller's matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from ..ports import Database
from .entry import COLUMNS, Entry

BATCH = 1_000
_SELECT = f"SELECT {', '.join(COLUMNS)}, hash FROM gx_audit"  # noqa: S608 (fixed names)


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Filters, all of them optional. `since` and `until` are stored instants (`until` itself is left out); `before` is
    the number of the last entry of the page before.
    """

    action: str = ""
    actor: str = ""
    actor_id: int | None = None
    object: str = ""
    record_id: int | None = None
    outcome: str = ""
    address: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    limit: int = 50


def find(database: Database, query: AuditQuery) -> list[Entry]:
    """At most `query.limit` entries, newest first."""
    asked: list[tuple[str, object]] = [
        ("action = ?", query.action or None),
        ("actor = ?", query.actor or None),
        ("actor_id = ?", query.actor_id),
        ("object = ?", query.object or None),
        ("record_id = ?", query.record_id),
        ("outcome = ?", query.outcome or None),
        ("address = ?", query.address or None),
        ("at >= ?", query.since or None),
        ("at < ?", query.until or None),
        ("number < ?", query.before),
    ]
    given = [(text, value) for text, value in asked if value is not None]
    where = " AND ".join(["number > 0", *(text for text, _ in given)])
    sql = database.sql(f"{_SELECT} WHERE {where} ORDER BY number DESC LIMIT ?")
    rows = database.rows(sql, (*(value for _, value in given), query.limit))
    return [Entry.of_row(row) for row in rows]


def ascending(database: Database, after: int = 0) -> Iterator[Entry]:
    """All entries after a number, oldest first, in batches."""
    sql = database.sql(f"{_SELECT} WHERE number > ? ORDER BY number LIMIT ?")
    while True:
        rows = database.rows(sql, (after, BATCH))
        yield from map(Entry.of_row, rows)
        if len(rows) < BATCH:
            return
        after = int(rows[-1][0])


def lines(database: Database, *, since: str = "", until: str = "") -> Iterator[bytes]:
    """The trail as NDJSON with hashes, oldest first; a whole trail can be proved again from it with the secret."""
    for entry in ascending(database):
        if (not since or entry.at >= since) and (not until or entry.at < until):
            yield orjson.dumps(entry.as_dict(), option=orjson.OPT_APPEND_NEWLINE)
