"""What `guanxi check` reads: an instance, packs and loose files, as layers, without any database.

A path is an instance when it holds `guanxi.yaml`, a pack when a document in it has `kind: pack`, and loose metadata
otherwise. A path inside an instance's `metadata/` is judged with the whole instance; only its own findings are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guanxi.common.diagnostics import Diagnostic, Diagnostics, Place
from guanxi.metadata.load import Read, inspect
from guanxi.metadata.nodes import ListNode, MapNode
from guanxi.metadata.sources import INSTANCE, Layer, Source, file_layer, folder_layer

from .packs import FoundPack, head_of, pack_layers
from .settings import FILE, Settings, load_settings

METADATA = "metadata"


@dataclass(slots=True)
class Reading:
    """Everything that one check reads; `only` narrows what is told to files below these shown names."""

    found: Diagnostics = field(default_factory=Diagnostics)
    settings: Settings = field(default_factory=Settings)
    layers: dict[str, Layer] = field(default_factory=dict)
    loose: list[Source] = field(default_factory=list)
    packs: list[FoundPack] = field(default_factory=list)
    only: list[str] = field(default_factory=list)

    def inspect(self) -> Read:
        """Read, check and compile all of it."""
        layers = [*self.layers.values(), Layer(INSTANCE, tuple(self.loose))]
        return inspect(layers, languages=self.settings.languages, currency=self.settings.currency, found=self.found)

    def run(self) -> list[Diagnostic]:
        """What is found in it; warnings only of the files that were asked for."""
        told = self.inspect().found
        if self.only:
            told = [one for one in told if one.severity == "error" or _below(one.place.file, self.only)]
        return told


def _below(file: str, shown: Iterable[str]) -> bool:
    return any(file == one or file.startswith(one.rstrip("/") + "/") for one in shown)


def read_instance(folder: Path, reading: Reading | None = None, *, prefix: str = "") -> Reading:
    """An instance's settings, packs and metadata; messages name its files as `prefix` + their path inside it."""
    into = reading if reading is not None else Reading()
    into.settings, tree = load_settings(folder, into.found, shown=prefix + FILE, secrets=False)
    places = _pack_places(tree)
    for layer in pack_layers(into.settings.packs, folder, into.found, places=places):
        into.layers.setdefault(layer.name, layer)
    if (folder / METADATA).is_dir():
        into.loose.extend(folder_layer(INSTANCE, folder / METADATA, into.found, shown=prefix + METADATA).sources)
    return into


def _pack_places(tree: MapNode) -> dict[str, Place]:
    packs = tree.entries.get("packs")
    return {str(getattr(item, "text", "")): item.place for item in packs.items} if isinstance(packs, ListNode) else {}


def read_paths(paths: Sequence[Path]) -> Reading:
    """All paths together."""
    reading = Reading()
    for path in paths:
        _read_path(path, reading)
    return reading


def _read_path(path: Path, reading: Reading) -> None:
    shown = path.as_posix()
    owner = _owner(path)
    if owner is None and not path.is_absolute() and (owner := _owner(path.absolute())) is not None:
        shown = path.absolute().as_posix()  # asked for from inside the metadata folder
    if path.is_dir() and (path / FILE).is_file():
        read_instance(path, reading, prefix="" if shown == "." else f"{shown.rstrip('/')}/")
    elif owner is not None and path.exists():
        reading.only.append(shown)
        if not any(source.file.startswith(owner.prefix) for source in reading.loose):
            read_instance(owner.folder, reading, prefix=owner.prefix)
    elif path.is_dir():
        _read_folder(path, shown, reading)
    else:
        reading.loose.extend(file_layer(INSTANCE, path, reading.found, shown=shown).sources)


@dataclass(frozen=True, slots=True)
class _Owner:
    folder: Path
    prefix: str


def _owner(path: Path) -> _Owner | None:
    """The instance whose `metadata/` holds the path, with the prefix that names its files as the path does."""
    parts = path.parts
    for number in range(len(parts) - 1, -1, -1):
        folder = Path(*parts[:number])
        if parts[number] == METADATA and (folder / FILE).is_file():
            return _Owner(folder, f"{folder.as_posix().rstrip('/')}/" if number else "")
    return None


def _read_folder(path: Path, shown: str, reading: Reading) -> None:
    layer = folder_layer(INSTANCE, path, reading.found, shown=shown)
    pack = head_of(layer, Diagnostics())
    if pack is None:
        reading.loose.extend(layer.sources)
        return
    reading.packs.append(pack)
    reading.layers[pack.layer.name] = pack.layer
    # what it requires but is not here is reported by the reading itself, at the place that requires it
    for other in pack_layers(pack.head.requires, path, Diagnostics()):
        reading.layers.setdefault(other.name, other)


def expect_version(reading: Reading, version: str) -> None:
    """Note every checked pack that has another version."""
    for pack in reading.packs:
        if pack.head.version != version:
            place = pack.head.document.node.key_place("version")
            sentence = f"the pack '{pack.head.name}' has version {pack.head.version}, not {version}"
            reading.found.error("pack-version", sentence, place, path="version")
    if not reading.packs:
        reading.found.error("pack-missing", "no pack is checked, so no version can be expected", Place("."))
