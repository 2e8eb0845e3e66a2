"""What a writer gets back: the record as `query.reader` would answer it, made from the row that has just been written.

Compiled once per object and profile, where the answer follows from the stored row alone: no computed field is shown
and no condition narrows the actor's rows. Otherwise the caller asks the reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from guanxi.fieldtypes import CATALOGUE
from guanxi.registry.objects import Field
from guanxi.runtime.access.grants import ObjectRights
from guanxi.runtime.storage.rows import Convert, value_function
from guanxi.runtime.storage.tables import ColumnSpec

from .plan import ObjectPlan

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


def answer_function(plan: ObjectPlan, rights: ObjectRights, columns: Mapping[str, ColumnSpec]) -> Answer | None:
    """From a row in Python form, which the actor may read, to its JSON form; None when the database must be asked."""
    if any(rule.conditional for rule in (*rights.of("read"), *rights.denied("read"))):
        return None
    entries: list[tuple[str, Convert | None, Any]] = []
    for name, field in plan.object.fields.items():
        if not rights.shown(name):
            continue
        column = columns.get(name)
        masked = not rights.readable(name)
        if plan.fields[name].links and not masked:
            entries.append((name, list, []))
        elif column is None:
            return None
        else:
            entries.append((name, _masking(field, rights.masks.get(name)) if masked else _json(plan, column), None))
    return value_function(entries)


def _json(plan: ObjectPlan, column: ColumnSpec) -> Convert | None:
    if column.kind == "json":
        return _through_json
    known = plan.fields[column.name].json
    return None if column.kind in ("text", "integer", "boolean", "reference") else known


def _through_json(value: Any) -> Any:
    """What is stored as JSON comes back as JSON has it."""
    return orjson.loads(orjson.dumps(value))


def _masking(field: Field, said: str | None) -> Convert:
    kind, style = CATALOGUE[field.type], said or field.mask
    return lambda value: kind.masked(value, style)
