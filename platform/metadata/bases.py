"""What patches were made against, kept with a published version, so that a later upgrade can merge three ways.

A patch names its base by hash only. When a version is published, the content behind each such hash is put into its
bundle: from the definitions being published, from the version before, or from what that version had kept already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from guanxi.common.diagnostics import Diagnostics

from .fingerprint import definition_value, hash_of
from .nodes import Document
from .overlay import order_packs, overlay, pack_heads
from .parse import parse_sources
from .sources import INSTANCE, PLATFORM, Layer, Source


def record_bases(
    layers: Sequence[Layer], earlier: Sequence[Layer] = (), kept: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Hash → plain definition for every base that a patch in `layers` names and that can be found.

    `earlier` are the layers of the version published before, `kept` what that version had recorded.
    """
    if not any(_may_patch(source) for layer in layers for source in layer.sources):
        return {}
    documents = _documents(layers)
    wanted = {(d.node.text("target"), base) for d in documents if d.kind == "patch" and (base := d.node.text("base"))}
    if not wanted:
        return {}
    known = dict(kept or {})
    targets = {target for target, _ in wanted}
    for values in (_unpatched(_documents(earlier), earlier), _unpatched(documents, layers)):
        known |= {hash_of(value): value for label, value in values.items() if label in targets}
    return {mark: value for mark, value in known.items() if any(mark.startswith(base) for _, base in wanted)}


def unpatched(layers: Sequence[Layer]) -> dict[str, Any]:
    """Every definition as a patch of the instance finds it, plain, by `kind/name`: what `hash_of` gives is its base."""
    return _unpatched(_documents(layers), layers)


def bases_in(recorded: Mapping[str, Any]) -> Callable[[str], Mapping[str, Any] | None]:
    """A look-up for `load.check(bases=…)`: by a hash or its beginning."""

    def look(base: str) -> Mapping[str, Any] | None:
        return recorded.get(base) or next((value for mark, value in recorded.items() if mark.startswith(base)), None)

    return look


def _may_patch(source: Source) -> bool:
    """A cheap look, so that the many instances without patches are not read twice."""
    return ("patch" if isinstance(source.data, str) else b"patch") in source.data  # type: ignore[operator]


def _documents(layers: Iterable[Layer]) -> list[Document]:
    return parse_sources((source for layer in layers for source in layer.sources), Diagnostics())


def _unpatched(documents: Sequence[Document], layers: Sequence[Layer]) -> dict[str, Any]:
    """Definitions as they are before any patch, by `kind/name`."""
    order = [PLATFORM, *order_packs(pack_heads(documents), Diagnostics()), INSTANCE]
    known = {layer.name for layer in layers}
    plain = [document for document in documents if document.kind != "patch"]
    merged = overlay(plain, [name for name in order if name in known], Diagnostics())
    return {document.label: definition_value(document) for document in merged}
