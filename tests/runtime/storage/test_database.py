"""Transactions, errors and time limits of the database handle, on both engines."""

from __future__ import annotations

import threading

import pytest

from guanxi.common.errors import BadRequest
from guanxi.runtime.storage.database import Handle, open_database
from guanxi.runtime.storage.faults import ForeignKeyViolation, UniqueViolation
from guanxi.runtime.storage.locks import FairLock
from guanxi.runtime.storage.system import _MIGRATIONS, create_platform_tables


@pytest.fixture
def db(database: Handle) -> Handle:
    database.execute("CREATE TABLE p (id integer PRIMARY KEY)")
    database.execute("CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE, p integer REFERENCES p(id))")
    return database


def names(db: Handle) -> list[str]:
    return [r[0] for r in db.rows("SELECT name FROM t ORDER BY id")]


def put(db: Handle, number: int, name: str, parent: int | None = None) -> None:
    db.execute(db.sql("INSERT INTO t (id, name, p) VALUES (?, ?, ?)"), (number, name, parent))


def test_a_transaction_commits_once_and_runs_effects_after(db: Handle) -> None:
    seen: list[list[str]] = []
    with db.write():
        with db.write():
            put(db, 1, "张三")
            db.after_commit(lambda: seen.append(names(db)))
        assert seen == []
    assert seen == [["张三"]]


def test_an_error_rolls_back_and_drops_effects(db: Handle) -> None:
    seen: list[int] = []
    with pytest.raises(KeyError), db.write():
        put(db, 1, "a")
        db.after_commit(lambda: seen.append(1))
        raise KeyError
    assert names(db) == []
    assert seen == []
    put(db, 2, "b")
    assert names(db) == ["b"]


def test_a_savepoint_fails_alone(db: Handle) -> None:
    with db.write():
        put(db, 1, "a")
        with pytest.raises(UniqueViolation), db.savepoint(), db.write():
            put(db, 2, "b")
            put(db, 3, "a")
        put(db, 4, "d")
    assert names(db) == ["a", "d"]


def test_a_failed_part_that_was_not_undone_is_never_committed(db: Handle) -> None:
    with pytest.raises(RuntimeError), db.write():
        try:
            with db.write():
                put(db, 1, "a")
                raise KeyError
        except KeyError:
            pass
    assert names(db) == []


def test_broken_constraints_name_their_columns(db: Handle) -> None:
    put(db, 1, "a")
    with pytest.raises(UniqueViolation) as unique:
        put(db, 2, "a")
    assert (unique.value.table, unique.value.columns) == ("t", ("name",))
    with pytest.raises(ForeignKeyViolation):
        put(db, 3, "c", 99)


def test_numbers_out_of_range_are_a_bad_request(db: Handle) -> None:
    with pytest.raises(BadRequest):
        db.execute(db.sql("INSERT INTO t (id) VALUES (?)"), (2**70,))


def test_a_statement_is_stopped_at_its_limit(db: Handle) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000000) SELECT max(i) FROM n"
    with db.timeout(0.3), pytest.raises(BadRequest) as slow:
        db.rows(endless)
    assert slow.value.code == "timeout"
    assert db.one("SELECT 1") == (1,)


def test_a_read_is_one_snapshot(db: Handle) -> None:
    put(db, 1, "a")
    with db.read():
        assert names(db) == ["a"]
        other = threading.Thread(target=put, args=(db, 2, "b"))
        other.start()
        other.join()
        assert names(db) == ["a"]
    assert names(db) == ["a", "b"]


def test_writers_of_many_threads_never_fail_nor_lose(db: Handle) -> None:
    db.execute("INSERT INTO p (id) VALUES (0)")
    failed: list[BaseException] = []

    def add(number: int) -> None:
        try:
            for step in range(20):
                with db.write():
                    put(db, number * 100 + step, f"{number}/{step}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(names(db)) == 160


def test_stream_gives_every_row(db: Handle) -> None:
    with db.write():
        db.execute_many(db.sql("INSERT INTO t (id, name) VALUES (?, ?)"), [(n, str(n)) for n in range(2500)])
        assert sum(len(batch) for batch in db.stream("SELECT id FROM t", size=1000)) == 2500


def test_platform_tables_are_made_by_several_starters_at_once(database_url: str) -> None:
    failed: list[BaseException] = []

    def start() -> None:
        try:
            create_platform_tables(open_database(database_url))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    numbers = open_database(database_url).rows("SELECT number FROM gx_schema ORDER BY number")
    assert numbers == [(n,) for n in range(1, len(_MIGRATIONS) + 1)]


def test_a_connection_that_broke_is_replaced(db: Handle) -> None:
    put(db, 1, "a")
    if db.engine == "postgresql":
        killer = open_database(db.url)
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    else:
        db.close()
    assert names(db) == ["a"]
    put(db, 2, "b")
    assert names(db) == ["a", "b"]


def test_the_lock_is_handed_on_in_the_order_of_asking() -> None:
    lock, order = FairLock(), []
    assert lock.acquire(1)

    def ask(number: int) -> None:
        lock.acquire(5)
        order.append(number)
        lock.release()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=ask, args=(number,)))
        threads[-1].start()
        while len(lock._waiting) <= number:
            pass
    assert lock.acquire(0.01) is False
    lock.release()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]
    assert lock.acquire(0.1)
