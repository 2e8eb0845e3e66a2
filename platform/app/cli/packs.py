"""`guanxi pack …`: what is installed, what is in a pack, a skeleton for a new one; packs come, change and leave."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from guanxi.runtime.schema.explain import as_data, text

from ..pack_changes import PackChange, PackChanges
from ..packs import FoundPack, description, installed, pack_layers, requirement_text
from ..scaffold import write_pack
from .common import allow_option, confirmed, fail, instance_option, json_option, print_json, print_table
from .opening import opened, operator
from .pack_building import KEPT, build, key, signed_by_option, taken_in


@click.group()
def pack() -> None:
    """List, show, install, upgrade, uninstall, test and start packs.

    \b
    Example:
      guanxi pack list
      guanxi pack new my_pack
    """


@pack.command("list")
@click.option("--language", default="en", help="Language of the labels.")
@json_option
def list_(language: str, as_json: bool) -> None:
    """List the packs that can be used here.

    \b
    Example:
      guanxi pack list --json
    """
    packs = installed()
    if as_json:
        print_json([_facts(one) for one in packs])
        return
    rows = [(one.head.name, one.head.version, one.label.text(language), requirement_text(one)) for one in packs]
    print_table(rows, ("NAME", "VERSION", "LABEL", "REQUIRES"))


@pack.command()
@click.argument("name")
@click.option("--language", default="en", help="Language of the labels.")
@json_option
def show(name: str, language: str, as_json: bool) -> None:
    """Show a pack by name or folder: version, requirements, definitions.

    \b
    Example:
      guanxi pack show crm
      guanxi pack show ./my_pack
    """
    one = _find(name)
    if as_json:
        print_json(_facts(one))
        return
    click.echo(f"{one.head.name} {one.head.version}  {one.label.text(language)}")
    if said := description(one, language):
        click.echo(said)
    if one.head.requires:
        click.echo(f"requires: {requirement_text(one)}")
    click.echo(f"folder: {one.layer.folder}")
    for kind in one.counts:
        names = [document.name for document in one.documents if document.kind == kind]
        click.echo(f"{kind} ({len(names)}): {', '.join(names)}")


@pack.command()
@click.argument("name")
@click.option("--in", "parent", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Parent folder.")
def new(name: str, parent: Path) -> None:
    """Write the skeleton of a new pack into a folder of its name.

    \b
    Example:
      guanxi pack new my_pack
    """
    for path in write_pack(parent / name, name):
        click.echo(str(path))


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


pack.add_command(build)
pack.add_command(key)


@pack.command()
@click.argument("name")
@yes_option
@click.option("--sample", is_flag=True, help="Load the sample rows of the packs that come.")
@signed_by_option
@allow_option
@json_option
@instance_option
def install(name: str, yes: bool, sample: bool, signed_by: str, allow: tuple[str, ...], as_json: bool) -> None:
    """Add a pack, by name, folder or file, with what it requires: its tests run, the plan is shown, then it is
    published. A pack file is judged and unpacked into the instance's packs/ folder.

    \b
    Example:
      guanxi pack install telecom
      guanxi pack install ./my_pack --yes --sample
      guanxi pack install my_pack-1.0.0.gxpack --signed-by ed25519:5f0c…
    """
    _come("install", name, yes, allow, as_json, sample=sample, signed_by=signed_by)


@pack.command()
@click.argument("name")
@yes_option
@signed_by_option
@allow_option
@json_option
@instance_option
def upgrade(name: str, yes: bool, signed_by: str, allow: tuple[str, ...], as_json: bool) -> None:
    """Publish the version of a pack that is installed here now, or the one in another folder or a pack file.

    What the instance changed stays (`extend`, `patch`); where both changed the same key, the conflict is told and
    nothing happens.

    \b
    Example:
      guanxi pack upgrade telecom
      guanxi pack upgrade ./telecom-1.1 --yes
    """
    _come("upgrade", name, yes, allow, as_json, signed_by=signed_by)


def _come(
    act: str, name: str, yes: bool, allow: tuple[str, ...], as_json: bool, *, sample: bool = False, signed_by: str = ""
) -> None:
    with opened() as here:
        here.live.services()
        changes = PackChanges(here.publisher)
        name = taken_in(name, here.instance.folder / KEPT, signed_by, tell=not as_json)
        change = changes.plan(operator(), act, changes.reference(name, Path()), allow=allow)
        passed = changes.demand_tests(change)
        if not as_json:
            coming = ", ".join(f"{one.head.name} {one.head.version}" for one in change.packs)
            click.echo(f"{act}: {coming}; {passed} tests passed")
        done = _published(changes, change, yes, as_json)
        loaded = changes.load_samples(change) if sample else None
    if loaded is not None:
        done["sample"] = {"created": loaded.created, "updated": loaded.updated, "unchanged": loaded.unchanged}
        if not as_json:
            click.echo(f"{loaded.created} sample records made")
    if as_json:
        print_json(done)


@pack.command()
@click.argument("name")
@click.option(
    "--data", type=click.Choice(["keep", "archive", "drop"]), default=None, help="What becomes of its records."
)
@yes_option
@allow_option
@json_option
@instance_option
def uninstall(name: str, data: str | None, yes: bool, allow: tuple[str, ...], as_json: bool) -> None:
    """Take a pack away; refused while another pack or a definition of the instance needs it.

    Its records: keep sets them aside in the database (`guanxi rollback` brings them back), archive writes them to
    data/archive first and then removes them, drop removes them for good.

    \b
    Example:
      guanxi pack uninstall telecom --data keep
      guanxi pack uninstall telecom --data archive --yes
    """
    from ..publisher import RefusedDefinitions

    with opened() as here:
        here.live.services()
        changes = PackChanges(here.publisher)
        try:
            change = changes.plan(operator(), "uninstall", name, data=data or "", allow=allow)
        except RefusedDefinitions:
            click.echo(f"error: definitions of the instance need {name}; change them first", err=True)
            raise
        if data is None and change.plan.objections(allow):
            click.echo(text(change.plan, allow), nl=False)
            fail("records would go", hint="say what becomes of them: --data keep, archive or drop")
        done = _published(changes, change, yes, as_json, data or "")
    if as_json:
        print_json(done)
    elif "archive" in done:
        click.echo(f"the records are in {done['archive']}")


def _published(changes: PackChanges, change: PackChange, yes: bool, as_json: bool, data: str = "") -> dict[str, object]:
    if not as_json:
        click.echo(text(change.plan, change.allow), nl=False)
    if change.plan.objections(change.allow):
        if as_json:
            print_json(as_data(change.plan, change.allow))
        fail("the plan cannot be applied as it is")
    if not change.plan.empty:
        confirmed(yes, f"Publish version {change.plan.number}?")
    done = changes.apply(change, data)
    if not as_json:
        click.echo(f"version {done['version']} is published" if done["published"] else "nothing to publish")
    return done


@pack.command("test")
@click.argument("name")
@json_option
def test_(name: str, as_json: bool) -> None:
    """Run the metadata tests of a pack, by name or folder, on a scratch database.

    \b
    Example:
      guanxi pack test crm
      guanxi pack test ./my_pack
    """
    from ..checking import read_paths
    from ..metadata_tests import run_reading
    from .tests import conclude, tell

    folder = _find(name).layer.folder
    ran = run_reading(read_paths([Path(str(folder))]), done=None if as_json else tell)
    conclude(ran, as_json)


def _find(name: str) -> FoundPack:
    from guanxi.common.diagnostics import Diagnostics

    from ..packs import head_of

    found = Diagnostics()
    if name.endswith(".gxpack"):
        name = taken_in(name, Path(click.get_current_context().with_resource(TemporaryDirectory())), tell=False)
    layers = pack_layers([name], Path(), found)
    found.raise_if_failed()
    one = head_of(layers[0], found)
    if one is None:
        fail(f"no document of kind pack is in '{name}'")
    return one


def _facts(one: FoundPack) -> dict[str, object]:
    return {
        "name": one.head.name,
        "version": one.head.version,
        "label": one.label.as_value(),
        "requires": dict(one.head.requires),
        "folder": str(one.layer.folder),
        "definitions": one.counts,
    }
