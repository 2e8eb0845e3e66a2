"""`guanxi pack …`: what is installed, what is in a pack, and a skeleton for a new one."""

from __future__ import annotations

from pathlib import Path

import click

from ..packs import FoundPack, description, installed, pack_layers, requirement_text
from ..scaffold import write_pack
from .common import fail, json_option, print_json, print_table


@click.group()
def pack() -> None:
    """List, show and start packs.

    \b
    Example:
      guanxi pack list
      guanxi pack new my_pack
    """


@pack.command("list")
@click.option("--language", default="en", help="Language of the labels.")
@json_option
def list_(language: str, as_json: bool) -> None:
    """List the packs that can be used here.

    \b
    Example:
      guanxi pack list --json
    """
    packs = installed()
    if as_json:
        print_json([_facts(one) for one in packs])
        return
    rows = [(one.head.name, one.head.version, one.label.text(language), requirement_text(one)) for one in packs]
    print_table(rows, ("NAME", "VERSION", "LABEL", "REQUIRES"))


@pack.command()
@click.argument("name")
@click.option("--language", default="en", help="Language of the labels.")
@json_option
def show(name: str, language: str, as_json: bool) -> None:
    """Show a pack by name or folder: version, requirements, definitions.

    \b
    Example:
      guanxi pack show crm
      guanxi pack show ./my_pack
    """
    one = _find(name)
    if as_json:
        print_json(_facts(one))
        return
    click.echo(f"{one.head.name} {one.head.version}  {one.label.text(language)}")
    if said := description(one, language):
        click.echo(said)
    if one.head.requires:
        click.echo(f"requires: {requirement_text(one)}")
    click.echo(f"folder: {one.layer.folder}")
    for kind in one.counts:
        names = [document.name for document in one.documents if document.kind == kind]
        click.echo(f"{kind} ({len(names)}): {', '.join(names)}")


@pack.command()
@click.argument("name")
@click.option("--in", "parent", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Parent folder.")
def new(name: str, parent: Path) -> None:
    """Write the skeleton of a new pack into a folder of its name.

    \b
    Example:
      guanxi pack new my_pack
    """
    for path in write_pack(parent / name, name):
        click.echo(str(path))


def _find(name: str) -> FoundPack:
    from guanxi.common.diagnostics import Diagnostics

    from ..packs import head_of

    found = Diagnostics()
    layers = pack_layers([name], Path(), found)
    found.raise_if_failed()
    one = head_of(layers[0], found)
    if one is None:
        fail(f"no document of kind pack is in '{name}'")
    return one


def _facts(one: FoundPack) -> dict[str, object]:
    return {
        "name": one.head.name,
        "version": one.head.version,
        "label": one.label.as_value(),
        "requires": dict(one.head.requires),
        "folder": str(one.layer.folder),
        "definitions": one.counts,
    }
