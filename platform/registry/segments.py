"""Segments, compiled: named groups of records by a condition. Each is a saved list of its object as well."""

from __future__ import annotations

from dataclasses import dataclass

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression


@dataclass(frozen=True, slots=True)
class Segment:
    """The records of `object` for which `where` holds, at every moment anew."""

    name: str
    object: str
    label: Label
    where: Expression
    description: Label = Label()
    columns: tuple[str, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    layer: str = ""
