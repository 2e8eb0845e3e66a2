"""`guanxi import`, `export`, `import-undo`: data in and out, with a report per row."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click

from guanxi.common.errors import NotFound
from guanxi.common.names import did_you_mean
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.jobs.store import Job, JobStore
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.transfer.exporter import Exporter, rejected_csv
from guanxi.runtime.transfer.importer import Progress
from guanxi.runtime.transfer.limits import MEGABYTE, Limits
from guanxi.runtime.transfer.options import BLANKS, DUPLICATES, ImportOptions, pairs
from guanxi.runtime.transfer.service import import_here, undo_here
from guanxi.runtime.transfer.verdicts import refused_cells, report

from .common import fail, instance_option, json_option, print_json
from .opening import Opened, opened, operator

SHOWN_ROWS = 20
JSON_ROWS = 1000


def _operator(here: Opened) -> Actor:
    """Whoever runs the program administers the instance; every rule of the definitions holds all the same."""
    settings = here.instance.settings
    return Actor(
        id=None,
        name=operator().name,
        administrator=True,
        language=settings.languages[0],
        zone=settings.zone,
        channel="import",
    )


def _store(here: Opened) -> JobStore:
    return JobStore(here.instance.database, here.instance.clock)


def _limits(here: Opened) -> Limits:
    limits = here.instance.settings.limits
    return Limits(limits.upload_megabytes * MEGABYTE, limits.import_rows)


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _rows, _fraction: None
        return
    with click.progressbar(length=1000, label=label, file=sys.stderr) as bar:
        yield lambda _rows, fraction: bar.update(int(fraction * 1000) - bar.pos)


@click.command(name="import")
@click.argument("object_name", metavar="OBJECT")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="May be repeated; COLUMN= leaves one out.")
@click.option("--key", default="", metavar="FIELD[,FIELD]", help="Update the record these fields find.")
@click.option("--dry-run", is_flag=True, help="Say what would happen to every row; write nothing.")
@click.option("--atomic", is_flag=True, help="All rows or none.")
@click.option("--duplicates", type=click.Choice(DUPLICATES), default="refuse", show_default=True)
@click.option("--blanks", type=click.Choice(BLANKS), default=None, help="What a blank cell of a new record is.")
@click.option("--encoding", default="", help="Found out when not given; for example gb18030.")
@click.option("--delimiter", default="", help="One character, tab, or a text such as +|.")
@click.option("--record-end", default="", help="What ends a record, when it is not a line break; for example &|.")
@click.option("--quote", default="", help="The quote character, or none.")
@click.option("--header/--no-header", default=True, help="Without a header the columns are col1, col2, …")
@click.option("--sheet", default="", help="A workbook's sheet; the first when not given.")
@click.option("--format", "format_", default="", type=click.Choice(["", "csv", "xlsx", "ndjson"]))
@click.option("--rejected", type=click.Path(path_type=Path, dir_okay=False), help="Write the refused rows here.")
@json_option
@instance_option
def import_command(object_name: str, file: Path, as_json: bool, rejected: Path | None, **given: Any) -> None:
    """Load a CSV, XLSX or NDJSON file into OBJECT, with a verdict for every row.

    \b
    Example:
      guanxi import customer customers.csv --key code --dry-run
      guanxi import subscriber churn.csv --map "customerID=customer_id"
    """
    options = ImportOptions(
        key=tuple(part.strip() for part in given["key"].split(",") if part.strip()),
        columns=pairs(given["maps"], "="),
        dry_run=given["dry_run"],
        atomic=given["atomic"],
        duplicates=given["duplicates"],
        blanks=given["blanks"] or "",
        format=given["format_"],
        encoding=given["encoding"],
        delimiter=given["delimiter"],
        record_end=given["record_end"],
        quote=given["quote"],
        header=given["header"],
        sheet=given["sheet"],
    )
    with opened() as here, file.open("rb") as content, _bar(file.name) as tell:
        detail = {"file": file.name, "dry_run": options.dry_run, "key": options.key}
        here.services.audit.record("import", operator(), object=object_name, detail=detail)
        job = import_here(
            here.services,
            _store(here),
            _operator(here),
            object_name,
            content,
            name=file.name,
            options=options,
            limits=_limits(here),
            worker=f"command line {os.getpid()}",
            on_progress=tell,
        )
        database = here.instance.database
        if rejected is not None:
            names = job.result["header"] or [column["column"] for column in job.result["columns"]]
            rejected.write_bytes(b"".join(rejected_csv(names, refused_cells(database, job.id))))
        refused = report(database, job.id, "refused", 0, JSON_ROWS if as_json else SHOWN_ROWS)
    if as_json:
        print_json(_as_data(job) | {"refused": refused})
    else:
        _print_import(job, refused)
    if job.state != "done" or job.result["counts"]["refused"]:
        raise click.exceptions.Exit(1)


def _as_data(job: Job) -> dict[str, Any]:
    known = ("counts", "source", "columns", "warnings")
    found = {"id": job.id, "state": job.state, "rows": job.done} | {k: job.result[k] for k in known if k in job.result}
    return found | ({"error": job.error} if job.error else {})


def _print_import(job: Job, refused: list[dict[str, Any]]) -> None:
    source = ", ".join(f"{name} {value}" for name, value in job.result["source"].items())
    dry = " (dry run: nothing was written)" if job.params["options"]["dry_run"] else ""
    click.echo(f"job {job.id}: {job.done} rows; {source}{dry}")
    for column in job.result["columns"]:
        if column["status"] == "used":
            click.echo(f"  {column['column']} → {column['field']}")
    for warning in job.result.get("warnings", []):
        place = f"{warning['column']}: " if "column" in warning else ""
        click.echo(f"warning: {place}{warning['message']}")
    for row in refused:
        for error in row["errors"]:
            place = error.get("column") or error["field"]
            value = f" ({error['value']})" if error.get("value") else ""
            click.echo(f"row {row['row']}: {place}{': ' if place else ''}{error['message']}{value} [{error['code']}]")
    counts = job.result["counts"]
    if counts["refused"] > len(refused):
        click.echo(f"… and {counts['refused'] - len(refused)} more refused rows")
    click.echo(", ".join(f"{count} {name}" for name, count in counts.items()))
    if job.error:
        click.echo(f"error: {job.error}", err=True)


@click.command(name="export")
@click.argument("object_name", metavar="OBJECT")
@click.option("--where", default="", help="An expression that the records meet.")
@click.option("--format", "format_", type=click.Choice(["csv", "xlsx", "ndjson"]), default="csv", show_default=True)
@click.option("--style", type=click.Choice(["people", "machine"]), default=None, help="How values are written.")
@click.option("--fields", default="", metavar="FIELD,…", help="Only these fields, in this order.")
@click.option("--sort", default="", metavar="FIELD,…", help="-FIELD for descending.")
@click.option("--view", default="", help="The records of a saved view.")
@click.option("--reason", default="", help="What for; kept in the audit trail.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file; the output when not given.")
@instance_option
def export_command(object_name: str, out: Path | None, **given: Any) -> None:
    """Write the records of OBJECT as CSV or XLSX for people, or exactly, for machines.

    \b
    Example:
      guanxi export customer --where 'region == "north"' --out north.csv
      guanxi export customer --format ndjson > customers.ndjson
    """
    names = tuple(part.strip() for part in given["fields"].split(",") if part.strip())
    sort = tuple((p.strip().lstrip("-"), p.strip().startswith("-")) for p in given["sort"].split(",") if p.strip())
    query = ListQuery(object_name, where=given["where"], sort=sort, fields=names, view=given["view"])
    with opened() as here:
        services, who = here.services, _operator(here)
        if object_name not in services.registry.objects:
            hint = did_you_mean(object_name, services.registry.objects)
            raise NotFound(f"There is no object '{object_name}'.", hint=hint)
        exporter = Exporter(services.registry, services.records)
        grants = services.access.of(who)
        made = exporter.prepare(who, grants, query, format_=given["format_"], style=given["style"] or "")
        asked = {name: given[name] for name in ("where", "fields", "sort", "view") if given[name]}
        detail = {"format": made.format, "style": given["style"] or "", "asked": asked}
        services.audit.record("export", who, object=object_name, detail=detail, reason=given["reason"])
        if out is None:
            if given["format_"] == "xlsx" and sys.stdout.isatty():
                fail("a workbook is not for a terminal", hint="add --out FILE")
            stream = sys.stdout.buffer
            for piece in exporter.stream(made):
                stream.write(piece)
            stream.flush()
            return
        with out.open("wb") as file:
            for piece in exporter.stream(made):
                file.write(piece)
    click.echo(f"wrote {out}", err=True)


@click.command(name="import-undo")
@click.argument("job", type=click.IntRange(1))
@json_option
@instance_option
def undo_command(job: int, as_json: bool) -> None:
    """Take the import JOB back, but for the records that somebody has touched since.

    Example: guanxi import-undo 12
    """
    with opened() as here, _bar("undo") as tell:
        store, database = _store(here), here.instance.database
        here.services.audit.record("import_undo", operator(), detail={"job": job})
        made = undo_here(
            here.services, store, _operator(here), job, worker=f"command line {os.getpid()}", on_progress=tell
        )
        kept = list(islice(_kept(database, made.id), JSON_ROWS))
    if as_json:
        print_json({"id": made.id, "state": made.state, "counts": made.result["counts"], "kept": kept})
        return
    for row in kept[:SHOWN_ROWS]:
        reasons = "; ".join(error["message"] for error in row.get("errors", []))
        click.echo(f"kept row {row['row']}, record {row['id']}: {reasons}")
    click.echo(", ".join(f"{count} {name}" for name, count in made.result["counts"].items()))


def _kept(database: Any, job: int) -> Iterator[dict[str, Any]]:
    after = 0
    while page := report(database, job, "kept", after, 500):
        yield from page
        after = page[-1]["row"]
