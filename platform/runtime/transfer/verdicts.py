"""Verdicts kept as rows of a job: written chunk by chunk, read as pages of a report and as the file of refused rows.

Inside a transaction that will be rolled back (a dry run) verdicts go to a temporary file first, so that memory stays
flat however long the file is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any

import orjson

from ..ports import Database
from .engine import Verdict
from .readers import ABSENT

Row = tuple[Any, ...]
_INSERT = (
    "INSERT INTO gx_job_rows (job_id, row_number, verdict, record_id, version, detail, undo)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
CHUNK = 2_000


def as_row(job_id: int, verdict: Verdict) -> Row:
    """The parameters of a verdict's row."""
    detail = "{}"
    if verdict.errors:
        cells = [None if cell is ABSENT else cell for cell in verdict.cells]
        detail = orjson.dumps({"errors": list(verdict.errors), "cells": cells}, default=str).decode()
    undo = orjson.dumps(verdict.undo).decode() if verdict.undo is not None else ""
    return (job_id, verdict.row, verdict.outcome, verdict.record_id, verdict.version, detail, undo)


def write_rows(db: Database, rows: Sequence[Row]) -> None:
    """Keep verdicts; inside `write()`."""
    if rows:
        db.execute_many(db.sql(_INSERT), rows)


class Spool:
    """Verdict rows on disk until the transaction they speak of has ended."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows."""
        for row in rows:
            self._file.write(orjson.dumps(row) + b"\n")

    def chunks(self, verdicts: Sequence[str] = ()) -> Iterator[list[Row]]:
        """The rows again, with these verdicts only when some are named."""
        self._file.seek(0)
        rows = (tuple(orjson.loads(line)) for line in self._file)
        wanted = (row for row in rows if not verdicts or row[2] in verdicts)
        while chunk := list(islice(wanted, CHUNK)):
            yield chunk


def report(db: Database, job_id: int, verdict: str, after: int, limit: int) -> list[dict[str, Any]]:
    """One page of verdicts in row order, of one kind or of all."""
    where, params = ("AND verdict = ? ", (verdict,)) if verdict else ("", ())
    sql = (
        "SELECT row_number, verdict, record_id, version, detail FROM gx_job_rows WHERE job_id = ? "  # noqa: S608
        f"{where}AND row_number > ? ORDER BY row_number LIMIT ?"
    )
    rows = db.rows(db.sql(sql), (job_id, *params, after, limit))
    return [_shown(*row) for row in rows]


def _shown(number: int, verdict: str, record: int | None, version: int | None, detail: str) -> dict[str, Any]:
    found: dict[str, Any] = {"row": number, "verdict": verdict}
    if record is not None:
        found |= {"id": record, "version": version}
    errors = orjson.loads(detail).get("errors")
    if errors:
        found["errors"] = errors
    return found


def refused_cells(db: Database, job_id: int) -> Iterator[tuple[int, list[Any], list[dict[str, Any]]]]:
    """Row number, cells and faults of every refused row, streamed in pages."""
    after = -1
    while True:
        rows = db.rows(
            db.sql(
                "SELECT row_number, detail FROM gx_job_rows WHERE job_id = ? AND verdict = 'refused'"
                " AND row_number > ? ORDER BY row_number LIMIT 500"
            ),
            (job_id, after),
        )
        for number, text in rows:
            detail = orjson.loads(text)
            yield number, detail.get("cells") or [], detail.get("errors") or []
        if len(rows) < 500:
            return
        after = rows[-1][0]


def forget_rows(db: Database, job_id: int) -> None:
    """Drop what an unfinished one-transaction run left."""
    db.execute(db.sql("DELETE FROM gx_job_rows WHERE job_id = ?"), (job_id,))
