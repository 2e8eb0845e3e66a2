"""`guanxi init`: the files of a new instance."""

from __future__ import annotations

from pathlib import Path

import click

from ..scaffold import write_instance


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--pack", "packs", multiple=True, metavar="NAME", help="A pack to use; may be repeated.")
@click.option("--database", default="", metavar="URL", help="sqlite:///data/guanxi.db (default) or postgresql://…")
@click.option("--name", default="", help="What the instance is called; the folder's name when not given.")
def init(folder: Path, packs: tuple[str, ...], database: str, name: str) -> None:
    """Make a new, empty instance: a commented guanxi.yaml and a folder for its own metadata.

    \b
    Example:
      guanxi init my-crm --pack crm
      guanxi init my-crm --database postgresql://crm@db/crm
    """
    for path in write_instance(folder, name=name, packs=packs, database=database):
        click.echo(str(path))
