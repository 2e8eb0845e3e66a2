"""Packs come, change and leave: by the command line, on both engines."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from guanxi.app.accounts import Accounts
from guanxi.app.cli import main
from guanxi.app.instance import Instance
from guanxi.app.live import Live
from guanxi.app.settings import read_settings
from guanxi.metadata.bases import record_bases
from guanxi.metadata.sources import text_layer
from guanxi.runtime.access.actor import SYSTEM

HEAD = "kind: pack\nname: zoo\nversion: {version}\nlabel: {{en: Zoo, zh: 动物园}}\nrequires: {{crm: '>=1,<2'}}\n"
ANIMAL = """\
kind: options
name: diet
options: {meat: {en: Meat, zh: 肉}, grass: {en: Grass, zh: 草}}
---
kind: object
name: animal
label: {en: Animal, zh: 动物}
title: name
owned: true
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true}
  diet: {type: choice, options: diet}
  keeper: {type: reference, to: account, related: animals, on_delete: clear}
rules:
  named: {check: name != "x", message: {en: A real name, zh: 真实名称}, fields: [name]}
---
kind: object
extend: account
fields:
  cages: {type: integer, label: {en: Cages, zh: 笼位}}
---
kind: role
name: zoo_keeper
label: {en: Keeper, zh: 饲养员}
objects: {animal: {create: true, read: all, update: all}}
---
kind: app
name: zoo
label: {en: Zoo, zh: 动物园}
menu: [animal, account]
roles: [zoo_keeper]
---
kind: test
name: animals_have_names
when:
  - create: {object: animal, values: {name: x}, refused: {rule: named}}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="guanxi")


