"""`kind: patch`: a local change to a definition, kept apart from it and merged three ways when the definition changes.

The three sides are *base* (the definition the patch was made against, known by its hash), *theirs* (the definition as
its pack gives it now) and *mine* (what the patch sets or removes). The rule, path by path:

1. no `base`, or `base` is the hash of theirs: mine is applied.
2. else the value that base had at the path is looked up in the patch's own record (`was: {path: value}`; `~` says that
   there was none) or in an earlier published version with that hash. Theirs is still that value, or is already mine:
   mine is applied.
3. else the pack changed the same path: `patch-conflict`, naming mine, theirs and both places, until the patch says
   `resolve: {path: mine}` or `{path: theirs}`. Where the base is not known at all, it is the same when publishing, and
   only a warning in a check without the earlier versions (`bases` is None), which then applies mine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guanxi.common.diagnostics import Diagnostics, Place

from ..fingerprint import canonical, definition_hash
from ..nodes import Document, ListNode, MapNode, Node, ScalarNode, to_plain
from .merge import STEERING
from .paths import PathError, steps_of, value_at, with_value, without

Bases = Callable[[str], Mapping[str, Any] | None]
"""The plain value of a definition in an earlier published version, by the hash (or its beginning) of a patch."""

_UNKNOWN: Any = object()
_ABSENT: Any = object()


@dataclass(slots=True)
class _Patching:
    """One patch being applied: what it says, and the target as it stands so far."""

    patch: Document
    target: Document
    theirs: MapNode
    now: str
    same: bool
    base: Mapping[str, Any] | None
    strict: bool
    found: Diagnostics

    def part(self, key: str) -> dict[str, Node]:
        """The entries of a map of the patch (`was`, `resolve`)."""
        node = self.patch.node.entries.get(key)
        return node.entries if isinstance(node, MapNode) else {}


def apply_patch(
    patch: Document, target: Document, pristine: Document, bases: Bases | None, found: Diagnostics
) -> Document:
    """The target with the patch applied. `pristine` is the target before any patch: it is what `base` speaks of."""
    base = patch.node.text("base")
    now = definition_hash(pristine)
    same = not base or now.startswith(base)
    known = bases(base) if bases is not None and not same else None
    state = _Patching(patch, target, pristine.node, now, same, known, bases is not None, found)
    node = target.node
    wanted = patch.node.entries.get("set")
    if isinstance(wanted, MapNode):
        for path, value in wanted.entries.items():
            node = _change(state, node, path, value, wanted.key_place(path))
    gone = patch.node.entries.get("remove")
    if isinstance(gone, ListNode):
        for item in gone.items:
            if isinstance(item, ScalarNode):
                node = _change(state, node, item.text, None, item.place)
    return Document(target.kind, target.name, node, target.layer)


def _change(state: _Patching, node: MapNode, path: str, mine: Node | None, place: Place) -> MapNode:
    """One path set (or, without a value, removed); the tree as it was when that is refused."""
    try:
        steps = steps_of(path)
        if steps[0] in STEERING:
            raise PathError(f"'{steps[0]}' cannot be changed by a patch")
        if not _wins(state, path, steps, mine, place):
            return node
        if mine is not None:
            mark = (mine.origin, place.line, place.column)
            return with_value(node, steps, mine, mark)
        if value_at(node, steps) is None and not state.same:
            return node
        lighter = without(node, steps)
    except PathError as fault:
        code = "extend-missing" if mine is not None else "remove-missing"
        state.found.error(code, f"{state.target.label}: {fault.sentence}", place, path=path, hint=fault.hint)
        return node
    assert isinstance(lighter, MapNode)  # noqa: S101 (the copy of a map is a map)
    return lighter


def _wins(state: _Patching, path: str, steps: tuple[str, ...], mine: Node | None, place: Place) -> bool:
    """Whether mine is applied; a conflict that nobody resolved is noted."""
    if state.same:
        return True
    theirs = value_at(state.theirs, steps)
    now = _ABSENT if theirs is None else to_plain(theirs)
    if _equal(now, _ABSENT if mine is None else to_plain(mine)):
        return True
    was = _was(state, path, steps)
    if was is not _UNKNOWN and _equal(now, was):
        return True
    choice = state.part("resolve").get(path)
    if isinstance(choice, ScalarNode) and choice.text in {"mine", "theirs"}:
        return choice.text == "mine"
    return _conflict(state, path, (mine, theirs, was), place)


def _was(state: _Patching, path: str, steps: tuple[str, ...]) -> Any:
    recorded = state.part("was").get(path)
    if recorded is not None:
        plain = to_plain(recorded)
        return _ABSENT if plain is None else plain
    if state.base is None:
        return _UNKNOWN
    current: Any = state.base
    for step in steps:
        if isinstance(current, Mapping) and step in current:
            current = current[step]
        elif isinstance(current, list) and step in current:
            current = step
        else:
            return _ABSENT
    return current


def _equal(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return canonical(one) == canonical(other)


def _conflict(state: _Patching, path: str, sides: tuple[Node | None, Node | None, Any], place: Place) -> bool:
    """Note the conflict; True when it is only a doubt, so that mine is applied."""
    mine, theirs, was = sides
    where = f"at {theirs.place}" if theirs is not None else "now gone"
    before = "" if was is _UNKNOWN else f", and was {_shown(was)} when the patch was made"
    sentence = (
        f"the patch {'sets' if mine is not None else 'removes'} '{path}' of {state.target.label}"
        f"{f' to {_shown(to_plain(mine))}' if mine is not None else ''}, but it is "
        f"{_shown(to_plain(theirs)) if theirs is not None else 'no longer there'} ({where}){before}"
    )
    hint = f"write 'resolve: {{{path}: mine}}' or 'theirs' in the patch"
    if was is not _UNKNOWN:
        state.found.error("patch-conflict", sentence, place, path=path, hint=hint)
        return False
    sentence += "; what the patch was made against is not known"
    hint += f"; the definition is now {state.now}"
    note = state.found.error if state.strict else state.found.warning
    note("patch-conflict", sentence, place, path=path, hint=hint)
    return not state.strict


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    text = canonical(value)
    return text if len(text) <= 80 else text[:77] + "…"
