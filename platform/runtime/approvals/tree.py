"""Where a running approval stands in its tree of steps, and what follows: pure, without people, clock or database.

A `Position` holds the forks that were taken. `begin`, `passed` and `go_to` walk on from there: blocks are entered and
joined on the way, and each step that is met is handed to `enter`, which says at once whether it waits for people,
has passed by itself, or was rejected. Conditions are asked of `holds`. Running and simulating use the same walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from guanxi.expressions.expression import Expression
from guanxi.registry.approvals import Branch, Choose, Flow, Node, Parallel, Step

MOST_STEPS = 1_000
Entered = Literal["waits", "passed", "rejected"]
Enter = Callable[[Step], Entered]
Holds = Callable[[Expression], bool]
Outcome = Literal["running", "finished", "rejected"]


class TooManySteps(Exception):
    """A walk met more steps than any flow has use for: it goes in circles."""


@dataclass(slots=True)
class Position:
    """`taken`: block → names of the branches that were entered; `done`: parallel block → branches that have passed."""

    taken: dict[str, list[str]] = field(default_factory=dict)
    done: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The form that is stored."""
        return {"taken": self.taken, "done": self.done}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Position:
        """From its stored form."""
        return cls(
            {name: list(found) for name, found in stored.get("taken", {}).items()},
            {name: list(found) for name, found in stored.get("done", {}).items()},
        )

    def forget(self, nodes: tuple[Node, ...]) -> None:
        """Drop what is known of the blocks among and below `nodes`."""
        for node in nodes:
            if not isinstance(node, Step):
                self.taken.pop(node.name, None)
                self.done.pop(node.name, None)
                for branch in node.branches:
                    self.forget(branch.steps)


@dataclass(frozen=True, slots=True)
class Place:
    """A node's list, its index there, and the block and branch around it (None at the top)."""

    nodes: tuple[Node, ...]
    index: int
    block: Choose | Parallel | None
    branch: Branch | None

    @property
    def node(self) -> Node:
        """The node itself."""
        return self.nodes[self.index]


def places(flow: Flow) -> dict[str, Place]:
    """Every step and block of the tree by name."""
    found: dict[str, Place] = {}

    def visit(nodes: tuple[Node, ...], block: Choose | Parallel | None, branch: Branch | None) -> None:
        for index, node in enumerate(nodes):
            found[node.name] = Place(nodes, index, block, branch)
            if not isinstance(node, Step):
                for inner in node.branches:
                    visit(inner.steps, node, inner)

    visit(flow.steps, None, None)
    return found


class Walk:
    """One walk over a flow from a position; counts the steps it meets."""

    def __init__(self, flow: Flow, position: Position, enter: Enter, holds: Holds) -> None:
        self.flow = flow
        self.position = position
        self.enter = enter
        self.holds = holds
        self.places = places(flow)
        self.met = 0

    def begin(self) -> Outcome:
        """From the start of the tree."""
        return self._list(self.flow.steps, 0, None, None)

    def passed(self, step: str) -> Outcome:
        """A step has passed: what comes behind it."""
        place = self.places[step]
        return self._list(place.nodes, place.index + 1, place.block, place.branch)

    def go_to(self, step: str) -> Outcome:
        """Enter a step again; the caller has cancelled what `scope` names."""
        place = self.places[step]
        return self._list(place.nodes, place.index, place.block, place.branch)

    # inside -----------------------------------------------------------------------------------------
    def _list(
        self, nodes: tuple[Node, ...], index: int, block: Choose | Parallel | None, branch: Branch | None
    ) -> Outcome:
        """Enter nodes from `index` on until one waits; at the end of a list the block around it goes on."""
        while True:
            for node in nodes[index:]:
                outcome = self._node(node)
                if outcome != "finished":
                    return outcome
            if block is None or branch is None:
                return "finished"
            if isinstance(block, Parallel) and not self._joined(block, branch):
                return "running"
            place = self.places[block.name]
            nodes, index, block, branch = place.nodes, place.index + 1, place.block, place.branch

    def _node(self, node: Node) -> Outcome:
        """`finished` when the node lets the walk go on at once."""
        self.met += 1
        if self.met > MOST_STEPS:
            raise TooManySteps(f"more than {MOST_STEPS} steps in one walk")
        if isinstance(node, Choose):
            return self._choose(node)
        if isinstance(node, Parallel):
            return self._fork(node)
        if node.when is not None and not self.holds(node.when):
            return "finished"
        entered = self.enter(node)
        return {"waits": "running", "passed": "finished", "rejected": "rejected"}[entered]  # type: ignore[return-value]

    def _choose(self, block: Choose) -> Outcome:
        branch = next((b for b in block.branches if b.when is None or self.holds(b.when)), None)
        if branch is None:
            return "finished"
        self.position.taken[block.name] = [branch.name]
        for node in branch.steps:
            outcome = self._node(node)
            if outcome != "finished":
                return outcome
        return "finished"

    def _fork(self, block: Parallel) -> Outcome:
        """Conditions are asked once, at the fork; an empty branch has passed at once."""
        chosen = [branch for branch in block.branches if branch.when is None or self.holds(branch.when)]
        self.position.taken[block.name] = [branch.name for branch in chosen]
        self.position.done[block.name] = []
        waiting = False
        for branch in chosen:
            outcome = self._branch(branch)
            if outcome == "rejected":
                return outcome
            if outcome == "running":
                waiting = True
            else:
                self.position.done[block.name].append(branch.name)
        return "running" if waiting else "finished"

    def _branch(self, branch: Branch) -> Outcome:
        for node in branch.steps:
            outcome = self._node(node)
            if outcome != "finished":
                return outcome
        return "finished"

    def _joined(self, block: Parallel, branch: Branch) -> bool:
        """Note that a branch has passed; True when it was the last one."""
        done = self.position.done.setdefault(block.name, [])
        if branch.name not in done:
            done.append(branch.name)
        return set(done) >= set(self.position.taken.get(block.name, ()))


