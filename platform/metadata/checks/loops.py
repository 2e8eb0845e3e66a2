"""Rules that write each other's trigger, found before anything runs, from what each reads and writes.

The graph has an edge from one rule to another when a step of the first writes what sets the second off: makes a record
that it waits for, or moves a field that its condition looks at (any field when it has none). Circles of several rules
are errors, a rule that sets itself off is a warning; `settles: true` says that a rule comes to rest and takes it out of
the graph. What cannot be seen here is capped at run time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guanxi.expressions import tree as t
from guanxi.registry import Automation, ObjectType, Step

from ..link.context import Context

ANY = "*"


@dataclass(frozen=True, slots=True)
class Write:
    """What a step does: `event` create, update or delete on `object`; the field that moves, ANY for a whole record."""

    event: str
    object: str
    field: str = ANY


def automation_loops(context: Context, compiled: dict[str, dict[str, Any]]) -> None:
    """Note every circle of rules, once for each rule in it, at the rule's own place."""
    rules: Mapping[str, Automation] = compiled.get("automation", {})
    objects: Mapping[str, ObjectType] = compiled.get("object", {})
    live = {name: rule for name, rule in rules.items() if rule.active and not rule.settles}
    edges: dict[str, list[str]] = {}
    for name, rule in live.items():
        written = frozenset(writes(rule.do, objects))
        edges[name] = [other for other, second in live.items() if second.events and _sets_off(written, second)]
    for circle in _circles(edges):
        _report(context, live, circle)


def _report(context: Context, rules: Mapping[str, Automation], circle: Sequence[str]) -> None:
    chain = " → ".join((*circle, circle[0]))
    hint = "let one of them look at something the other does not write, or say settles: true when they come to rest"
    for index, name in enumerate(circle):
        document = context.models["automation"][name][0]
        if len(circle) == 1:
            said = f"the rule writes what sets it off again: {chain}"
            context.warning("automation-loop", said, document, ("do",), hint=hint, key=True)
            continue
        other = rules[circle[(index + 1) % len(circle)]]
        said = f"rules write each other's trigger: {chain} ('{other.name}' stands at {other.place})"
        context.error("automation-loop", said, document, ("do",), hint=hint, key=True)


# edges ------------------------------------------------------------------------------------------------------------
def _sets_off(written: Iterable[Write], rule: Automation) -> bool:
    return any(write.object == rule.object and _fires(write, rule) for write in written)


def _fires(write: Write, rule: Automation) -> bool:
    if write.event != "update":
        return write.event in rule.events
    if "update" not in rule.events and not (rule.events & {"stage", "assigned"}):
        return False
    if rule.watched is not None:
        return write.field in rule.watched
    if rule.when is not None:
        return write.field in _looked_at(rule)
    if "update" in rule.events:
        return True
    return write.field == "owner" if "assigned" in rule.events else write.field == "stage"


def _looked_at(rule: Automation) -> frozenset[str]:
    """The rule's own fields that its condition reads, through formulas too."""
    if rule.when is None:
        return frozenset()
    through = {use.field for use in rule.when.uses if use.object == rule.object}
    return frozenset(through | {x.name for x in t.walk(rule.when.tree) if isinstance(x, t.FieldTerm)})


# writes -----------------------------------------------------------------------------------------------------------
def writes(steps: Sequence[Step], objects: Mapping[str, ObjectType]) -> Iterator[Write]:
    """Everything the steps may write, nested steps included; a stage that is set brings what it does on entry."""
    for step in steps:
        given = step.given
        match step.verb:
            case "set":
                yield from _fields(step.object, given, objects)
            case "update":
                yield from _fields(given.get("object", ""), given.get("values", {}), objects)
            case "create":
                yield Write("create", given["object"])
            case "delete":
                yield Write("delete", step.object)
            case "assign":
                yield Write("update", step.object, "owner")
                yield Write("update", step.object, "team")
            case "task":
                yield Write("create", "user_task")
            case "choose":
                for branch in given:
                    yield from writes(branch.do, objects)
            case "for_each":
                yield from writes(given["do"], objects)


def _fields(owner: str, values: Mapping[str, Any], objects: Mapping[str, ObjectType]) -> Iterator[Write]:
    kind = objects.get(owner)
    for name in values:
        yield Write("update", owner, name)
        if kind is not None and kind.stages is not None and kind.stages.field == name:
            yield Write("update", owner, "stage")
            for stage in kind.stages.path.values():
                yield from (w for w in writes(stage.on_enter, {}) if w.field != name)


# circles ----------------------------------------------------------------------------------------------------------
def _circles(edges: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """One circle for each group of rules that reach each other, the shortest through its first rule."""
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        circle = _shortest(edges, start)
        if circle:
            done.update(circle)
            yield circle


def _shortest(edges: Mapping[str, Sequence[str]], start: str) -> tuple[str, ...]:
    """The shortest way from a rule back to itself; a circle with others before one with itself alone."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    alone = start in edges[start]
    while ways:
        following: list[tuple[str, ...]] = []
        for way in ways:
            for name in edges[way[-1]]:
                if name == start and len(way) > 1:
                    return way
                if name not in seen and name != start:
                    seen.add(name)
                    following.append((*way, name))
        ways = following
    return (start,) if alone else ()
