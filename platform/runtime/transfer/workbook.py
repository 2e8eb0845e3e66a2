"""Rows of an XLSX sheet as the texts a person sees, after a look at the packed file that no bomb survives.

The zip's entries are counted and unpacked once without keeping anything, so that neither a lying size nor a high ratio
passes; entities are refused before any XML parser sees them. Cells come one row at a time (openpyxl, read only); a
formula counts as its last value.
"""

from __future__ import annotations

import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

from guanxi.common.errors import BadRequest, TooLarge
from guanxi.common.names import did_you_mean

from .limits import MAX_CELL, MAX_COLUMNS, MAX_ENTRIES, MAX_RATIO, MAX_UNPACKED, MEGABYTE, bad_file
from .readers import Record

MAX_BLANK_ROWS = 1_048_576
_PERCENT = re.compile(r"0(?:\.(0+))?%")
_ENTITIES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def check_package(file: BinaryIO) -> None:
    """Refuse a workbook that is a bomb, is encrypted, is damaged or brings entities. Leaves the file at its start."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as package:
            entries = package.infolist()
            if len(entries) > MAX_ENTRIES:
                raise TooLarge(f"A workbook has at most {MAX_ENTRIES:,} parts.")
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise TooLarge(f"A workbook has at most {MAX_UNPACKED // MEGABYTE} MB unpacked.")
            if "[Content_Types].xml" not in package.namelist():
                raise bad_file("The file is not a workbook (.xlsx).", code="file_type")
            left = MAX_UNPACKED
            for entry in entries:
                left = _check_entry(package, entry, left)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError, RuntimeError):
        raise bad_file("The workbook is damaged or encrypted.", code="file_type") from None
    finally:
        file.seek(0)


def _check_entry(package: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> int:
    """Unpack one part into nothing; returns how many bytes may still come."""
    if entry.flag_bits & 1:
        raise bad_file("The workbook is encrypted.", code="file_type")
    if entry.file_size > 10 * MEGABYTE and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise TooLarge("A part of the workbook unpacks to far more than it is.")
    head = True
    with package.open(entry) as part:
        while block := part.read(MEGABYTE):
            left -= len(block)
            if left < 0:
                raise TooLarge(f"A workbook has at most {MAX_UNPACKED // MEGABYTE} MB unpacked.")
            if head and entry.filename.endswith((".xml", ".rels")) and _has_entities(block):
                raise bad_file("The workbook brings entities of its own.", code="file_type")
            head = False
    return left


def _has_entities(block: bytes) -> bool:
    start = block[:65536]
    return bool(_ENTITIES.search(start) or _ENTITIES.search(start.replace(b"\0", b"")))


def sheet_rows(file: BinaryIO, sheet: str = "") -> Iterator[Record]:
    """The rows of a sheet (the first by default)."""
    check_package(file)
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        names = book.sheetnames
    except Exception:  # the parser raises whatever a damaged part makes it stumble over
        raise bad_file("The workbook cannot be read.", code="file_type") from None
    if sheet and sheet not in names:
        raise BadRequest(f"The workbook has no sheet '{sheet[:60]}'.", code="sheet", hint=did_you_mean(sheet, names))
    found = [one for one in book.worksheets if not sheet or one.title == sheet]
    if not found:
        raise bad_file("The workbook has no sheet with cells.", code="sheet")
    chosen = found[0]
    chosen.reset_dimensions()
    return _rows(book, chosen)


def _rows(book: Any, sheet: Any) -> Iterator[Record]:
    number = 0
    try:
        for row in sheet.iter_rows():
            number += 1
            cells = [shown(cell, number) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if len(cells) > MAX_COLUMNS:
                raise bad_file(f"A row has at most {MAX_COLUMNS} columns.", code="columns", row=number)
            if cells:
                yield Record(number, cells)
    except (BadRequest, TooLarge, GeneratorExit):
        raise
    except Exception:  # as above: a damaged sheet must not be the server's fault
        raise bad_file("The sheet is damaged here.", code="file_type", row=number + 1) from None
    finally:
        book.close()


def shown(cell: Any, row: int) -> str:
    """A cell as the text a person sees; "" when it is empty."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        if len(value) > MAX_CELL:
            raise bad_file(f"A cell has at most {MAX_CELL:,} characters.", code="length", row=row, column=cell.column)
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number_text(value, cell.number_format or "")
    return moment_text(value)


def number_text(value: float, pattern: str = "") -> str:
    """15 digits, as spreadsheets keep them; 0.15 in a percent cell is 15%."""
    if not math.isfinite(value):
        return str(value)
    percent = _PERCENT.search(pattern)
    scaled = value * 100 if percent else value
    text = str(scaled) if isinstance(scaled, int) else f"{scaled:.15g}"
    if "e" in text:
        text = f"{scaled:.15f}".rstrip("0").rstrip(".") if abs(scaled) < 1 else f"{scaled:.0f}"
    return f"{text}%" if percent else text


def moment_text(value: object) -> str:
    """Dates and times in ISO form; an instant at midnight is a date."""
    if isinstance(value, datetime):
        whole = value.replace(microsecond=0)
        return whole.date().isoformat() if whole.time() == time() else whole.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="seconds")
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return str(value)
