"""`guanxi init`: the files of a new instance, its first version, its first administrator."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from guanxi.common.errors import Unavailable

from ..scaffold import write_instance
from .common import fail

if TYPE_CHECKING:
    from ..instance import Instance
    from ..live import Live

LEFT = "the files are there: correct `database` in guanxi.yaml, then `guanxi apply` and `guanxi user add`"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--pack", "packs", multiple=True, metavar="NAME", help="A pack to use; may be repeated.")
@click.option("--database", default="", metavar="URL", help="sqlite:///data/guanxi.db (default) or postgresql://…")
@click.option("--name", default="", help="What the instance is called; the folder's name when not given.")
@click.option("--admin", default="admin", metavar="NAME", show_default=True, help="Log-in name of the administrator.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of the input.")
@click.option("--files-only", is_flag=True, help="Write the files and stop: no database, no administrator.")
def init(
    folder: Path, packs: tuple[str, ...], database: str, name: str, admin: str, password_stdin: bool, files_only: bool
) -> None:
    """Make a new instance: a commented guanxi.yaml, a folder for its metadata, and the first administrator.

    The password is read, asked for on a terminal, or made and printed once. A database that holds an instance already
    keeps its people: no administrator is made there, and no password is shown.

    \b
    Example:
      guanxi init my-crm --pack crm
      guanxi init my-crm --database postgresql://crm@db/crm --admin li.na --password-stdin < secret.txt
    """
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    if password_stdin and not given:
        fail("no password on the input")
    for path in write_instance(folder, name=name, packs=packs, database=database):
        click.echo(str(path))
    if not files_only:
        _begin(folder, admin, given)


def _begin(folder: Path, admin: str, password: str) -> None:
    """Publish what the files say and make the administrator. A database away leaves the files as they are."""
    from guanxi.runtime.access.actor import SYSTEM

    from ..accounts import ADMINISTRATOR, Accounts
    from ..instance import Instance
    from ..publisher import Publisher

    instance = Instance.open(folder)
    try:
        live = _live(instance)
        done = Publisher(instance, live).apply(SYSTEM, None, (), "", "init")
        click.echo(f"version {done['version']} is published", err=True)
        accounts = Accounts(instance, live.services())
        if accounts.has_administrator():
            click.echo("the database has an administrator already; none was made", err=True)
            return
        if not password and sys.stdin.isatty():
            password = click.prompt("Password of the administrator", hide_input=True, confirmation_prompt=True)
        _, chosen = accounts.add(admin, password=password or None, roles=[ADMINISTRATOR])
        click.echo(f"administrator {admin}" + ("" if password else f", password {chosen}"))
    finally:
        instance.close()


def _live(instance: Instance) -> Live:
    """What runs on the database; says so clearly when it cannot be used."""
    import psycopg

    from ..live import Live
    from ..settings import redacted

    live = Live(instance)
    try:
        live.services()
    except (Unavailable, psycopg.Error, OSError) as fault:
        said = fault.detail if isinstance(fault, Unavailable) else str(fault).strip().splitlines()[0]
        fail(f"the database {redacted(instance.settings.database)} cannot be used: {said}", hint=LEFT)
    return live
