"""Files as they come: encodings, separators, quotes, workbooks, bombs; what is wrong has a place."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook

from guanxi.common.errors import BadRequest, GuanxiError, TooLarge
from guanxi.runtime.transfer.limits import Limits
from guanxi.runtime.transfer.readers import open_table
from guanxi.runtime.transfer.sniff import Dialect, Wanted, sniff
from tests.support.data import data_file

ROWS = "姓名,电话\r\n张三,138\r\n李四,139\r\n"


def read(
    content: bytes, wanted: Wanted | None = None, name: str = "f.csv"
) -> tuple[Dialect, list[str], list[list[str]]]:
    file = io.BytesIO(content)
    dialect = sniff(file, name, wanted)
    table = open_table(file, dialect)
    rows = [list(record.cells) for record in table.records()]
    return dialect, table.columns, rows


@pytest.mark.parametrize(
    ("codec", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_the_encoding_is_found(codec: str, found: str) -> None:
    dialect, columns, rows = read(ROWS.encode(codec))
    assert (dialect.encoding, columns) == (found, ["姓名", "电话"])
    assert rows == [["张三", "138"], ["李四", "139"]]


def test_accented_latin_is_not_taken_for_chinese() -> None:
    dialect, _, rows = read("name;city\nMüller;München\nJosé;Málaga\n".encode("cp1252"))
    assert (dialect.encoding, rows[1]) == ("cp1252", ["José", "Málaga"])


@pytest.mark.parametrize(("mark", "skip"), [(",", False), (";", False), ("\t", False), ("|", False), (", ", True)])
def test_the_separator_is_found(mark: str, skip: bool) -> None:
    text = "\n".join(mark.join(row) for row in (["a", "b", "c"], ["1", "x y", "3"], ["4", "", "6"]))
    dialect, columns, rows = read(text.encode())
    assert (dialect.delimiter, dialect.skip_space) == (mark[0], skip)
    assert columns == ["a", "b", "c"]
    assert rows == [["1", "x y", "3"], ["4", "", "6"]]


def test_quotes_hold_separators_line_breaks_and_quotes() -> None:
    _, _, rows = read(b'a,b\n"x, ""y""\nz",2\n')
    assert rows == [['x, "y"\nz', "2"]]


def test_without_a_header_columns_are_numbered() -> None:
    _, columns, rows = read(b"1,Bikes\n2,Clothing\n", Wanted(header=False))
    assert (columns, rows) == (["col1", "col2"], [["1", "Bikes"], ["2", "Clothing"]])


def test_separators_of_several_characters() -> None:
    wanted = Wanted(delimiter="+|", record_end="&|", header=False)
    _, columns, rows = read(b'1+|A "B" C+|<x>\n</x>&|\n2+|D+|&|\n', wanted)
    assert len(columns) == 3
    assert rows == [["1", 'A "B" C', "<x>\n</x>"], ["2", "D", ""]]


@pytest.mark.parametrize(
    ("content", "code", "position"),
    [
        (b"", "empty_file", ""),
        (b"a,b\n1,\x002\n", "encoding", "2"),
        (b'a,b\n1,2\n3,"x\n', "quote", "3"),
        (b'a,b\n1,"x"y\n', "quote", "2"),
        (b"a,a\n1,2\n", "header", "1:2"),
        (b"\n,\n", "empty_file", ""),
        (b"a," * 501 + b"\n", "columns", "1"),
        (b"a,b\n1," + b"x" * 200_001 + b"\n", "length", "2"),
    ],
)
def test_what_is_wrong_has_a_place(content: bytes, code: str, position: str) -> None:
    with pytest.raises(BadRequest) as fault:
        read(content)
    assert (fault.value.code, fault.value.position) == (code, position)


def test_a_named_encoding_that_does_not_fit_names_the_line() -> None:
    with pytest.raises(BadRequest) as fault:
        read("a\nok\n张三\n".encode("gbk"), Wanted(encoding="utf-8"))
    assert (fault.value.code, fault.value.position) == ("encoding", "3")


@pytest.mark.parametrize(
    "wanted", [Wanted(encoding="zip"), Wanted(encoding="nope"), Wanted(format="pdf"), Wanted(delimiter="\n")]
)
def test_unknown_words_are_refused(wanted: Wanted) -> None:
    with pytest.raises(BadRequest):
        read(b"a,b\n1,2\n", wanted)


def test_more_rows_than_allowed() -> None:
    file = io.BytesIO(b"a\n1\n2\n3\n")
    table = open_table(file, sniff(file), Limits(rows=2))
    with pytest.raises(TooLarge):
        list(table.records())


def workbook(*rows: list[object], formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for place, pattern in (formats or {}).items():
        sheet[place].number_format = pattern
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_what_a_person_sees() -> None:
    content = workbook(
        ["n", "f", "p", "d", "t", "b", "s"],
        [138001, 0.1 + 0.2, 0.15, date(2026, 3, 1), datetime(2026, 3, 1, 8, 30), True, "=x"],
        formats={"C2": "0%"},
    )
    _, columns, rows = read(content, name="x.xlsx")
    assert columns == ["n", "f", "p", "d", "t", "b", "s"]
    assert rows[0][:6] == ["138001", "0.3", "15%", "2026-03-01", "2026-03-01 08:30:00", "TRUE"]


def packed(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in entries.items():
            package.writestr(name, content)
    return out.getvalue()


TYPES = {"[Content_Types].xml": b"<Types/>"}


@pytest.mark.parametrize(
    "content",
    [
        packed(TYPES | {"xl/worksheets/sheet1.xml": b"0" * 40_000_000}),
        packed(TYPES | {f"p{n}": b"" for n in range(2_100)}),
        packed(TYPES | {"xl/workbook.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}),
        packed(
            TYPES
            | {
                "xl/workbook.xml": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'.encode(
                    "utf-16"
                )
            }
        ),
        packed(TYPES),
        packed({"a.txt": b"x"}),
        b"PK\x03\x04 broken",
        workbook(["a"], [1])[:-200],
    ],
    ids=["ratio", "parts", "entity", "entity16", "bare", "zip", "broken", "cut"],
)
def test_bombs_and_broken_workbooks_are_refused(content: bytes) -> None:
    with pytest.raises(GuanxiError) as fault:
        read(content, name="x.xlsx")
    assert 400 <= fault.value.status < 500


def test_ndjson_is_strict() -> None:
    file = io.BytesIO(b'{"a": 1}\n\n{"b": [1], "a": null}\n')
    table = open_table(file, sniff(file, "x.ndjson"))
    rows = [(r.number, list(r.cells)) for r in table.records()]
    assert table.columns == ["a", "b"]
    assert rows[0] == (1, [1])
    assert rows[1] == (3, [None, [1]])
    for line in (b'{"a": NaN}\n', b"[1]\n", b'{"a": 1} x\n'):
        bad = io.BytesIO(b'{"a": 1}\n' + line)
        with pytest.raises(BadRequest) as fault:
            list(open_table(bad, sniff(bad, "x.ndjson")).records())
        assert fault.value.code == "json"
        assert fault.value.position.startswith("2")


def test_gbk_areas_equal_utf8_areas() -> None:
    plain = read(data_file("china/areas.csv").read_bytes())
    chinese = read(data_file("china/areas.gbk.csv").read_bytes())
    assert (plain[0].encoding, chinese[0].encoding) == ("utf-8", "gb18030")
    assert plain[1:] == chinese[1:]
    assert len(chinese[2]) == 2978


def test_odd_separators_of_a_real_file() -> None:
    wanted = Wanted(delimiter="+|", record_end="&|", header=False)
    _, columns, rows = read(data_file("core/adventureworks/ol_Store.csv").read_bytes(), wanted)
    assert (len(columns), len(rows)) == (6, 701)
    assert rows[0][1] == "Next-Door Bike Store"
    assert rows[0][3].startswith("<StoreSurvey")
