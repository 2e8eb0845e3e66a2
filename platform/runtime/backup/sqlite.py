"""SQLite: the online backup of one moment, and its way back as a whole file."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from .archive import CHUNK, BadArchive, Reader, Writer
from .fresh import Count

MEMBER = "database/guanxi.db"


def save(path: Path, out: Writer) -> None:
    """Add the database: a copy in one step sees one moment, and in WAL mode holds up no writer."""
    with tempfile.TemporaryDirectory(prefix="guanxi-backup-", dir=path.parent) as folder:
        copy = Path(folder) / "copy.db"
        with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        out.head["tables"] = judged(copy)
        with copy.open("rb") as file:
            out.add(MEMBER, iter(lambda: file.read(CHUNK), b""))


def judged(path: Path) -> dict[str, int]:
    """Rows of every table of a file that nobody else uses. Raises BadArchive when the file is not sound."""
    try:
        with closing(sqlite3.connect(path)) as db:
            said = db.execute("PRAGMA integrity_check").fetchone()[0]
            broken = db.execute("PRAGMA foreign_key_check").fetchall()
            if said != "ok" or broken:
                raise BadArchive(f"the database is not sound: {said if said != 'ok' else broken[:3]}")
            names = [row[0] for row in db.execute(_TABLES)]
            return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608
    except sqlite3.DatabaseError as fault:
        raise BadArchive(f"the database cannot be read: {fault}") from None


_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"


def counts(path: Path) -> tuple[list[str], Count]:
    """The tables of a database file and how to count one; none when there is no file."""
    if not path.exists():
        return [], lambda _: 0

    def count(name: str) -> int:
        with closing(sqlite3.connect(path)) as db:
            return int(db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608

    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute(_TABLES)], count


def restore(source: Reader, path: Path) -> Mapping[str, int]:
    """Put the database at `path`, in place of what is there; rows by table. Nothing has changed when it raises."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.restored")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    try:
        with beside.open("wb") as out:
            for chunk in source.chunks(MEMBER):
                out.write(chunk)
        found = judged(beside)
        for one in _beside(path):
            one.unlink(missing_ok=True)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return found


def _beside(path: Path) -> Iterator[Path]:
    for end in ("-wal", "-shm"):
        yield path.with_name(path.name + end)
