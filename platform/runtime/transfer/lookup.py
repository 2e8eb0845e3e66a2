"""References by what people write: a code, a name, an e-mail address instead of an id.

A text is looked for in the field the caller named, else in the target's unique fields, its title and last as an id. All
texts of a chunk are asked at once; only records that the caller may see are found, so that a hidden one and a missing
one look alike. Hits are remembered (bounded) for the whole run, misses only for the chunk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from guanxi.fieldtypes import CATALOGUE, ValueFault
from guanxi.registry.objects import ObjectType

from ..records.work import Work
from ..storage.names import quoted
from ..storage.rows import to_stored
from ..storage.tables import context_of, unique_value

MOST_KEPT = 50_000
MOST_ASKED = 400
SEVERAL = -1
BY_ID = "id"


class Lookups:
    """See the module; one per run."""

    def __init__(self) -> None:
        self._hits: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def find(
        self, work: Work, target: str, via: str, texts: Iterable[str], *, ids_only: bool = False
    ) -> dict[str, int]:
        """Text → id of the one record it names (SEVERAL when it names more); texts that name none are left out."""
        found: dict[str, int] = {}
        left: list[str] = []
        for text in dict.fromkeys(texts):
            hit = self._hits.get((target, via, text))
            if hit is None:
                left.append(text)
            else:
                found[text] = hit
        ways = (BY_ID,) if ids_only else (via,) if via else natural_keys(work, target)
        for way in ways:
            if not left:
                break
            met = self._ask(work, target, way, left)
            for text, record in met.items():
                found[text] = record
                if record != SEVERAL:
                    self._keep((target, via, text), record)
            left = [text for text in left if text not in met]
        return found

    def forget(self) -> None:
        """Something was undone: what was found may not be there."""
        self._hits.clear()

    def _keep(self, key: tuple[str, str, str], record: int) -> None:
        self._hits[key] = record
        if len(self._hits) > MOST_KEPT:
            self._hits.popitem(last=False)

    def _ask(self, work: Work, target: str, way: str, texts: Sequence[str]) -> dict[str, int]:
        if way == BY_ID:
            ids = {text: int(text) for text in texts if text.isascii() and text.isdigit() and 0 < len(text) <= 18}
            work.preload(target, set(ids.values()))
            return {text: number for text, number in ids.items() if number and work.visible(target, number)}
        values = _values(work, target, way, texts)
        holders = _holders(work, target, way, set(values.values()))
        work.preload(target, {record for records in holders.values() for record in records})
        found: dict[str, int] = {}
        for text, value in values.items():
            seen = [record for record in holders.get(value, ()) if work.visible(target, record)]
            if seen:
                found[text] = seen[0] if len(seen) == 1 else SEVERAL
        return found


def natural_keys(work: Work, target: str) -> tuple[str, ...]:
    """Fields of the target that may stand for a record, the best first; only those the caller reads unmasked."""
    definition: ObjectType = work.room.registry.objects[target]
    rights = work.rights(target)
    names = [field.name for field in definition.fields.values() if field.unique]
    names += [key.fields[0] for key in definition.unique.values() if len(key.fields) == 1]
    if definition.title.source in definition.fields:
        names.append(definition.title.source)
    else:
        names += [name for name in definition.title.own if name in definition.fields]
    if target == "user":
        names += [name for name in ("name", "email", "full_name") if name in definition.fields]
    usable = [n for n in dict.fromkeys(names) if _usable(definition, n) and rights.readable(n)]
    return (*usable, BY_ID)


def _usable(definition: ObjectType, name: str) -> bool:
    field = definition.fields[name]
    return field.stored and not field.system and CATALOGUE[field.type].column(field.settings).kind == "text"


def _values(work: Work, target: str, way: str, texts: Sequence[str]) -> dict[str, Any]:
    """Each text as the value the column would hold; texts that cannot be one are left out."""
    field = work.room.registry.objects[target].fields[way]
    read = CATALOGUE[field.type].from_text(field.settings, context_of(field))
    column = work.statements(target).table.columns[way]
    stored = to_stored(work.db.engine, column.kind, column.scale)
    shadow = _shadow(work, target, way)
    found: dict[str, Any] = {}
    for text in texts:
        try:
            value = read(text)
        except ValueFault:
            continue
        if value is not None:
            found[text] = unique_value([value]) if shadow else stored(value)
    return found


def _shadow(work: Work, target: str, way: str) -> str:
    """The shadow column of a unique field, where texts compare folded; "" when the field is not unique."""
    for spec in work.statements(target).table.uniques.values():
        if spec.fields == (way,):
            return spec.column
    return ""


def _holders(work: Work, target: str, way: str, values: set[Any]) -> dict[Any, list[int]]:
    """Ids of live records by stored value."""
    texts = work.statements(target)
    column = quoted(_shadow(work, target, way) or way)
    found: dict[Any, list[int]] = {}
    wanted = list(values)
    for start in range(0, len(wanted), MOST_ASKED):
        part = wanted[start : start + MOST_ASKED]
        marks = ", ".join([texts.mark] * len(part))
        sql = f'SELECT {column}, "id" FROM {texts.name} WHERE {column} IN ({marks}) AND "deleted_at" IS NULL ORDER BY "id"'  # noqa: S608, E501 (names from the registry)
        for value, record in work.db.rows(sql, part):
            found.setdefault(value, []).append(record)
    return found
