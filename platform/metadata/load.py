"""The whole way from layers to a Registry: parse, validate, overlay, link, compile. The room's front door.

Each stage reports all its faults over all files; a stage only begins when the one before had no error, because its
faults would be echoes. With a cache, a second reading only works on what changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from guanxi.common.diagnostics import DefinitionError, Diagnostic, Diagnostics, Place
from guanxi.registry import Registry

from .assemble import link_and_compile
from .collector import without_collection
from .fingerprint import DigestCache, fingerprint
from .link.memory import Memory
from .nodes import Document
from .overlay import Bases, MergeCache, order_packs, overlay, pack_heads
from .parse import ParseCache, parse_sources
from .sources import INSTANCE, PLATFORM, Layer, builtin_layer
from .validate import validate

LANGUAGES = ("en", "zh")
CURRENCY = "CNY"


@dataclass(slots=True)
class ReadCache:
    """What a process keeps between two readings; not shared between threads."""

    parsed: ParseCache = field(default_factory=ParseCache)
    merged: MergeCache = field(default_factory=MergeCache)
    digests: DigestCache = field(default_factory=DigestCache)
    memory: Memory = field(default_factory=Memory)


def read_definitions(
    layers: Sequence[Layer],
    *,
    languages: Sequence[str] = LANGUAGES,
    currency: str = CURRENCY,
    cache: ReadCache | None = None,
    bases: Bases | None = None,
) -> Registry:
    """The Registry of these layers; raises DefinitionError with every diagnostic of the stage that failed."""
    registry, found = check(layers, languages=languages, currency=currency, cache=cache, bases=bases)
    if registry is None:
        raise DefinitionError(found)
    return registry


def check(
    layers: Sequence[Layer],
    *,
    languages: Sequence[str] = LANGUAGES,
    currency: str = CURRENCY,
    cache: ReadCache | None = None,
    bases: Bases | None = None,
    found: Diagnostics | None = None,
) -> tuple[Registry | None, list[Diagnostic]]:
    """The Registry (None when there are errors) and everything found, sorted by place.

    The platform's own layer is added when it is not given. `found` brings what collecting the sources reported.
    """
    read = inspect(layers, languages=languages, currency=currency, cache=cache, bases=bases, found=found)
    return read.registry, read.found


@dataclass(frozen=True, slots=True)
class Read:
    """What a reading gave: the Registry (None with errors), the merged documents, and everything found."""

    registry: Registry | None
    documents: list[Document]
    found: list[Diagnostic]


def inspect(
    layers: Sequence[Layer],
    *,
    languages: Sequence[str] = LANGUAGES,
    currency: str = CURRENCY,
    cache: ReadCache | None = None,
    bases: Bases | None = None,
    found: Diagnostics | None = None,
) -> Read:
    """As `check`, with the merged documents, whose nodes know their places and layers."""
    report = found if found is not None else Diagnostics()
    memory = cache if cache is not None else ReadCache()
    with without_collection():
        documents = merged_documents(layers, report, memory, bases)
        if documents is None:
            return Read(None, [], list(report))
        mark = fingerprint(documents, {"languages": list(languages), "currency": currency}, memory.digests)
        registry = link_and_compile(
            documents, report, languages=tuple(languages), currency=currency, fingerprint=mark, memory=memory.memory
        )
    return Read(None if report.failed else registry, documents, list(report))


def merged_documents(
    layers: Sequence[Layer], found: Diagnostics, cache: ReadCache | None = None, bases: Bases | None = None
) -> list[Document] | None:
    """Stages 1 to 3: one document per definition, or None when there are errors in `found`."""
    memory = cache if cache is not None else ReadCache()
    every = [builtin_layer(), *layers] if all(layer.name != PLATFORM for layer in layers) else list(layers)
    documents = parse_sources((source for layer in every for source in layer.sources), found, memory.parsed)
    if found.failed:
        return None
    validate(documents, found, memory.memory.judgements)
    if found.failed:
        return None
    order = _order(every, documents, found)
    if found.failed:
        return None
    merged = overlay(documents, order, found, bases=bases, cache=memory.merged)
    return None if found.failed else merged


def _order(layers: Sequence[Layer], documents: Sequence[Document], found: Diagnostics) -> list[str]:
    """Layer names in the order in which they are laid on top of each other."""
    heads = pack_heads(documents)
    for layer in layers:
        if layer.is_pack and layer.name not in heads:
            sentence = f"the pack '{layer.name}' has no document of kind pack with this name"
            place = Place(layer.sources[0].file if layer.sources else str(layer.folder or layer.name))
            found.error("pack-missing", sentence, place, hint="add a pack.yaml with kind, name and version")
    packs = [name for name in order_packs(heads, found) if any(layer.name == name for layer in layers)]
    return [PLATFORM, *packs, INSTANCE]