# going back -----------------------------------------------------------------------------------------------------
def ancestors(known: Mapping[str, Place], name: str) -> Iterator[Place]:
    """The place of a node and of every block around it, innermost first."""
    place: Place | None = known[name]
    while place is not None:
        yield place
        place = known[place.block.name] if place.block is not None else None


def scope(flow: Flow, target: str, position: Position) -> frozenset[str]:
    """The steps whose activations end when `target` is entered again: everything from it on, in its own list and in the
    lists around it up to the branch of a parallel block, whose siblings run on. Forks among them are forgotten.
    """
    known = places(flow)
    ended: set[str] = set()
    for place in ancestors(known, target):
        nodes = place.nodes[place.index :] if place.node.name == target else place.nodes[place.index + 1 :]
        position.forget(nodes)
        for node in nodes:
            ended.update(step.name for step in _below(node))
        if isinstance(place.block, Parallel) and place.branch is not None:
            done = position.done.get(place.block.name)
            if done is not None and place.branch.name in done:
                done.remove(place.branch.name)
            break
    return frozenset(ended)


def following(flow: Flow, step: str, position: Position) -> frozenset[str]:
    """The steps that come after `step` on its way, behind the joins around it too; siblings in parallel branches are
    none. Forks among them, and the joins that counted its branch, are forgotten.
    """
    known = places(flow)
    found: set[str] = set()
    for place in ancestors(known, step):
        nodes = place.nodes[place.index + 1 :]
        position.forget(nodes)
        for node in nodes:
            found.update(one.name for one in _below(node))
        if isinstance(place.block, Parallel) and place.branch is not None:
            done = position.done.get(place.block.name)
            if done is not None and place.branch.name in done:
                done.remove(place.branch.name)
    return frozenset(found)


def _below(node: Node) -> Iterator[Step]:
    if isinstance(node, Step):
        yield node
    else:
        for branch in node.branches:
            for inner in branch.steps:
                yield from _below(inner)


def before(flow: Flow, step: str, position: Position) -> list[str]:
    """Steps that every way taken to `step` has passed, nearest last: candidates to return to. Steps inside a parallel
    block that has joined are none, since its branches did not follow each other.
    """
    known = places(flow)
    found: list[str] = []
    for place in reversed(list(ancestors(known, step))):
        for node in place.nodes[: place.index]:
            found.extend(_dominating(node, position))
    return found


def _dominating(node: Node, position: Position) -> Iterator[str]:
    if isinstance(node, Step):
        yield node.name
    elif isinstance(node, Choose):
        taken = position.taken.get(node.name, ())
        for branch in node.branches:
            if branch.name in taken:
                for inner in branch.steps:
                    yield from _dominating(inner, position)
