"""Clocks as rows of `gx_clocks`: read, made and moved, one record or many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from guanxi.runtime.ports import Database
from guanxi.runtime.storage.rows import instant_from_text, instant_text

from .clock import Clock

MICROSECOND = timedelta(microseconds=1)
_COLUMNS = (
    "id, object, record_id, sla, target, state, started_at, since, spans, worked, allowed, due_at, paused_at, met_at,"
    " breached_at, ended_at, next_at, fired"
)
COLUMNS = tuple(_COLUMNS.replace(" ", "").split(","))
_MOVED = COLUMNS[5:]
_INSERT = (
    f"INSERT INTO gx_clocks ({', '.join(COLUMNS[1:])}) VALUES ({', '.join('?' * (len(COLUMNS) - 1))})"  # noqa: S608
    " ON CONFLICT (object, record_id, sla, target) DO NOTHING"
)
_UPDATE = f"UPDATE gx_clocks SET {', '.join(f'{name} = ?' for name in _MOVED)} WHERE id = ?"  # noqa: S608 (own names)


def select(db: Database, where: str, params: Sequence[Any], *, lock: bool = False) -> list[Clock]:
    """The clocks that meet a condition (our own text with its order and limit)."""
    tail = " FOR UPDATE SKIP LOCKED" if lock and db.engine == "postgresql" else ""
    sql = f"SELECT {_COLUMNS} FROM gx_clocks WHERE {where}{tail}"  # noqa: S608 (own text)
    return [read(row) for row in db.rows(db.sql(sql), params)]


def of_record(db: Database, object_name: str, record_id: int) -> list[Clock]:
    """The clocks of a record, in the order in which they were made."""
    return select(db, "object = ? AND record_id = ? ORDER BY id", (object_name, record_id))


def insert(db: Database, clocks: Iterable[Clock]) -> None:
    """New clocks; one that is there already stays as it is."""
    rows = [_values(clock) for clock in clocks]
    if len(rows) == 1:
        db.execute(db.sql(_INSERT), rows[0])
    elif rows:
        db.execute_many(db.sql(_INSERT), rows)


def update(db: Database, clocks: Iterable[Clock]) -> None:
    """Clocks that moved."""
    rows = [(*_values(clock)[4:], clock.id) for clock in clocks]
    if len(rows) == 1:
        db.execute(db.sql(_UPDATE), rows[0])
    elif rows:
        db.execute_many(db.sql(_UPDATE), rows)


def _values(clock: Clock) -> tuple[Any, ...]:
    return (
        clock.object,
        clock.record_id,
        clock.sla,
        clock.target,
        clock.state,
        instant_text(clock.started_at),
        text(clock.since),
        orjson.dumps([[instant_text(begin), instant_text(end)] for begin, end in clock.spans]).decode(),
        clock.worked // MICROSECOND,
        clock.allowed // MICROSECOND,
        text(clock.due_at),
        text(clock.paused_at),
        text(clock.met_at),
        text(clock.breached_at),
        text(clock.ended_at),
        text(clock.next_at),
        orjson.dumps(clock.fired).decode(),
    )


def text(moment: datetime | None) -> str | None:
    """An instant as it is stored."""
    return None if moment is None else instant_text(moment)


def _moment(stored: str | None) -> datetime | None:
    return None if stored is None else instant_from_text(stored)


def read(row: Sequence[Any]) -> Clock:
    """A clock from the columns of COLUMNS."""
    (number, name, record, sla, target, state, started, since, spans, worked, allowed, *moments, fired) = row
    due, paused, met, breached, ended, following = (_moment(one) for one in moments)
    return Clock(
        id=number,
        object=name,
        record_id=record,
        sla=sla,
        target=target,
        state=state,
        started_at=instant_from_text(started),
        since=_moment(since),
        spans=[(instant_from_text(begin), instant_from_text(end)) for begin, end in orjson.loads(spans)],
        worked=timedelta(microseconds=worked),
        allowed=timedelta(microseconds=allowed),
        due_at=due,
        paused_at=paused,
        met_at=met,
        breached_at=breached,
        ended_at=ended,
        next_at=following,
        fired=orjson.loads(fired),
    )
