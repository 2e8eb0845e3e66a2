"""The trace: one row of `gx_automation_runs` for every time a rule was carried out.

A row says which rule (in which published version) ran for which record, what set it off, how it ended, how long it
took and which run set it off in turn. What it changed stands in the history, whose rows name the run. Outcomes: `done`,
`failed` (nothing of it was kept), `waiting` (the rest is done later), `left` (the rest was left out).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from guanxi.runtime.ports import Database
from guanxi.runtime.records.work import Running, Work
from guanxi.runtime.storage.rows import instant_text

OUTCOMES = ("done", "failed", "waiting", "left")
KEPT_DAYS = 90
LONGEST_ERROR = 1_000
_INSERT = (
    "INSERT INTO gx_automation_runs (at, rule, version, object, record_id, event, outcome, by_id, parent_id)"
    " VALUES (?, ?, ?, ?, ?, ?, 'done', ?, ?) RETURNING id"
)
_FINISH = "UPDATE gx_automation_runs SET outcome = ?, steps = ?, error = ?, ms = ? WHERE id = ?"
_COLUMNS = "id, at, rule, version, object, record_id, event, outcome, steps, error, ms, by_id, parent_id"


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the trace. `steps` counts the verbs carried out, `ms` is how long it took."""

    id: int
    at: str
    rule: str
    version: int
    object: str
    record_id: int
    event: str
    outcome: str
    steps: Mapping[str, int]
    error: str
    ms: float
    by_id: int | None
    parent_id: int | None


def begin(work: Work, rule: str, object_name: str, record_id: int, event: str, *, parent: int | None = None) -> Running:
    """A new row of the trace, before anything is done."""
    above = work.chain[-1].id if work.chain else parent
    params = (work.stamp, rule, work.room.version, object_name, record_id, event, work.actor.id, above)
    return Running(int(work.db.returning(work.db.sql(_INSERT), params)[0][0]), rule, {})


def finish(work: Work, run: Running, outcome: str, ms: float, error: str = "") -> None:
    """How it ended."""
    steps = orjson.dumps(run.steps).decode()
    work.db.execute(work.db.sql(_FINISH), (outcome, steps, error[:LONGEST_ERROR], round(ms, 3), run.id))


def of_record(db: Database, object_name: str, record_id: int, limit: int, before: int) -> list[Run]:
    """The runs for a record, newest first, older than run number `before`."""
    sql = (
        f"SELECT {_COLUMNS} FROM gx_automation_runs WHERE object = ? AND record_id = ? AND id < ?"  # noqa: S608
        " ORDER BY id DESC LIMIT ?"
    )
    return [_run(row) for row in db.rows(db.sql(sql), (object_name, record_id, before, limit))]


def newest(db: Database, *, rule: str = "", outcome: str = "", limit: int = 50, before: int = 2**63 - 1) -> list[Run]:
    """The runs of all rules, or of one, or those that ended so; newest first."""
    conditions, params = ["id < ?"], [before]  # type: tuple[list[str], list[Any]]
    for column, wanted in (("rule", rule), ("outcome", outcome)):
        if wanted:
            conditions.append(f"{column} = ?")
            params.append(wanted)
    sql = f"SELECT {_COLUMNS} FROM gx_automation_runs WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"  # noqa: S608
    return [_run(row) for row in db.rows(db.sql(sql), (*params, limit))]


def totals(db: Database, since: str) -> dict[tuple[str, str], int]:
    """How many runs there were by (rule, outcome) since an instant (stored form)."""
    sql = "SELECT rule, outcome, count(*) FROM gx_automation_runs WHERE at >= ? GROUP BY rule, outcome"
    return {(str(rule), str(outcome)): int(count) for rule, outcome, count in db.rows(db.sql(sql), (since,))}


def prune(db: Database, now: datetime, days: int = KEPT_DAYS, most: int = 20_000) -> int:
    """Forget runs, finished due moments and marks of `once` within days that are older than `days`; at most `most` of
    each at a time. Returns how many runs went.
    """
    before = instant_text(now - timedelta(days=days))
    with db.write():
        db.execute(
            db.sql(
                "DELETE FROM gx_automation_due WHERE id IN"
                " (SELECT id FROM gx_automation_due WHERE done_at < ? ORDER BY done_at LIMIT ?)"
            ),
            (before, most),
        )
        return db.execute(
            db.sql(
                "DELETE FROM gx_automation_runs WHERE id IN"
                " (SELECT id FROM gx_automation_runs WHERE at < ? ORDER BY at LIMIT ?)"
            ),
            (before, most),
        )


def _run(row: Sequence[Any]) -> Run:
    values = list(row)
    values[8] = orjson.loads(values[8])
    return Run(*values)
