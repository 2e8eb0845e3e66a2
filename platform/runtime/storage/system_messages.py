"""Tables of messages: notices to people, what leaves and arrives, and what customers agreed to (see `system`)."""

from __future__ import annotations

MESSAGES: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS gx_notifications (id {ID}, user_id {INT} NOT NULL, at {TEXT} NOT NULL,
    kind {TEXT} NOT NULL, object {TEXT} NOT NULL DEFAULT '', record_id {INT}, text {TEXT} NOT NULL,
    link {TEXT} NOT NULL DEFAULT '', group_key {TEXT} NOT NULL DEFAULT '', times {INT} NOT NULL DEFAULT 1, by_id {INT},
    shown {INT} NOT NULL DEFAULT 1, seen_at {TEXT}, read_at {TEXT}, digest_at {TEXT})""",
    "CREATE INDEX IF NOT EXISTS ix_gx_notifications_user ON gx_notifications (user_id, at, id)",
    """CREATE INDEX IF NOT EXISTS ix_gx_notifications_unread ON gx_notifications (user_id)
    WHERE read_at IS NULL AND shown = 1""",
    """CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_notifications_group ON gx_notifications (user_id, group_key)
    WHERE read_at IS NULL AND group_key <> ''""",
    "CREATE INDEX IF NOT EXISTS ix_gx_notifications_digest ON gx_notifications (digest_at) WHERE digest_at IS NOT NULL",
    """CREATE TABLE IF NOT EXISTS gx_notification_settings (user_id {INT} NOT NULL, kind {TEXT} NOT NULL,
    channel {TEXT} NOT NULL, value {TEXT} NOT NULL, PRIMARY KEY (user_id, kind, channel))""",
    """CREATE TABLE IF NOT EXISTS gx_notification_people (user_id {INT} PRIMARY KEY, quiet_from {TEXT} NOT NULL,
    quiet_to {TEXT} NOT NULL, wecom {TEXT} NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS gx_messages (id {ID}, at {TEXT} NOT NULL, direction {TEXT} NOT NULL,
    channel {TEXT} NOT NULL, state {TEXT} NOT NULL, source {TEXT} NOT NULL DEFAULT '',
    template {TEXT} NOT NULL DEFAULT '',
    marketing {INT} NOT NULL DEFAULT 0, sender {TEXT} NOT NULL DEFAULT '', recipient {TEXT} NOT NULL DEFAULT '',
    address {TEXT} NOT NULL DEFAULT '', cc {TEXT} NOT NULL DEFAULT '', subject {TEXT} NOT NULL DEFAULT '',
    text {TEXT} NOT NULL DEFAULT '', html {TEXT} NOT NULL DEFAULT '', attachments {TEXT} NOT NULL DEFAULT '[]',
    uses {TEXT} NOT NULL DEFAULT '{{}}', language {TEXT} NOT NULL DEFAULT '', object {TEXT} NOT NULL DEFAULT '',
    record_id {INT}, user_id {INT}, by_id {INT}, message_id {TEXT} NOT NULL DEFAULT '',
    in_reply_to {TEXT} NOT NULL DEFAULT '', thread {TEXT} NOT NULL DEFAULT '', token {TEXT} NOT NULL DEFAULT '',
    provider_id {TEXT} NOT NULL DEFAULT '', attempts {INT} NOT NULL DEFAULT 0, error {TEXT} NOT NULL DEFAULT '',
    due_at {TEXT}, sent_at {TEXT})""",
    "CREATE INDEX IF NOT EXISTS ix_gx_messages_list ON gx_messages (direction, state, id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_messages_cap ON gx_messages (channel, address, at) WHERE marketing = 1",
    """CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_messages_message ON gx_messages (direction, message_id)
    WHERE message_id <> ''""",
    "CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_messages_token ON gx_messages (token) WHERE token <> ''",
    "CREATE INDEX IF NOT EXISTS ix_gx_messages_thread ON gx_messages (thread) WHERE thread <> ''",
    """CREATE TABLE IF NOT EXISTS gx_message_records (message_id {INT} NOT NULL, object {TEXT} NOT NULL,
    record_id {INT} NOT NULL, PRIMARY KEY (message_id, object, record_id))""",
    """CREATE INDEX IF NOT EXISTS ix_gx_message_records_record
    ON gx_message_records (object, record_id, message_id)""",
    """CREATE TABLE IF NOT EXISTS gx_consents (id {ID}, at {TEXT} NOT NULL, channel {TEXT} NOT NULL,
    address {TEXT} NOT NULL DEFAULT '', object {TEXT} NOT NULL DEFAULT '', record_id {INT}, state {TEXT} NOT NULL,
    source {TEXT} NOT NULL, wording {TEXT} NOT NULL DEFAULT '', by_id {INT})""",
    "CREATE INDEX IF NOT EXISTS ix_gx_consents_address ON gx_consents (channel, address, id) WHERE address <> ''",
    "CREATE INDEX IF NOT EXISTS ix_gx_consents_record ON gx_consents (object, record_id, channel, id)",
    """CREATE TABLE IF NOT EXISTS gx_suppressions (channel {TEXT} NOT NULL, address {TEXT} NOT NULL, at {TEXT} NOT NULL,
    scope {TEXT} NOT NULL, reason {TEXT} NOT NULL, note {TEXT} NOT NULL DEFAULT '',
    PRIMARY KEY (channel, address, scope))""",
    """CREATE TABLE IF NOT EXISTS gx_marketing_locks (channel {TEXT} NOT NULL, address {TEXT} NOT NULL,
    at {TEXT} NOT NULL, PRIMARY KEY (channel, address))""",
)
MESSAGES_NAMING = ("gx_notifications", "gx_messages", "gx_message_records", "gx_consents")
