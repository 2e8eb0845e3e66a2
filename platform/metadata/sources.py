"""Where definitions come from: folders of YAML files, or a map from file name to text. Stage 0 of reading.

A layer is a named set of sources: `platform` (shipped here), one per pack, and `instance`. Reading a folder never
leaves it: a symbolic link that points elsewhere, a device or a pipe is refused, hidden files are passed over, and the
order is that of the names, so that two machines read alike.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guanxi.common.diagnostics import Diagnostics, Place

from .yaml_text import MAX_BYTES

PLATFORM = "platform"
INSTANCE = "instance"
SUFFIXES = (".yaml", ".yml")
MAX_FILES = 20_000
BUILTIN = Path(__file__).parent / "builtin"


@dataclass(frozen=True, slots=True)
class Source:
    """One file: the layer it belongs to, its name as messages show it, and its bytes (or text)."""

    layer: str
    file: str
    data: bytes | str


@dataclass(frozen=True, slots=True)
class Layer:
    """A set of files under one name; `folder` is where a pack was found (shown by `pack show`)."""

    name: str
    sources: tuple[Source, ...] = ()
    folder: Path | None = field(default=None, compare=False)

    @property
    def is_pack(self) -> bool:
        """True for a layer that must hold a document of kind pack."""
        return self.name not in {PLATFORM, INSTANCE}


def text_layer(files: Mapping[str, bytes | str], name: str = INSTANCE) -> Layer:
    """A layer of texts by file name, in the order of the names."""
    return Layer(name, tuple(Source(name, file, files[file]) for file in sorted(files)))


def folder_layer(name: str, folder: Path, found: Diagnostics, *, shown: str | None = None) -> Layer:
    """Every YAML file below `folder`; messages name files as `shown`/…, or by the folder's own path."""
    prefix = str(folder) if shown is None else shown
    if not folder.is_dir():
        found.error("file-missing", f"there is no folder '{prefix}'", Place(prefix))
        return Layer(name, (), folder)
    sources = []
    for path in _files(folder, folder.resolve(), prefix, found):
        file = _shown(prefix, path.relative_to(folder))
        source = _read(name, path, file, found)
        if source is not None:
            sources.append(source)
        if len(sources) > MAX_FILES:
            found.error("yaml-limit", f"the folder holds more than {MAX_FILES:,} YAML files", Place(prefix))
            break
    return Layer(name, tuple(sources), folder)


def file_layer(name: str, path: Path, found: Diagnostics, *, shown: str | None = None) -> Layer:
    """One YAML file as a layer."""
    file = str(path) if shown is None else shown
    if not path.exists():
        found.error("file-missing", f"there is no file '{file}'", Place(file))
        return Layer(name)
    source = _read(name, path, file, found)
    return Layer(name, (source,) if source else ())


def builtin_layer() -> Layer:
    """The platform's own definitions: user, team, role and what else is shipped beside this module."""
    return folder_layer(PLATFORM, BUILTIN, Diagnostics(), shown=PLATFORM)


def _shown(prefix: str, relative: Path) -> str:
    return relative.as_posix() if prefix in {"", "."} else f"{prefix.rstrip('/')}/{relative.as_posix()}"


def _files(folder: Path, root: Path, prefix: str, found: Diagnostics) -> Iterator[Path]:
    for base, folders, names in os.walk(folder, followlinks=False):
        here = Path(base)
        for name in list(folders):
            if name.startswith(".") or name == "__pycache__":
                folders.remove(name)
            elif (here / name).is_symlink():
                folders.remove(name)
                _inside(here / name, folder, root, prefix, found)
        folders.sort()
        for name in sorted(names):
            path = here / name
            yaml = not name.startswith(".") and path.suffix.lower() in SUFFIXES
            if yaml and (not path.is_symlink() or _inside(path, folder, root, prefix, found)):
                yield path


def _inside(link: Path, folder: Path, root: Path, prefix: str, found: Diagnostics) -> bool:
    """Whether a symbolic link stays below the root; noted as an error when it does not."""
    if link.resolve().is_relative_to(root):
        return True
    file = _shown(prefix, link.relative_to(folder))
    found.error("file-missing", "a symbolic link that leads out of the folder is not followed", Place(file))
    return False


def _read(layer: str, path: Path, file: str, found: Diagnostics) -> Source | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            found.error("file-missing", "this is not a regular file", Place(file))
            return None
        with path.open("rb") as stream:
            return Source(layer, file, stream.read(MAX_BYTES + 1))
    except OSError as fault:
        found.error("file-missing", f"the file cannot be read: {fault.strerror or fault}", Place(file))
        return None
