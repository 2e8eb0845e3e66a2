"""The table of records shared by hand; `access.shares` reads and writes it.

`until` is a far day where a share has no end, so that one comparison decides; the index of readers answers which
records are shared with a principal without a look at the table.
"""

from __future__ import annotations

SHARES = (
    """CREATE TABLE IF NOT EXISTS gx_shares (id {ID}, object {TEXT} NOT NULL, record_id {INT} NOT NULL,
    principal {TEXT} NOT NULL, access {TEXT} NOT NULL, until {TEXT} NOT NULL, by_id {INT}, at {TEXT} NOT NULL,
    reason {TEXT} NOT NULL DEFAULT '')""",
    "CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_shares_record ON gx_shares (object, record_id, principal)",
    "CREATE INDEX IF NOT EXISTS ix_gx_shares_reader ON gx_shares (object, principal, until, access, record_id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_shares_principal ON gx_shares (principal)",
)
