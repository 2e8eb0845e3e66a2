"""Tables of the people room: one-time links to an account, second factors with recovery codes, log-ins elsewhere."""

from __future__ import annotations

ACCOUNTS: list[str] = [
    """CREATE TABLE IF NOT EXISTS gx_account_links (id {ID}, sha256 {TEXT} NOT NULL UNIQUE, user_id {INT} NOT NULL,
    kind {TEXT} NOT NULL, at {TEXT} NOT NULL, expires_at {TEXT} NOT NULL, used_at {TEXT}, by_id {INT})""",
    "CREATE INDEX IF NOT EXISTS ix_gx_account_links_user ON gx_account_links (user_id)",
    """CREATE TABLE IF NOT EXISTS gx_totp (user_id {INT} PRIMARY KEY, secret {TEXT} NOT NULL, at {TEXT} NOT NULL,
    confirmed_at {TEXT}, last_step {INT} NOT NULL DEFAULT 0)""",
    """CREATE TABLE IF NOT EXISTS gx_recovery_codes (user_id {INT} NOT NULL, sha256 {TEXT} NOT NULL, used_at {TEXT},
    PRIMARY KEY (user_id, sha256))""",
    """CREATE TABLE IF NOT EXISTS gx_identities (issuer {TEXT} NOT NULL, subject {TEXT} NOT NULL,
    user_id {INT} NOT NULL, at {TEXT} NOT NULL, PRIMARY KEY (issuer, subject))""",
    "CREATE INDEX IF NOT EXISTS ix_gx_identities_user ON gx_identities (user_id)",
]
