"""Two exports: one that no spreadsheet runs, one that comes back identical."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from guanxi.common.errors import BadRequest, Forbidden
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.system import create_platform_tables
from tests.runtime.transfer.conftest import ADMIN, SHOP, Shop
from tests.support.published import project

NASTY = [
    "=1+1",
    "+cmd",
    "-2+3",
    "@SUM(A1)",
    "'=quoted",
    'say "hi"',
    "a, b; c",
    "张三、李四",
    '"',
    "'",
    "0012",
    "1e5",
    "TRUE",
]


def fill(shop: Shop) -> None:
    account = shop.records.create(SYSTEM, "account", {"code": "A1", "name": "=Acme"}).id
    for number, text in enumerate(NASTY):
        values = {
            "code": f"c{number}",
            "name": f"{text}" if len(text) > 1 else f"{text}x",
            "note": f'{text}\nnext "line"\n\n=end',
            "price": "-0.00" if number == 0 else f"{number}.10",
            "level": None if number == 1 else "high",
            "colors": ["red", "blue"],
            "words": ["a, b", "=c", "[x]"],
            "sold": number % 2 == 0,
            "on_day": "2026-03-01",
            "at": "2026-03-01T08:00:00.250000Z",
            "place": {"lat": 30.25, "lon": 120.5},
            "extra": {"a": [1, "=x", None]} if number % 2 else "text",
            "account": account,
            "friends": [account],
            "secret": "s",
        }
        shop.records.create(SYSTEM, "item", values, force_duplicates=True)


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
def test_a_machine_export_comes_back_identical(shop: Shop, format_: str) -> None:
    fill(shop)
    first = shop.out(format_, "machine")
    again = shop.load(first, key=("code",), name=f"f.{format_}", columns={"owner": "", "team": ""}, duplicates="create")
    assert shop.counts(again) == (0, 0, len(NASTY), 0)
    before = shop.rows()
    for row in before:
        shop.records.delete(SYSTEM, "item", row["id"])
    made = shop.load(first, name=f"f.{format_}", duplicates="create")
    assert shop.counts(made) == (len(NASTY), 0, 0, 0), shop.verdicts(made, "refused")
    system = {"id", "created_at", "updated_at"}
    shown = [{k: v for k, v in row.items() if k not in system} for row in shop.rows()]
    assert shown == [{k: v for k, v in row.items() if k not in system} for row in before]


def test_nothing_in_a_csv_for_people_is_run(shop: Shop) -> None:
    fill(shop)
    text = shop.out("csv").decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            assert not cell or cell[0] not in "=+-@\t\r" or cell.replace(".", "").replace("-", "").isdigit(), cell
    assert shop.counts(shop.load("\ufeff" + text, key=("code",)))[3] == 0


def test_people_read_labels_titles_and_their_own_time(shop: Shop) -> None:
    fill(shop)
    chinese = replace(ADMIN, language="zh", zone=ZoneInfo("Asia/Shanghai"))
    raw = shop.out("csv", by=chinese, fields=("code", "level", "account", "at", "sold"))
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert rows[0][:2] == ["编号", "级别"]
    assert rows[1] == ["c0", "高", "'=Acme", rows[1][3], "是"]
    assert rows[1][3].startswith("2026-03-01")


def test_a_workbook_has_types_and_no_formulas(shop: Shop) -> None:
    fill(shop)
    book = load_workbook(io.BytesIO(shop.out("xlsx", fields=("name", "price", "on_day", "sold"))))
    sheet = book.worksheets[0]
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert sheet["A2"].value == "=1+1"
    assert (sheet["B3"].value, sheet["C3"].data_type) == (1.1, "d")


def test_headers_are_neutral_too(database: Handle) -> None:
    create_platform_tables(database)
    made = project(database, SHOP.replace("label: {en: Price, zh: 价格}", 'label: "=1+2"'))
    shop = Shop(made, None)  # type: ignore[arg-type]
    head = shop.out("csv").decode("utf-8-sig").splitlines()[0]
    assert ",'=1+2," in head
    sheet = load_workbook(io.BytesIO(shop.out("xlsx"))).worksheets[0]
    assert {cell.data_type for cell in sheet[1]} == {"s"}


def test_an_export_shows_no_more_than_reading(shop: Shop) -> None:
    clerk, reader = shop.project.user("li", ["clerk"]), shop.project.user("zhao", ["reader"])
    fill(shop)
    shop.records.create(clerk, "item", {"code": "mine", "name": "Mine"})
    with pytest.raises(Forbidden):
        shop.out("csv", by=reader)
    text = shop.out("csv", "machine", by=clerk).decode()
    assert [row["code"] for row in csv.DictReader(io.StringIO(text))] == ["mine"]
    assert "secret" not in text.splitlines()[0]
    for asked in ({"fields": ("secret",)}, {"where": 'secret == "s"'}):
        with pytest.raises(BadRequest):
            shop.out("csv", by=clerk, **asked)
