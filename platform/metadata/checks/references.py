"""Circles of required references: no record of any object in the circle could ever be the first."""

from __future__ import annotations

from typing import Any

from ..link.context import Context
from ..nodes import Path


def required_circles(context: Context, _: dict[str, dict[str, Any]]) -> None:
    """Note every circle of references that must be filled, once, at its first reference."""
    edges = {
        name: {
            one.target: one.name
            for one in outline.references
            if one.part.required is True and one.part.type != "references"
        }
        for name, outline in context.outlines.items()
    }
    edges = {name: targets for name, targets in edges.items() if targets}
    seen: set[str] = set()
    for start in edges:
        if start not in seen:
            _search(context, start, edges, seen)


def _search(context: Context, start: str, edges: dict[str, dict[str, str]], seen: set[str]) -> None:
    way: list[str] = [start]
    waiting = [iter(edges[start])]
    while way:
        following = next(waiting[-1], None)
        if following is None:
            seen.add(way.pop())
            waiting.pop()
        elif following in way:
            _report(context, way[way.index(following) :], edges)
        elif following in edges and following not in seen:
            way.append(following)
            waiting.append(iter(edges[following]))


def _report(context: Context, circle: list[str], edges: dict[str, dict[str, str]]) -> None:
    first = circle[0]
    field = edges[first][circle[1] if len(circle) > 1 else first]
    steps = [f"{name}.{edges[name][circle[(i + 1) % len(circle)]]}" for i, name in enumerate(circle)]
    path: Path = ("fields", field, "required")
    said = f"required references make a circle, so no first record could be saved: {' → '.join(steps)}"
    context.error("cycle", said, context.outlines[first].document, path)
