"""`guanxi audit`: prove the trail, keep its head, write it out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from guanxi.common.errors import BadRequest
from guanxi.runtime.audit import Head, head_of, lines, verify

from ..audit_heads import last_seen, remember
from .common import fail, instance_option, json_option, print_json
from .opening import opened, operator


@click.group()
def audit() -> None:
    """The audit trail: verify, head, export.

    Example: guanxi audit verify
    """


@audit.command(name="verify")
@click.option(
    "--head",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A head that was kept elsewhere (guanxi audit head); the one of the last verification when not given.",
)
@json_option
@instance_option
def verify_command(head: Path | None, as_json: bool) -> None:
    """Walk the whole chain and say where it was changed, cut or added to.

    Example: guanxi audit verify --head /safe/head.json
    """
    with opened() as here:
        instance = here.instance
        known = _read(head) if head is not None else last_seen(instance)
        verdict = verify(instance.database, instance.secret, known=known)
        if verdict.good:
            remember(instance, verdict.head)
    if as_json:
        found = [{"kind": b.kind, "number": b.number, "message": b.message} for b in verdict.breaks]
        print_json({"entries": verdict.entries, "good": verdict.good, "breaks": found, "head": verdict.head.as_dict()})
    else:
        for one in verdict.breaks:
            click.echo(f"{one.kind}: {one.message}")
        click.echo(f"{verdict.entries} entries" + (", the chain holds" if verdict.good else ""))
    if not verdict.good:
        fail(f"the audit trail does not hold: {verdict.breaks[0].message}")


def _read(path: Path) -> Head:
    try:
        return Head.of_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError, AttributeError) as fault:
        raise BadRequest(f"{path} is not a head: {fault}", code="bad_head") from None


@audit.command()
@instance_option
def head() -> None:
    """Print the trail's head as JSON; keep it outside the instance to prove later that nothing was cut.

    Example: guanxi audit head > /safe/head.json
    """
    with opened() as here:
        print_json(head_of(here.instance.database).as_dict())


@audit.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file; the output when not given.")
@click.option("--reason", default="", help="What for; kept in the trail.")
@instance_option
def export(out: Path | None, reason: str) -> None:
    """Write the trail as NDJSON with hashes, oldest first.

    Example: guanxi audit export --out audit.ndjson
    """
    with opened() as here:
        here.instance.audit.record("audit_read", operator(), reason=reason)
        written = lines(here.instance.database)
        if out is None:
            for line in written:
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            return
        with out.open("wb") as file:
            file.writelines(written)
    click.echo(f"wrote {out}", err=True)
