"""Every column kind through the database and back, in Python and JSON form, the same on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.rows import (
    Cell,
    from_stored,
    instant_from_text,
    instant_text,
    python_json,
    row_function,
    storing_function,
    to_stored,
)
from guanxi.runtime.storage.tables import unique_value

CELLS = [
    Cell("id", "integer"),
    Cell("t", "text"),
    Cell("m", "decimal", 2),
    Cell("r", "decimal", 8),
    Cell("n", "decimal", 0),
    Cell("b", "boolean"),
    Cell("d", "date"),
    Cell("at", "datetime"),
    Cell("c", "time"),
    Cell("j", "json"),
    Cell("tags", "json", many=True),
]
TYPES = {
    "sqlite": ("TEXT", "INTEGER", "INTEGER", "INTEGER", "INTEGER", "TEXT", "TEXT", "TEXT", "TEXT", "TEXT"),
    "postgresql": (
        'text COLLATE "C"', "numeric(38,2)", "numeric(38,8)", "numeric(38,0)", "boolean", "date", "timestamptz",
        "time", "jsonb", "jsonb",
    ),
}  # fmt: skip
VALUES: list[dict[str, Any]] = [
    {"id": 1},
    {
        "id": 2,
        "t": "客户 'x' %s ?",
        "m": Decimal("-0.05"),
        "r": Decimal("0.00000001"),
        "n": Decimal("12345678901234567"),
        "b": False,
        "d": date(2026, 2, 28),
        "at": datetime(2026, 3, 1, 8, 0, tzinfo=UTC),
        "c": time(9, 30),
        "j": {"a": [1, "二", None]},
        "tags": ("x", "y"),
    },
    {"id": 3, "m": Decimal("99999999999999.99"), "b": True, "at": datetime(1999, 12, 31, 23, 59, 59, 1, tzinfo=UTC)},
]


def test_values_survive_and_read_the_same(database: Handle) -> None:
    db = database
    columns = ", ".join(f'"{c.key}" {t}' for c, t in zip(CELLS[1:], TYPES[db.engine], strict=True))
    db.execute(f"CREATE TABLE t (id bigint PRIMARY KEY, {columns})")
    store = storing_function(db.engine, CELLS)
    db.execute_many(db.sql(f"INSERT INTO t VALUES ({', '.join('?' * len(CELLS))})"), [store(v) for v in VALUES])
    stored = db.rows("SELECT * FROM t ORDER BY id")
    python = [row_function(db.engine, "python", CELLS)(row) for row in stored]
    assert python == [{c.key: v.get(c.key) for c in CELLS} for v in VALUES]
    json = [row_function(db.engine, "json", CELLS)(row) for row in stored]
    assert json[1] == {
        "id": 2,
        "t": "客户 'x' %s ?",
        "m": "-0.05",
        "r": "0.00000001",
        "n": "12345678901234567",
        "b": False,
        "d": "2026-02-28",
        "at": "2026-03-01T08:00:00Z",
        "c": "09:30:00",
        "j": {"a": [1, "二", None]},
        "tags": ["x", "y"],
    }
    assert json[2]["at"] == "1999-12-31T23:59:59.000001Z"
    for given_, read in zip(VALUES, json, strict=True):
        assert read == {c.key: python_json(c.kind, c.scale)(given_.get(c.key)) for c in CELLS}


@given(st.decimals(-(10**12), 10**12, places=4), st.datetimes(timezones=st.just(UTC)))
def test_decimals_and_instants_are_exact_as_integers_and_text(number: Decimal, moment: datetime) -> None:
    stored = to_stored("sqlite", "decimal", 4)(number)
    assert isinstance(stored, int)
    assert from_stored("sqlite", "python", "decimal", 4)(stored) == number  # type: ignore[misc]
    assert from_stored("sqlite", "json", "decimal", 4)(stored) == python_json("decimal", 4)(number)  # type: ignore[misc]
    assert instant_from_text(instant_text(moment)) == moment


@given(st.datetimes(), st.datetimes())
def test_text_order_is_time_order(one: datetime, two: datetime) -> None:
    one, two = one.replace(tzinfo=UTC), two.replace(tzinfo=UTC)
    assert (instant_text(one) < instant_text(two)) == (one < two)


def test_unique_values_fold_text_and_never_clash_when_blank() -> None:
    assert unique_value(["ＡＢＣ 公司", Decimal("1.50")]) == unique_value([" abc  公司 ", Decimal("1.5")])
    assert unique_value(["a", None]) is None
    assert unique_value(["a", "bc"]) != unique_value(["ab", "c"])
