"""SQLite: write-ahead log, every acknowledged commit on the disk, one writer at a time in the order of asking."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import peewee

from guanxi.common.errors import Unavailable

from .database import LOCK_TIMEOUT, Handle, Mode, ThreadState
from .faults import Contention, sqlite_fault
from .functions_port import register_sqlite
from .locks import FairLock
from .names import quoted

_STEPS_BETWEEN_CHECKS = 200_000  # virtual machine steps, about 5 ms
_CACHE_KIB = 16_384
_BUSY_MS = int(LOCK_TIMEOUT * 1000)


class SqliteHandle(Handle):
    """One file. A write transaction takes its lock at the start, so it never fails half-way for a lock."""

    engine = "sqlite"

    def __init__(self, url: str, path: Path) -> None:
        super().__init__(url)
        self.path = path
        self.peewee: Any = peewee.SqliteDatabase(str(path))
        self._writers = FairLock()

    def _connect(self, state: ThreadState) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            conn = sqlite3.connect(
                self.path, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False, cached_statements=1024
            )
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                "foreign_keys=ON",
                "temp_store=MEMORY",
                f"cache_size=-{_CACHE_KIB}",
                "journal_size_limit=67108864",
            ):
                conn.execute(f"PRAGMA {pragma}")
            conn.execute("PRAGMA busy_timeout=0")  # from here on `_begin_immediate` and `_again` do the waiting
        except sqlite3.Error as error:
            raise sqlite_fault(error) from error
        except OSError as error:
            raise Unavailable("The database cannot be opened.") from error
        register_sqlite(conn)

        def overdue() -> bool:
            return state.limit is not None and monotonic() - state.started > state.limit

        conn.set_progress_handler(overdue, _STEPS_BETWEEN_CHECKS)
        state.conn = conn
        return conn

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See Handle."""
        state = self.state
        conn = state.conn or self._connect(state)
        state.started = monotonic()
        try:
            return conn.execute(sql, params).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            return self._again(state, sql, params, error).fetchall()

    def one(self, sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """See Handle."""
        state = self.state
        conn = state.conn or self._connect(state)
        state.started = monotonic()
        try:
            return conn.execute(sql, params).fetchone()  # type: ignore[no-any-return]
        except (sqlite3.Error, OverflowError) as error:
            found: tuple[Any, ...] | None = self._again(state, sql, params, error).fetchone()
            return found

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """See Handle."""
        state = self.state
        if state.mode != "write":
            with self.write():
                return self.execute(sql, params)
        state.statements += 1
        state.started = monotonic()
        try:
            return state.conn.execute(sql, params).rowcount  # type: ignore[no-any-return]
        except (sqlite3.Error, OverflowError) as error:
            raise sqlite_fault(error) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """See Handle."""
        state = self.state
        if state.mode != "write":
            with self.write():
                return self.execute_many(sql, rows)
        state.statements += 1
        state.started = monotonic()
        try:
            state.conn.executemany(sql, rows)
        except (sqlite3.Error, OverflowError) as error:
            raise sqlite_fault(error) from error

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """See Handle."""
        listed, marks = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
        self.execute_many(f"INSERT INTO {quoted(table)} ({listed}) VALUES ({marks})", rows)  # noqa: S608 (quoted)

    def stream(self, sql: str, params: Sequence[Any] = (), size: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
        """See Handle."""
        state = self.state
        conn = state.conn or self._connect(state)
        state.started = monotonic()
        try:
            cursor = conn.execute(sql, params)
            while batch := cursor.fetchmany(size):
                yield batch
                state.started = monotonic()
        except (sqlite3.Error, OverflowError) as error:
            raise sqlite_fault(error) from error

    def begin(self, state: ThreadState, mode: Mode) -> None:
        """See Handle."""
        conn = state.conn or self._connect(state)
        try:
            if mode == "read":
                conn.execute("BEGIN")
                return
            if not self._writers.acquire(LOCK_TIMEOUT):
                raise Contention("The database is busy.")
            try:
                self._begin_immediate(conn)
            except BaseException:
                self._writers.release()
                raise
        except sqlite3.Error as error:
            raise sqlite_fault(error) from error

    @staticmethod
    def _again(state: ThreadState, sql: str, params: Sequence[Any], error: Exception) -> sqlite3.Cursor:
        """A read that met a lock (somebody recovers or truncates the log) waits for it; every other error is final."""
        conn: sqlite3.Connection = state.conn
        busy = isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
        if not busy or conn.in_transaction:
            raise sqlite_fault(error) from error
        conn.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        try:
            return conn.execute(sql, params)
        except sqlite3.Error as second:
            raise sqlite_fault(second) from second
        finally:
            conn.execute("PRAGMA busy_timeout=0")

    @staticmethod
    def _begin_immediate(conn: sqlite3.Connection) -> None:
        """Poll for the lock of other processes every millisecond or so: the built-in handler sleeps up to 100 ms
        between two looks, and a busy neighbour would always be faster.
        """
        until = monotonic() + LOCK_TIMEOUT
        while True:
            try:
                conn.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
            time.sleep(0.0005 + random.random() * 0.001)  # noqa: S311 (spreads the pollers, guards nothing)

    def end(self, state: ThreadState, mode: Mode, *, commit: bool) -> None:
        """See Handle."""
        conn = state.conn
        state.started = monotonic()
        try:
            if commit:
                conn.execute("COMMIT")
            elif conn.in_transaction:  # a full disk or an I/O error may have rolled back already
                conn.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._abandon(state)
            raise sqlite_fault(error) from error
        finally:
            if mode == "write":
                self._writers.release()

    def _abandon(self, state: ThreadState) -> None:
        """After a failed commit nothing may stay open: roll back, or drop the connection when even that fails."""
        try:
            if state.conn.in_transaction:
                state.conn.execute("ROLLBACK")
        except sqlite3.Error:
            self.close_thread(state)

    def analyze(self) -> None:
        """See Handle."""
        with self.timeout(None):
            self.rows("PRAGMA analysis_limit=2000")
            self.execute("ANALYZE")

    def forked(self) -> None:
        """See Handle."""
        super().forked()
        self._writers = FairLock()

    def close_thread(self, state: ThreadState) -> None:
        """See Handle."""
        conn, state.conn = state.conn, None
        if conn is not None:
            conn.close()

    def _limit(self, state: ThreadState, seconds: float | None) -> None:
        state.limit = seconds
