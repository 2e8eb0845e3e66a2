"""Records out: CSV, XLSX and NDJSON, streamed from the record service with the rights of whoever asks.

CSV and XLSX are for people unless `style=machine` is asked for; NDJSON is always for machines. What a machine export
writes, an import reads back as it was.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, Any, Literal
from zoneinfo import ZoneInfo

import orjson

from guanxi.common.errors import BadRequest, Forbidden, TooLarge
from guanxi.registry import Registry
from guanxi.registry.objects import Field

from ..access.actor import Actor
from ..access.gate import visible_object
from ..access.grants import Grants
from ..query.request import ListQuery, Row
from .cells import OutColumn, Style, machine_columns, neutral, people_columns, typed_cell

OutFormat = Literal["csv", "xlsx", "ndjson"]
TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson; charset=utf-8",
}
PAGE = 500
MOST_SHEET_ROWS = 1_048_575
MOST_SHEET_TEXT = 32_767
PLATFORM = ("id", "version", "created_at", "created_by", "updated_at", "updated_by")


@dataclass(frozen=True, slots=True)
class Export:
    """One export, ready to run: its columns are known and its first page has been read."""

    format: OutFormat
    style: Style
    name: str
    columns: Sequence[OutColumn]
    rows: Iterable[Row]

    @property
    def content_type(self) -> str:
        """The media type."""
        return TYPES[self.format]


class Exporter:
    """Makes exports of one published version. `records` is the record service."""

    def __init__(self, registry: Registry, records: Any) -> None:
        self.registry = registry
        self.records = records

    def prepare(
        self, actor: Actor, grants: Grants, query: ListQuery, *, format_: str, style: str = "", limit: int | None = None
    ) -> Export:
        """Everything that can be refused is refused here. Raises NotFound, Forbidden, BadRequest."""
        visible_object(grants, query.object)
        rights = grants.on(query.object)
        if not rights.of("export"):
            raise Forbidden(f"You may not export {query.object} records.")
        if format_ not in TYPES:
            raise BadRequest("'format' is csv, xlsx or ndjson.", code="bad_parameter")
        chosen: Style = "machine" if format_ == "ndjson" else "people"
        if style:
            if style not in ("people", "machine") or (style == "people" and format_ == "ndjson"):
                raise BadRequest("'style' is people or machine; NDJSON is for machines.", code="bad_parameter")
            chosen = style  # type: ignore[assignment]
        if query.expand and (chosen == "people" or format_ != "ndjson"):
            raise BadRequest("'expand' goes with format=ndjson.", code="bad_parameter")
        definition = self.registry.objects[query.object]
        shown = {name: field for name, field in definition.fields.items() if rights.shown(name)}
        names = query.fields or tuple(self._names(shown, chosen))
        fields = [shown[name] for name in names if name in shown]
        if chosen == "people":
            columns = people_columns(fields, actor.language, actor.zone or ZoneInfo("UTC"))
        else:
            columns = machine_columns(fields)
        asked = ListQuery(
            query.object,
            where=query.where,
            q=query.q,
            sort=query.sort,
            fields=names,
            expand=query.expand,
            view=query.view,
            pool=query.pool,
            trashed=query.trashed,
        )
        rows = iter(self.records.scan(actor, asked))
        first = list(islice(rows, 1))
        following = chain(first, rows)
        name = definition.plural.text(actor.language) or definition.name
        kept = following if limit is None else islice(following, limit)
        return Export(format_, chosen, name, columns, self._titled(actor, columns, kept))  # type: ignore[arg-type]

    @staticmethod
    def _names(shown: dict[str, Field], style: Style) -> Iterator[str]:
        for name, field in shown.items():
            if style == "machine" or not (field.hidden or name in PLATFORM or name == "pool"):
                yield name

    def _titled(self, actor: Actor, columns: Sequence[OutColumn], rows: Iterable[Row]) -> Iterator[Row]:
        """The rows with the titles of what they refer to under the key `""`, page by page."""
        targets = [column for column in columns if column.target]
        if not targets:
            yield from rows
            return
        following = iter(rows)
        while page := list(islice(following, PAGE)):
            titles: dict[tuple[str, int], str] = {}
            for column in targets:
                wanted = {n for row in page for n in _ids(row.get(column.name)) if (column.target, n) not in titles}
                known = self.records.titles(actor, column.target, sorted(wanted)) if wanted else {}
                titles.update({(column.target, number): title for number, title in known.items()})
            for row in page:
                row[""] = titles
                yield row

    # writing ----------------------------------------------------------------------------------------
    def stream(self, export: Export) -> Iterator[bytes]:
        """The bytes."""
        if export.format == "ndjson":
            return _ndjson(export)
        if export.format == "csv":
            return _csv(export)
        return _pieces(_workbook(export))


def _ids(value: Any) -> Sequence[int]:
    return value if isinstance(value, list) else (value,) if isinstance(value, int) else ()


def _cells(export: Export, row: Row) -> list[Any]:
    titles = row.get("", {})
    return [column.cell(row.get(column.name), titles) for column in export.columns]


def _ndjson(export: Export) -> Iterator[bytes]:
    names = [column.name for column in export.columns]
    for row in export.rows:
        kept = {name: row.get(name) for name in names} | {k: v for k, v in row.items() if k not in names and k}
        yield orjson.dumps(kept) + b"\n"


def _csv(export: Export) -> Iterator[bytes]:
    people = export.style == "people"
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    heads = [column.head for column in export.columns]
    writer.writerow([neutral(head) for head in heads] if people else heads)
    yield b"\xef\xbb\xbf" if people else b""
    for count, row in enumerate(export.rows, 1):
        cells = _cells(export, row)
        if people:
            cells = [_safe(column, cell) for column, cell in zip(export.columns, cells, strict=True)]
        writer.writerow(cells)
        if count % 200 == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _safe(column: OutColumn, cell: Any) -> Any:
    """A text that a spreadsheet would run gets a mark; numbers are numbers."""
    if isinstance(cell, str):
        return cell if column.number and cell.lstrip("-").replace(".", "", 1).isdigit() else neutral(cell)
    return "" if cell is None else cell


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


def _workbook(export: Export) -> IO[bytes]:
    """A workbook on disk: numbers and dates are typed, every text is a text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("".join(c for c in export.name if c not in "[]:*?/\\'")[:31] or "Sheet1")
    sheet.freeze_panes = "A2"

    def written(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        clean = ILLEGAL_CHARACTERS_RE.sub("", value)[:MOST_SHEET_TEXT]
        cell = WriteOnlyCell(sheet, value=clean)
        cell.data_type = "s"  # never a formula, whatever the text begins with
        return cell

    sheet.append([written(column.head) for column in export.columns])
    for count, row in enumerate(export.rows, 1):
        if count > MOST_SHEET_ROWS:
            raise TooLarge(f"A sheet holds at most {MOST_SHEET_ROWS:,} rows; export CSV.")
        cells = zip(export.columns, _cells(export, row), strict=True)
        sheet.append([written(typed_cell(column, cell)) for column, cell in cells])
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the stream)
    book.save(file)
    file.seek(0)
    return file


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(64 * 1024):
            yield piece


def rejected_csv(
    header: Sequence[str], rows: Iterable[tuple[int, Sequence[Any], Sequence[dict[str, Any]]]]
) -> Iterator[bytes]:
    """The refused rows as they came, with their number and the reasons, to mend and load again."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([*(neutral(name) for name in header), "_row", "_reason"])
    yield b"\xef\xbb\xbf"
    for number, cells, errors in rows:
        texts = [neutral(_text(cell)) for cell in cells][: len(header)]
        texts += [""] * (len(header) - len(texts))
        reasons = "; ".join(_reason(error) for error in errors)
        writer.writerow([*texts, number, neutral(reasons)])
        yield _taken(buffer)
    yield _taken(buffer)


def _reason(error: dict[str, Any]) -> str:
    place = error.get("column") or error.get("field") or ""
    return f"{place}: {error['message']}" if place else str(error["message"])


def _text(cell: Any) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else orjson.dumps(cell).decode()
