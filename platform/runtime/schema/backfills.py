"""What the backfills of packs' upgrades will do to the records that are there: counted in one pass over each object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .look import SAMPLES, Count, Look
from .pack_upgrades import Due, fields_read, filler


@dataclass(slots=True)
class _Tally:
    """Of one object: rows that each backfill changes, and live rows that keep a field blank."""

    filled: list[list[int]]
    counts: list[int]
    blank: dict[str, list[int]] = field(default_factory=dict)
    blanks: dict[str, int] = field(default_factory=dict)


class Backfills:
    """The backfills of one publication."""

    def __init__(self, look: Look, due: Sequence[Due], now: datetime) -> None:
        self.look = look
        self.now = now
        self.due: dict[str, list[Due]] = {}
        for one in due:
            self.due.setdefault(one.backfill.object, []).append(one)
        self._tallies: dict[str, _Tally] = {}

    def sets(self, object_name: str, field_name: str) -> bool:
        """True when a backfill writes the field."""
        return any(field_name in one.backfill.values for one in self.due.get(object_name, ()))

    def of(self, object_name: str) -> list[tuple[Due, Count]]:
        """The backfills of an object, with the live rows that each changes."""
        steps = self.due.get(object_name, [])
        if not steps:
            return []
        tally = self._tally(object_name)
        pairs = zip(steps, tally.counts, tally.filled, strict=True)
        return [(one, Count(count, tuple(ids))) for one, count, ids in pairs]

    def blank(self, object_name: str, field_name: str) -> Count:
        """Live rows without a value once the backfills are done."""
        tally = self._tally(object_name)
        return Count(tally.blanks.get(field_name, 0), tuple(tally.blank.get(field_name, ())))

    def _tally(self, object_name: str) -> _Tally:
        if object_name not in self._tallies:
            self._tallies[object_name] = self._counted(object_name)
        return self._tallies[object_name]

    def _counted(self, object_name: str) -> _Tally:
        steps = self.due[object_name]
        kind = self.look.registry.objects[object_name]
        fills = [filler(one.backfill, kind, self.now) for one in steps]
        names = sorted(set().union(*(fields_read(one.backfill) for one in steps)))
        written = sorted({name for one in steps for name in one.backfill.values})
        tally = _Tally([[] for _ in steps], [0] * len(steps))
        for number, row in self.look.records(object_name, names):
            for index, fill in enumerate(fills):
                new = fill(row)
                if new:
                    row.update(new)
                    tally.counts[index] += 1
                    _sample(tally.filled[index], number)
            for name in written:
                if row[name] is None or row[name] == ():
                    tally.blanks[name] = tally.blanks.get(name, 0) + 1
                    _sample(tally.blank.setdefault(name, []), number)
        return tally


def _sample(ids: list[int], number: Any) -> None:
    if len(ids) < SAMPLES:
        ids.append(number)
