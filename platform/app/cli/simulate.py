"""`guanxi simulate`: what would happen, without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import orjson

from guanxi.runtime.access.actor import SYSTEM

from .common import instance_option, json_option, print_json
from .opening import opened


@click.group()
def simulate() -> None:
    """Say what would happen, without doing it.

    Example: guanxi simulate approval discount --since 90d
    """


@simulate.command()
@click.argument("name")
@click.option("--record", nargs=2, metavar="OBJECT ID", help="A record that exists.")
@click.option("--values", metavar="JSON", help="Values of one that does not.")
@click.option("--as", "submitter", metavar="USER", help="Who submits; else the record's owner.")
@click.option("--since", default="90d", show_default=True, help="Without a record: what went through it since then.")
@json_option
@instance_option
def approval(
    name: str, record: tuple[str, str] | None, values: str | None, submitter: str | None, since: str, as_json: bool
) -> None:
    """Walk an approval: path and people on one record or on values, or the last months again.

    Example: guanxi simulate approval discount --values '{"amount": "200000", "discount": 12}'
    """
    with opened() as here:
        service = here.services.approvals
        who = here.services.somebody(submitter).id if submitter else None
        if record is None and values is None:
            told = service.replay(SYSTEM, name, since)
        else:
            told = service.simulate(SYSTEM, name, record=_number(record), values=_values(values), submitter=who)
    if as_json:
        print_json(told)
        return
    for line in replayed(told) if "runs" in told else lines(told):
        click.echo(line)


def _number(record: tuple[str, str] | None) -> int | None:
    if record is None:
        return None
    if not record[1].isdigit():
        raise click.BadParameter(f"an id is a number, not {record[1]!r}", param_hint="--record")
    return int(record[1])


def _values(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"this is not JSON: {error}", param_hint="--values") from error
    if not isinstance(found, dict):
        raise click.BadParameter("a map of field to value is needed", param_hint="--values")
    return found


def lines(told: Mapping[str, Any]) -> list[str]:
    """One run for people."""
    found = [f"{told['approval']}: {told['state']}" + (f" ({told['reason']})" if told["reason"] else "")]
    if not told.get("starts", True):
        found.append("  its start condition does not hold for this record")
    for step in told["path"]:
        found.append(f"  {step['step']}: {step['state']}" + (f", due {step['due_at']}" if step["due_at"] else ""))
        found += [f"    {_said(person)}" for person in step["people"]]
    found += [f"  unknown: {one}" for one in told["unknown"]]
    if told["copies"]:
        found.append("  told: " + ", ".join(person["title"] for person in told["copies"]))
    return found


def _said(person: Mapping[str, Any]) -> str:
    behalf = f" for #{person['on_behalf_of']}" if person["on_behalf_of"] else ""
    return f"{person['title']}{behalf} ({person['reason']})" + ("" if person["asked"] else ", agreed before")


def replayed(told: Mapping[str, Any]) -> list[str]:
    """A replay for people."""
    found = [f"{told['approval']}: {told['runs']} runs, {len(told['changed'])} with other people"]
    found += [f"  {one['record']}: {', '.join(one['before'])} -> {', '.join(one['after'])}" for one in told["changed"]]
    found += [f"  dead end at record {one['record']}: {one['reason'] or one['state']}" for one in told["dead_ends"]]
    found += [f"  never taken: {one}" for one in told["uncovered"]]
    found += [f"  {one['step']}: {one['hours']} h (median of {one['decisions']})" for one in told["bottlenecks"]]
    found += [f"  {name}: asked {times} times" for name, times in told["asked"].items()]
    return found
