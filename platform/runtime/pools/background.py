"""The nightly run of pools, as a job: records fall back, owners are warned, clocks follow changed rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.labels import Label

from ..jobs.kinds import JobKind, Run
from ..jobs.schedules import Schedule
from .recycle import run

if TYPE_CHECKING:
    from ..services import Services

RECYCLE = "pools.recycle"


def _job(services: Services, job: Run) -> Mapping[str, Any]:
    report = run(services).as_dict()
    if report["unrouted"]:
        job.log(f"{len(report['unrouted'])} records are due and no pool takes them", "warning")
    return report


def schedules(services: Services) -> Iterable[Schedule]:
    """A quarter past every hour: days begin at different hours in different zones."""
    if services.registry.others.get("pool"):
        yield Schedule(RECYCLE, RECYCLE, cron="15 * * * *")


POOL_JOBS: Mapping[str, JobKind] = {
    RECYCLE: JobKind(_job, Label.of({"en": "Records fall back to pools", "zh": "公海回落"})),
}
