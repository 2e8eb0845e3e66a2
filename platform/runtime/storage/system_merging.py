"""Tables of duplicates and merges: normalised keys, pairs judged different, the journal of merges.

A strong key is unique among live records of one object, so that two creates at the same moment cannot both pass.
"""

from __future__ import annotations

MERGING = (
    """CREATE TABLE IF NOT EXISTS gx_keys (object {TEXT} NOT NULL, record_id {INT} NOT NULL, kind {TEXT} NOT NULL,
    value {TEXT} NOT NULL, strong {INT} NOT NULL DEFAULT 0, live {INT} NOT NULL DEFAULT 1)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_keys_strong ON gx_keys (object, kind, value)"
    " WHERE strong = 1 AND live = 1",
    "CREATE INDEX IF NOT EXISTS ix_gx_keys_value ON gx_keys (object, kind, value, record_id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_keys_record ON gx_keys (object, record_id)",
    """CREATE TABLE IF NOT EXISTS gx_key_specs (object {TEXT} PRIMARY KEY, spec {TEXT} NOT NULL,
    version {INT} NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS gx_different (object {TEXT} NOT NULL, record_id {INT} NOT NULL,
    other_id {INT} NOT NULL, at {TEXT} NOT NULL, by_id {INT}, PRIMARY KEY (object, record_id, other_id))""",
    """CREATE TABLE IF NOT EXISTS gx_merges (id {ID}, object {TEXT} NOT NULL, record_id {INT} NOT NULL,
    losers {TEXT} NOT NULL, at {TEXT} NOT NULL, by_id {INT}, undone_at {TEXT}, undone_by {INT})""",
    "CREATE INDEX IF NOT EXISTS ix_gx_merges_record ON gx_merges (object, record_id, id)",
    """CREATE TABLE IF NOT EXISTS gx_merge_rows (id {ID}, merge_id {INT} NOT NULL, place {TEXT} NOT NULL,
    object {TEXT} NOT NULL, record_id {INT} NOT NULL, field {TEXT} NOT NULL, before {TEXT} NOT NULL,
    after {TEXT} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ix_gx_merge_rows_merge ON gx_merge_rows (merge_id, id)",
    """CREATE TABLE IF NOT EXISTS gx_merged (object {TEXT} NOT NULL, record_id {INT} NOT NULL, into_id {INT} NOT NULL,
    merge_id {INT} NOT NULL, PRIMARY KEY (object, record_id))""",
)
MERGING_OBJECTS = ("gx_keys", "gx_different", "gx_merges", "gx_merge_rows", "gx_merged")
MERGING_FIELDS = ("gx_merge_rows",)
MERGING_OF_RECORDS = ("gx_keys", "gx_different", "gx_merged")
