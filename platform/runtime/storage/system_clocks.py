"""Tables of service levels: a row per clock of a record, and what each service level was when its clocks were set."""

from __future__ import annotations

# `spans` are the closed stretches in which a clock ran, `since` the beginning of the one that runs now; `worked` and
# `allowed` are working time in microseconds; `fired` names the rungs of the ladder that were done.
CLOCKS = [
    """CREATE TABLE IF NOT EXISTS gx_clocks (id {ID}, object {TEXT} NOT NULL, record_id {INT} NOT NULL,
    sla {TEXT} NOT NULL, target {TEXT} NOT NULL, state {TEXT} NOT NULL, started_at {TEXT} NOT NULL, since {TEXT},
    spans {TEXT} NOT NULL DEFAULT '[]', worked {INT} NOT NULL DEFAULT 0, allowed {INT} NOT NULL, due_at {TEXT},
    paused_at {TEXT}, met_at {TEXT}, breached_at {TEXT}, ended_at {TEXT}, next_at {TEXT},
    fired {TEXT} NOT NULL DEFAULT '[]')""",
    "CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_clocks ON gx_clocks (object, record_id, sla, target)",
    "CREATE INDEX IF NOT EXISTS ix_gx_clocks_next ON gx_clocks (next_at, id) WHERE next_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS ix_gx_clocks_open ON gx_clocks (due_at, id) WHERE ended_at IS NULL",
    "CREATE INDEX IF NOT EXISTS ix_gx_clocks_of ON gx_clocks (object, due_at, record_id) WHERE ended_at IS NULL",
    "CREATE INDEX IF NOT EXISTS ix_gx_clocks_sla ON gx_clocks (sla, id) WHERE ended_at IS NULL",
    "CREATE TABLE IF NOT EXISTS gx_clock_marks (sla {TEXT} PRIMARY KEY, mark {TEXT} NOT NULL, at {TEXT} NOT NULL)",
]
