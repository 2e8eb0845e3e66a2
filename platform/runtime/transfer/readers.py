"""Rows out of a file, one at a time: delimited text, workbooks and NDJSON behind one shape.

A `Row` is its number as a spreadsheet shows it and its cells; a reader holds one row (or one line) in memory. What is
wrong with the file is a BadRequest with row and column.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from guanxi.common.errors import BadRequest

from .limits import MAX_CELL, MAX_COLUMNS, MAX_HEADER, MAX_LINE, Limits, bad_file, too_many_rows
from .sniff import Dialect

Cells = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its number in the file (the header is row 1) and its cells by column position."""

    number: int
    cells: Cells


class Table:
    """A file being read: `columns` are known before the first record; NDJSON may add some on the way.

    `typed` is False for NDJSON, whose values are in JSON form already.
    """

    typed = True

    def __init__(self, columns: list[str], file: BinaryIO) -> None:
        self.columns = columns
        self._file = file
        self._size = file.seek(0, 2) or 1
        file.seek(0)

    @property
    def fraction(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return 0.0 if self._file.closed else min(self._file.tell() / self._size, 1.0)

    def records(self) -> Iterator[Record]:
        """All records in order; rows without any filled cell are left out."""
        raise NotImplementedError


def open_table(file: BinaryIO, dialect: Dialect, limits: Limits | None = None) -> Table:
    """The table in a file. Raises BadRequest, TooLarge."""
    bounds = limits or Limits()
    file.seek(0)
    if dialect.format == "ndjson":
        return LineTable(file, dialect, bounds)
    if dialect.format == "xlsx":
        from .workbook import sheet_rows

        return RowTable(sheet_rows(file, dialect.sheet), dialect.header, bounds, file)
    if dialect.record_end:
        return RowTable(split_rows(file, dialect), dialect.header, bounds, file)
    return RowTable(csv_rows(file, dialect), dialect.header, bounds, file)


class RowTable(Table):
    """A table of rows of cells."""

    def __init__(self, rows: Iterator[Record], header: bool, limits: Limits, file: BinaryIO) -> None:
        super().__init__([], file)
        self._rows = rows
        self._limits = limits
        self._first: Record | None = None
        first = next(rows, None)
        if first is None:
            raise bad_file("The file has no rows.", code="empty_file")
        if header:
            self.columns = _header(first)
        else:
            self._first = first
            self.columns = [f"col{n}" for n in range(1, len(first.cells) + 1)]

    def records(self) -> Iterator[Record]:
        """See Table."""
        if self._first is not None:
            yield self._first
        most = self._limits.rows
        for count, record in enumerate(self._rows, 1):
            if count > most:
                raise too_many_rows(most)
            yield record


def _header(first: Record) -> list[str]:
    names = [str(cell).strip() for cell in first.cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise bad_file("The header has no names.", code="header", row=first.number)
    for place, name in enumerate(names, 1):
        if len(name) > MAX_HEADER:
            raise bad_file(f"A column's name has at most {MAX_HEADER} characters.", code="header", row=1, column=place)
    seen: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        if name and name in seen:
            raise bad_file(f"Two columns are named '{name[:80]}'.", code="header", row=first.number, column=place)
        seen[name] = place
    return [name or f"col{place}" for place, name in enumerate(names, 1)]


# delimited text -------------------------------------------------------------------------------------
def csv_rows(file: BinaryIO, dialect: Dialect) -> Iterator[Record]:
    """Records of quoted, separated text."""
    csv.field_size_limit(MAX_CELL)
    text = io.TextIOWrapper(file, encoding=dialect.encoding, errors="strict", newline="")
    quoting: dict[str, Any] = {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(text, delimiter=dialect.delimiter, skipinitialspace=dialect.skip_space, strict=True, **quoting)
    number = 0
    try:
        for row in reader:
            number += 1
            if len(row) > MAX_COLUMNS:
                raise bad_file(f"A row has at most {MAX_COLUMNS} columns.", code="columns", row=number)
            if any(row):
                yield Record(number, row)
    except csv.Error as fault:
        raise _csv_fault(str(fault), number + 1) from None
    except UnicodeDecodeError:
        raise bad_file(
            f"The text does not fit the encoding {dialect.encoding}.", code="encoding", row=number + 1
        ) from None
    finally:
        with suppress(ValueError):  # the file may have been closed before its rows were read to the end
            text.detach()


def _csv_fault(said: str, row: int) -> BadRequest:
    if "field larger" in said:
        return bad_file(
            f"A cell has at most {MAX_CELL:,} characters; perhaps a quote is not closed.", code="length", row=row
        )
    if "end of data" in said:
        return bad_file("A quote is opened here and never closed.", code="quote", row=row)
    return bad_file(
        "A closing quote is followed by text.", code="quote", row=row, hint="double a quote inside, or say quote=none"
    )


def split_rows(file: BinaryIO, dialect: Dialect) -> Iterator[Record]:
    """Records of plainly split text with separators of several characters; nothing is quoted."""
    for number, record in enumerate(_pieces(file, dialect.encoding, dialect.record_end), 1):
        cells = record.split(dialect.delimiter)
        if len(cells) > MAX_COLUMNS:
            raise bad_file(f"A row has at most {MAX_COLUMNS} columns.", code="columns", row=number)
        for place, cell in enumerate(cells, 1):
            if len(cell) > MAX_CELL:
                raise bad_file(f"A cell has at most {MAX_CELL:,} characters.", code="length", row=number, column=place)
        if any(cells):
            yield Record(number, cells)


def _pieces(file: BinaryIO, encoding: str, end: str) -> Iterator[str]:
    """The records of a text, without the line breaks between them; at most one of them in memory."""
    decoder = codecs.getincrementaldecoder(encoding)()
    rest = ""
    while True:
        block = file.read(64 * 1024)
        rest += decoder.decode(block, final=not block)
        *whole, rest = rest.split(end)
        for record in whole:
            yield record.strip("\r\n")
        if len(rest) > MAX_LINE:
            raise bad_file("A record is not ended.", code="length")
        if not block:
            break
    if rest.strip("\r\n"):
        yield rest.strip("\r\n")


# NDJSON ---------------------------------------------------------------------------------------------
class LineTable(Table):
    """One JSON object a line; a key met later becomes a further column."""

    typed = False

    def __init__(self, file: BinaryIO, dialect: Dialect, limits: Limits) -> None:
        super().__init__([], file)
        self._limits = limits
        self._lines = self._read(file, dialect.encoding)
        self._places: dict[str, int] = {}
        first = next(self._lines, None)
        if first is None:
            raise bad_file("The file has no rows.", code="empty_file")
        self._first_record = self._record(*first)

    def records(self) -> Iterator[Record]:
        """See Table."""
        yield self._first_record
        for count, (number, value) in enumerate(self._lines, 2):
            if count > self._limits.rows:
                raise too_many_rows(self._limits.rows)
            yield self._record(number, value)

    def _record(self, number: int, value: dict[str, Any]) -> Record:
        places = self._places
        for key in value:
            if key not in places:
                if len(key) > MAX_HEADER or len(places) >= MAX_COLUMNS:
                    raise bad_file(f"A row has at most {MAX_COLUMNS} keys.", code="columns", row=number)
                places[key] = len(places)
                self.columns.append(key)
        cells: list[Any] = [ABSENT] * len(places)
        for key, cell in value.items():
            cells[places[key]] = cell
        return Record(number, cells)

    def _read(self, file: BinaryIO, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
        text = io.TextIOWrapper(file, encoding=encoding, newline="\n")
        number = 0
        try:
            while line := text.readline(MAX_LINE):
                number += 1
                if len(line) >= MAX_LINE:
                    raise bad_file(f"A line has at most {MAX_LINE:,} characters.", code="length", row=number)
                if line.strip():
                    yield number, _object(line, number)
        except UnicodeDecodeError:
            raise bad_file(f"The text does not fit the encoding {encoding}.", code="encoding", row=number + 1) from None
        finally:
            with suppress(ValueError):  # the file may have been closed before its rows were read to the end
                text.detach()


class _Absent:
    """A key that a line does not have; not the same as null."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        value = orjson.loads(line.encode("utf-8", "surrogatepass"))
    except orjson.JSONDecodeError as fault:
        raise bad_file(f"Not valid JSON ({fault.msg}).", code="json", row=number, column=fault.colno) from None
    if not isinstance(value, dict):
        raise bad_file("A line is one JSON object.", code="json", row=number)
    return value
