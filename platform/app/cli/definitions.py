"""`guanxi check`, `schema`, `reference`, `where-used`: what can be said of definitions without a database."""

from __future__ import annotations

from pathlib import Path

import click

from guanxi.metadata.format import FORMATS

from .common import Session, fail, instance_option, report


@click.command()
@click.argument("paths", metavar="[PATH]…", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", help="How findings are written.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--expect-version", default="", metavar="VERSION", help="The version that a checked pack must have.")
@instance_option
@click.pass_obj
def check(session: Session, paths: tuple[Path, ...], style: str, as_json: bool, expect_version: str) -> None:
    """Report every error and warning of definitions at file:line:column.

    Without a PATH the instance is checked: guanxi.yaml, its packs and its metadata. A PATH may be another instance, the
    folder of a pack, or any folder or file of definitions. Exit code 1 when there is an error.

    \b
    Example:
      guanxi check
      guanxi check metadata/objects --format github
      guanxi check ./my_pack --expect-version 1.2.0
    """
    import gc

    from ..checking import expect_version as expect
    from ..checking import read_instance, read_paths

    if not paths and not session.is_instance:
        fail(f"{session.folder} holds no guanxi.yaml", hint="name a PATH, or make an instance with `guanxi init DIR`")
    gc.disable()  # one reading, then the process ends
    reading = read_paths(paths) if paths else read_instance(session.folder)
    if expect_version:
        expect(reading, expect_version)
    _, found = reading.run()
    report(found, "json" if as_json else style)
    if any(one.severity == "error" for one in found):
        raise click.exceptions.Exit(1)
