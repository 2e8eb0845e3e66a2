"""`guanxi demo`: everything at once, to look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from guanxi.common.names import did_you_mean

from ..demo import FOLDER, default_packs, is_ready, logins_of, make_demo
from ..packs import installed_folders
from .common import fail


@click.command()
@click.argument("packs", nargs=-1, metavar="[PACK …]")
@click.option("--fresh", is_flag=True, help="Start over; what is in the demo is lost.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=None, type=click.IntRange(1, 64))
@click.option("--no-serve", is_flag=True, help="Make it and stop.")
def demo(packs: tuple[str, ...], fresh: bool, host: str, port: int, workers: int | None, no_serve: bool) -> None:
    """An instance with sample data in ./guanxi-demo, served; prints the address and who can log in.

    Example: guanxi demo crm telecom
    """
    known = installed_folders()
    for name in packs:
        if name not in known:
            hint = did_you_mean(name, known)
            fail(f"there is no pack '{name}'" + (f" ({hint})" if hint else ""))
    folder = Path(FOLDER)
    if fresh and folder.exists():
        shutil.rmtree(folder)
    if not is_ready(folder):
        make_demo(folder, packs or default_packs(), lambda line: click.echo(line, err=True)).close()
    elif packs:
        click.echo(f"{folder} is kept as it is; add --fresh to start over", err=True)
    click.echo(f"\nOpen http://{host}:{port} and log in as one of")
    for login in logins_of(folder):
        click.echo(f"  {login.name:<14} {login.password}   {login.roles}")
    click.echo("")
    if no_serve:
        return
    from ..serve import default_workers, serve

    serve(folder, host, port, workers=workers or default_workers(), threads=1)
