"""`guanxi check`, `schema`, `reference`, `where-used`: what can be said of definitions without a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from guanxi.metadata.format import FORMATS

from .common import Session, fail, instance_option, json_option, print_json, report

if TYPE_CHECKING:
    from guanxi.registry import Registry

    from ..checking import Reading


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

    gc.disable()  # one reading, then the process ends
    reading = _reading(session, paths)
    if expect_version:
        expect(reading, expect_version)
    found = reading.run()
    report(found, "json" if as_json else style)
    if any(one.severity == "error" for one in found):
        raise click.exceptions.Exit(1)


def _reading(session: Session, paths: tuple[Path, ...]) -> Reading:
    from ..checking import read_instance, read_paths

    if paths:
        return read_paths(paths)
    if not session.is_instance:
        fail(f"{session.folder} holds no guanxi.yaml", hint="name a PATH, or make an instance with `guanxi init DIR`")
    return read_instance(session.folder)


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write into this file.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of the YAML, for editors with a YAML language server.

    \b
    Example:
      guanxi schema --out guanxi.schema.json
    """
    from guanxi.metadata.json_schema import schema_text

    _give(schema_text(), out)


@click.command()
@click.option(
    "--format", "style", type=click.Choice(["markdown", "html"]), default="markdown", help="Form of the page."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write into this file.")
def reference(style: str, out: Path | None) -> None:
    """Print the reference of the YAML, generated from the models that check it.

    \b
    Example:
      guanxi reference > reference.md
      guanxi reference --format html --out reference.html
    """
    from guanxi.metadata.reference import reference_markdown

    text = reference_markdown()
    if style == "html":
        from ..pages import html_page

        text = html_page(text)
    _give(text, out)


def _give(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text.rstrip("\n"))
    else:
        out.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


@click.command("where-used")
@click.argument("name")
@click.argument("paths", metavar="[PATH]…", nargs=-1, type=click.Path(path_type=Path))
@json_option
@instance_option
@click.pass_obj
def where_used(session: Session, name: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Find everything that mentions a definition, a field or an option.

    NAME is an object, role or other definition, `object.field`, `object.field=option` or `options=option`.

    \b
    Example:
      guanxi where-used account
      guanxi where-used account.level
      guanxi where-used account.level=gold --json
    """
    from guanxi.metadata.where_used import where_used as find

    read = _reading(session, paths).inspect()
    if read.registry is None:
        report(read.found)
        raise click.exceptions.Exit(1)
    used = find(read.documents, read.registry, name)
    if as_json:
        print_json([_usage(one.place.file, one.place.line, one.place.column, one) for one in used])
    else:
        for one in used:
            click.echo(str(one))
    if not used:
        known = _known(read.registry)
        if name not in known:
            from guanxi.common.names import did_you_mean

            fail(f"nothing is called '{name}'", hint=did_you_mean(name, known))
        click.echo(f"nothing mentions '{name}'", err=True)


def _usage(file: str, line: int, column: int, one: object) -> dict[str, object]:
    said = {key: getattr(one, key) for key in ("definition", "path", "what")}
    return {"file": file, "line": line, "column": column, **said}


def _known(registry: Registry) -> set[str]:
    """Every name that can be asked for."""
    names: set[str] = set()
    for kept in (registry.objects, registry.roles, registry.option_sets, registry.apps, registry.calendars):
        names.update(kept)
    for kept in (registry.data, registry.tests, registry.packs, *registry.others.values()):
        names.update(kept)
    for owner, kind in registry.objects.items():
        for field in kind.fields.values():
            names.add(f"{owner}.{field.name}")
            names.update(f"{owner}.{field.name}={option}" for option in field.options)
        names.update(f"{owner}.{related}" for related in kind.related)
    for owner, shared in registry.option_sets.items():
        names.update(f"{owner}={option}" for option in shared.options)
    return names
