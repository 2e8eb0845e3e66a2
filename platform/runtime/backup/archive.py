"""The archive: a ZIP whose manifest lists every member with size and SHA-256. Written in streams, read with proof.

The manifest is the last member, so an archive that was cut short has none and is refused.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from guanxi.common.errors import BadRequest

FORMAT = 1
MANIFEST = "manifest.json"
CHUNK = 1 << 20


class BadArchive(BadRequest):
    """The file is no backup, or not as it was written."""

    code = "bad_backup"


@dataclass(slots=True)
class Writer:
    """Adds members to an archive that is being written; `head` goes into the manifest."""

    zip: zipfile.ZipFile
    head: dict[str, Any] = field(default_factory=dict)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, chunks: Iterable[bytes | bytearray | memoryview]) -> None:
        """One member from its pieces."""
        made, size = hashlib.sha256(), 0
        with self.zip.open(name, "w", force_zip64=True) as out:
            for chunk in chunks:
                out.write(chunk)
                made.update(chunk)
                size += len(chunk)
        self.members[name] = {"size": size, "sha256": made.hexdigest()}


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """An archive that appears under `path`, readable by its owner only, when everything in it is written."""
    beside = path.with_name(f"{path.name}.part")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as made:
            writer = Writer(made)
            yield writer
            manifest = {"format": FORMAT, **writer.head, "members": writer.members}
            made.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


class Reader:
    """A backup that is read; every member is proved before or while it is used. Raises BadArchive."""

    def __init__(self, path: Path) -> None:
        try:
            self.zip = zipfile.ZipFile(path)
            self.manifest: Mapping[str, Any] = json.loads(self.zip.read(MANIFEST))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as fault:
            raise BadArchive(f"{path} is not a whole backup of Guanxi: {fault}") from None
        if self.manifest.get("format") != FORMAT or not isinstance(self.manifest.get("members"), dict):
            raise BadArchive(f"{path} was written by another release of Guanxi.")

    def names(self, prefix: str = "") -> list[str]:
        """Members below a prefix, in the order they were written."""
        return [name for name in self.manifest["members"] if name.startswith(prefix)]

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member's bytes; BadArchive at the end when they are not those that were written."""
        known = self.manifest["members"].get(name)
        if known is None:
            raise BadArchive(f"the backup has no {name}.")
        made = hashlib.sha256()
        try:
            with self.zip.open(name) as source:
                yield from self._pieces(source, made)
        except (KeyError, zipfile.BadZipFile, OSError, EOFError, ValueError) as fault:
            raise BadArchive(f"{name} cannot be read: {fault}.") from None
        except Exception as fault:
            if type(fault).__module__ != "zlib":
                raise
            raise BadArchive(f"{name} cannot be read: {fault}.") from None
        if made.hexdigest() != known["sha256"]:
            raise BadArchive(f"{name} is not what was written.")

    @staticmethod
    def _pieces(source: IO[bytes], made: Any) -> Iterator[bytes]:
        while chunk := source.read(CHUNK):
            made.update(chunk)
            yield chunk

    def read(self, name: str) -> bytes:
        """A small member."""
        return b"".join(self.chunks(name))

    def prove(self) -> None:
        """Read every member; nothing may be missing, changed or added."""
        listed, there = set(self.manifest["members"]), set(self.zip.namelist()) - {MANIFEST}
        if more := sorted(there ^ listed):
            raise BadArchive(f"{more[0]} is not in both the backup and its list.")
        for name in listed:
            for _ in self.chunks(name):
                pass

    def close(self) -> None:
        """Close the file."""
        self.zip.close()
