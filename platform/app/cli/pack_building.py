"""`guanxi pack build` and `pack key`: a pack as one file to hand on, signed; and how such a file is taken in."""

from __future__ import annotations

from pathlib import Path

import click

from .common import fail, json_option, print_json, report

KEPT = "packs"
signed_by_option = click.option(
    "--signed-by", default="", metavar="FINGERPRINT", help="A pack file must be signed by this key."
)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None, help="NAME-VERSION.gxpack here.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False, exists=True), default=None, help="Signs it.")
@click.option("--no-tests", is_flag=True, help="Do not run the pack's tests first.")
@json_option
def build(folder: Path, out: Path | None, key: Path | None, no_tests: bool, as_json: bool) -> None:
    """Check a pack's folder, run its tests, and write it as one file that `pack install` takes.

    \b
    Example:
      guanxi pack build ./my_pack
      guanxi pack build ./my_pack --key signing.pem --out dist/my_pack.gxpack
    """
    from .. import pack_files
    from ..checking import read_paths
    from ..metadata_tests import run_reading
    from .tests import conclude, tell

    reading = read_paths([folder.resolve()])
    found = reading.run()
    if any(one.severity == "error" for one in found):
        report(found, "json" if as_json else "text")
        raise click.exceptions.Exit(1)
    if len(reading.packs) != 1:
        fail(f"{folder} holds no pack", hint="a pack has a document with kind: pack")
    if not no_tests:
        ran = run_reading(read_paths([folder.resolve()]), done=None if as_json else tell)
        if ran.report is None or ran.report.failed:
            conclude(ran, as_json)
            raise click.exceptions.Exit(1)
    head = reading.packs[0].head
    target = out or Path(f"{head.name}-{head.version}{pack_files.ENDING}")
    target.parent.mkdir(parents=True, exist_ok=True)
    signer = pack_files.build(folder.resolve(), head.name, head.version, target, key)
    if as_json:
        print_json({"file": str(target), "name": head.name, "version": head.version, "signed_by": signer or None})
    else:
        click.echo(f"{target}  {head.name} {head.version}  {f'signed by {signer}' if signer else 'not signed'}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def key(file: Path) -> None:
    """Make a key that signs packs; FILE is readable by its owner only. Prints the fingerprint to trust.

    \b
    Example:
      guanxi pack key signing.pem
    """
    from ..pack_files import new_key

    if file.exists():
        fail(f"{file} is there already")
    click.echo(new_key(file))


def taken_in(name: str, parent: Path, signed_by: str = "", *, tell: bool = True) -> str:
    """A pack file, judged and unpacked below `parent`, as the folder's path; another name as it is."""
    from ..pack_files import is_pack_file, read, unpack

    if not is_pack_file(name):
        if signed_by:
            fail("--signed-by goes with a pack file")
        return name
    judged = read(Path(name).expanduser(), signed_by)
    folder = unpack(judged, parent).resolve()
    if tell:
        click.echo(f"{judged.name} {judged.version}, {f'signed by {judged.signer}' if judged.signer else 'not signed'}")
    return folder.as_posix()
