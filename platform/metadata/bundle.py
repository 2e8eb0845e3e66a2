"""The stored form of a published version: every source of every layer in one JSON text, and back.

A worker rebuilds the very same Registry from it: the platform's own definitions are kept too, so that a newer release
of the software changes nothing until somebody publishes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .fingerprint import canonical
from .sources import Layer, Source

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a version was made of: layers in the order given, languages, currency, and the bases of its patches."""

    layers: tuple[Layer, ...]
    languages: tuple[str, ...] = ("en", "zh")
    currency: str = "CNY"
    bases: Mapping[str, Any] = field(default_factory=dict)


def to_text(bundle: Bundle) -> str:
    """The bundle as JSON; equal bundles give equal text."""
    value = {
        "format": FORMAT,
        "languages": list(bundle.languages),
        "currency": bundle.currency,
        "bases": {mark: json.loads(canonical(value)) for mark, value in bundle.bases.items()},
        "layers": [
            {"name": layer.name, "files": {source.file: text_of(source) for source in layer.sources}}
            for layer in bundle.layers
        ],
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> Bundle:
    """The bundle from its JSON; raises ValueError when the text is none."""
    value: Any = json.loads(text)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError("not a published version, or one of a newer release")
    layers = tuple(
        Layer(one["name"], tuple(Source(one["name"], file, said) for file, said in one["files"].items()))
        for one in value["layers"]
    )
    return Bundle(layers, tuple(value["languages"]), value["currency"], value.get("bases", {}))


def text_of(source: Source) -> str:
    """A source's text; it was read before, so it is UTF-8."""
    return source.data if isinstance(source.data, str) else source.data.decode("utf-8")


def instance_files(layers: Sequence[Layer]) -> dict[str, str]:
    """The instance's own files by name: what `pull` writes back and the studio shows."""
    return {source.file: text_of(source) for layer in layers if layer.name == "instance" for source in layer.sources}
