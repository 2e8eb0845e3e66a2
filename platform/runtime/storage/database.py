"""One database behind one URL: connections per thread, transactions, fixed SQL text on the bare driver.

`open_database(url, base)` gives the engine's handle (`SqliteHandle`, `PostgresHandle`); both share the transaction
rules written here: a nested `write()` joins, a savepoint can fail alone, effects run after the commit.
Query building is peewee's (`handle.peewee`), execution never is.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from threading import local
from types import TracebackType
from typing import Any, Literal, TypeVar

from guanxi.runtime.ports import Engine

from .faults import Contention, StalePlan

log = logging.getLogger("guanxi.storage")
T = TypeVar("T")
Mode = Literal["write", "read"]

STATEMENT_TIMEOUT = 8.0  # seconds; long work asks for more with `timeout()`
LOCK_TIMEOUT = 10.0


class ThreadState(local):
    """What one thread holds: its connection and where it stands in a transaction."""

    def __init__(self) -> None:
        self.conn: Any = None
        self.mode: Mode | None = None
        self.depth = 0
        self.statements = 0
        self.broken = False
        self.effects: list[Callable[[], None]] = []
        self.finals: dict[Any, tuple[Callable[[list[Any]], None], list[Any]]] = {}
        self.savepoints = 0
        self.started = 0.0
        self.limit: float | None = STATEMENT_TIMEOUT
        self.generation = 0


class Transaction:
    """The context manager of `write()` and `read()`; the outermost one begins and ends the transaction."""

    __slots__ = ("handle", "mark", "mode", "outermost")

    def __init__(self, handle: Handle, mode: Mode) -> None:
        self.handle = handle
        self.mode = mode
        self.outermost = False
        self.mark = 0

    def __enter__(self) -> None:
        state = self.handle.state
        if state.mode is None:
            self.handle.begin(state, self.mode)
            state.mode, state.depth, state.broken, state.statements = self.mode, 1, False, 0
            self.outermost = True
            return
        if self.mode == "write" and state.mode == "read":
            raise RuntimeError("a write inside read(): open write() outside")
        state.depth += 1
        self.mark = state.statements

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        handle, state = self.handle, self.handle.state
        state.depth -= 1
        if not self.outermost:
            # Half of this part may stand: unless a savepoint undoes it, the whole must not be committed.
            state.broken = state.broken or (error is not None and state.statements != self.mark)
            return
        failed = self._finish(state) if error is None and not state.broken and state.finals else None
        broken, effects = state.broken, state.effects
        state.mode, state.depth, state.broken, state.effects, state.finals = None, 0, False, [], {}
        if error is not None or failed is not None or broken:
            handle.end(state, self.mode, commit=False)
            if failed is not None:
                raise failed
            if error is None:
                raise RuntimeError("a part of the transaction failed and was not undone: use savepoint()")
            return
        handle.end(state, self.mode, commit=True)
        for effect in effects:
            _run(effect)

    @staticmethod
    def _finish(state: ThreadState) -> BaseException | None:
        """Do what was kept for the end of the transaction, still inside it; what went wrong, or None."""
        state.depth = 1
        try:
            for work, waiting in state.finals.values():
                if waiting:
                    work(waiting)
        except BaseException as fault:
            return fault
        finally:
            state.depth = 0
        return None


def _run(effect: Callable[[], None]) -> None:
    try:
        effect()
    except Exception:
        log.exception("an effect after a commit failed")


class Handle:
    """What both engines share. Threads may use one handle at the same time; each has its own connection."""

    engine: Engine
    peewee: Any

    def __init__(self, url: str) -> None:
        self.url = url
        self.state = ThreadState()
        self.generation = 0
        _handles.add(self)

    # what an engine provides ------------------------------------------------------------------------
    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as the driver gives them."""
        raise NotImplementedError

    def one(self, sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        raise NotImplementedError

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run a statement; returns the number of rows touched. Outside `write()` it is a transaction of its own."""
        raise NotImplementedError

    def returning(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement that writes (RETURNING), inside `write()`."""
        self.state.statements += 1
        return self.rows(sql, params)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many parameter rows."""
        raise NotImplementedError

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Put many new rows into a table in the fastest way the engine has; names as they are, not quoted."""
        raise NotImplementedError

    def stream(self, sql: str, params: Sequence[Any] = (), size: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a query in lists of at most `size`, without holding all of them in memory; inside `read()`
        or `write()`.
        """
        raise NotImplementedError

    def begin(self, state: ThreadState, mode: Mode) -> None:
        """Start the outermost transaction."""
        raise NotImplementedError

    def end(self, state: ThreadState, mode: Mode, *, commit: bool) -> None:
        """Commit or roll back the outermost transaction; a failing commit raises and leaves nothing."""
        raise NotImplementedError

    def close_thread(self, state: ThreadState) -> None:
        """Let go of this thread's connection."""
        raise NotImplementedError

    def _limit(self, state: ThreadState, seconds: float | None) -> None:
        raise NotImplementedError

    # shared -----------------------------------------------------------------------------------------
    def write(self) -> AbstractContextManager[None]:
        """One write transaction; a nested one joins."""
        return Transaction(self, "write")

    def read(self) -> AbstractContextManager[None]:
        """Several reads on one snapshot; inside a transaction it joins."""
        return Transaction(self, "read")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of a write transaction that can fail alone: its statements and effects are undone."""
        state = self.state
        if state.mode != "write":
            raise RuntimeError("savepoint() is used inside write()")
        state.savepoints += 1
        name, broken, effects = f"s{state.savepoints}", state.broken, len(state.effects)
        waiting = {key: len(kept) for key, (_, kept) in state.finals.items()}
        self.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.execute(f"ROLLBACK TO SAVEPOINT {name}")
            self.execute(f"RELEASE SAVEPOINT {name}")
            state.broken = broken
            del state.effects[effects:]
            for key, (_, kept) in state.finals.items():
                del kept[waiting.get(key, 0) :]
            raise
        self.execute(f"RELEASE SAVEPOINT {name}")

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run once the outermost transaction has committed; dropped when it rolls back."""
        if self.state.mode == "write":
            self.state.effects.append(effect)
        else:
            _run(effect)

    def before_commit(self, key: Any, work: Callable[[list[Any]], None]) -> list[Any]:
        """The list of things that `work` is given once, as the last act inside this thread's `write()`; the caller
        appends to it. What was appended inside a savepoint that is undone is dropped. `key` tells works apart.
        """
        if self.state.mode != "write":
            raise RuntimeError("before_commit() is used inside write()")
        return self.state.finals.setdefault(key, (work, []))[1]

    @property
    def in_write(self) -> bool:
        """True inside `write()` on this thread."""
        return self.state.mode == "write"

    def sql(self, text: str) -> str:
        """`text`, written with `?` for every value, in the engine's own placeholders. For the platform's own
        fixed statements; a literal `?` or `%` may not stand in it.
        """
        return text if self.engine == "sqlite" else _with_percent(text)

    @contextmanager
    def timeout(self, seconds: float | None) -> Iterator[None]:
        """Another limit for each statement of this thread; None for none (apply, import, backup)."""
        state = self.state
        before = state.limit
        self._limit(state, seconds)
        try:
            yield
        finally:
            self._limit(state, before)

    def retry(self, work: Callable[[], T], attempts: int = 4) -> T:
        """Do `work` (which opens its own `write()`) again when it lost against another transaction."""
        for _ in range(attempts - 1):
            try:
                return work()
            except (Contention, StalePlan):
                if self.state.mode is not None:
                    raise
        return work()

    @contextmanager
    def unprepared(self) -> Iterator[None]:
        """Inside `write()`: statements are not kept prepared, because tables change between them."""
        yield

    def forget_statements(self) -> None:
        """Tables have changed: every thread starts its next transaction without prepared statements."""
        self.generation += 1

    def analyze(self) -> None:
        """Let the engine look at the tables' contents, so that it chooses indexes well; after large changes."""
        raise NotImplementedError

    def forked(self) -> None:
        """In a child process: start without anything of the parent's."""
        self.state = ThreadState()

    def close(self) -> None:
        """Close this thread's connection (those of other threads close with their threads)."""
        self.close_thread(self.state)


@lru_cache(maxsize=2048)
def _with_percent(text: str) -> str:
    return text.replace("?", "%s")


_handles: weakref.WeakSet[Handle] = weakref.WeakSet()


def _after_fork() -> None:
    """A child never uses, nor closes, its parent's connections."""
    for handle in list(_handles):
        _inherited.append(handle.state.conn)
        handle.forked()


_inherited: list[Any] = []
os.register_at_fork(after_in_child=_after_fork)


def open_database(url: str, base: Path | str = ".") -> Handle:
    """The handle for `sqlite:///path` (relative to `base`; four slashes make it absolute) or `postgresql://…`."""
    from .postgresql import PostgresHandle
    from .sqlite import SqliteHandle

    if url.startswith("sqlite:///"):
        return SqliteHandle(url, Path(base) / url.removeprefix("sqlite:///"))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresHandle(url)
    raise ValueError("a database is sqlite:///path or postgresql://user@host/name")
