"""`guanxi explain` and `guanxi matrix`: why somebody may or may not, and who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.access.matrix import matrix_csv

from .common import instance_option, json_option, print_json
from .opening import opened


@click.command()
@click.argument("user")
@click.argument("object_name", metavar="OBJECT")
@click.argument("record_id", metavar="ID", type=click.IntRange(1))
@click.argument("operation", required=False, default="read")
@json_option
@instance_option
def explain(user: str, object_name: str, record_id: int, operation: str, as_json: bool) -> None:
    """Say why USER may or may not do OPERATION (read, update, …) with a record: rules, their files and lines.

    Example: guanxi explain li.na account 7 update
    """
    with opened() as here:
        services = here.services
        about = services.somebody(user)
        told = services.records.explain(SYSTEM, object_name, record_id, about=about, operation=operation)
    if as_json:
        print_json(told)
        return
    for line in lines(told):
        click.echo(line)


def lines(told: Mapping[str, Any]) -> list[str]:
    """The explanation for people."""
    who, what = told["user"]["name"], f"{told['object']} {told['id']}"
    verdict = "may" if told["allowed"] else "may not"
    found = [f"{who} {verdict} {told['operation']} {what}"]
    found += [f"  {_rule(rule)}" for rule in told["because"]]
    found.append("fields:" if told["fields"] else "fields: none")
    for name, right in told["fields"].items():
        place = f" ({right['place']})" if right.get("place") else ""
        found.append(f"  {name}: {right['grant']} by {right.get('source', '')}{place}")
    return found


def _rule(rule: Mapping[str, Any]) -> str:
    mark = "+" if rule["holds"] and rule["effect"] == "allow" else "-" if rule["holds"] else " "
    said = f"{mark} {rule['operation']}: {rule['source']} {rule['effect']}s".replace(" nones", "")
    more = [str(rule[key]) for key in ("scope", "where") if rule.get(key)]
    place = f" ({rule['place']})" if rule.get("place") else ""
    shared = "; ".join(
        f"by user {one['by']}" + (f" until {one['until']}" if one["until"] else "") for one in rule.get("shares", ())
    )
    holds = "" if rule["holds"] else " – does not hold for this record"
    return f"{said} {' where '.join(more)}{f', {shared}' if shared else ''}{place}{holds}"


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of standard output.")
@instance_option
def matrix(out: Path | None) -> None:
    """Print role × object × operation and field of what is published, as CSV.

    Example: guanxi matrix --out permissions.csv
    """
    with opened() as here:
        text = matrix_csv(here.services.registry)
    if out is not None:
        out.write_text(text, encoding="utf-8", newline="")
    else:
        click.echo(text, nl=False)
