"""Many writers at once, and writers that die: nothing twice, nothing lost, nothing half."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from guanxi.common.errors import Invalid, Stale
from tests.runtime.records.conftest import HOUSE, House
from tests.support.published import project


def together(house: House, count: int, work: Callable[[int], object]) -> list[object]:
    """Run `work(0..count-1)` in threads that start at once; results or errors in order."""
    answers: list[object] = [None] * count
    gate = threading.Barrier(count)

    def run(place: int) -> None:
        gate.wait()
        try:
            answers[place] = work(place)
        except Exception as error:
            answers[place] = error
        finally:
            house.project.db.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    return answers


def test_running_numbers_are_never_given_twice(house: House) -> None:
    answers = together(house, 64, lambda n: house.records.create(house.admin, "customer", {"name": f"A{n}"}).record)
    codes = sorted(a["code"] for a in answers)
    assert codes == [f"C-2026-{n:04d}" for n in range(1, 65)]


def test_one_of_two_changes_from_the_same_version_wins(house: House) -> None:
    number = house.records.create(house.admin, "customer", {"name": "A"}).id
    answers = together(
        house,
        16,
        lambda n: house.records.update(house.admin, "customer", number, {"secret": f"{n}"}, version=1).version,
    )
    assert sorted(map(str, (a for a in answers if not isinstance(a, Stale)))) == ["2"]
    assert house.project.db.rows("SELECT count(*) FROM gx_history WHERE object = 'customer'")[0][0] == 2


def test_no_increment_is_lost(house: House) -> None:
    number = house.records.create(house.admin, "customer", {"name": "A", "revenue": "0", "discount": "1"}).id

    def add(_: int) -> int:
        for tries in range(1000):
            now = house.records.get(house.admin, "customer", number)
            value = str(int(now["revenue"].split(".")[0]) + 1)
            try:
                house.records.update(house.admin, "customer", number, {"revenue": value}, version=now["version"])
            except Stale:
                continue
            return tries
        raise AssertionError

    assert all(isinstance(a, int) for a in together(house, 20, add))
    assert house.records.get(house.admin, "customer", number)["revenue"] == "20.00"


def test_one_of_many_takes_a_unique_value(house: House) -> None:
    answers = together(
        house, 24, lambda n: house.records.create(house.admin, "customer", {"name": f"A{n}", "phone": "13800138000"}).id
    )
    lost = [a for a in answers if isinstance(a, Invalid)]
    assert len(lost) == 23
    assert {(e.field, e.code) for a in lost for e in a.errors} == {("phone", "unique")}
    assert house.project.count("o_customer") == 1


def test_killed_writers_lose_nothing_they_acknowledged(database_url: str, database) -> None:
    from guanxi.common.clock import SystemClock

    made = project(database, HOUSE, SystemClock())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".links", "."])}
    known: dict[int, int] = {}
    for kill in range(5):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.records.killed_writer", database_url, f"w{kill}"],
            stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[3], text=True,
        )  # fmt: skip
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(0.15 + kill * 0.03)
        process.kill()
        for line in [first, *process.stdout.read().splitlines(keepends=True)]:
            if line.endswith("\n"):
                verb, number = line.split()
                known[int(number)] = 1 if verb == "created" else 2
        process.wait()
    assert len(known) >= 5
    rows = dict(made.db.rows("SELECT id, version FROM o_customer"))
    assert all(rows.get(number, 0) >= version for number, version in known.items())
    codes = made.db.rows("SELECT code, count(*) FROM o_customer GROUP BY code HAVING count(*) > 1")
    assert codes == []
    traces = made.db.rows("SELECT record_id, max(version) FROM gx_history WHERE object = 'customer' GROUP BY record_id")
    assert dict(traces) == rows
    if made.db.engine == "sqlite":
        assert made.db.rows("PRAGMA integrity_check") == [("ok",)]
        assert made.db.rows("PRAGMA foreign_key_check") == []


def test_refusal_under_a_race_is_told_like_any_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check before the write sees nothing; the database's own index speaks."""
    house.records.create(house.admin, "customer", {"name": "A", "phone": "13800138000"})
    monkeypatch.setattr("guanxi.runtime.records.create.guard", lambda *_, **__: None)
    before = house.project.dump()
    for values, expected in (
        ({"name": "B", "phone": "13800138000"}, [("phone", "unique")]),
        ({"name": "a", "region": "north"}, [("name", "unique")]),
    ):
        with pytest.raises(Invalid) as caught:
            house.records.create(house.admin, "customer", values)
        assert [(e.field, e.code) for e in caught.value.errors] == expected
    with pytest.raises(Invalid) as caught:
        house.records.create(house.admin, "customer", {"name": "C", "parent": 999})
    assert caught.value.errors[0].code == "reference"
    assert house.project.dump() == before
