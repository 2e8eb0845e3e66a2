"""Compiled versions as files: equal to what they were made of, and never taken from anybody else."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from guanxi.app.instance import Instance, compile_bundle, stored
from guanxi.app.live import Live
from guanxi.app.snapshots import Snapshots
from guanxi.registry import Registry
from guanxi.runtime.schema.history import sources_text

SECRET = b"s" * 32
SETTINGS = "name: Snap\npacks: [crm, telecom]\n"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Registry]:
    folder = tmp_path_factory.mktemp("instance")
    (folder / "guanxi.yaml").write_text(SETTINGS, encoding="utf-8")
    bundle = Instance.open(folder).bundle()
    return sources_text(stored(bundle)), compile_bundle(bundle)


def files(folder: Path) -> list[Path]:
    return list((folder / "data" / "compiled").glob("*"))


def test_what_is_kept_is_what_comes_back(tmp_path: Path, compiled: tuple[str, Registry]) -> None:
    sources, registry = compiled
    Snapshots(tmp_path, SECRET).keep(sources, registry)
    found = Snapshots(tmp_path, SECRET).load(sources)
    assert found == registry
    assert found is not registry
    assert Snapshots(tmp_path, SECRET).load(sources + " ") is None
    assert files(tmp_path)[0].stat().st_mode & 0o077 == 0


def test_expressions_leave_behind_what_they_have_worked_out(tmp_path: Path, compiled: tuple[str, Registry]) -> None:
    sources, registry = compiled
    registry.objects["user"].title.cache["x"] = lambda: None
    Snapshots(tmp_path, SECRET).keep(sources, registry)
    found = Snapshots(tmp_path, SECRET).load(sources)
    assert found is not None
    assert not found.objects["user"].title.cache


@pytest.mark.parametrize("change", ["flip", "cut", "empty", "secret"])
def test_a_file_of_other_making_is_passed_over(tmp_path: Path, compiled: tuple[str, Registry], change: str) -> None:
    sources, registry = compiled
    Snapshots(tmp_path, SECRET).keep(sources, registry)
    path = files(tmp_path)[0]
    data = path.read_bytes()
    if change == "flip":
        path.write_bytes(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:])
    elif change == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif change == "empty":
        path.write_bytes(b"")
    secret = b"t" * 32 if change == "secret" else SECRET
    assert Snapshots(tmp_path, secret).load(sources) is None


class Unequal:
    """Two of them are never equal."""


class Harm:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("harm"),))


@pytest.mark.parametrize("signed", [True, False])
def test_a_foreign_pickle_runs_nothing(
    tmp_path: Path, compiled: tuple[str, Registry], monkeypatch: pytest.MonkeyPatch, signed: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    sources, registry = compiled
    snapshots = Snapshots(tmp_path, SECRET)
    snapshots.keep(sources, registry)
    path = files(tmp_path)[0]
    harm = pickle.dumps(Harm())
    mark = _mark(sources)
    path.write_bytes((snapshots._proof(mark, harm) if signed else bytes(32)) + harm)
    assert snapshots.load(sources) is None
    assert not Path("harm").exists()


def _mark(sources: str) -> bytes:
    from guanxi.app import snapshots

    return snapshots._mark(sources)


def test_a_snapshot_of_other_code_is_another_file(
    tmp_path: Path, compiled: tuple[str, Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, registry = compiled
    Snapshots(tmp_path, SECRET).keep(sources, registry)
    monkeypatch.setattr("guanxi.app.snapshots._CODE", b"another release")
    assert Snapshots(tmp_path, SECRET).load(sources) is None


def test_software_replaced_under_a_running_process_keeps_nothing(
    tmp_path: Path, compiled: tuple[str, Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guanxi.app.snapshots._CODE", b"what was loaded")
    Snapshots(tmp_path, SECRET).keep(*compiled)
    assert not files(tmp_path)


def test_what_would_come_back_otherwise_is_not_kept(tmp_path: Path, compiled: tuple[str, Registry]) -> None:
    sources, registry = compiled
    user = replace(registry.objects["user"], actions=MappingProxyType({"odd": Unequal()}))
    odd = replace(registry, objects=MappingProxyType({"user": user}))
    Snapshots(tmp_path, SECRET).keep(sources, odd)
    assert not files(tmp_path)


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path, compiled: tuple[str, Registry]) -> None:
    (tmp_path / "data").write_text("a file where the folder should be", encoding="utf-8")
    Snapshots(tmp_path, SECRET).keep(*compiled)
    assert Snapshots(tmp_path, SECRET).load(compiled[0]) is None


def test_only_the_newest_are_kept(tmp_path: Path, compiled: tuple[str, Registry]) -> None:
    snapshots = Snapshots(tmp_path, SECRET)
    for number in range(7):
        snapshots.keep(f"{number}", compiled[1])
    assert len(files(tmp_path)) == 4
    assert snapshots.load("6") is not None


def test_a_second_start_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "guanxi.yaml").write_text("name: Snap\n", encoding="utf-8")
    first = Instance.open(tmp_path)
    registry = Live(first).services().registry
    first.close()

    def never(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr("guanxi.app.live.compile_stored", never)
    again = Instance.open(tmp_path)
    assert Live(again).services().registry == registry
    again.close()
