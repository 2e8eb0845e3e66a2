"""The command line over definitions: exit codes, formats, new instances and packs."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from guanxi.app.cli import COMMANDS, main

GOOD = "kind: object\nname: visit\nlabel: {en: Visit, zh: 拜访}\ntitle: name\nfields:\n  name: {type: text}\n"
BAD = GOOD.replace("type: text", "type: txt")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="guanxi")


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "crm"
    assert run("init", str(folder), "--files-only").exit_code == 0
    monkeypatch.chdir(folder)
    return folder


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize("path", [(), *commands(main)], ids=" ".join)
def test_every_help_has_an_example(path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.output
    assert "guanxi " + " ".join(path) in result.output


def test_the_overview_names_every_command() -> None:
    output = run("--help").output
    assert all(name in output for name in COMMANDS)


def test_a_new_instance_is_right(instance: Path) -> None:
    assert (instance / "metadata").is_dir()
    assert "data/" in (instance / ".gitignore").read_text(encoding="utf-8")
    result = run("check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert run("init", str(instance)).exit_code == 1


def test_the_comments_of_a_new_instance_are_right_too(instance: Path) -> None:
    path = instance / "guanxi.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *(line.removeprefix("# ") for line in lines[1:])]), encoding="utf-8")
    result = run("check")
    assert result.exit_code == 0, result.output


def test_errors_are_told_at_their_place(instance: Path) -> None:
    (instance / "metadata" / "visit.yaml").write_text(BAD, encoding="utf-8")
    result = run("check")
    assert result.exit_code == 1
    assert result.stdout.startswith("metadata/visit.yaml:6:16: fields.name.type: unknown field type 'txt'")
    assert "(did you mean 'text'?) [unknown-type]" in result.stdout
    assert result.stderr == "1 error\n"


def test_formats_for_programs(instance: Path) -> None:
    (instance / "metadata" / "visit.yaml").write_text(BAD, encoding="utf-8")
    value = json.loads(run("check", "--format", "json").stdout)
    assert (value["ok"], value["errors"]) == (False, 1)
    one = value["diagnostics"][0]
    assert (one["file"], one["line"], one["column"], one["code"]) == ("metadata/visit.yaml", 6, 16, "unknown-type")
    github = run("check", "--format", "github").stdout
    assert github.startswith("::error file=metadata/visit.yaml,line=6,col=16,title=unknown-type::fields.name.type: ")


def test_settings_are_checked_with_the_rest(instance: Path) -> None:
    (instance / "guanxi.yaml").write_text("packs: [crn]\nlimit: {}\n", encoding="utf-8")
    result = run("check")
    assert result.exit_code == 1
    assert "guanxi.yaml:2:1: limit: unknown key 'limit' (did you mean 'limits'?)" in result.stdout


def test_a_missing_pack_is_told_where_it_is_named(instance: Path) -> None:
    (instance / "guanxi.yaml").write_text("packs:\n  - crn\n", encoding="utf-8")
    assert "guanxi.yaml:2:5: packs: the pack 'crn' is not installed (did you mean 'crm'?)" in run("check").stdout


def test_loose_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "defs").mkdir()
    (tmp_path / "defs" / "good.yaml").write_text(GOOD, encoding="utf-8")
    assert run("check", "defs").exit_code == 0
    (tmp_path / "defs" / "bad.yaml").write_text("a: [", encoding="utf-8")
    assert run("check", "defs/good.yaml").exit_code == 0
    assert run("check", "defs").stdout.startswith("defs/bad.yaml:1:5: ")
    assert run("check", "nothing").exit_code == 1
    assert run("check").exit_code == 1


def test_a_file_of_an_instance_is_judged_with_the_instance(instance: Path) -> None:
    (instance / "metadata" / "visit.yaml").write_text(GOOD, encoding="utf-8")
    (instance / "metadata" / "more.yaml").write_text("kind: object\nextend: visit\nlabel: V\n", encoding="utf-8")
    assert run("check", "metadata/more.yaml").exit_code == 0
    assert run("check", str(instance / "metadata" / "more.yaml")).exit_code == 0


def test_a_file_is_judged_from_inside_the_metadata_folder(instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (instance / "metadata" / "visit.yaml").write_text(GOOD, encoding="utf-8")
    (instance / "metadata" / "more.yaml").write_text("kind: object\nextend: visit\nlabel: V\n", encoding="utf-8")
    monkeypatch.chdir(instance / "metadata")
    assert run("check", "more.yaml").exit_code == 0
    (instance / "metadata" / "more.yaml").write_text("kind: object\nextend: vist\nlabel: V\n", encoding="utf-8")
    assert "more.yaml:2:9: extend: there is no object 'vist'" in run("check", ".").stdout


def test_misuse_is_exit_code_two(instance: Path) -> None:
    assert run("check", "--format", "xml").exit_code == 2
    wrong = run("chek")
    assert wrong.exit_code == 2
    assert "did you mean 'check'?" in wrong.stderr


def test_a_new_pack_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("pack", "new", "my_pack").exit_code == 0
    checked = run("check", "my_pack", "--expect-version", "0.1.0")
    assert checked.exit_code == 0, checked.output
    assert run("check", "my_pack", "--expect-version", "0.2.0").exit_code == 1
    assert json.loads(run("pack", "show", "./my_pack", "--json").stdout)["definitions"] == {"object": 1, "role": 1}
    assert run("pack", "new", "my_pack").exit_code == 1
    assert run("pack", "new", "My Pack").exit_code == 1
    assert run("pack", "show", "nothing").exit_code == 1


def test_an_instance_with_a_pack_folder(instance: Path) -> None:
    assert run("pack", "new", "my_pack").exit_code == 0
    (instance / "guanxi.yaml").write_text("packs: [./my_pack]\n", encoding="utf-8")
    (instance / "metadata" / "x.yaml").write_text(
        "kind: object\nextend: my_pack_item\nfields: {extra: {type: text}}\n", encoding="utf-8"
    )
    assert run("check").exit_code == 0


def test_installed_packs_are_listed() -> None:
    names = [one["name"] for one in json.loads(run("pack", "list", "--json").stdout)]
    assert "crm" in names
    assert any(line.startswith("crm\t") for line in run("pack", "list").stdout.splitlines())


def test_the_schema_is_a_schema(tmp_path: Path) -> None:
    value = json.loads(run("schema").stdout)
    assert value["$schema"].startswith("https://json-schema.org/")
    assert run("schema", "--out", str(tmp_path / "s.json")).exit_code == 0
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8")) == value


def test_the_reference_as_markdown_and_html() -> None:
    text = run("reference").stdout
    assert text.startswith("# ")
    assert "| " in text
    page = run("reference", "--format", "html").stdout
    assert page.startswith("<!doctype html>")
    assert "<table>" in page
    assert "<script" not in page


def test_where_a_name_is_used(instance: Path) -> None:
    (instance / "metadata" / "visit.yaml").write_text(GOOD + "views: {v: {columns: [name]}}\n", encoding="utf-8")
    result = run("where-used", "visit.name")
    assert result.exit_code == 0
    assert "metadata/visit.yaml:7:23: object/visit: views.v.columns.0: field visit.name" in result.stdout
    found = json.loads(run("where-used", "visit.name", "--json").stdout)
    assert {"file", "line", "column", "definition", "path", "what"} == set(found[0])
    wrong = run("where-used", "visit.nmae")
    assert wrong.exit_code == 1
    assert "did you mean 'visit.name'?" in wrong.stderr
    (instance / "metadata" / "visit.yaml").write_text("a: [", encoding="utf-8")
    assert run("where-used", "visit").exit_code == 1
