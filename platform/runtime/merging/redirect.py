"""Where the ids of merged records lead: `gx_merged` has one row per loser, and a chain is followed to its end."""

from __future__ import annotations

from guanxi.runtime.ports import Database

LONGEST = 1_000
LARGEST = 2**63 - 1


def next_of(db: Database, object_name: str, record_id: int) -> int | None:
    """The record that `record_id` was merged into; None when it was not."""
    if type(record_id) is not int or not 0 < record_id <= LARGEST:
        return None
    row = db.one(db.sql("SELECT into_id FROM gx_merged WHERE object = ? AND record_id = ?"), (object_name, record_id))
    return int(row[0]) if row is not None else None


def final(db: Database, object_name: str, record_id: int) -> int | None:
    """The record at the end of the chain that starts at `record_id`; None when it was not merged."""
    found: int | None = None
    for _ in range(LONGEST):
        into = next_of(db, object_name, found if found is not None else record_id)
        if into is None:
            return found
        found = into
    return found
