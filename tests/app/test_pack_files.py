"""A pack as a file: built the same each time, signed, judged before it is unpacked, installed and upgraded from."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from guanxi.app.cli import main
from guanxi.app.pack_files import MOST_FILES, read
from guanxi.app.settings import read_settings
from guanxi.common.errors import BadRequest

PACK = """
kind: pack
name: zoo
version: {version}
label: Zoo
---
kind: object
name: animal
title: name
fields: {{name: {{type: text, required: true}}, size: {{type: integer}}}}
---
kind: test
name: named
when: [{{create: {{object: animal, values: {{size: 1}}, refused: {{field: name}}}}}}]
"""


def run(*arguments: str, ok: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments), prog_name="guanxi")
    assert result.exit_code == ok, result.output
    return result


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "pack.yaml").write_text(PACK.format(version="1.0.0"), encoding="utf-8")
    (tmp_path / "zoo" / "README.md").write_text("# Zoo\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_pack_is_built_signed_installed_and_upgraded(work: Path, database_url: str) -> None:
    trusted = run("pack", "key", "mine.pem").stdout.strip()
    assert (work / "mine.pem").stat().st_mode & 0o077 == 0
    built = json.loads(run("pack", "build", "zoo", "--key", "mine.pem", "--json").stdout)
    assert built == {"file": "zoo-1.0.0.gxpack", "name": "zoo", "version": "1.0.0", "signed_by": trusted}
    first = (work / "zoo-1.0.0.gxpack").read_bytes()
    run("pack", "build", "zoo", "--key", "mine.pem")
    assert (work / "zoo-1.0.0.gxpack").read_bytes() == first
    assert "animal" in run("pack", "show", "zoo-1.0.0.gxpack").stdout
    assert "1 passed" in run("pack", "test", "zoo-1.0.0.gxpack").stdout
    (work / "crm" / "metadata").mkdir(parents=True)
    (work / "crm" / "guanxi.yaml").write_text(f"name: T\ndatabase: {database_url}\npacks: []\n", encoding="utf-8")
    other = run("pack", "key", "other.pem").stdout.strip()
    at = ("--instance", str(work / "crm"), "pack")
    refused = run(*at, "install", "zoo-1.0.0.gxpack", "--yes", "--signed-by", other, ok=1)
    assert f"signed by {trusted}, not by {other}" in refused.stderr
    assert not (work / "crm" / "packs").exists()
    run(*at, "install", "zoo-1.0.0.gxpack", "--yes", "--signed-by", trusted)
    assert list(read_settings(work / "crm").packs) == ["./packs/zoo-1.0.0"]
    (work / "zoo" / "pack.yaml").write_text(PACK.format(version="1.1.0"), encoding="utf-8")
    run("pack", "build", "zoo")
    assert "not signed" in run(*at, "upgrade", "zoo-1.1.0.gxpack", "--yes").stdout
    assert list(read_settings(work / "crm").packs) == ["./packs/zoo-1.1.0"]


def test_a_pack_that_is_wrong_is_not_built(work: Path) -> None:
    head = work / "zoo" / "pack.yaml"
    right = head.read_text(encoding="utf-8")
    head.write_text(right.replace("type: integer", "type: intger"), encoding="utf-8")
    assert "unknown field type 'intger'" in run("pack", "build", "zoo", ok=1).output
    head.write_text(right.replace("size: 1", "name: x"), encoding="utf-8")
    run("pack", "build", "zoo", ok=1)
    head.write_text(right, encoding="utf-8")
    (work / "zoo" / "evil.py").write_text("1\n", encoding="utf-8")
    assert "Python distribution" in run("pack", "build", "zoo", ok=1).output
    (work / "zoo" / "evil.py").unlink()
    (work / "zoo" / "link.yaml").symlink_to("/etc/passwd")
    run("pack", "build", "zoo", "--no-tests", ok=1)
    assert list(work.glob("*.gxpack*")) == []


def _with(source: Path, target: Path, *more: tuple[Any, bytes], drop: str = "", change: str = "") -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != drop:
                data = old.read(entry)
                new.writestr(entry.filename, data + b"\n" if entry.filename == change else data)
        for name, data in more:
            new.writestr(name, data)
    return target


def test_a_file_that_was_tampered_with_is_refused(work: Path) -> None:
    run("pack", "key", "mine.pem")
    run("pack", "build", "zoo", "--key", "mine.pem")
    good, bad = work / "zoo-1.0.0.gxpack", work / "bad.gxpack"
    assert read(good).name == "zoo"
    link = zipfile.ZipInfo("link.yaml")
    link.external_attr = 0o120777 << 16
    for make in (
        lambda: _with(good, bad, change="pack.yaml"),
        lambda: _with(good, bad, drop="README.md"),
        lambda: _with(good, bad, drop="MANIFEST.json"),
        lambda: _with(good, bad, change="MANIFEST.json"),
        lambda: _with(good, bad, ("more.yaml", b"")),
        lambda: _with(good, bad, ("../up.yaml", b"")),
        lambda: _with(good, bad, ("/etc/up.yaml", b"")),
        lambda: _with(good, bad, ("a\\..\\up.yaml", b"")),
        lambda: _with(good, bad, ("up.py", b"")),
        lambda: _with(good, bad, (link, b"/etc/passwd")),
        lambda: _with(good, bad, ("bomb.yaml", b"#" * 5_000_000)),
        lambda: _with(good, bad, *((f"{i}.yaml", b"") for i in range(MOST_FILES))),
    ):
        make()
        with pytest.raises(BadRequest):
            read(bad)
    bad.write_bytes(b"no zip")
    assert "is not a pack file" in run("pack", "show", str(bad), ok=1).output
