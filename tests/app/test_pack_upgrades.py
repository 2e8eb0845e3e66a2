"""A pack's own steps between versions: renames in one or several hops, values that records get, once each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from guanxi.app.cli import main
from guanxi.app.instance import Instance
from guanxi.app.live import Live
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import ListQuery

V1 = """
kind: pack
name: zoo
version: 1.0.0
label: Zoo
---
kind: object
name: animal
title: name
fields:
  name: {type: text, required: true}
  phone: {type: text}
  diet: {type: choice, options: {meat: Meat, grass: Grass}}
  weight: {type: decimal}
  note: {type: text}
views:
  all: {columns: [name, phone]}
"""
V11 = """
kind: pack
name: zoo
version: 1.1.0
label: Zoo
upgrades:
  "1.0":
    renamed:
      - {from: animal.phone, to: mobile}
      - {from: animal.diet=meat, to: flesh}
    backfill:
      - {object: animal, set: {size: big}, where: weight >= 100}
      - {object: animal, set: {size: small}, where: blank(size)}
      - {object: animal, set: {note: 'concat(name, "!")'}, where: 'diet == "flesh"'}
---
kind: object
name: animal
title: name
fields:
  name: {type: text, required: true}
  mobile: {type: text}
  diet: {type: choice, options: {flesh: Flesh, grass: Grass}}
  weight: {type: decimal}
  note: {type: text, search: true}
  size: {type: choice, options: {big: Big, small: Small}, required: true}
"""
V12 = V11.replace("version: 1.1.0", "version: 1.2.0").replace("mobile:", "cell:").replace(
    "---",
    '''  "1.1":
    renamed: [{from: animal.mobile, to: cell}]
    backfill: [{object: animal, set: {weight: weight * 2}}]
---''',
    1,
)  # fmt: skip


def run(*arguments: str, ok: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments), prog_name="guanxi")
    assert result.exit_code == ok, result.output
    return result


def put(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "pack.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Path:
    folder = tmp_path / "crm"
    (folder / "metadata").mkdir(parents=True)
    (folder / "guanxi.yaml").write_text(f"name: T\ndatabase: {database_url}\npacks: []\n", encoding="utf-8")
    put(folder / "zoo", V1)
    monkeypatch.chdir(folder)
    run("pack", "install", "./zoo", "--yes")
    records(
        folder,
        {"name": "Lion", "phone": "1", "diet": "meat", "weight": "190"},
        {"name": "Hare", "phone": "2", "diet": "grass", "weight": "4"},
        {"name": "Ghost", "note": "kept"},
    )
    return folder


def records(folder: Path, *new: dict[str, Any]) -> list[dict[str, Any]]:
    here = Instance.open(folder)
    try:
        services = Live(here).services()
        for values in new:
            services.records.create(SYSTEM, "animal", values)
        return [
            dict(row) for row in services.records.list(SYSTEM, ListQuery(object="animal", sort=(("id", False),))).data
        ]
    finally:
        here.close()


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def test_an_upgrade_renames_and_fills_and_says_so(instance: Path) -> None:
    put(instance / "zoo", V11)
    assert "2 records of animal get size from the upgrade of zoo (1.0)" in run("plan").stdout
    done = run("pack", "upgrade", "zoo", "--yes").stdout
    for said in (
        "rename in animal: phone to mobile",
        "rename options of animal.diet: meat to flesh",
        "1 records of animal get size from the upgrade of zoo (1.0)",
        "fill animal as the upgrade of zoo says (1.0)",
    ):
        assert said in done, done
    rows = records(instance)
    assert column(rows, "mobile") == ["1", "2", None]
    assert column(rows, "diet") == ["flesh", "grass", None]
    assert column(rows, "size") == ["big", "small", "small"]
    assert column(rows, "note") == ["Lion!", None, "kept"]
    assert run("plan", "--json").stdout.count('"empty": true') == 1
    run("rollback", "2", "--yes", "--allow", "animal.size")
    assert column(records(instance), "phone") == ["1", "2", None]


def test_a_step_is_done_once_and_hops_are_joined(instance: Path) -> None:
    put(instance / "zoo", V11)
    run("pack", "upgrade", "zoo", "--yes")
    put(instance / "zoo", V12)
    run("pack", "upgrade", "zoo", "--yes")
    rows = records(instance)
    assert column(rows, "cell") == ["1", "2", None]
    assert column(rows, "weight") == ["380.0000", "8.0000", None]
    put(instance / "zoo", V12.replace("version: 1.2.0", "version: 1.2.1"))
    run("pack", "upgrade", "zoo", "--yes")
    assert column(records(instance), "weight") == ["380.0000", "8.0000", None]


def test_versions_may_be_skipped(instance: Path) -> None:
    (instance / "metadata" / "own.yaml").write_text(
        "kind: object\nextend: animal\nrules:\n  r: {check: 'phone != \"0\"', message: no}\n"
        "views:\n  mine: {columns: [name, phone]}\n",
        encoding="utf-8",
    )
    put(instance / "zoo", V12)
    done = run("pack", "upgrade", "zoo", "--yes").stdout
    assert "rename in animal: phone to cell" in done
    rows = records(instance)
    assert column(rows, "cell") == ["1", "2", None]
    assert column(rows, "size") == ["big", "small", "small"]
    assert column(rows, "weight") == ["380.0000", "8.0000", None]


def test_a_required_field_that_the_steps_leave_blank_still_asks(instance: Path) -> None:
    put(instance / "zoo", V11.replace("      - {object: animal, set: {size: small}, where: blank(size)}\n", ""))
    out = run("pack", "upgrade", "zoo", "--yes", ok=1).output
    assert "2 records have no animal.size" in out
    assert column(records(instance), "phone") == ["1", "2", None]


def test_a_fresh_install_does_no_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    folder = tmp_path / "crm"
    (folder / "metadata").mkdir(parents=True)
    (folder / "guanxi.yaml").write_text(f"name: T\ndatabase: {database_url}\npacks: []\n", encoding="utf-8")
    put(folder / "zoo", V12)
    monkeypatch.chdir(folder)
    assert "upgrade of zoo" not in run("pack", "install", "./zoo", "--yes").stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("renamed: [{from: animal.name, to: title}]", "still exists"),
        ("renamed: [{from: Animal, to: x}]", "write object, object.field"),
        ("rename: []", "unknown key 'rename' (did you mean 'renamed'?)"),
        ("backfill: [{object: animla, set: {name: name}}]", "unknown object 'animla' (did you mean 'animal'?)"),
        ("backfill: [{object: animal, set: {nme: name}}]", "unknown field of animal 'nme' (did you mean 'name'?)"),
        ("backfill: [{object: animal, set: {weight: name}}]", "is needed here"),
        ("backfill: [{object: animal, set: {name: created_by.name}}]", "own stored fields only"),
        ("backfill: [{object: animal, set: {name: name}, where: nme == name}]", "unknown name 'nme'"),
    ],
)
def test_wrong_steps_are_told_at_their_place(tmp_path: Path, wrong: str, said: str) -> None:
    put(tmp_path / "zoo", V1.replace("label: Zoo", f'label: Zoo\nupgrades:\n  "0.9":\n    {wrong}', 1))
    found = json.loads(run("check", str(tmp_path / "zoo"), "--format", "json", ok=1).stdout)["diagnostics"]
    assert len(found) == 1, found
    assert said in found[0]["message"] + f" ({found[0].get('hint')})"
    assert found[0]["line"] == 8
