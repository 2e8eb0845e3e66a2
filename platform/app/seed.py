"""Load `kind: data` rows through the record service: seed rows at publish, sample rows when somebody asks for them.

A reference in a row is written as the target's natural key (the key of that object's data, its one unique field, or its
title field). A date or instant may be an expression, so that sample rows stay relative to today.
Loading again changes only what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from guanxi.common.clock import Clock
from guanxi.common.errors import FieldError, GuanxiError, Invalid
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.registry import DataSet, Registry
from guanxi.runtime.access.actor import SYSTEM, UTC_ZONE
from guanxi.runtime.ports import Records
from guanxi.runtime.query.request import ListQuery

Progress = Callable[[int, int], None]
REFERENCES = ("reference", "user", "team")
MOST_PASSES = 20


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many rows a load created, changed and found as they were."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


class SeedError(GuanxiError):
    """A row of data does not fit: names the data set and the row."""

    status, title, code = 422, "Data does not fit", "bad_data"


def load_data(
    registry: Registry,
    records: Records,
    clock: Clock,
    sets: Iterable[DataSet],
    progress: Progress | None = None,
) -> Loaded:
    """Upsert the rows of all sets, in an order in which what is referred to comes first.

    Raises SeedError naming set and row. Rows written before stay; loading is repeatable.
    """
    return _Loader(registry, records, clock).load(list(sets), progress)


class _Loader:
    def __init__(self, registry: Registry, records: Records, clock: Clock) -> None:
        self.registry = registry
        self.records = records
        self.clock = clock
        self.keys = NaturalKeys(registry, records)
        self.counts = {"created": 0, "updated": 0, "unchanged": 0}

    def load(self, sets: Sequence[DataSet], progress: Progress | None) -> Loaded:
        waiting = [(s, i, dict(row)) for s in sets for i, row in enumerate(s.rows, 1)]
        total, done = len(waiting), 0
        for _ in range(MOST_PASSES):
            later = []
            for data, number, row in waiting:
                values = self._values(data, row)
                if values is None:
                    later.append((data, number, row))
                    continue
                self._save(data, number, values)
                done += 1
                if progress is not None:
                    progress(done, total)
            if len(later) == len(waiting) or not later:
                waiting = later
                break
            waiting = later
        if waiting:
            data, number, row = waiting[0]
            missing = [f"{k}: {v}" for k, v in row.items() if self._is_missing(data.object, k, v)]
            raise SeedError(
                f"{data.place}: {data.name} row {number} refers to what is not there ({', '.join(missing)})."
            )
        return Loaded(**self.counts)

    def _save(self, data: DataSet, number: int, values: dict[str, Any]) -> None:
        key = {name: values.pop(name) for name in data.key}
        try:
            outcome, _ = self.records.upsert(SYSTEM, data.object, key, values)
        except Invalid as fault:
            raise SeedError(f"{data.place}: {data.name} row {number}: {_sentence(fault.errors)}") from fault
        self.counts[outcome] += 1

    def _values(self, data: DataSet, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row in JSON form, or None while something it refers to is not there yet."""
        fields = self.registry.objects[data.object].fields
        out: dict[str, Any] = {}
        for name, value in row.items():
            field = fields[name]
            if field.type in REFERENCES and isinstance(value, str):
                found = self.keys.id(field.target, value)
                if found is None:
                    return None
                out[name] = found
            elif field.type == "references" and isinstance(value, Sequence) and not isinstance(value, str):
                ids = [self.keys.id(field.target, str(v)) if isinstance(v, str) else v for v in value]
                if None in ids:
                    return None
                out[name] = ids
            elif isinstance(value, Expression):
                out[name] = moment_text(value, self.clock)
            else:
                out[name] = value
        return out

    def _is_missing(self, object_name: str, name: str, value: Any) -> bool:
        field = self.registry.objects[object_name].fields[name]
        values = value if isinstance(value, list) else [value]
        return bool(field.target) and any(isinstance(v, str) and self.keys.id(field.target, v) is None for v in values)


class NaturalKeys:
    """Finds records by what people call them: a data set's key, a unique field, the title. Remembers what it found."""

    def __init__(self, registry: Registry, records: Records) -> None:
        self.registry = registry
        self.records = records
        self.ids: dict[tuple[str, str, str], int] = {}

    def id(self, target: str, text: str) -> int | None:
        """The id of the one record of `target` that `text` stands for."""
        for name in self._natural(target):
            cached = self.ids.get((target, name, text))
            if cached is not None:
                return cached
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            page = self.records.list(
                SYSTEM, ListQuery(object=target, where=f'{name} == "{quoted}"', fields=("id",), limit=2)
            )
            if len(page.data) == 1:
                self.ids[target, name, text] = int(page.data[0]["id"])
                return int(page.data[0]["id"])
        return None

    def _natural(self, object_name: str) -> list[str]:
        """Names of single fields that can stand for a record, the best first."""
        kind = self.registry.objects[object_name]
        keys = [s.key[0] for s in self.registry.data.values() if s.object == object_name and len(s.key) == 1]
        keys += [f.name for f in kind.fields.values() if f.unique]
        keys += [k.fields[0] for k in kind.unique.values() if len(k.fields) == 1]
        keys += [name for name in kind.title.own if kind.title.source == name]
        return list(dict.fromkeys(keys))


def moment_text(expression: Expression, clock: Clock, zone: ZoneInfo = UTC_ZONE) -> str:
    """What an expression for a date, time or instant gives now, in JSON form."""
    value = compile_expression(expression)(Env(row={}, now=clock.now(), zone=zone))
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else str(value)


def _sentence(errors: Iterable[FieldError]) -> str:
    return "; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in errors)
