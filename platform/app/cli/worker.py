"""`guanxi worker` and `guanxi jobs`: do background work, and look at it."""

from __future__ import annotations

import logging
from typing import Any

import click

from guanxi.runtime.jobs import FINISHED, Job
from guanxi.runtime.jobs.health import look
from guanxi.runtime.storage.rows import instant_text_json

from .common import instance_option, json_option, print_json
from .opening import opened

STATES = ("queued", "running", *FINISHED)


@click.command()
@click.option("--threads", default=None, type=click.IntRange(1, 64), help="Instead of `jobs: {workers: …}`.")
@instance_option
def worker(threads: int | None) -> None:
    """Do background work: jobs, schedules, mail, webhooks. Any number of workers may run at once.

    Example: guanxi worker --threads 8
    """
    from ..worker import work

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    with opened() as here:
        here.live.services()
        work(here.instance, threads=threads)


@click.command()
@click.option("--state", type=click.Choice(STATES), default=None, help="Only these.")
@click.option("--kind", default="", help="Only this kind.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@json_option
@instance_option
def jobs(state: str | None, kind: str, limit: int, as_json: bool) -> None:
    """The newest jobs, the queue, dead letters and what comes next.

    Example: guanxi jobs --state failed
    """
    with opened() as here:
        found = here.services.jobs.recent(None, everybody=True, limit=limit, state=state or "", kind=kind)
        seen = look(here.services.database, here.services.clock.now())
        schedules = here.services.database.rows("SELECT name, next_due FROM gx_schedules ORDER BY next_due, name")
    if as_json:
        planned = [{"name": name, "next": instant_text_json(at)} for name, at in schedules]
        print_json({"jobs": [as_data(job) for job in found], **seen.as_dict(), "schedules": planned})
        return
    for job in found:
        when = instant_text_json(job.finished_at or job.started_at or job.at)
        click.echo(f"{job.id:>8}  {job.state:<9}  {job.kind:<20}  {when}  {job.error[:80]}".rstrip())
    click.echo(seen.sentence)
    for name, at in schedules:
        click.echo(f"next {name}: {instant_text_json(at)}")


def as_data(job: Job) -> dict[str, Any]:
    """A job as data."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "attempts": job.attempts,
        "created_at": instant_text_json(job.at),
        "finished_at": instant_text_json(job.finished_at) if job.finished_at else None,
        "done": job.done,
        "total": job.total,
        "error": job.error or None,
    }
