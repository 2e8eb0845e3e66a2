"""Backups of an instance: its database, its settings and definitions, and what `data/` holds besides.

Left out of the archive is what is made again by itself: compiled versions, counters, the queue that only carries word.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from guanxi.common.errors import Conflict
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.audit import verify as verify_trail
from guanxi.runtime.backup import postgresql, sqlite
from guanxi.runtime.backup.archive import CHUNK, BadArchive, Reader, writing
from guanxi.runtime.backup.fresh import demand_fresh
from guanxi.runtime.storage.rows import instant_text

from .instance import Instance
from .live import Live

FILES = "files/"
SETTINGS = "guanxi.yaml"
_AGAIN = ("data/compiled/", "data/limits.bin", "data/jobs.db", "data/platform.mark")
_DATABASE = re.compile(r"(?m)^database:.*$")


@dataclass(frozen=True)
class Verified:
    """What was proved of a backup; `restored` is False where only the archive could be read."""

    made: str
    engine: str
    tables: int
    rows: int
    restored: bool
    entries: int = 0


def backup(instance: Instance, path: Path, actor: Actor) -> Mapping[str, Any]:
    """Write an archive of one moment; what it holds as data. Writes may go on meanwhile."""
    database = instance.database
    with writing(path) as out:
        current = instance.versions.current()
        out.head |= {
            "product": _product(),
            "name": instance.settings.name,
            "made": instant_text(instance.clock.now()),
            "engine": database.engine,
            "version": current[0] if current else 0,
        }
        if database.engine == "sqlite":
            sqlite.save(_sqlite_path(instance), out)
        else:
            postgresql.save(instance.settings.database, out)
        for file in _files(instance, path):
            with file.open("rb") as source:
                out.add(FILES + file.relative_to(instance.folder).as_posix(), iter(lambda: source.read(CHUNK), b""))
        rows = sum(out.head["tables"].values())
        told = {"file": path.name, "tables": len(out.head["tables"]), "rows": rows, "made": out.head["made"]}
    instance.audit.record("backup", actor, detail=told)
    return told | {"file": str(path), "engine": database.engine, "size": path.stat().st_size}


def restore(path: Path, folder: Path, actor: Actor, database: str = "") -> Mapping[str, Any]:
    """Make `folder` the instance that was backed up. The folder and its database must be empty or newly made.

    `database` is another address of the same engine. Raises NotEmpty or BadArchive; then nothing was restored.
    """
    source = Reader(path)
    try:
        source.prove()
        settings = _settings_for(source, folder, database)
        _demand_place(folder)
        with tempfile.TemporaryDirectory(prefix="guanxi-restore-") as trial:
            (Path(trial) / SETTINGS).write_text(settings, encoding="utf-8")
            wanted = Instance.open(Path(trial)).settings.database
        found = _load(source, folder, wanted, check=True)
        _write_files(source, folder, settings)
    finally:
        source.close()
    _same(source, found)
    instance = Instance.open(folder)
    try:
        instance.audit.record("restored_backup", actor, detail={"made": source.manifest["made"], "file": path.name})
        number = Live(instance).services().version
    finally:
        instance.close()
    return {"folder": str(folder), "rows": sum(found.values()), "tables": len(found), "version": number}


def verify(path: Path, scratch: str = "", server: str = "") -> Verified:
    """Prove an archive by restoring it beside everything: sums, rows, keys, the audit chain, the definitions.

    `scratch` is an empty PostgreSQL database, `server` one beside which a scratch database may be made; without
    either, an archive of PostgreSQL is only read.
    """
    source = Reader(path)
    try:
        source.prove()
        head = source.manifest
        rows = sum(head["tables"].values())
        with _scratch(head["engine"], scratch, server) as url:
            if url is None:
                return Verified(head["made"], head["engine"], len(head["tables"]), rows, restored=False)
            with tempfile.TemporaryDirectory(prefix="guanxi-verify-") as trial:
                entries = _trial(source, Path(trial) / "instance", url)
    finally:
        source.close()
    return Verified(head["made"], head["engine"], len(head["tables"]), rows, restored=True, entries=entries)


def _trial(source: Reader, folder: Path, url: str) -> int:
    folder.mkdir()
    _same(source, _load(source, folder, url, check=True))
    _write_files(source, folder, f'name: verify\ndatabase: "{url}"\n')
    instance = Instance.open(folder)
    try:
        verdict = verify_trail(instance.database, instance.secret, known=None)
        if not verdict.good:
            raise BadArchive(f"the audit trail does not hold: {verdict.breaks[0].message}")
        Live(instance).services()
        return verdict.entries
    finally:
        instance.close()


# the database -----------------------------------------------------------------------------------------------------
def _load(source: Reader, folder: Path, url: str, *, check: bool) -> Mapping[str, int]:
    engine = "sqlite" if url.startswith("sqlite:") else "postgresql"
    if source.manifest["engine"] != engine:
        raise Conflict(
            f"The backup is of {source.manifest['engine']}, and the database here is {engine}.", code="engine"
        )
    if engine == "sqlite":
        path = _path_of(url, folder)
        if check:
            demand_fresh(*sqlite.counts(path))
        return sqlite.restore(source, path)
    if check:
        with postgresql.connected(url) as db:
            demand_fresh(*postgresql.counts(db))
    return postgresql.restore(source, url)


def _same(source: Reader, found: Mapping[str, int]) -> None:
    """What came back is what was counted."""
    for name, rows in source.manifest["tables"].items():
        if found.get(name) != rows:
            raise BadArchive(f"{name} had {rows} rows and came back with {found.get(name)}.")


def _sqlite_path(instance: Instance) -> Path:
    return _path_of(instance.settings.database, instance.folder)


def _path_of(url: str, folder: Path) -> Path:
    return folder / url.removeprefix("sqlite:///")


@contextmanager
def _scratch(engine: str, scratch: str, server: str) -> Iterator[str | None]:
    if engine == "sqlite":
        yield "sqlite:///data/guanxi.db"
        return
    if scratch or not server:
        yield scratch or None
        return
    name, parts = f"guanxi_verify_{secrets.token_hex(4)}", urlsplit(server)
    with postgresql.connected(server) as db:
        try:
            db.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        except Exception as fault:
            if "InsufficientPrivilege" not in type(fault).__name__:
                raise
            yield None
            return
        try:
            yield urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))
        finally:
            db.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


# the files ----------------------------------------------------------------------------------------------------------
def _files(instance: Instance, archive: Path) -> Iterator[Path]:
    """Settings, definitions and data, without the database and what is made again."""
    database = _sqlite_path(instance).resolve() if instance.database.engine == "sqlite" else None
    wanted = [instance.folder / SETTINGS, *sorted((instance.folder / "metadata").rglob("*"))]
    for path in [*wanted, *sorted((instance.folder / "data").rglob("*"))]:
        name = path.relative_to(instance.folder).as_posix()
        ours = database is not None and path.name.startswith(database.name) and path.parent.resolve() == database.parent
        own = path.resolve() in {archive.resolve(), archive.with_name(f"{archive.name}.part").resolve()}
        if path.is_file() and not path.is_symlink() and not name.startswith(_AGAIN) and not ours and not own:
            yield path


def _settings_for(source: Reader, folder: Path, database: str) -> str:
    """The settings as backed up, with this place's database where there is one."""
    text = source.read(FILES + SETTINGS).decode()
    here = folder / SETTINGS
    line = f'database: "{database}"' if database else ""
    if not line and here.is_file():
        line = next(iter(_DATABASE.findall(here.read_text(encoding="utf-8"))), "")
    if line and not _DATABASE.search(text):
        return f"{text.rstrip()}\n{line}\n"
    return _DATABASE.sub(lambda _: line, text) if line else text


def _demand_place(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / SETTINGS).is_file():
        raise Conflict(f"{folder} is neither empty nor an instance.", code="not_empty")


def _write_files(source: Reader, folder: Path, settings: str) -> None:
    base = folder.resolve()
    for name in source.names(FILES):
        path = (base / name.removeprefix(FILES)).resolve()
        if not path.is_relative_to(base):
            raise BadArchive(f"{name} would leave the folder.")
        path.parent.mkdir(mode=0o700 if "data" in path.parts else 0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600 if name.startswith(f"{FILES}data/") else 0o644)
        with path.open("wb") as out:
            out.writelines(source.chunks(name))
    (base / SETTINGS).write_text(settings, encoding="utf-8")


def _product() -> str:
    try:
        return version("guanxi")
    except PackageNotFoundError:
        return "development"
