"""The order of packs: what a pack requires comes before it. Missing packs, wrong versions and circles are errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from guanxi.common.diagnostics import Diagnostics, Place
from guanxi.common.names import did_you_mean

from ..nodes import Document, MapNode, ScalarNode


@dataclass(frozen=True, slots=True)
class PackHead:
    """What a pack says of itself: name, version and the ranges of other packs it needs."""

    name: str
    version: str
    requires: Mapping[str, str]
    document: Document

    def place(self, required: str) -> Place:
        """Where the requirement stands."""
        requires = self.document.node.entries.get("requires")
        return requires.key_place(required) if isinstance(requires, MapNode) else self.document.place


def pack_heads(documents: Iterable[Document]) -> dict[str, PackHead]:
    """The heads of all documents of kind pack, by name; versions and ranges exactly as written."""
    return {d.name: _head(d) for d in documents if d.kind == "pack" and not d.extends}


def _head(document: Document) -> PackHead:
    version = document.node.entries.get("version")
    requires = document.node.entries.get("requires")
    ranges = (
        {key: value.text for key, value in requires.entries.items() if isinstance(value, ScalarNode)}
        if isinstance(requires, MapNode)
        else {}
    )
    return PackHead(document.name, version.text if isinstance(version, ScalarNode) else "0", ranges, document)


def order_packs(heads: Mapping[str, PackHead], found: Diagnostics) -> list[str]:
    """Pack names, required ones first, else in the given order; faults go to `found`."""
    for head in heads.values():
        for required, wanted in head.requires.items():
            _judge(head, required, wanted, heads, found)
    order = _Order(heads, found)
    for name in heads:
        order.visit(name, [])
    return order.ordered


class _Order:
    """A depth-first walk that notes each circle once."""

    def __init__(self, heads: Mapping[str, PackHead], found: Diagnostics) -> None:
        self.heads = heads
        self.found = found
        self.ordered: list[str] = []
        self.circles: set[frozenset[str]] = set()

    def visit(self, name: str, trail: list[str]) -> None:
        """Put a pack behind everything it requires; `trail` are the packs that led here."""
        if name in self.ordered or name not in self.heads:
            return
        if name in trail:
            self._circle([*trail[trail.index(name) :], name])
            return
        for required in self.heads[name].requires:
            self.visit(required, [*trail, name])
        if name not in self.ordered:
            self.ordered.append(name)

    def _circle(self, circle: list[str]) -> None:
        if frozenset(circle) in self.circles:
            return
        self.circles.add(frozenset(circle))
        last, first = circle[-2], circle[-1]
        sentence = f"packs require each other: {' → '.join(circle)}"
        self.found.error("pack-cycle", sentence, self.heads[last].place(first), path=f"requires.{first}")


def _judge(head: PackHead, required: str, wanted: str, heads: Mapping[str, PackHead], found: Diagnostics) -> None:
    other = heads.get(required)
    path = f"requires.{required}"
    if other is None:
        hint = did_you_mean(required, heads) or f"add '{required}' to packs"
        sentence = f"the pack '{head.name}' requires '{required}', which is not installed"
        found.error("pack-missing", sentence, head.place(required), path=path, hint=hint)
    elif not fits(other.version, wanted):
        sentence = f"the pack '{head.name}' requires '{required}' {wanted}, but version {other.version} is installed"
        found.error("pack-version", sentence, head.place(required), path=path)


def fits(version: str, wanted: str) -> bool:
    """Whether a version lies in a range such as `>=1.0,<2`; a bare version means exactly that one, `*` any."""
    parts = [part.strip() for part in wanted.split(",") if part.strip() not in {"", "*"}]
    spelled = ",".join(part if part[0] in "<>=!~" else f"=={part}" for part in parts)
    try:
        return SpecifierSet(spelled).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
