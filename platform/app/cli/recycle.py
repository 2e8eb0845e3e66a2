"""`guanxi recycle`: send what is due back to its pool now, instead of waiting for the hourly job."""

from __future__ import annotations

import json

import click

from guanxi.runtime.pools import recycle as recycling

from .common import instance_option, json_option
from .opening import opened


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count what is due; change nothing.")
@json_option
@instance_option
def recycle(dry_run: bool, as_json: bool) -> None:
    """Send records that are due back to their pools.

    Example: guanxi recycle --dry-run
    """
    with opened() as here:
        found = recycling.run(here.services, dry_run=dry_run).as_dict()
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for rule, count in found["rules"].items():
        click.echo(f"{rule}: {count}")
    click.echo(f"{found['recycled']} {'would fall' if dry_run else 'fell'} back, {found['warned']} warned")
    if found["unrouted"]:
        click.echo(f"{len(found['unrouted'])} are due and no pool takes them")
