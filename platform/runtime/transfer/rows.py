"""A record of a file as values of a record: choices by their labels, references as texts still to be found, instants in
the caller's zone. Everything else stays the text it is; the record service reads it like a typed value.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from guanxi.common.errors import FieldError
from guanxi.common.text import text_fault
from guanxi.fieldtypes import CATALOGUE, ValueFault
from guanxi.fieldtypes.choices import split_list
from guanxi.registry.objects import Field

from ..storage.tables import context_of
from .mapping import REFERENCES, Column, ColumnMap
from .readers import ABSENT, Record
from .words import Vocabulary, option_words

Read = Callable[[Any], Any]
NEUTRALISED = re.compile(r"'[=+\-@\t\r＝＋－＠]")
SHOWN = 80


@dataclass(slots=True)
class Entry:
    """One row on its way: `values` by field, `open` the references still to be found (field, texts), faults so far."""

    number: int
    cells: Sequence[Any]
    values: dict[str, Any] = field(default_factory=dict)
    open: list[tuple[Column, list[str], bool]] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Way:
    """How one column's cells are read; `many` and `reference` speak of texts to be looked up, and the text of a `plain`
    one stays as it is.
    """

    column: Column
    read: Read
    reference: bool = False
    many: bool = False
    plain: bool = False
    name: str = ""


class RowReader:
    """Compiled for one file. `typed` cells are texts a person sees; otherwise they are JSON values. In a `marked` file
    a text that a spreadsheet would run has an apostrophe before it, which is taken off.
    """

    def __init__(
        self, columns: ColumnMap, *, typed: bool, machine: bool, marked: bool, language: str, zone: str
    ) -> None:
        self.columns = columns
        self.typed = typed
        self.machine = machine
        self.marked = marked
        self.language = language
        self.zone = zone
        self.blank: Counter[str] = Counter()
        self.short_rows = 0
        self._ways: list[Way | None] = []

    def entry(self, record: Record) -> Entry:
        """The row's values and what is wrong with them so far."""
        cells = record.cells
        while len(self._ways) < len(self.columns.columns):
            self._ways.append(self._way(self.columns.columns[len(self._ways)]))
        made = Entry(record.number, cells)
        if len(cells) > len(self._ways) and any(cells[len(self._ways) :]):
            said = f"The row has {len(cells)} cells, the header {len(self._ways)}."
            said_zh = f"该行有 {len(cells)} 个单元格,表头只有 {len(self._ways)} 个。"
            made.errors.append(FieldError("", "type", said_zh if self.language[:2] == "zh" else said))
            return made
        if self.typed and len(cells) < len(self._ways):
            self.short_rows += 1
        values = made.values
        for way, cell in zip(self._ways, cells, strict=False):
            if way is None or cell is ABSENT:
                continue
            if way.plain and cell.__class__ is str and cell and not cell.isspace():
                values[way.name] = cell[1:] if self.marked and cell[0] == "'" and NEUTRALISED.match(cell) else cell
            else:
                self._cell(made, way, cell)
        return made

    def _cell(self, made: Entry, way: Way, cell: Any) -> None:
        name = way.column.field
        if cell is None or (isinstance(cell, str) and (not cell or cell.isspace())):
            made.values[name] = None
            self.blank[name] += 1
            return
        try:
            value = way.read(cell)
        except ValueFault as fault:
            said = fault.message_zh if self.language[:2] == "zh" else fault.message
            made.errors.append(FieldError(name, fault.code, said))
            return
        if not way.reference or not _texts(value):
            made.values[name] = value
            return
        made.open.append((way.column, value if isinstance(value, list) else [value], way.many))

    def _way(self, column: Column) -> Way | None:
        if column.status != "used":
            return None
        found = self.columns.object.fields[column.field]
        read = self._read(found)
        untouched = read is _same
        if self.marked:
            plain = read

            def read(cell: Any) -> Any:
                return plain(cell[1:] if cell[0] == "'" and NEUTRALISED.match(cell) else cell)

        return Way(column, read, found.type in REFERENCES, found.type == "references", untouched, column.field)

    def _read(self, found: Field) -> Read:
        if found.options:
            words = option_words(found.options)
            return _choices(words) if found.type == "choices" else _choice(words)
        if found.type in REFERENCES:
            return _several if found.type == "references" else _text
        if not self.typed:
            return _same
        if found.type == "datetime":
            context = replace(context_of(found), zone=self.zone)
            return CATALOGUE["datetime"].from_text(found.settings, context)
        kind = CATALOGUE[found.type].column(found.settings).kind
        return _structured if kind == "json" and found.type != "json" else _same

    def column_of(self, name: str) -> str:
        """The column that fills a field, "" when none does."""
        return self.columns.taken.get(name, "")


def shown_value(cell: Any) -> str:
    """A cell as a report shows it: short, on one line, storable."""
    text = cell if isinstance(cell, str) else "" if cell is None or cell is ABSENT else orjson_text(cell)
    text = "".join(char if char.isprintable() else "·" for char in text[: SHOWN * 2])
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def orjson_text(value: Any) -> str:
    """JSON text of a value of a line."""
    return orjson.dumps(value).decode()


def _texts(value: Any) -> bool:
    """True when a reference is given by texts rather than by ids."""
    return isinstance(value, str) or (isinstance(value, list) and any(isinstance(one, str) for one in value))


def _same(cell: Any) -> Any:
    return cell


def _text(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    fault = text_fault(cell)
    if fault:
        raise ValueFault("type", fault)
    return cell.strip()


def _several(cell: Any) -> Any:
    parsed = _structured(cell)
    if isinstance(parsed, list):
        return [one if isinstance(one, int) else _text(str(one)) for one in parsed]
    return split_list(_text(parsed))


def _structured(cell: Any) -> Any:
    """A list or map as JSON text, as machine exports write them; other texts as they are."""
    if isinstance(cell, str) and cell[0] in "[{":
        try:
            return orjson.loads(cell)
        except orjson.JSONDecodeError:
            return cell
    return cell


def _option(words: Vocabulary, word: str) -> str:
    found = words.find(word)
    if len(found) > 1:
        said = ", ".join(sorted(found))
        raise ValueFault("choice", f"'{shown_value(word)}' may be {said}.", f"“{shown_value(word)}”可能是 {said}。")
    return next(iter(found), word)


def _choice(words: Vocabulary) -> Read:
    kept: dict[str, str] = {}

    def read(cell: Any) -> Any:
        if not isinstance(cell, str):
            return cell
        found = kept.get(cell)
        if found is None:
            found = _option(words, cell.strip())
            if len(kept) < 4096:
                kept[cell] = found
        return found

    return read


def _choices(words: Vocabulary) -> Read:
    def read(cell: Any) -> Any:
        parsed = _structured(cell)
        if isinstance(parsed, str):
            whole = words.find(parsed.strip())
            parsed = [parsed.strip()] if len(whole) == 1 else split_list(parsed)
        if not isinstance(parsed, list):
            return parsed
        return [_option(words, one.strip()) if isinstance(one, str) else one for one in parsed]

    return read


def with_column(error: FieldError, reader: RowReader, cells: Mapping[int, Any] | Sequence[Any]) -> dict[str, Any]:
    """A fault as the report shows it: the column, the value that was there, code and sentence."""
    found: dict[str, Any] = {"field": error.field, "code": error.code, "message": error.message}
    column = reader.column_of(error.field)
    if column:
        found["column"] = column
        place = next((c.place for c in reader.columns.columns if c.name == column), None)
        if place is not None and place < len(cells):
            found["value"] = shown_value(cells[place])
    return found
