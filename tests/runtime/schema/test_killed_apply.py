"""kill -9 before any statement of an application: the database is at the old version or the new one, never between.

A few points by default; `GUANXI_KILLS=all` kills at every statement.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from guanxi.runtime.schema.introspect import drift
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.storage.database import Handle, open_database
from tests.runtime.schema.versions import ALLOW, first, second
from tests.support.evolution import World

ROOT = Path(__file__).parents[3]


def run(url: str, at: int) -> subprocess.CompletedProcess[str]:
    """The second version applied in another process, killed before statement `at`."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT / '.links'}:{ROOT}"}
    script = Path(__file__).with_name("killed_apply.py")
    return subprocess.run(
        [sys.executable, str(script), url, str(at)], check=False, env=env, capture_output=True, text=True, timeout=60
    )


def prepare(db: Handle) -> World:
    world = World(db)
    world.now = first()
    world.service.publish(world.now, {"v": "1"})
    world.put("product", {"name": "p"}, {"name": "q"})
    world.put("gone", {"name": "g"})
    world.put("customer", {"name": "甲", "level": "a", "code": "7", "note": "n", "products": (2, 1), "favourite": 1})
    world.put("customer", {"name": "乙", "level": "b", "code": "x", "parent": 1, "old_links": (1,)})
    return world


def dump(db: Handle) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the objects' and link tables."""
    if db.engine == "sqlite":
        names = db.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 2) IN ('o_', 'l_', 'x_')"
        )
    else:
        names = db.rows(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND substr(relname, 1, 2) IN ('o_', 'l_', 'x_')"
        )
    return {n: sorted(db.rows(f'SELECT * FROM "{n}"'), key=repr) for (n,) in sorted(names)}


def whole(db: Handle) -> None:
    """The tables are what the version says, and every reference has its target."""
    assert drift(db, SchemaService(db).shape()) == []
    if db.engine == "sqlite":
        assert db.rows("PRAGMA integrity_check") == [("ok",)]
        assert db.rows("PRAGMA foreign_key_check") == []


@pytest.mark.timeout(600)
def test_an_application_that_is_killed_leaves_the_old_version(database_url: str, database: Handle) -> None:
    prepare(database)
    before = dump(database)
    total = 0
    points = (1, 2, 9, 23, 41, 10_000) if os.environ.get("GUANXI_KILLS") != "all" else range(1, 10_000)
    for at in points:
        done = run(database_url, at)
        database.close()
        if done.returncode == 0:
            total = int(done.stdout)
            break
        assert done.returncode == -9, done.stderr
        whole(database)
        assert SchemaService(database).current() == (1, first().fingerprint)
        assert dump(database) == before
    assert total > 41
    whole(database)
    world = World(open_database(database_url))
    world.now = second()
    assert SchemaService(database).current() == (2, second().fingerprint)
    assert world.all("client", "title", "level", "code", "parent", "goods", "favourite", "source") == [
        ("甲", "top", 7, None, (2, 1), (1,), "web"),
        ("乙", None, None, 1, (), (), "web"),
    ]
    back = world.service.plan_rollback(1, registry=first(), allow=[*ALLOW, "customer.source"])
    world.service.apply(back, first())
    world.now = first()
    assert world.all("customer", "name", "level", "code", "note", "products", "old_links", "favourite") == [
        ("甲", "a", "7", "n", (2, 1), (), 1),
        ("乙", "b", "x", None, (), (1,), None),
    ]
    assert world.all("gone", "name") == [("g",)]
