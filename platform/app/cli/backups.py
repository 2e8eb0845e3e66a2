"""`guanxi backup`, `restore`, `verify`: the whole instance in one file, and the proof that it comes back."""

from __future__ import annotations

from pathlib import Path

import click

from guanxi.common.errors import GuanxiError

from ..backups import backup as write
from ..backups import restore as put_back
from ..backups import verify as prove
from ..settings import read_settings
from .common import Session, instance_option, json_option, print_json
from .opening import opened, operator


def _folder() -> Path:
    return (click.get_current_context().find_object(Session) or Session(Path())).folder


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace FILE when it is there.")
@json_option
@instance_option
def backup(file: Path, overwrite: bool, as_json: bool) -> None:
    """Write the instance, as it is at one moment, into FILE; work may go on meanwhile.

    FILE holds the database, guanxi.yaml, metadata/ and the keys of data/: keep it as you keep those. A file that is
    there is refused.

    Example: guanxi backup /safe/crm-2026-03-01.guanxi
    """
    if file.exists() and not overwrite:
        raise click.UsageError(f"{file} is there already (--overwrite)")
    if not file.resolve().parent.is_dir():
        raise click.UsageError(f"there is no folder {file.resolve().parent}")
    with opened() as here:
        done = write(here.instance, file, operator())
    if as_json:
        print_json(done)
    else:
        click.echo(f"{file}: {done['rows']} rows of {done['tables']} tables, {done['size']:,} bytes")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--database", default="", metavar="URL", help="Another database than the one that was backed up.")
@json_option
@instance_option
def restore(file: Path, database: str, as_json: bool) -> None:
    """Make the instance's folder and database what FILE holds; both must be empty or newly made by `guanxi init`.

    A guanxi.yaml that is there gives the database, the rest comes from FILE.

    Example: guanxi --instance new-crm restore /safe/crm-2026-03-01.guanxi
    """
    done = put_back(file, _folder().resolve(), operator(), database)
    if as_json:
        print_json(done)
    else:
        click.echo(f"{done['rows']} rows of {done['tables']} tables are back; version {done['version']} is published")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--database", default="", metavar="URL", help="An empty PostgreSQL database to restore into on trial.")
@json_option
@instance_option
def verify(file: Path, database: str, as_json: bool) -> None:
    """Prove FILE by restoring it on trial: sums, rows, keys, audit chain, definitions.

    The instance itself is not touched.

    A backup of PostgreSQL is restored into a scratch database beside the instance's own, or into --database.

    Example: guanxi verify /safe/crm-2026-03-01.guanxi
    """
    try:
        server = read_settings(_folder()).database
    except GuanxiError:
        server = ""
    found = prove(file, database, server if server.startswith("postgres") else "")
    if as_json:
        print_json({name: getattr(found, name) for name in found.__dataclass_fields__} | {"good": True})
        return
    how = (
        f"restored on trial, {found.entries} audit entries hold"
        if found.restored
        else "read whole, NOT restored: give --database"
    )
    click.echo(f"{file}: of {found.made}, {found.rows} rows of {found.tables} tables; {how}")
