"""The boxes are read through indexes however many tasks are finished: the plans say so on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.runtime.approvals.views import BOXES
from tests.support.approvals import flow

FINISHED, OPEN = 6_000, 200


def fill(house: Any) -> None:
    """Many approvals of many people, nearly all of them over."""
    db = house.project.db
    number = house.submit(house.quote())["id"]
    row = db.one(db.sql("SELECT definition FROM gx_approvals WHERE id = ?"), (number,))
    insert = db.sql(
        "INSERT INTO gx_approvals (id, flow, object, record_id, operation, state, submitted_by, at, version,"
        " definition) VALUES (?, 'f', 'quote', ?, 'submit', ?, ?, '2026-03-01T08:00:00.000000+00:00', 1, ?)"
    )
    task = db.sql(
        "INSERT INTO gx_approval_tasks (approval_id, activation_id, step, user_id, state, at, decided_by, acted)"
        " VALUES (?, 0, 'a', ?, ?, '2026-03-01T08:00:00.000000+00:00', ?, ?)"
    )
    copy = db.sql("INSERT INTO gx_approval_copies (approval_id, user_id, at) VALUES (?, ?, 'x')")
    numbers = range(1_000, 1_000 + FINISHED + OPEN)
    with db.write():
        ends = [(n, 1_000 + n, "running" if n < 1_000 + OPEN else "approved", n % 997, row[0]) for n in numbers]
        db.execute_many(insert, ends)
        db.execute_many(
            task,
            [
                (n, n % 997, "open", None, 0) if n < 1_000 + OPEN else (n, n % 997, "approved", n % 997, 1)
                for n in numbers
            ],
        )
        db.execute_many(copy, [(n, n % 887) for n in numbers])
    db.analyze()


@pytest.mark.parametrize("box", [*BOXES, "counts", "timers"])
def test_no_box_reads_a_whole_table(office: Any, box: str) -> None:
    house = office(flow("  a: {who: {role: legal}}"))
    fill(house)
    db, seen = house.project.db, []
    rows = db.rows

    def watched(sql: str, params: Any = ()) -> Any:
        if "gx_approval" in sql and sql.lstrip().startswith("SELECT"):
            seen.append((sql, params))
        return rows(sql, params)

    db.rows = watched
    try:
        if box == "timers":
            from guanxi.runtime.approvals import timers

            timers.run_due(house.project.services)
        elif box == "counts":
            house.approvals.counts(house.law)
        else:
            house.approvals.inbox(house.law, box)
    finally:
        del db.rows
    assert seen
    explain = "EXPLAIN QUERY PLAN " if db.engine == "sqlite" else "EXPLAIN "
    for sql, params in seen:
        plan = "\n".join(str(row[-1]) for row in db.rows(explain + sql, params))
        whole = [line for line in plan.splitlines() if "Seq Scan on gx_" in line or line.strip().startswith("SCAN gx_")]
        aliases = [line for line in plan.splitlines() if line.strip() in ("SCAN t", "SCAN a", "SCAN c")]
        assert not [*whole, *aliases], plan
