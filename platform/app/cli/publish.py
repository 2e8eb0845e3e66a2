"""`guanxi plan`, `apply`, `versions`, `rollback`, `diff`, `pull`: see what publishing would do, do it, go back."""

from __future__ import annotations

from pathlib import Path

import click

from guanxi.common.errors import Conflict
from guanxi.runtime.schema.explain import as_data, text
from guanxi.runtime.schema.plan import Plan

from ..instance import METADATA
from .common import allow_option, confirmed, fail, instance_option, json_option, print_json
from .opening import Opened, opened, operator


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for `guanxi apply FILE`.")
@allow_option
@json_option
@instance_option
def plan(out: Path | None, allow: tuple[str, ...], as_json: bool) -> None:
    """Say what publishing the instance's files would do; changes nothing.

    Example: guanxi plan --out change.plan
    """
    with opened() as here:
        made, _ = here.publisher.make_plan(operator(), None, allow)
        if out is not None:
            out.write_text(made.to_json(), encoding="utf-8")
        if as_json:
            print_json(as_data(made, allow))
        else:
            click.echo(text(made, allow), nl=False)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--note", default="", help="What the change is for; kept with the version.")
@allow_option
@json_option
@instance_option
def apply(file: Path | None, yes: bool, note: str, allow: tuple[str, ...], as_json: bool) -> None:
    """Publish the instance's files, or exactly the plan saved in FILE.

    Example: guanxi apply change.plan --allow account.fax
    """
    with opened() as here:
        publisher = here.publisher
        made = _saved(file) if file is not None else publisher.make_plan(operator(), None, allow)[0]
        if not as_json:
            click.echo(text(made, allow), nl=False)
        if made.empty:
            if as_json:
                print_json({"version": made.base, "published": False})
            return
        if file is not None and made.base != publisher.number():
            fail(f"the plan was made for version {made.base}, and {publisher.number()} is published: make a new plan")
        if made.objections(allow):
            if as_json:
                print_json(as_data(made, allow))
            fail("the plan cannot be applied as it is")
        confirmed(yes, f"Publish version {made.number}?")
        if file is not None:
            done = publisher.apply_plan(operator(), made, allow)
        else:
            done = publisher.apply(operator(), None, allow, made.fingerprint, note)
    if as_json:
        print_json(done)
    else:
        click.echo(f"version {done['version']} is published")


def _saved(file: Path) -> Plan:
    try:
        return Plan.from_json(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as fault:
        raise Conflict(f"{file} is not a plan that can be applied: {fault}", code="bad_plan") from None


@click.command()
@json_option
@instance_option
def versions(as_json: bool) -> None:
    """Published versions, newest first; the current one is marked.

    Example: guanxi versions
    """
    with opened() as here:
        here.live.services()
        rows = here.publisher.versions()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        mark = " *" if row["current"] else "  "
        click.echo(f"{row['number']}{mark} {row['at']} {row['author'] or 'system'} {row['note']}".rstrip())


@click.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--yes", is_flag=True, help="Do not ask.")
@allow_option
@instance_option
def rollback(number: int, yes: bool, allow: tuple[str, ...]) -> None:
    """Publish the definitions of an earlier version again; your files are not touched (see `guanxi pull`).

    Example: guanxi rollback 3 --yes
    """
    with opened() as here:
        made = here.instance.schema.plan_rollback(number, operator().name, allow=allow)
        click.echo(text(made, allow), nl=False)
        if made.empty:
            return
        if made.objections(allow):
            fail("the plan cannot be applied as it is")
        confirmed(yes, f"Go back to version {number}?")
        done = here.publisher.rollback(operator(), number, allow)
    click.echo(f"version {done['version']} is published")


@click.command()
@click.argument("first", type=click.IntRange(1))
@click.argument("second", type=click.IntRange(1))
@json_option
@instance_option
def diff(first: int, second: int, as_json: bool) -> None:
    """The difference between the definitions of two versions, file by file.

    Example: guanxi diff 2 3
    """
    with opened() as here:
        changed = here.publisher.diff(first, second)
    if as_json:
        print_json(changed)
        return
    for one in changed:
        click.echo(one["diff"])


@click.command()
@click.option("--yes", is_flag=True, help="Overwrite files that differ without asking.")
@instance_option
def pull(yes: bool) -> None:
    """Write what is published back as files of the instance's metadata folder.

    Example: guanxi pull
    """
    with opened() as here:
        files = here.publisher.files()
        changed = _differing(here, files)
        if not changed:
            click.echo("the files are what is published")
            return
        confirmed(yes, f"Write {len(changed)} files?")
        for path, content in changed.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            click.echo(str(path.relative_to(here.instance.folder)))


def _differing(here: Opened, files: dict[str, str]) -> dict[Path, str]:
    """Files to write: target path → text. A name that would leave the metadata folder is refused."""
    base = (here.instance.folder / METADATA).resolve()
    out = {}
    for name, content in files.items():
        path = (base / name.removeprefix(f"{METADATA}/")).resolve()
        if not path.is_relative_to(base):
            fail(f"'{name}' is not below {METADATA}/")
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            out[path] = content
    return out