def done(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def write_pack(folder: Path, version: str, text: str = ANIMAL) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(HEAD.format(version=version), encoding="utf-8")
    (folder / "all.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Path:
    folder = tmp_path / "crm"
    (folder / "metadata").mkdir(parents=True)
    settings = f"name: T\ndatabase: {database_url}\npacks: [] # what we use\ntime_zone: Asia/Shanghai\n"
    (folder / "guanxi.yaml").write_text(settings, encoding="utf-8")
    write_pack(folder / "zoo", "1.0.0")
    monkeypatch.chdir(folder)
    return folder


def packs(folder: Path) -> list[str]:
    return list(read_settings(folder).packs)


class Look:
    """The instance as another process sees it."""

    def __init__(self, folder: Path) -> None:
        self.instance = Instance.open(folder)
        self.services = Live(self.instance).services()
        self.registry = self.services.registry

    def __enter__(self) -> Look:
        return self

    def __exit__(self, *_: object) -> None:
        self.instance.close()


def test_install_brings_what_is_required_and_says_so(instance: Path) -> None:
    refused = run("pack", "install", "telecom")
    assert (refused.exit_code, "nobody to ask: add --yes" in refused.stderr) == (1, True)
    assert "crm 1.0.0" in refused.stdout
    assert "tests passed" in refused.stdout
    assert "+ object/subscriber" in refused.stdout
    assert packs(instance) == []
    assert run("pack", "install", "telecom", "--yes").exit_code == 0
    assert packs(instance) == ["crm", "telecom"]
    text = (instance / "guanxi.yaml").read_text(encoding="utf-8")
    assert "packs: [crm, telecom]  # what we use\n" in text
    assert list(instance.glob("*.new")) == []
    assert done("plan")["empty"]
    assert done("pack", "install", "telecom")["published"] is False
    assert "did you mean 'telecom'?" in run("pack", "install", "telecon", "--yes").stderr


def test_install_with_sample_rows_and_uninstall_leaves_nothing(instance: Path) -> None:
    run("pack", "install", "crm", "--yes")
    with Look(instance) as before:
        names = {kind: set(getattr(before.registry, kind)) for kind in ("objects", "roles", "apps", "option_sets")}
    made = done("pack", "install", "telecom", "--yes", "--sample")
    assert made["sample"]["created"] > 50
    with Look(instance) as at:
        assert Accounts(at.instance, at.services).add("kim", roles=["telecom_agent"])
        assert "subscriber" in at.registry.objects
    needed = run("pack", "uninstall", "crm", "--yes")
    assert (needed.exit_code, "telecom requires crm" in needed.stderr) == (1, True)
    asked = run("pack", "uninstall", "telecom", "--yes")
    assert (asked.exit_code, "--data keep, archive or drop" in asked.stderr) == (1, True)
    assert run("pack", "uninstall", "telecom", "--data", "drop", "--yes").exit_code == 0
    assert packs(instance) == ["crm"]
    with Look(instance) as after:
        assert {kind: set(getattr(after.registry, kind)) for kind in names} == names
        roles = after.services.records.list(SYSTEM, query("role")).data
        assert {str(row["name"]) for row in roles} == names["roles"]
        assert after.instance.schema.kept() == []
        assert not [t for t in tables(after) if "subscri" in t or "incident" in t]
        kim = Accounts(after.instance, after.services).user_id("kim")
        actor = after.services.actor(kim)
        assert actor is not None
        assert "telecom_agent" not in actor.roles
    assert run("pack", "install", "telecom", "--yes").exit_code == 0


def query(name: str) -> Any:
    from guanxi.runtime.query.request import ListQuery

    return ListQuery(object=name, fields=("id", "name"), limit=500)


def tables(look: Look) -> list[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if look.instance.database.engine == "postgresql":
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    return [str(row[0]) for row in look.instance.database.rows(sql)]


def test_kept_records_come_back_and_archived_ones_are_in_the_file(instance: Path) -> None:
    run("pack", "install", "./zoo", "--yes")
    assert packs(instance) == ["crm", "./zoo"]
    with Look(instance) as at:
        at.services.records.create(SYSTEM, "animal", {"name": "Tiger 老虎", "diet": "meat"})
        at.services.records.create(
            SYSTEM, "account", {"name": "Park", "phone": "13800138000", "cages": 4}, force_duplicates=True
        )
    assert done("pack", "uninstall", "zoo", "--data", "keep", "--yes")["published"]
    with Look(instance) as gone:
        assert "animal" not in gone.registry.objects
        assert "cages" not in gone.registry.objects["account"].fields
        assert gone.instance.schema.kept()
    assert run("rollback", "2", "--yes").exit_code == 0
    with Look(instance) as back:
        rows = back.services.records.list(SYSTEM, query("animal")).data
        assert [row["name"] for row in rows] == ["Tiger 老虎"]
    run("pack", "install", "./zoo", "--yes")
    told = done("pack", "uninstall", "zoo", "--data", "archive", "--yes")
    with zipfile.ZipFile(told["archive"]) as archive:
        assert json.loads(archive.read("pack.json"))["pack"] == "zoo"
        assert json.loads(archive.read("animal.jsonl").splitlines()[0])["name"] == "Tiger 老虎"
    with Look(instance) as gone:
        assert gone.instance.schema.kept() == []


def test_what_the_instance_says_of_a_pack_holds_it(instance: Path) -> None:
    run("pack", "install", "./zoo", "--yes")
    extend = "kind: object\nextend: animal\nfields: {weight: {type: integer}}\n"
    (instance / "metadata" / "more.yaml").write_text(extend, encoding="utf-8")
    refused = run("pack", "uninstall", "zoo", "--data", "drop", "--yes")
    assert refused.exit_code == 1
    assert "definitions of the instance need zoo" in refused.stderr
    assert "metadata/more.yaml:" in refused.stderr
    assert packs(instance) == ["crm", "./zoo"]


def base_of(folder: Path) -> str:
    """The hash that a patch of `animal` made now has as its base."""
    any_base = text_layer({"p.yaml": "kind: patch\nname: p\ntarget: object/animal\nbase: 'sha256:'\n"})
    with Look(folder) as at:
        (mark,) = record_bases((*at.instance.bundle().layers, any_base))
    return mark


def test_upgrade_keeps_what_the_instance_changed(instance: Path) -> None:
    run("pack", "install", "./zoo", "--yes")
    patch = f"kind: patch\nname: local\ntarget: object/animal\nbase: {base_of(instance)}\n"
    patch += "set: {fields.name.label: {en: Call name, zh: 呼名}}\n"
    (instance / "metadata" / "patch.yaml").write_text(patch, encoding="utf-8")
    assert run("apply", "--yes").exit_code == 0
    more = ANIMAL.replace("  keeper:", "  weight: {type: integer, label: {en: Weight, zh: 体重}}\n  keeper:")
    write_pack(instance / "zoo", "1.1.0", more)
    result = run("pack", "upgrade", "zoo", "--yes")
    assert result.exit_code == 0, result.output
    assert "upgrade: zoo 1.1.0; 1 tests passed" in result.stdout
    with Look(instance) as at:
        fields = at.registry.objects["animal"].fields
        assert (fields["name"].label.text("en"), "weight" in fields) == ("Call name", True)
        assert at.registry.packs["zoo"].version == "1.1.0"
    clash = more.replace("{en: Name, zh: 名称}, required", "{en: Species, zh: 物种}, required")
    assert clash != more
    write_pack(instance / "zoo", "1.2.0", clash)
    refused = run("pack", "upgrade", "zoo", "--yes")
    assert (refused.exit_code, "patch-conflict" in refused.stderr) == (1, True)
    write_pack(instance / "zoo", "0.9.0")
    assert "zoo 0.9.0 is older than 1.1.0" in run("pack", "upgrade", "zoo", "--yes").stderr
    assert "does not use the pack 'telecom'" in run("pack", "upgrade", "telecom", "--yes").stderr


def test_a_pack_whose_tests_fail_is_not_installed(instance: Path) -> None:
    write_pack(instance / "zoo", "1.0.0", ANIMAL.replace("values: {name: x}", "values: {name: y}"))
    refused = run("pack", "install", "./zoo", "--yes")
    assert (refused.exit_code, "animals_have_names" in refused.stderr) == (1, True)
    assert packs(instance) == []
    tested = run("pack", "test", "./zoo")
    assert (tested.exit_code, "failed  animals_have_names" in tested.stdout) == (1, True)
    shutil.rmtree(instance / "zoo")
    assert run("pack", "install", "./zoo", "--yes").exit_code == 1
