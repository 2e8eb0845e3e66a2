"""A full disk, a silent server, a cut line, vanished columns: clear errors, no false acknowledgement, no hang."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guanxi.common.errors import Unavailable
from guanxi.runtime.storage.database import Handle, open_database
from guanxi.runtime.storage.faults import Contention, StaleSchema
from guanxi.runtime.storage.system import create_platform_tables
from tests.support.databases import ENGINES, drop_postgres, new_postgres_url
from tests.support.proxy import Proxy

needs_postgres = pytest.mark.skipif("postgresql" not in ENGINES, reason="PostgreSQL is not asked for")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    url = new_postgres_url()
    made = Proxy(url)
    yield made
    made.stalled = False
    made.close()
    drop_postgres(url)


def test_a_statement_for_columns_that_went_is_unavailable(database: Handle) -> None:
    with pytest.raises(StaleSchema):
        database.rows("SELECT gone FROM gx_schema")
    with pytest.raises(StaleSchema):
        database.execute("INSERT INTO gone (id) VALUES (1)")
    assert database.one("SELECT 1") == (1,)


def test_a_full_disk_refuses_the_whole_write_and_recovers(tmp_path: Path) -> None:
    db = open_database("sqlite:///full.db", tmp_path)
    create_platform_tables(db)
    db.execute("CREATE TABLE t (x TEXT)")
    pages = db.rows("PRAGMA page_count")[0][0]
    db.rows(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(Unavailable), db.write():
        db.execute("INSERT INTO t VALUES (?)", ("small",))
        db.execute("INSERT INTO t VALUES (?)", ("x" * 100_000,))
    assert db.rows("SELECT count(*) FROM t") == [(0,)]
    db.rows("PRAGMA max_page_count=100000")
    db.execute("INSERT INTO t VALUES ('after')")
    assert db.rows("SELECT x FROM t") == [("after",)]
    assert db.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable):
        open_database("sqlite:///file/x.db", tmp_path).one("SELECT 1")
    (tmp_path / "text.db").write_text("this is not a database " * 100)
    with pytest.raises(Unavailable):
        open_database("sqlite:///text.db", tmp_path).one("SELECT 1")
    with pytest.raises(Unavailable):
        open_database("postgresql://nobody@127.0.0.1:1/none").one("SELECT 1")


def test_a_writer_of_another_process_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = open_database("sqlite:///a.db", tmp_path), open_database("sqlite:///a.db", tmp_path)
    one.execute("CREATE TABLE t (x)")
    monkeypatch.setattr("guanxi.runtime.storage.sqlite.LOCK_TIMEOUT", 0.2)
    with one.write():
        started = time.monotonic()
        with pytest.raises(Contention):
            two.execute("INSERT INTO t VALUES (1)")
        assert 0.15 < time.monotonic() - started < 2
    two.execute("INSERT INTO t VALUES (1)")
    assert one.rows("SELECT x FROM t") == [(1,)]


@needs_postgres
def test_a_silent_server_is_given_up_and_found_again(proxy: Proxy) -> None:
    db = open_database(proxy.url)
    db.execute("CREATE TABLE t (x integer)")
    with db.timeout(0.5):
        proxy.stalled = True
        started = time.monotonic()
        with pytest.raises(Unavailable):
            db.one("SELECT 1")
        assert time.monotonic() - started < 4
        proxy.stalled = False
        assert db.one("SELECT 1") == (1,)


@needs_postgres
def test_a_commit_that_got_no_answer_is_never_acknowledged(proxy: Proxy) -> None:
    db = open_database(proxy.url)
    db.execute("CREATE TABLE t (x integer)")
    said: list[str] = []
    with db.timeout(0.5):
        with pytest.raises(Unavailable), db.write():
            db.execute("INSERT INTO t VALUES (1)")
            db.after_commit(lambda: said.append("committed"))
            proxy.stalled = True
        assert said == []
        proxy.stalled = False
        db.execute("INSERT INTO t VALUES (2)")
        assert (2,) in db.rows("SELECT x FROM t")


@needs_postgres
def test_a_cut_line_fails_the_transaction_and_nothing_else(proxy: Proxy) -> None:
    db = open_database(proxy.url)
    db.execute("CREATE TABLE t (x integer)")
    with pytest.raises(Unavailable), db.write():
        db.execute("INSERT INTO t VALUES (1)")
        proxy.cut()
        db.execute("INSERT INTO t VALUES (2)")
    assert db.rows("SELECT x FROM t") == []
    proxy.cut()
    db.execute("INSERT INTO t VALUES (3)")
    assert db.rows("SELECT x FROM t") == [(3,)]


@needs_postgres
def test_a_changed_column_is_read_by_connections_that_knew_the_old_one(proxy: Proxy) -> None:
    db, other = open_database(proxy.url), open_database(proxy.url)
    db.execute("CREATE TABLE t (x integer)")
    for _ in range(10):
        db.rows("SELECT x FROM t")
    other.execute("ALTER TABLE t ALTER COLUMN x TYPE text")
    other.execute("INSERT INTO t VALUES ('a')")
    assert db.rows("SELECT x FROM t") == [("a",)]
