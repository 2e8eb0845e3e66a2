"""`guanxi test`: run metadata tests on a scratch database with a set clock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Session, fail, instance_option, json_option, print_json, report

if TYPE_CHECKING:
    from ..metadata_tests import Ran
    from ..testing import Outcome, Report


@click.command()
@click.argument("paths", metavar="[PATH]…", nargs=-1, type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Also the tests of the packs that PATH uses.")
@click.option("--name", "names", multiple=True, help="Only the test of this name; may be repeated.")
@json_option
@instance_option
@click.pass_obj
def test(session: Session, paths: tuple[Path, ...], every: bool, names: tuple[str, ...], as_json: bool) -> None:
    """Run metadata tests on a scratch database with a set clock; nothing of the instance is touched.

    Without a PATH the instance's own tests run. A PATH may be another instance, the folder of a pack, or any folder or
    file of definitions. Exit code 1 when a test fails.

    \b
    Example:
      guanxi test
      guanxi test ./my_pack
      guanxi test --all --json
    """
    from ..checking import read_instance, read_paths
    from ..metadata_tests import run_reading

    if not paths and not session.is_instance:
        fail(f"{session.folder} holds no guanxi.yaml", hint="name a PATH, or make an instance with `guanxi init DIR`")
    reading = read_paths(paths) if paths else read_instance(session.folder)
    ran = run_reading(reading, every=every, names=names, done=None if as_json else tell)
    conclude(ran, as_json)


def conclude(ran: Ran, as_json: bool) -> None:
    """Tell the sum; exit code 1 when the definitions are wrong or a test failed."""
    if ran.report is None:
        report(ran.found)
        raise click.exceptions.Exit(1)
    if as_json:
        print_json(ran.report.as_data())
    else:
        tell_sum(ran.report)
    if ran.report.failed:
        raise click.exceptions.Exit(1)


def tell(outcome: Outcome) -> None:
    """One line for a test, and one for each thing that is not as it says."""
    word = click.style("ok", fg="green") if outcome.ok else click.style("failed", fg="red")
    click.echo(f"{word}{' ' * (8 - (2 if outcome.ok else 6))}{outcome.name}")
    for failure in outcome.failures:
        click.echo(f"  {failure}")


def tell_sum(ran: Report) -> None:
    """How many passed, and what no test touched."""
    failed = len(ran.failed)
    click.echo(f"{len(ran.outcomes) - failed} passed, {failed} failed")
    if ran.outcomes:
        click.echo(f"touched: {ran.coverage}")
    if ran.coverage.missing:
        click.echo(f"not touched: {', '.join(ran.coverage.missing)}")
