"""Which keys the records of an object need: those of its own duplicate rules, and those by which rules of other objects
look into it. Made once per published version.

A rule's key is made of its exact parts; where it has parts that are judged by likeness, the blocks of the first of them
are added. `kind` is the same text on every object that a rule looks into, so that one look finds them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from guanxi.registry.objects import DuplicateRule, MatchPart
from guanxi.registry.registry import Registry

from . import keys

JOIN = "\x1f"


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of key of an object: (field, comparison) of the exact parts, the part that gives blocks (None without),
    and whether no two live records may have it.
    """

    kind: str
    exact: tuple[tuple[str, str], ...]
    like: tuple[str, str] | None
    strong: bool = False

    def values(self, row: Mapping[str, Any]) -> frozenset[str]:
        """The keys of a record; none when a part is blank."""
        parts = []
        for field, by in self.exact:
            form = keys.normal(by, row.get(field))
            if not form:
                return frozenset()
            parts.append(form)
        start = JOIN.join(parts)
        if self.like is None:
            return frozenset({start})
        form = keys.normal(self.like[1], row.get(self.like[0]))
        return frozenset(JOIN.join((start, block)) for block in keys.blocks(form)) if form else frozenset()


def is_like(part: MatchPart) -> bool:
    """Whether the part is judged by likeness."""
    return part.by in keys.LIKE


def kind_of(rule: DuplicateRule) -> str:
    """What the keys of a rule are called."""
    names = [f"={part.field}" if part.by == "exact" else part.by for part in rule.match if not is_like(part)]
    like = next((part for part in rule.match if is_like(part)), None)
    return "+".join(names) + (f"~{like.by}" if like is not None else "")


def source_of(rule: DuplicateRule, object_name: str = "") -> Source:
    """The keys of a rule in its own object, or in another one that it looks into."""
    exact = tuple((part.within(object_name), part.by) for part in rule.match if not is_like(part))
    like = next(((part.within(object_name), part.by) for part in rule.match if is_like(part)), None)
    return Source(kind_of(rule), exact, like, strong(rule) and not object_name)


def strong(rule: DuplicateRule) -> bool:
    """Whether the rule's evidence is equal keys that refuse: no two live records may have them."""
    return rule.action == "block" and not any(is_like(part) for part in rule.match)


def sources(registry: Registry) -> dict[str, tuple[Source, ...]]:
    """Object → its kinds of keys, for the objects that have any."""
    found: dict[str, dict[tuple[Any, ...], Source]] = {}
    for object_name, source in _all(registry):
        own = found.setdefault(object_name, {})
        place = (source.kind, source.exact, source.like)
        own[place] = source if place not in own or source.strong else own[place]
    return {name: tuple(known.values()) for name, known in found.items()}


def _all(registry: Registry) -> Iterator[tuple[str, Source]]:
    for name, object_type in registry.objects.items():
        for rule in object_type.duplicates.values():
            yield name, source_of(rule)
            for other in rule.across:
                if other != name and other in registry.objects:
                    yield other, source_of(rule, other)


def fingerprint(registry: Registry, object_name: str, own: tuple[Source, ...]) -> str:
    """What the keys of an object follow from: when it changes, they are made anew."""
    object_type = registry.objects[object_name]
    fields = sorted({field for source in own for field, _ in (*source.exact, *filter(None, (source.like,)))})
    types = [(name, object_type.fields[name].type, repr(object_type.fields[name].settings)) for name in fields]
    return hashlib.sha256(repr((keys.VERSION, sorted(map(repr, own)), types)).encode()).hexdigest()
