"""Work at set times: every slot of a schedule becomes one job in the whole cluster.

`gx_schedules` holds one row per schedule with the slot that comes next; whoever moves that row on (a conditional
update) makes the job, whose key names the slot. Slots missed while nobody ran are made up for by one job, the latest.
A schedule that is seen for the first time begins with its next slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from ..storage.rows import instant_from_text, instant_text

if TYPE_CHECKING:
    from ..services import Services


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job of `kind` with `params` at the times of `cron` (five fields, read in `zone`, the instance's when None), or
    `every` so long, counted from 1970. The job's params get "due", the slot's instant in JSON form.
    """

    name: str
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    cron: str = ""
    every: timedelta | None = None
    zone: ZoneInfo | None = None

    @property
    def spec(self) -> str:
        """What makes the times, as text: when it changes, the next slot is found anew."""
        return self.cron + (f" {self.zone}" if self.zone else "") if self.every is None else str(self.every)

    def after(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """The first slot later than `moment`, in UTC; None when there is none."""
        if self.every is not None:
            return self._floor(moment) + self.every
        found = next(CronSim(self.cron, moment.astimezone(self.zone or zone)), None)
        return found.astimezone(UTC) if found is not None else None

    def latest(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """The last slot not later than `moment`, in UTC."""
        if self.every is not None:
            return self._floor(moment)
        start = (moment + timedelta(seconds=1)).astimezone(self.zone or zone)
        found = next(CronSim(self.cron, start, reverse=True), None)
        return found.astimezone(UTC) if found is not None else None

    def _floor(self, moment: datetime) -> datetime:
        step = (self.every or timedelta(1)).total_seconds()
        return datetime.fromtimestamp(moment.timestamp() // step * step, UTC)


def run_schedules(services: Services) -> int:
    """Make a job for every schedule whose slot has come; returns how many this call made."""
    db, now = services.database, services.clock.now()
    rows = {row[0]: row for row in db.rows("SELECT name, spec, last_due, next_due FROM gx_schedules")}
    schedules = services.schedules
    made = sum(_advance(services, schedule, rows.get(schedule.name), now) for schedule in schedules)
    for gone in rows.keys() - {schedule.name for schedule in schedules}:
        db.execute(db.sql("DELETE FROM gx_schedules WHERE name = ?"), (gone,))
    return made


NEVER = "9999-12-31T23:59:59.000000Z"


def _advance(services: Services, schedule: Schedule, row: tuple[Any, ...] | None, now: datetime) -> int:
    db = services.database
    if row is not None and row[1] == schedule.spec and row[3] > instant_text(now):
        return 0
    following = schedule.after(now, services.zone)
    later = instant_text(following) if following is not None else NEVER
    if row is None:
        sql = "INSERT INTO gx_schedules (name, spec, last_due, next_due) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        db.execute(db.sql(sql), (schedule.name, schedule.spec, instant_text(now), later))
        return 0
    if row[1] != schedule.spec:
        sql = "UPDATE gx_schedules SET spec = ?, next_due = ? WHERE name = ? AND spec = ?"
        db.execute(db.sql(sql), (schedule.spec, later, schedule.name, row[1]))
        return 0
    latest = schedule.latest(now, services.zone)
    due = max(instant_text(latest) if latest else row[3], row[3])
    with db.write():
        sql = "UPDATE gx_schedules SET last_due = ?, next_due = ? WHERE name = ? AND next_due = ?"
        if not db.execute(db.sql(sql), (due, later, schedule.name, row[3])):
            return 0
        params = {**schedule.params, "due": instant_from_text(due).isoformat().replace("+00:00", "Z")}
        job = services.jobs.enqueue(schedule.kind, params, key=f"schedule:{schedule.name}:{due}")
        db.execute(db.sql("UPDATE gx_schedules SET job_id = ? WHERE name = ?"), (job, schedule.name))
    return 1
