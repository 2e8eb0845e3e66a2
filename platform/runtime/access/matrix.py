"""The permission matrix of a published version: role × object × operation, and role × object × field, as rows.

Each row says what somebody with that one role has: a scope with its conditions, or a field's grant. What restrictions
and shares add for all who bear the role stands in it; what depends on a team or a person does not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from guanxi.registry.access import OPERATIONS
from guanxi.registry.registry import Registry

from .grants import Grants, ObjectRights, RowRule

HEAD = ("role", "object", "field", "operation", "grant", "source", "place")
BOUNDLESS = "administrator"


class Cell(NamedTuple):
    """One row: `field` is "" for operations, `operation` is "" for fields."""

    role: str
    object: str
    field: str
    operation: str
    grant: str
    source: str
    place: str


def matrix(registry: Registry) -> Iterator[Cell]:
    """Every cell, by role and object in the order of the definitions."""
    for role in registry.roles.values():
        boundless = role.name == BOUNDLESS
        grants = Grants(registry, frozenset(role.lineage or (role.name,)), unrestricted=boundless)
        for name in registry.objects:
            yield from _of_object(role.name, name, grants.on(name))


def _of_object(role: str, name: str, rights: ObjectRights) -> Iterator[Cell]:
    for operation in OPERATIONS:
        rules, denied = rights.of(operation), rights.denied(operation)
        said = " or ".join(dict.fromkeys(_said(rule) for rule in rules)) or "none"
        if rules and denied:
            said += "".join(f" except {_said(rule)}" for rule in denied)
        sources = ", ".join(dict.fromkeys(rule.source for rule in (*rules, *denied)))
        places = ", ".join(dict.fromkeys(rule.place for rule in (*rules, *denied) if rule.place))
        yield Cell(role, name, "", operation, said, sources, places)
    for action in sorted(rights.actions) if rights.visible else ():
        yield Cell(role, name, "", f"action {action}", "all", f"role {role}", "")
    for field, right in rights.because.items():
        style = f" ({right.style})" if right.style else ""
        yield Cell(role, name, field, "", right.grant + style, right.source, right.place)


def _said(rule: RowRule) -> str:
    conditions = [one.source for one in (rule.where, rule.also) if one is not None]
    return " and ".join([*([] if rule.scope == "all" and conditions else [rule.scope]), *conditions])


def matrix_csv(registry: Registry) -> str:
    """The matrix as CSV with a head."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(HEAD)
    writer.writerows([_neutral(text) for text in cell] for cell in matrix(registry))
    return buffer.getvalue()


def _neutral(text: str) -> str:
    """A condition that a spreadsheet would run gets a mark."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
