"""What a process remembers between two readings of the same metadata, so that a change of one file costs little.

Everything is kept by the identity of a document's node (an unchanged file keeps its nodes) together with what was
looked up in other documents while it was made; a piece is used again only when all of that is still the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from guanxi.common.diagnostics import Diagnostic

from ..documents.base import Definition
from ..nodes import Document, MapNode
from .outline import Outline

T = TypeVar("T")
Lookups = dict[tuple[str, str, str], Any]


@dataclass(slots=True)
class Judged:
    """A document's model (None when it has faults) and what was found in it."""

    model: Definition | None
    found: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class Judgements:
    """What is already judged, by node: an unchanged file keeps its nodes, so its documents are not judged again."""

    known: dict[MapNode, Judged] = field(default_factory=dict)


@dataclass(slots=True)
class Piece:
    """A compiled value, what was looked up for it, and the warnings that came with it."""

    value: Any
    lookups: Lookups
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class Memory:
    """One per process (or per `guanxi check --watch`); an empty one is as good, only slower."""

    judgements: Judgements = field(default_factory=Judgements)
    outlines: dict[MapNode, Outline] = field(default_factory=dict)
    pieces: dict[tuple[MapNode, str], Piece] = field(default_factory=dict)
    surroundings: Any = None

    def enter(self, documents: Iterable[Document], surroundings: Any) -> None:
        """Forget what belongs to documents that are gone, or everything when the surroundings changed."""
        live = {document.node for document in documents}
        self.judgements.known = {node: judged for node, judged in self.judgements.known.items() if node in live}
        if surroundings != self.surroundings:
            self.outlines, self.pieces, self.surroundings = {}, {}, surroundings
            return
        self.outlines = {node: made for node, made in self.outlines.items() if node in live}
        self.pieces = {key: piece for key, piece in self.pieces.items() if key[0] in live}


def same(known: Lookups, look: Mapping[str, Callable[[str, str], Any]]) -> bool:
    """True when every look-up gives what it gave before."""
    for (what, first, second), value in known.items():
        now = look[what](first, second)
        if now is not value and (what == "field" or now != value):
            return False
    return True
