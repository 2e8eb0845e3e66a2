"""The end of what a person has begun: sessions, tokens and links, in the transaction that is the reason for it."""

from __future__ import annotations

from ..ports import Database


def end_sessions(database: Database, user_id: int, *, keep_session: int = 0) -> int:
    """End a person's sessions, but `keep_session`; how many. Inside `write()`."""
    return database.execute(
        database.sql("DELETE FROM gx_sessions WHERE user_id = ? AND id <> ?"), (user_id, keep_session)
    )


def end_tokens(database: Database, user_id: int, now: str) -> int:
    """Revoke a person's tokens; how many. Inside `write()`; `now` is an instant text."""
    return database.execute(
        database.sql("UPDATE gx_tokens SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL"), (now, user_id)
    )


def end_links(database: Database, user_id: int, now: str) -> int:
    """Make invitations and reset links that are out useless. Inside `write()`."""
    return database.execute(
        database.sql("UPDATE gx_account_links SET used_at = ? WHERE user_id = ? AND used_at IS NULL"), (now, user_id)
    )


def end_everything(database: Database, user_id: int, now: str, *, keep_session: int = 0) -> None:
    """Sessions, tokens and links. Inside `write()`."""
    end_sessions(database, user_id, keep_session=keep_session)
    end_tokens(database, user_id, now)
    end_links(database, user_id, now)
