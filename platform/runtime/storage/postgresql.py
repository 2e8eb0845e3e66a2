"""PostgreSQL through psycopg 3: a connection per thread out of a pool, reconnecting when the server went away.

Outside a transaction a broken connection is replaced and the statement done once more; inside one it is `Unavailable`.
No statement hangs: the server stops it after the limit, and a watch cuts the socket when even the server is silent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Any, TypeVar

import orjson
import peewee
import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.json import set_json_dumps, set_json_loads

from .database import LOCK_TIMEOUT, STATEMENT_TIMEOUT, Handle, Mode, ThreadState
from .faults import ConnectionLost, StalePlan
from .faults_postgresql import postgres_fault
from .names import quoted

T = TypeVar("T")
_CONNECT_TIMEOUT = 4
_GRACE = 1.5  # seconds after the server's own limit before the socket is cut
_SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": f"{int(LOCK_TIMEOUT * 700)}ms",
    "statement_timeout": f"{int(STATEMENT_TIMEOUT * 1000)}ms",
    "idle_in_transaction_session_timeout": "60s",
    "datestyle": "ISO",
    "client_min_messages": "warning",
}
_ERRORS = (psycopg.Error, OverflowError)


class Pool:
    """Idle connections. Those that knew the tables before the last change (another generation) are not taken back."""

    def __init__(self) -> None:
        self.idle: deque[psycopg.Connection[Any]] = deque()
        self.generation = 0

    def take(self) -> psycopg.Connection[Any] | None:
        """An idle connection, or None."""
        while self.idle:
            try:
                conn = self.idle.popleft()
            except IndexError:
                return None
            if not conn.closed:
                return conn
        return None

    def empty(self) -> None:
        """Close all idle connections."""
        while (conn := self.take()) is not None:
            conn.close()


class Lease:
    """A connection in the hands of one thread; when the thread ends, it goes back to the pool."""

    __slots__ = ("__weakref__", "conn", "cursor", "generation", "limit", "pool", "process", "until")

    def __init__(self, conn: psycopg.Connection[Any], pool: Pool) -> None:
        self.conn = conn
        self.cursor = conn.cursor()  # one for all statements: making one costs as much as a small query's parsing
        self.pool = pool
        self.generation = pool.generation
        self.process = os.getpid()
        self.until = 0.0  # when the running statement must have ended; 0 when none runs
        self.limit: float | None = STATEMENT_TIMEOUT

    def __del__(self) -> None:
        if os.getpid() != self.process:
            return  # the parent still talks over this line
        fresh = self.generation == self.pool.generation and not self.conn.closed
        if fresh and self.conn.info.transaction_status == TransactionStatus.IDLE:
            self.pool.idle.append(self.conn)
        else:
            self.conn.close()


class Watch(threading.Thread):
    """Cuts the socket of a connection whose server does not answer in time."""

    def __init__(self) -> None:
        super().__init__(name="guanxi-postgres-watch", daemon=True)
        self.leases: weakref.WeakSet[Lease] = weakref.WeakSet()

    def run(self) -> None:
        """Look twice a second."""
        while True:
            time.sleep(0.5)
            now = monotonic()
            for lease in list(self.leases):
                if lease.until and now > lease.until:
                    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=_copy(lease)) as line:
                        line.shutdown(socket.SHUT_RDWR)


def _copy(lease: Lease) -> int:

    return os.dup(lease.conn.fileno())


class PostgresHandle(Handle):
    """One database of a PostgreSQL server."""

    engine = "postgresql"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.peewee: Any = peewee.PostgresqlDatabase("guanxi", prefer_psycopg3=True)
        self._pool = Pool()
        self._watch: Watch | None = None
        self._starting = threading.Lock()

    # connections ------------------------------------------------------------------------------------
    def _connect(self, state: ThreadState) -> Lease:
        conn = self._pool.take() or self._fresh()
        lease = Lease(conn, self._pool)
        state.conn, state.generation = lease, self.generation
        with self._starting:
            if self._watch is None or not self._watch.is_alive():
                self._watch = Watch()
                self._watch.start()
            self._watch.leases.add(lease)
        if state.limit != STATEMENT_TIMEOUT:
            self._limit(state, state.limit)
        return lease

    def _fresh(self) -> psycopg.Connection[Any]:
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        try:
            conn = psycopg.connect(
                self.url,
                autocommit=True,
                options=options,
                connect_timeout=_CONNECT_TIMEOUT,
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=2,
                tcp_user_timeout=9000,
                application_name="guanxi",
            )
        except psycopg.Error as error:
            raise postgres_fault(error) from error
        set_json_loads(orjson.loads, conn)
        set_json_dumps(orjson.dumps, conn)
        return conn

    def close_thread(self, state: ThreadState) -> None:
        """See Handle."""
        lease, state.conn = state.conn, None
        if lease is not None:
            with contextlib.suppress(psycopg.Error):
                lease.conn.close()

    def close(self) -> None:
        """Close this thread's connection and the idle ones of the pool."""
        super().close()
        self._pool.empty()

    def analyze(self) -> None:
        """See Handle."""
        with self.timeout(None):
            self._run("ANALYZE", (), _nothing)

    def forked(self) -> None:
        """See Handle."""
        super().forked()
        self._pool, self._watch, self._starting = Pool(), None, threading.Lock()

    def forget_statements(self) -> None:
        """See Handle."""
        super().forget_statements()
        self._pool.generation = self.generation
        self._pool.empty()

    # statements -------------------------------------------------------------------------------------
    def _run(self, sql: str, params: Sequence[Any], take: Callable[[Any], T]) -> T:
        state = self.state
        lease = state.conn
        if lease is None or (state.mode is None and state.generation != self.generation):
            self.close_thread(state)
            lease = self._connect(state)
        try:
            return self._once(lease, sql, params, take)
        except (ConnectionLost, StalePlan):
            if state.mode is not None:
                raise
            cut = lease.until and monotonic() > lease.until
            self.close_thread(state)
            if cut:
                raise
            return self._once(self._connect(state), sql, params, take)

    @staticmethod
    def _once(lease: Lease, sql: str, params: Sequence[Any], take: Callable[[Any], T]) -> T:
        lease.until = monotonic() + lease.limit + _GRACE if lease.limit else 0.0
        try:
            result = take(lease.cursor.execute(sql, params))
        except _ERRORS as error:
            raise postgres_fault(error) from error
        lease.until = 0.0
        return result

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See Handle."""
        return self._run(sql, params, _fetch_all)

    def one(self, sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """See Handle."""
        return self._run(sql, params, _fetch_one)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """See Handle."""
        state = self.state
        if state.mode != "write":
            with self.write():
                return self.execute(sql, params)
        state.statements += 1
        return self._run(sql, params, _count)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """See Handle."""
        state = self.state
        if state.mode != "write":
            with self.write():
                return self.execute_many(sql, rows)
        state.statements += 1
        lease: Lease = state.conn
        lease.until = 0.0
        try:
            with lease.conn.cursor() as cursor:
                cursor.executemany(sql, rows)
        except _ERRORS as error:
            raise postgres_fault(error) from error

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """See Handle; a COPY."""
        state = self.state
        if state.mode != "write":
            with self.write():
                return self.insert_many(table, columns, rows)
        state.statements += 1
        lease: Lease = state.conn
        lease.until = 0.0
        text = f"COPY {quoted(table)} ({', '.join(map(quoted, columns))}) FROM STDIN"
        try:
            with lease.conn.cursor() as cursor, cursor.copy(text) as copy:
                for row in rows:
                    copy.write_row(row)
        except _ERRORS as error:
            raise postgres_fault(error) from error

    def stream(self, sql: str, params: Sequence[Any] = (), size: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
        """See Handle."""
        if self.state.mode is None:
            raise RuntimeError("stream() is used inside read() or write()")
        lease: Lease = self.state.conn
        try:
            with lease.conn.cursor(name=f"stream_{id(object())}", scrollable=False) as cursor:
                cursor.execute(sql, params)
                while batch := cursor.fetchmany(size):
                    yield batch
        except _ERRORS as error:
            raise postgres_fault(error) from error

    # transactions -----------------------------------------------------------------------------------
    def begin(self, state: ThreadState, mode: Mode) -> None:  # noqa: ARG002
        """See Handle."""
        self._run("BEGIN" if mode == "write" else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", (), _nothing)

    def end(self, state: ThreadState, mode: Mode, *, commit: bool) -> None:  # noqa: ARG002
        """See Handle."""
        lease: Lease = state.conn
        try:
            if commit and lease.conn.info.transaction_status == TransactionStatus.INERROR:
                self._once(lease, "ROLLBACK", (), _nothing)
                raise RuntimeError("a statement failed and its error was dropped: use savepoint()")
            self._once(lease, "COMMIT" if commit else "ROLLBACK", (), _nothing)
        except Exception as error:
            if lease.conn.closed or lease.conn.info.transaction_status != TransactionStatus.IDLE:
                self.close_thread(state)
            if commit or not isinstance(error, ConnectionLost):
                raise

    @contextlib.contextmanager
    def unprepared(self) -> Iterator[None]:
        """See Handle."""
        conn = self.state.conn.conn
        before, conn.prepare_threshold = conn.prepare_threshold, None
        try:
            yield
        finally:
            conn.prepare_threshold = before

    def _limit(self, state: ThreadState, seconds: float | None) -> None:
        state.limit = seconds
        lease: Lease | None = state.conn
        if lease is not None:
            lease.limit = seconds
            with contextlib.suppress(psycopg.Error):
                lease.conn.execute(f"SET statement_timeout = {int((seconds or 0) * 1000)}")


def _fetch_all(cursor: Any) -> list[tuple[Any, ...]]:
    return cursor.fetchall()  # type: ignore[no-any-return]


def _fetch_one(cursor: Any) -> tuple[Any, ...] | None:
    return cursor.fetchone()  # type: ignore[no-any-return]


def _count(cursor: Any) -> int:
    return cursor.rowcount  # type: ignore[no-any-return]


def _nothing(_: Any) -> None:
    return None
