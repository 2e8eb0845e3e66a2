"""`guanxi approvals`: flows for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from guanxi.runtime.approvals.bpmn import to_bpmn
from guanxi.runtime.approvals.simulating import known_flow

from .common import instance_option
from .opening import opened


@click.group()
def approvals() -> None:
    """Approval flows for other programs.

    Example: guanxi approvals bpmn discount
    """


@approvals.command()
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of standard output.")
@click.option("--language", default="", help="Labels in this language; the instance's first when not given.")
@instance_option
def bpmn(name: str, out: Path | None, language: str) -> None:
    """Print an approval flow as BPMN 2.0 with its drawing.

    Example: guanxi approvals bpmn discount --out discount.bpmn
    """
    with opened() as here:
        room = here.services.records.room
        text = to_bpmn(known_flow(room, name), language or room.registry.languages[0])
    if out is not None:
        out.write_text(text, encoding="utf-8", newline="")
    else:
        click.echo(text, nl=False)
