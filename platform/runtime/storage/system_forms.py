"""The table of what visitors sent through public forms (see `system`)."""

from __future__ import annotations

FORMS: tuple[str, ...] = (
    """CREATE TABLE IF NOT EXISTS gx_form_submissions (id {ID}, at {TEXT} NOT NULL, form {TEXT} NOT NULL,
    version {INT} NOT NULL, address {TEXT} NOT NULL, state {TEXT} NOT NULL, reason {TEXT} NOT NULL DEFAULT '',
    object {TEXT} NOT NULL, record_id {INT}, content {TEXT} NOT NULL DEFAULT '', consent {TEXT} NOT NULL DEFAULT '',
    language {TEXT} NOT NULL DEFAULT '', digest {TEXT} NOT NULL DEFAULT '', link {TEXT} NOT NULL DEFAULT '',
    about {INT}, by_id {INT})""",
    "CREATE INDEX IF NOT EXISTS ix_gx_form_submissions_form ON gx_form_submissions (form, at)",
    "CREATE INDEX IF NOT EXISTS ix_gx_form_submissions_address ON gx_form_submissions (address, form, at)",
    "CREATE INDEX IF NOT EXISTS ix_gx_form_submissions_state ON gx_form_submissions (state, id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_form_submissions_digest ON gx_form_submissions (digest, at) WHERE digest <> ''",
    """CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_form_submissions_link ON gx_form_submissions (link)
    WHERE link <> ''""",
    "CREATE TABLE IF NOT EXISTS gx_form_locks (form {TEXT} PRIMARY KEY, at {TEXT} NOT NULL)",
)
FORMS_NAMING = ("gx_form_submissions",)
