"""From YAML text to a Registry or its diagnostics, without files: what tests of the metadata stages share."""

from __future__ import annotations

from guanxi.common.diagnostics import Diagnostic, Diagnostics
from guanxi.metadata.assemble import link_and_compile
from guanxi.metadata.link.memory import Memory
from guanxi.metadata.nodes import Document
from guanxi.metadata.parse import parse_sources
from guanxi.metadata.sources import BUILTIN, Source
from guanxi.registry import Registry

PLATFORM = tuple(Source("platform", path.name, path.read_bytes()) for path in sorted(BUILTIN.glob("*.yaml")))


def documents_of(text: str, file: str = "m.yaml", layer: str = "instance") -> list[Document]:
    """The documents of one text behind the platform's own."""
    found = Diagnostics()
    documents = parse_sources([*PLATFORM, Source(layer, file, text)], found)
    found.raise_if_failed()
    return documents


def compiled(text: str, **options: object) -> Registry:
    """The Registry of a text that must be right."""
    found = Diagnostics()
    registry = link_and_compile(documents_of(text), found, **options)  # type: ignore[arg-type]
    found.raise_if_failed()
    assert registry is not None
    return registry


def diagnostics(text: str, memory: Memory | None = None) -> list[Diagnostic]:
    """Everything that is found in a text."""
    found = Diagnostics()
    link_and_compile(documents_of(text), found, memory=memory)
    return list(found)


def faults(text: str) -> list[str]:
    """What is found as `line:column path code`, warnings with a `~` in front."""
    mark = {"error": "", "warning": "~"}
    return [f"{mark[d.severity]}{d.place.line}:{d.place.column} {d.path} {d.code}" for d in diagnostics(text)]
