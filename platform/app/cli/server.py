"""`guanxi serve`, `openapi`, `doctor`: run the product, describe its API, look whether all is well."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime

import click

from guanxi.common.errors import GuanxiError
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.api.openapi import build
from guanxi.runtime.audit import verify
from guanxi.runtime.calendars import uncovered
from guanxi.runtime.jobs.health import look
from guanxi.runtime.services import Services
from guanxi.runtime.webhooks.events import unknown_events

from ..audit_heads import last_seen
from ..posture import warnings
from ..settings import redacted
from .common import fail, instance_option, json_option, print_json
from .opening import opened

LEAST_FREE = 500 * 1024 * 1024


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers", default=None, type=click.IntRange(1, 64), help="Processes; one for each processor, 4 at most."
)
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1, 64), help="Threads of each process.")
@click.option("--worker/--no-worker", default=True, help="Do background work beside it, or leave it to others.")
@instance_option
def serve(host: str, port: int, workers: int | None, threads: int, worker: bool) -> None:
    """Serve the screens and the API, and do the background work.

    Example: guanxi serve --port 8000 --workers 2
    """
    from ..serve import default_workers
    from ..serve import serve as run

    with opened() as here:
        here.live.services()
        folder, name = here.instance.folder, here.instance.settings.name
    click.echo(f"{name} on http://{host}:{port}")
    run(folder, host, port, workers=workers or default_workers(), threads=threads, background=worker)


@click.command()
@instance_option
def openapi() -> None:
    """Print the instance's OpenAPI 3.1 document, as an administrator sees it.

    Example: guanxi openapi > openapi.json
    """
    with opened() as here:
        bundle = here.services
        rights = {name: bundle.records.permissions(SYSTEM, name) for name in bundle.registry.objects}
        print_json(build(bundle.registry, rights, here.instance.settings.name))


@click.command()
@json_option
@instance_option
def doctor(as_json: bool) -> None:
    """Check the database, the published metadata, the disk and the clock.

    Example: guanxi doctor
    """
    with opened() as here:
        checks = {"database": redacted(here.instance.settings.database)}
        wrong: list[str] = []
        unsafe: list[str] = []
        try:
            current = here.live.services()
            checks["metadata"] = f"version {current.version}, {len(current.registry.objects)} objects"
            seen = look(current.database, current.clock.now())
            checks["background"] = seen.sentence
            wrong.extend(seen.wrong)
            wrong.extend(unknown_events(current))
            unsafe += _calendars(current)
            made, _ = here.publisher.make_plan(SYSTEM, None, ())
            checks["files"] = "as published" if made.empty else "differ from what is published (guanxi plan)"
        except GuanxiError as fault:
            wrong.append(fault.detail)
        trail = verify(here.instance.database, here.instance.secret, known=last_seen(here.instance))
        checks["audit"] = f"{trail.entries} entries, " + ("the chain holds" if trail.good else "BROKEN")
        wrong += [f"audit trail: {one.message}" for one in trail.breaks[:3]]
        unsafe += warnings(here.instance)
        free = shutil.disk_usage(here.instance.folder).free
        checks["disk"] = f"{free // (1024 * 1024):,} MB free"
        if free < LEAST_FREE:
            wrong.append("the disk is nearly full")
        checks["clock"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        checks["sqlite"] = sqlite3.sqlite_version
    if as_json:
        print_json({"checks": checks, "wrong": wrong, "warnings": unsafe})
    else:
        for name, value in checks.items():
            click.echo(f"{name}: {value}")
        for said in unsafe:
            click.echo(f"warning: {said}")
    if wrong:
        fail("; ".join(wrong))


def _calendars(services: Services) -> list[str]:
    """A sentence when calendars follow holidays of this year that the installed data does not know."""
    year = services.clock.now().astimezone(services.zone).year
    names = uncovered(services.registry, year)
    if not names:
        return []
    return [
        f"the holidays and make-up days of {year} in China are not in the installed data (pip install -U "
        f"chinesecalendar); weekends count as free in the calendars {', '.join(names)}"
    ]
