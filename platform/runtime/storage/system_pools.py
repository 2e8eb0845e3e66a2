"""Tables of pools and ownership: a record's state, who had it when (append-only), the ledger of claims, warnings given,
whose turn is next, and records offered to somebody until he accepts.
"""

from __future__ import annotations

POOLS: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS gx_ownership (object {TEXT} NOT NULL, record_id {INT} NOT NULL, owner {INT},
    pool {TEXT}, owned_since {TEXT}, clock_since {TEXT}, owner_source {TEXT} NOT NULL DEFAULT '', prev_owner {INT},
    origin {TEXT} NOT NULL DEFAULT '', pool_entered_at {TEXT}, pool_reason {TEXT} NOT NULL DEFAULT '',
    protected_until {TEXT}, manual_until {TEXT}, notice_until {TEXT}, due_on {TEXT}, due_rule {TEXT},
    tenure_id {INT}, PRIMARY KEY (object, record_id))""",
    """CREATE INDEX IF NOT EXISTS ix_gx_ownership_due ON gx_ownership (object, due_rule, due_on, record_id)
    WHERE due_on IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS ix_gx_ownership_manual ON gx_ownership (object, owner, manual_until)
    WHERE manual_until IS NOT NULL""",
    """CREATE TABLE IF NOT EXISTS gx_tenures (id {ID}, object {TEXT} NOT NULL, record_id {INT} NOT NULL,
    owner {INT} NOT NULL, from_at {TEXT} NOT NULL, to_at {TEXT}, source {TEXT} NOT NULL, actor_id {INT},
    end_reason {TEXT} NOT NULL DEFAULT '', end_actor_id {INT}, note {TEXT} NOT NULL DEFAULT '')""",
    "CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_tenures_open ON gx_tenures (object, record_id) WHERE to_at IS NULL",
    "CREATE INDEX IF NOT EXISTS ix_gx_tenures_record ON gx_tenures (object, record_id, owner, to_at)",
    "CREATE INDEX IF NOT EXISTS ix_gx_tenures_owner ON gx_tenures (owner, object, from_at)",
    """CREATE TABLE IF NOT EXISTS gx_claims (id {ID}, user_id {INT} NOT NULL, pool {TEXT} NOT NULL,
    object {TEXT} NOT NULL, record_id {INT} NOT NULL, at {TEXT} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ix_gx_claims_user ON gx_claims (user_id, pool, at)",
    """CREATE TABLE IF NOT EXISTS gx_pool_warnings (object {TEXT} NOT NULL, record_id {INT} NOT NULL,
    tenure_id {INT} NOT NULL, due_on {TEXT} NOT NULL, days {INT} NOT NULL, at {TEXT} NOT NULL,
    PRIMARY KEY (object, record_id, tenure_id, due_on, days))""",
    """CREATE TABLE IF NOT EXISTS gx_turns (rule {TEXT} PRIMARY KEY, last_user {INT} NOT NULL DEFAULT 0,
    credits {TEXT} NOT NULL DEFAULT '{{}}')""",
    """CREATE TABLE IF NOT EXISTS gx_pool_offers (id {ID}, object {TEXT} NOT NULL, record_id {INT} NOT NULL,
    rule {TEXT} NOT NULL, user_id {INT} NOT NULL, at {TEXT} NOT NULL, until {TEXT}, hop {INT} NOT NULL,
    state {TEXT} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ix_gx_pool_offers_record ON gx_pool_offers (object, record_id, id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_pool_offers_until ON gx_pool_offers (until) WHERE state = 'open'",
    "CREATE INDEX IF NOT EXISTS ix_gx_pool_offers_user ON gx_pool_offers (rule, user_id, at)",
    """CREATE TABLE IF NOT EXISTS gx_pool_rules (object {TEXT} PRIMARY KEY, mark {TEXT} NOT NULL,
    at {TEXT} NOT NULL)""",
)
NAMING_POOLS = (
    "gx_ownership",
    "gx_tenures",
    "gx_claims",
    "gx_pool_warnings",
    "gx_pool_offers",
    "gx_pool_rules",
)
