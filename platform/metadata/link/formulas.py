"""The order in which formulas are typed: a formula after those whose names stand in its text.

The order is only a courtesy (a formula asks for what it needs anyway): it keeps long chains of formulas from being
typed one inside the other. Names are compared as words, so it may see an edge where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .outline import Outline

_WORD = re.compile(r"[a-z][a-z0-9_]*")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
Key = tuple[str, str]


def in_order(outlines: Mapping[str, Outline]) -> list[Key]:
    """All computed fields as (object, field), each after those it mentions as far as that is possible."""
    by_name: dict[str, list[Key]] = {}
    for owner, outline in outlines.items():
        for name in outline.computed:
            by_name.setdefault(name, []).append((owner, name))
    done: dict[Key, None] = {}
    for keys in by_name.values():
        for key in keys:
            _visit(key, outlines, by_name, done)
    return list(done)


def _visit(
    start: Key, outlines: Mapping[str, Outline], by_name: Mapping[str, list[Key]], done: dict[Key, None]
) -> None:
    """Depth first without recursion; an edge back into the way is left out."""
    if start in done:
        return
    way: list[tuple[Key, list[Key]]] = [(start, _needs(start, outlines, by_name))]
    on_way = {start}
    while way:
        key, needs = way[-1]
        following = next((one for one in _taken(needs) if one not in done and one not in on_way), None)
        if following is None:
            way.pop()
            on_way.discard(key)
            done[key] = None
        else:
            on_way.add(following)
            way.append((following, _needs(following, outlines, by_name)))


def _taken(needs: list[Key]) -> Iterable[Key]:
    while needs:
        yield needs.pop()


def _needs(key: Key, outlines: Mapping[str, Outline], by_name: Mapping[str, list[Key]]) -> list[Key]:
    text = str(getattr(outlines[key[0]].fields[key[1]].part, "value", ""))
    words = set(_WORD.findall(_QUOTED.sub(" ", text)))
    return [one for word in words if word in by_name for one in by_name[word] if one != key]
