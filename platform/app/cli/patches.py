"""`guanxi patch`: begin a patch by hand. The base says what it was made against; no database is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import Session, fail, instance_option

if TYPE_CHECKING:
    from ..patch_writing import PatchWriter


@click.group()
def patch() -> None:
    """Patches: local changes to a definition, merged three ways when its pack changes.

    \b
    Example:
      guanxi patch new object/account fields.level.required=true
      guanxi patch base object/account
    """


def _writer(session: Session) -> PatchWriter:
    from ..checking import read_instance
    from ..patch_writing import PatchWriter

    if not session.is_instance:
        fail(f"{session.folder} holds no guanxi.yaml", hint="name the instance with --instance DIR")
    reading = read_instance(session.folder)
    reading.found.raise_if_failed()
    return PatchWriter(reading)


@patch.command()
@click.argument("target", metavar="KIND/NAME")
@instance_option
@click.pass_obj
def base(session: Session, target: str) -> None:
    """Print the base of a definition as it stands now: what `base:` of a patch written by hand says.

    Example: guanxi patch base object/account
    """
    click.echo(_writer(session).base(target))


@patch.command()
@click.argument("target", metavar="KIND/NAME")
@click.argument("changes", metavar="[PATH=VALUE]…", nargs=-1)
@click.option("--remove", "gone", multiple=True, metavar="PATH", help="A path that is taken away; may be repeated.")
@click.option("--name", default="", help="The patch's name; local_NAME when not given.")
@click.option("--reason", default="", help="Why; kept with the patch.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write into this new file.")
@instance_option
@click.pass_obj
def new(session: Session, /, target: str, changes: tuple[str, ...], out: Path | None, **more: Any) -> None:
    """Write a patch with its base and the values it found; VALUE is YAML.

    \b
    Example:
      guanxi patch new object/account fields.level.required=true --remove views.board
      guanxi patch new object/account 'fields.level.label={en: Tier, zh: 等级}' --out metadata/tier.yaml
    """
    text = _writer(session).text(target, changes, more["gone"], name=more["name"], reason=more["reason"])
    if out is None:
        click.echo(text, nl=False)
        return
    if out.exists():
        fail(f"{out} is there already", hint="choose another name, or add to it by hand")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    click.echo(str(out))
