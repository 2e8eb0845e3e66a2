"""A tiny project from a dictionary of YAML texts: the Registry, or what is wrong with it.

`registry_of({"customer.yaml": "kind: object\\nname: customer\\n…"})`, or one text. Built registries are kept by their
text, so that many tests of one project compile it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from guanxi.common.diagnostics import Diagnostic
from guanxi.metadata.load import ReadCache, check, read_definitions
from guanxi.metadata.sources import Layer, text_layer
from guanxi.registry import Registry

Files = Mapping[str, str] | str


def layers_of(files: Files, packs: Mapping[str, Files] | None = None) -> list[Layer]:
    """Layers of texts: each pack under its name, and the instance."""
    made = [text_layer(_files(texts), name) for name, texts in (packs or {}).items()]
    return [*made, text_layer(_files(files))]


def registry_of(
    files: Files,
    *,
    packs: Mapping[str, Files] | None = None,
    languages: Sequence[str] = ("en", "zh"),
    currency: str = "CNY",
) -> Registry:
    """The compiled Registry; raises DefinitionError, which reads like the output of `guanxi check`."""
    packed = tuple((name, tuple(sorted(_files(texts).items()))) for name, texts in (packs or {}).items())
    return _registry(tuple(sorted(_files(files).items())), packed, tuple(languages), currency)


def diagnostics_of(files: Files, *, packs: Mapping[str, Files] | None = None) -> list[Diagnostic]:
    """Everything that a check finds, warnings included."""
    return check(layers_of(files, packs), cache=ReadCache())[1]


def said(files: Files, *, packs: Mapping[str, Files] | None = None) -> list[str]:
    """What a check finds in short: `code file:line:column`."""
    return [f"{one.code} {one.place}" for one in diagnostics_of(files, packs=packs)]


def _files(files: Files) -> Mapping[str, str]:
    return {"project.yaml": files} if isinstance(files, str) else files


@lru_cache(maxsize=64)
def _registry(
    files: tuple[tuple[str, str], ...],
    packs: tuple[tuple[str, tuple[tuple[str, str], ...]], ...],
    languages: tuple[str, ...],
    currency: str,
) -> Registry:
    layers = layers_of(dict(files), {name: dict(texts) for name, texts in packs})
    return read_definitions(layers, languages=languages, currency=currency)
