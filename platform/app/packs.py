"""Packs on this machine: the ones shipped, the ones other installs bring, and folders that are named by their path.

Knows files only. A pack is a folder with YAML, one document of which has `kind: pack`; other distributions announce
theirs through the entry point group `guanxi.packs` (name → package holding the folder).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module, resources
from importlib.metadata import entry_points
from pathlib import Path

from guanxi.common.diagnostics import Diagnostics, Place
from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean, name_fault
from guanxi.metadata.nodes import Document, to_plain
from guanxi.metadata.overlay import PackHead, pack_heads
from guanxi.metadata.parse import parse_sources
from guanxi.metadata.sources import Layer, folder_layer

GROUP = "guanxi.packs"


@dataclass(frozen=True, slots=True)
class FoundPack:
    """A pack as found: its layer, its head and all its documents as written."""

    layer: Layer
    head: PackHead
    documents: tuple[Document, ...]

    @property
    def label(self) -> Label:
        """What people call it."""
        node = self.head.document.node.entries.get("label")
        return Label.of(to_plain(node)) if node is not None else Label.of(self.head.name)

    @property
    def counts(self) -> dict[str, int]:
        """How many definitions of each kind it holds."""
        found: dict[str, int] = {}
        for document in self.documents:
            if document.kind != "pack":
                found[document.kind] = found.get(document.kind, 0) + 1
        return found


def installed_folders() -> dict[str, Path]:
    """Pack name → folder, the shipped ones first; a name that two bring is the first one's."""
    root = Path(str(resources.files("guanxi.industry_packs")))
    found = {path.name: path for path in sorted(root.iterdir()) if _is_pack(path)}
    for point in entry_points(group=GROUP):
        folder = Path(str(resources.files(import_module(point.value))))
        if point.name not in found and _is_pack(folder):
            found[point.name] = folder
    return found


def _is_pack(folder: Path) -> bool:
    return folder.is_dir() and not name_fault(folder.name) and any(folder.rglob("*.y*ml"))


def is_path(name: str) -> bool:
    """Whether a pack is named by its folder (`./packs/mine`) rather than by its name."""
    return name.startswith((".", "/", "~")) or "/" in name or "\\" in name


def head_of(layer: Layer, found: Diagnostics) -> FoundPack | None:
    """The pack that a layer holds, under the name its own document gives; None when there is no such document."""
    own = Diagnostics()
    documents = parse_sources(layer.sources, own)
    heads = list(pack_heads(documents).values())
    found.extend(own.found)
    if not heads:
        return None
    name = heads[0].name
    named = Layer(name, tuple(replace(source, layer=name) for source in layer.sources), layer.folder)
    return FoundPack(named, heads[0], tuple(documents))


def pack_layers(
    wanted: Iterable[str], base: Path, found: Diagnostics, *, places: Mapping[str, Place] | None = None
) -> list[Layer]:
    """The layers of packs by name or folder, with everything they require that is installed here.

    A pack that cannot be found is an error at `places[name]` (the line of guanxi.yaml that names it).
    """
    folders = installed_folders()
    layers: dict[str, Layer] = {}
    queue = list(wanted)
    asked = set(queue)
    while queue:
        name = queue.pop(0)
        pack = _open(name, base, folders, found)
        if pack is None:
            if name in asked and not found.failed:
                hint = did_you_mean(name, folders) or "see `guanxi pack list`"
                where = (places or {}).get(name, Place("guanxi.yaml"))
                found.error("pack-missing", f"the pack '{name}' is not installed", where, path="packs", hint=hint)
            continue
        if pack.layer.name not in layers:
            layers[pack.layer.name] = pack.layer
            queue.extend(required for required in pack.head.requires if required not in layers)
    return list(layers.values())


def _open(name: str, base: Path, folders: Mapping[str, Path], found: Diagnostics) -> FoundPack | None:
    if is_path(name):
        folder = (base / Path(name).expanduser()).resolve()
        layer = folder_layer("pack", folder, found, shown=name)
        pack = head_of(layer, Diagnostics())
        if pack is None and layer.sources:
            found.error("pack-missing", f"no document of kind pack is in '{name}'", Place(layer.sources[0].file))
        return pack
    if name not in folders:
        return None
    return head_of(folder_layer(name, folders[name], found, shown=name), Diagnostics())


def find_pack(name: str, base: Path) -> FoundPack | None:
    """The pack of a name or folder (meant from `base`), or None when there is none that can be read."""
    return _open(name, base, installed_folders(), Diagnostics())


def installed() -> list[FoundPack]:
    """All installed packs that can be read, by name."""
    packs = (_open(name, Path(), {name: folder}, Diagnostics()) for name, folder in installed_folders().items())
    return sorted((pack for pack in packs if pack is not None), key=lambda pack: pack.head.name)


def requirement_text(pack: FoundPack) -> str:
    """`crm >=1.0,<2` for people."""
    return ", ".join(f"{name} {wanted}" for name, wanted in pack.head.requires.items())


def description(pack: FoundPack, language: str) -> str:
    """The pack's description in a language, or ""."""
    node = pack.head.document.node.entries.get("description")
    return Label.of(to_plain(node)).text(language) if node is not None else ""
