"""Databases to throw away: one is prepared, every test gets a copy of it, so no test can see another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from guanxi.runtime.storage.database import Handle, open_database
from guanxi.runtime.storage.system import create_platform_tables

Prepare = Callable[[Handle], None]


class Scratch(Protocol):
    """Gives databases that are as `prepare` leaves an empty one; prepared once for each `key`."""

    def database(self, key: str, prepare: Prepare) -> AbstractContextManager[Handle]:
        """A context manager: a fresh copy, gone afterwards."""
        ...


class SqliteScratch:
    """Copies of a file in a folder that the caller removes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[str, Path] = {}
        self._number = 0

    @contextmanager
    def database(self, key: str, prepare: Prepare) -> Iterator[Handle]:
        """See `Scratch`."""
        template = self._made.get(key)
        if template is None:
            template = self._made[key] = self.folder / f"template{len(self._made)}.db"
            with _opened(template) as handle:
                create_platform_tables(handle)
                prepare(handle)
        self._number += 1
        path = self.folder / f"test{self._number}.db"
        shutil.copyfile(template, path)
        try:
            with _opened(path) as handle:
                yield handle
        finally:
            for left in self.folder.glob(f"{path.name}*"):
                left.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[Handle]:
    handle = open_database(f"sqlite:///{path}")
    try:
        yield handle
    finally:
        handle.close()
