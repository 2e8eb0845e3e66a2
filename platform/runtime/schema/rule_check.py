"""New or changed rules of an object against the records that are there: how many of them already break it.

Only rules that read the record's own fields are tried, in Python over the values as they will be; rules that look at
other records, at the person, the moment or the change itself are judged when somebody saves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.faults import BudgetExceeded
from guanxi.registry.objects import ObjectType, Rule

from .look import SAMPLES, Look
from .plan import Finding


def failing_rules(look: Look, now: datetime) -> Iterator[Finding]:
    """One finding for each new or changed rule that records break."""
    for name, definition in look.registry.objects.items():
        if look.before(name) is None or not definition.rules:
            continue
        for rule in definition.rules.values():
            if _new(look, name, rule) and _own(look, definition, rule):
                yield from _tried(look, definition, rule, now)


def _new(look: Look, name: str, rule: Rule) -> bool:
    """True when the rule's condition was not there before (an edited message alone changes nothing for records)."""
    before = look.before(name)
    old = look.old.definitions.get(f"object/{before.name}", {}) if before else {}
    part = f"rules.{rule.name}"
    return old.get(part) != look.new.definitions[f"object/{name}"][part]


def _own(look: Look, definition: ObjectType, rule: Rule) -> bool:
    """True when the rule reads stored fields of the record itself and nothing else."""
    check, fields = rule.check, look.new.objects[definition.name].fields
    if check.change or check.volatile:
        return False
    return all(
        u.object == definition.name and u.field in fields and fields[u.field].kind != "links" for u in check.uses
    )


def _tried(look: Look, definition: ObjectType, rule: Rule, now: datetime) -> Iterator[Finding]:
    names = sorted({use.field for use in rule.check.uses})
    broken: list[int] = []
    count = 0
    breaks = _breaker(rule, now)
    for number, row in look.records(definition.name, names):
        if breaks(row):
            count += 1
            broken += [number] if len(broken) < SAMPLES else []
    if count:
        yield Finding(
            "rule-broken",
            "break",
            f"{count} records of {definition.name} break rule {rule.name}; "
            "they stay as they are until somebody saves them",
            object=definition.name,
            field=rule.name,
            count=count,
            samples=tuple(broken),
        )


def _breaker(rule: Rule, now: datetime) -> Callable[[dict[str, Any]], bool]:
    check = compile_expression(rule.check)

    def breaks(row: dict[str, Any]) -> bool:
        try:
            return check(Env(row, now=now)) is not True
        except BudgetExceeded:
            return False

    return breaks
