"""Row rules with short lists of teams, people or shares are served by an index, not by reading the whole table."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import rights as bench
from guanxi.common.clock import FixedClock
from guanxi.runtime.access.binds import ME_ID, MY_TEAMS, Moment, bound, member_of, statement
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.storage.database import open_database
from guanxi.runtime.storage.system import create_platform_tables
from tests.support.published import Project, project

ASKED = ListQuery("customer", where='region == "north"', sort=(("updated_at", True),), fields=bench.FIELDS)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Project:
    db = open_database(f"sqlite:///{tmp_path_factory.mktemp('speed') / 'g.db'}")
    create_platform_tables(db)
    made = project(db, bench.definitions(), FixedClock(bench.START))
    bench.fill(made, 4_000)
    return made


@pytest.mark.parametrize("role", ["own", "team", "team_tree", "managed", "own_where", "rare_where", "own_shared"])
def test_an_index_serves_the_row_rule(house: Project, role: str) -> None:
    reader, listening = house.services.reader, bench.Listening(house.db)
    actor = bench.acting(house, role)
    reader.database = listening
    found = reader.list(actor, ASKED).data
    reader.database = house.db
    shape = bench.shape(house.db, *listening.last)
    assert "SEARCH t USING INDEX" in shape
    assert "SCAN t" not in shape
    rule, values = bench.by_hand(house.db, actor, role)
    text = bench.statement(house.db, rule, "updated_at").replace(" AND t.level = 'a'", "")
    assert [row["id"] for row in found] == [row[0] for row in house.db.rows(text, values)][:50]


@pytest.mark.parametrize("size", [0, 1, 2, 32, 33, 400])
def test_a_list_of_any_length_keeps_its_parameters_in_order(house: Project, tmp_path: Path, size: int) -> None:
    actor = bench.replace(house.actor(20), teams=frozenset(range(1, size + 1)), team=None)
    reader = house.services.reader
    column = bench_column(reader)
    both = (column("owner") == bound(ME_ID)) | member_of(column("team"), MY_TEAMS, "sqlite")
    sql, params = reader.model.sql(reader.model.tables["customer"].table.select(column("id")).where(both))
    text, values = statement(sql, params, Moment(actor, bench.START, "sqlite"))
    wanted = f"SELECT count(*) FROM o_customer WHERE owner = 20 OR team <= {size}"
    assert len(house.db.rows(text, values)) == house.db.rows(wanted)[0][0]


def bench_column(reader: object) -> object:
    """Columns of the customers' table."""
    return reader.model.tables["customer"].c  # type: ignore[attr-defined]
