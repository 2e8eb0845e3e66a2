"""What a planner asks the data: how many rows would lose or break what, with the first ids. Reads only.

The tables still have their old names and columns here; steps name things by their new names, so every question goes
through the plan's renames first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from guanxi.registry.registry import Registry
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.tables import unique_value

from .convert import Refused, converter, reader
from .moves import Moves
from .shapes import FieldShape, ObjectShape, Shape

SAMPLES = 5
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows, and the first ids."""

    rows: int = 0
    samples: tuple[int, ...] = ()


class Look:
    """Questions about the present data, by the new names."""

    def __init__(self, db: Handle, registry: Registry, old: Shape, new: Shape, moves: Moves) -> None:
        self.db = db
        self.registry = registry
        self.old = old
        self.new = new
        self._options = moves.options
        self._objects = {n: o for o, n in moves.objects.items()}
        self._fields = {(moves.objects.get(o, o), n): f for (o, f), n in moves.fields.items()}

    def before(self, object_name: str) -> ObjectShape | None:
        """The object as it is now; None when it is new."""
        return self.old.objects.get(self._objects.get(object_name, object_name))

    def field_before(self, object_name: str, field: str) -> FieldShape | None:
        """The field as it is now; None when it is new."""
        shape = self.before(object_name)
        return shape.fields.get(self._fields.get((object_name, field), field)) if shape else None

    def total(self, object_name: str, *, live: bool = False) -> int:
        """Rows of an object."""
        shape = self.before(object_name)
        if shape is None:
            return 0
        where = " WHERE deleted_at IS NULL" if live else ""
        return int(self._rows(f"SELECT count(*) FROM {quoted(shape.table)}{where}")[0][0])  # noqa: S608

    def links(self, table: str) -> int:
        """Records that have entries in a link table."""
        return int(self._rows(f"SELECT count(DISTINCT source) FROM {quoted(table)}")[0][0])  # noqa: S608

    def blank(self, object_name: str, field: str) -> Count:
        """Live rows without a value."""
        now = self.field_before(object_name, field)
        if now is None:
            return self._count(object_name, "deleted_at IS NULL")
        if now.kind == "links":
            inner = f"SELECT 1 FROM {quoted(now.link)} l WHERE l.source = t.id"  # noqa: S608
            return self._count(object_name, f"deleted_at IS NULL AND NOT EXISTS ({inner})")
        return self._count(object_name, f"deleted_at IS NULL AND {quoted(now.name)} IS NULL")

    def filled(self, object_name: str, field: str) -> Count:
        """Rows (in the trash too) with a value."""
        now = self.field_before(object_name, field)
        if now is None:
            return Count()
        if now.kind == "links":
            inner = f"SELECT 1 FROM {quoted(now.link)} l WHERE l.source = t.id"  # noqa: S608
            return self._count(object_name, f"EXISTS ({inner})")
        return self._count(object_name, f"{quoted(now.name)} IS NOT NULL")

    def holding(self, object_name: str, field: str, option: str) -> Count:
        """Rows whose choice is (or whose list contains) an option, by its old name."""
        now = self.field_before(object_name, field)
        if now is None:
            return Count()
        if not now.many:
            return self._count(object_name, f"{quoted(now.name)} = ?", (option,))
        return self._failing(object_name, now, lambda value: option not in value)

    def refused(self, object_name: str, field: str) -> Count:
        """Rows whose value the new definition of the field does not take."""
        now, wanted = self.field_before(object_name, field), self.new.objects[object_name].fields[field]
        if now is None or now.kind == "links":
            return self._links_refused(object_name, now, wanted) if now else Count()
        if wanted.kind == "links":
            return Count()
        convert = converter(now, wanted, self.registry.objects[object_name].fields[field])

        def fits(value: Any) -> bool:
            try:
                convert(value)
            except Refused:
                return False
            return True

        return self._failing(object_name, now, fits)

    def altered(self, object_name: str, field: str) -> bool:
        """True when the new type would change (or refuse) at least one value that is there."""
        now, wanted = self.field_before(object_name, field), self.new.objects[object_name].fields[field]
        if now is None:
            return False
        convert = converter(now, wanted, self.registry.objects[object_name].fields[field])
        read = reader(self.db.engine, now)
        for _, stored in self._scan(object_name, [now], f"{quoted(now.name)} IS NOT NULL"):
            value = read(stored)
            try:
                if convert(value) != value:
                    return True
            except Refused:
                return True
        return False

    def _links_refused(self, object_name: str, now: FieldShape, wanted: FieldShape) -> Count:
        if wanted.kind == "links":
            return Count()
        inner = f"SELECT count(*) FROM {quoted(now.link)} l WHERE l.source = t.id"  # noqa: S608
        return self._count(object_name, f"({inner}) > 1")

    def duplicates(self, object_name: str, fields: Sequence[str]) -> tuple[Count, list[str]]:
        """Live rows that share a unique key's value with another one, and the first few values."""
        befores = [self.field_before(object_name, f) for f in fields]
        known = [b for b in befores if b is not None]
        if len(known) != len(fields) or any(b.kind == "links" for b in known):
            return Count(), []
        converts = [self._converted(object_name, f, b) for f, b in zip(fields, known, strict=True)]
        seen: dict[str, int] = {}
        counted: Counter[str] = Counter()
        ids: list[int] = []
        for row in self._scan(object_name, known, "deleted_at IS NULL"):
            key = unique_value([c(v) for c, v in zip(converts, row[1:], strict=True)])
            if key is None:
                continue
            if key in seen:
                if not counted[key]:
                    ids.append(seen[key])
                counted[key] += 1
                ids.append(row[0])
            else:
                seen[key] = row[0]
        shown = [k.replace("\x1f", " / ") for k, _ in counted.most_common(SAMPLES)]
        return Count(len(ids), tuple(sorted(ids)[:SAMPLES])), shown

    def records(self, object_name: str, fields: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """(id, new field → Python value) of the live rows, values as they will be; what does not convert is blank."""
        befores = {f: b for f in fields if (b := self.field_before(object_name, f)) is not None and b.kind != "links"}
        converts = {f: self._converted(object_name, f, b) for f, b in befores.items()}
        for number, *stored in self._scan(object_name, list(befores.values()), "deleted_at IS NULL"):
            row: dict[str, Any] = dict.fromkeys(fields)
            row.update((f, converts[f](value)) for f, value in zip(befores, stored, strict=True))
            yield number, row

    def _renamed_options(self, object_name: str, field: str) -> dict[str, str]:
        """Old option → new option of a field, by its new name."""
        origin = self._objects.get(object_name, object_name), self._fields.get((object_name, field), field)
        return {old: new for (o, f, old), new in self._options.items() if (o, f) == origin}

    def _converted(self, object_name: str, field: str, now: FieldShape) -> Callable[[Any], Any]:
        wanted = self.new.objects[object_name].fields[field]
        read = reader(self.db.engine, now)
        renamed = self._renamed_options(object_name, field)
        if now.column == wanted.column and now.type == wanted.type:
            return (lambda stored: _under_new(read(stored), renamed)) if renamed else read
        convert = converter(now, wanted, self.registry.objects[object_name].fields[field])

        def value(stored: Any) -> Any:
            try:
                return convert(read(stored))
            except Refused:
                return None

        return value

    def _failing(self, object_name: str, now: FieldShape, fits: Callable[[Any], bool]) -> Count:
        read, rows = reader(self.db.engine, now), 0
        samples: list[int] = []
        for number, stored in self._scan(object_name, [now], f"{quoted(now.name)} IS NOT NULL"):
            if not fits(read(stored)):
                rows += 1
                if len(samples) < SAMPLES:
                    samples.append(number)
        return Count(rows, tuple(samples))

    def _scan(self, object_name: str, fields: Sequence[FieldShape], where: str) -> Iterator[tuple[Any, ...]]:
        shape = self.before(object_name)
        if shape is None:
            return
        columns = ", ".join(quoted(name) for name in ("id", *(f.name for f in fields)))
        sql = (
            f"SELECT {columns} FROM {quoted(shape.table)} "  # noqa: S608
            f"WHERE id > ? AND {where} ORDER BY id LIMIT {CHUNK}"
        )
        last = 0
        while found := self._rows(sql, (last,)):
            yield from found
            last = found[-1][0]

    def _count(self, object_name: str, where: str, params: Sequence[Any] = ()) -> Count:
        shape = self.before(object_name)
        if shape is None:
            return Count()
        source = f"FROM {quoted(shape.table)} t WHERE {where}"
        rows = int(self._rows(f"SELECT count(*) {source}", params)[0][0])
        if not rows:
            return Count()
        first = self._rows(f"SELECT t.id {source} ORDER BY t.id LIMIT {SAMPLES}", params)
        return Count(rows, tuple(r[0] for r in first))

    def _rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.db.rows(self.db.sql(sql), params)


def _under_new(value: Any, renamed: dict[str, str]) -> Any:
    """A choice, or choices, under the options' new names."""
    if isinstance(value, tuple):
        return tuple(renamed.get(one, one) for one in value)
    return renamed.get(value, value)
