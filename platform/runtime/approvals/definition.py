"""The flow an instance was started with, rebuilt from the text it keeps: nothing is read from the live definition.

Expressions are checked against what is published now. One that no longer fits (a field was dropped) is a
`RoutingFault`: the instance is suspended and says so, it never takes another way in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.expressions.check import check
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import ExpressionErrors
from guanxi.expressions.types import BOOLEAN, ValueType
from guanxi.registry.approval_source import Path, build_flow
from guanxi.registry.approvals import Flow
from guanxi.registry.registry import Registry

USER = ValueType("reference", "user")


class RoutingFault(Exception):
    """The way cannot be found: nobody to ask, a condition that cannot be judged, a step that is gone."""


class Blocked(RoutingFault):
    """The definition itself forbids going on where nobody can be asked: a submission is refused for it."""


class _Raising:
    def __init__(self, registry: Registry, object_name: str) -> None:
        self.registry = registry
        self.object = object_name

    def condition(self, path: Path, text: Any) -> Expression:
        """A boolean expression on the record."""
        return self._checked(path, text, BOOLEAN, change=path[0] == "start")

    def person(self, path: Path, text: Any) -> Expression:
        """An expression that gives a user."""
        return self._checked(path, text, USER)

    def _checked(self, path: Path, text: Any, expect: ValueType, *, change: bool = False) -> Expression:
        words = {True: "true", False: "false"}.get(text, str(text)) if isinstance(text, bool) else str(text)
        try:
            return check(words, self.registry, self.object, expect=expect, change=change)
        except ExpressionErrors as error:
            where = ".".join(str(step) for step in path)
            raise RoutingFault(f"{where} no longer fits: {error.faults[0].message}") from error


class Definitions:
    """Flows by the text they were started with, kept once built; one per published version."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._kept: dict[str, Flow] = {}

    def live(self, object_name: str) -> tuple[Flow, ...]:
        """The published flows of an object: highest priority first, then by name."""
        flows: Mapping[str, Flow] = self.registry.others.get("approval", {})
        found = [flow for flow in flows.values() if flow.object == object_name]
        return tuple(sorted(found, key=lambda flow: (-flow.start.priority, flow.name)))

    def of(self, name: str, object_name: str, source: Mapping[str, Any]) -> Flow:
        """The flow of a stored definition. RoutingFault when it no longer fits what is published."""
        live = self.registry.others.get("approval", {}).get(name)
        if live is not None and live.source == source:
            return live  # type: ignore[no-any-return]
        key = f"{name}|{object_name}|{source!r}"
        found = self._kept.get(key)
        if found is None:
            if object_name not in self.registry.objects:
                raise RoutingFault(f"the object '{object_name}' is no longer defined")
            found = self._kept[key] = build_flow(name, source, _Raising(self.registry, object_name))
        return found
