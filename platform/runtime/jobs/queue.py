"""huey's storage for the word that work is due: a file of its own beside SQLite, tables beside PostgreSQL, or Redis.

Messages are signed with the instance's secret, so whoever can write to a shared Redis cannot make a worker run
anything. A storage that loses or doubles messages loses and doubles nothing else: the truth is in rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import peewee
from huey import Huey, MemoryHuey, SqliteHuey
from huey.contrib.sql_huey import SqlStorage
from huey.serializer import SignedSerializer

Storage = Literal["memory", "sqlite", "postgresql", "redis"]
NAME = "guanxi"
SCHEMA = "gx_queue"


class PostgresStorage(SqlStorage):  # type: ignore[misc]
    """huey's SQL storage with its tables in a schema of their own."""

    def create_tables(self) -> None:
        """See huey; safe when several processes start at once."""
        with self.database, self.database.atomic():
            self.database.execute_sql("SELECT pg_advisory_xact_lock(4716904)")
            self.database.execute_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            self.database.create_tables([self.KV, self.Schedule, self.Task, self.Counter])


def make_queue(storage: Storage, url: str, *, secret: bytes, base: Path | str = ".") -> Huey:
    """The queue of an instance. Raises RuntimeError when the library for Redis is not installed."""
    serializer = SignedSerializer(secret.hex())
    if storage == "memory":
        return MemoryHuey(NAME, serializer=serializer, results=False)
    if storage == "sqlite":
        path = Path(base) / url.removeprefix("sqlite:///")
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(NAME, filename=str(path), serializer=serializer, results=False, fsync=False)
    if storage == "postgresql":
        options = f"-c search_path={SCHEMA}"
        database = peewee.PostgresqlDatabase(url, prefer_psycopg3=True, connect_timeout=4, options=options)
        return Huey(NAME, storage_class=PostgresStorage, database=database, serializer=serializer, results=False)
    try:
        from huey import RedisHuey

        return RedisHuey(NAME, url=url, serializer=serializer, results=False)
    except ImportError as error:
        raise RuntimeError("Redis needs the package `redis`: pip install guanxi[redis]") from error
