"""Dotted paths inside a definition (`fields.level.required`): look up, set and take away on copies of node trees.

A step into a list names one of its texts (`page.tabs.timeline`), so that an entry can be removed by what it says.
"""

from __future__ import annotations

from collections.abc import Sequence

from guanxi.common.names import did_you_mean

from ..nodes import ListNode, MapNode, Mark, Node, ScalarNode

Steps = Sequence[str]


class PathError(Exception):
    """A path leads nowhere: the sentence, and the nearest right step as a hint."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        self.sentence = sentence
        self.hint = hint
        super().__init__(sentence)


def steps_of(path: str) -> tuple[str, ...]:
    """The steps of a dotted path; raises PathError for an empty step."""
    steps = tuple(path.strip().split("."))
    if not all(step.strip() for step in steps):
        raise PathError(f"'{path}' is not a path", "write steps with dots between, such as fields.level.required")
    return steps


def value_at(node: Node, steps: Steps) -> Node | None:
    """The value at a path, or None."""
    current: Node | None = node
    for step in steps:
        if isinstance(current, MapNode):
            current = current.entries.get(step)
        elif isinstance(current, ListNode):
            current = next((item for item in current.items if _says(item, step)), None)
        else:
            return None
    return current


def _says(item: Node, text: str) -> bool:
    return isinstance(item, ScalarNode) and item.text == text


def _known(node: Node) -> list[str]:
    if isinstance(node, MapNode):
        return list(node.entries)
    if isinstance(node, ListNode):
        return [item.text for item in node.items if isinstance(item, ScalarNode)]
    return []


def without(node: Node, steps: Steps, done: Steps = ()) -> Node:
    """A copy of the tree without the value at the path; raises PathError where it does not exist."""
    step, rest = steps[0], steps[1:]
    if isinstance(node, MapNode) and step in node.entries:
        entries = dict(node.entries)
        keys = dict(node.keys)
        if rest:
            entries[step] = without(entries[step], rest, (*done, step))
        else:
            del entries[step], keys[step]
        return MapNode(node.origin, node.line, node.column, entries, keys)
    if isinstance(node, ListNode) and not rest and any(_says(item, step) for item in node.items):
        kept = [item for item in node.items if not _says(item, step)]
        return ListNode(node.origin, node.line, node.column, kept)
    raise PathError(f"there is no '{'.'.join((*done, step))}' to remove", _hint(node, step, done))


def with_value(node: MapNode, steps: Steps, value: Node, mark: Mark, done: Steps = ()) -> MapNode:
    """A copy of the tree with `value` at the path; a map that is missing on the way is made, a named member is not."""
    step, rest = steps[0], steps[1:]
    entries = dict(node.entries)
    keys = dict(node.keys)
    if not rest:
        entries[step] = value
        keys[step] = mark
        return MapNode(node.origin, node.line, node.column, entries, keys)
    below = entries.get(step)
    if below is None:
        if len(done) == 1:
            raise PathError(f"there is no '{'.'.join((*done, step))}'", _hint(node, step, done))
        below = MapNode(mark[0], mark[1], mark[2], {}, {})
        keys[step] = mark
    if not isinstance(below, MapNode):
        raise PathError(f"'{'.'.join((*done, step))}' is not a map, so '{rest[0]}' cannot be set in it")
    entries[step] = with_value(below, rest, value, mark, (*done, step))
    return MapNode(node.origin, node.line, node.column, entries, keys)


def _hint(node: Node, step: str, done: Steps) -> str:
    near = did_you_mean(step, _known(node))
    if near and done:
        return near.replace("'", f"'{'.'.join(done)}.", 1)
    return near
