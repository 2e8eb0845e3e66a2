"""Values as cells: for people (labels, titles, local times, formulas neutralised) and for machines (exact).

Compiled once per export into one function per column. The only place that says what a spreadsheet would run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from guanxi.common.labels import title_case
from guanxi.fieldtypes import CATALOGUE
from guanxi.registry.objects import Field

from ..storage.tables import column_of

Style = Literal["people", "machine"]
RUNNABLE = frozenset("=+-@\t\r＝＋－＠")
NUMBERS = ("integer", "decimal")
YES_NO = {"en": ("Yes", "No"), "zh": ("是", "否")}
Titles = Mapping[tuple[str, int], str]
ToCell = Callable[[Any, Titles], Any]


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula; the importer takes the mark off again."""
    return "'" + text if text and text[0] in RUNNABLE else text


@dataclass(frozen=True, slots=True)
class OutColumn:
    """One column of an export: its head, how a JSON value becomes a cell, and the object its ids lead to."""

    name: str
    head: str
    cell: ToCell
    target: str = ""
    number: bool = False


def people_columns(fields: Iterable[Field], language: str, zone: ZoneInfo) -> list[OutColumn]:
    """Columns that people read; two fields with one label get their names behind it."""
    chosen = list(fields)
    heads = [field.label.text(language) or title_case(field.name) for field in chosen]
    made = []
    for field, head in zip(chosen, heads, strict=True):
        own = head if heads.count(head) == 1 else f"{head} ({field.name})"
        kind = column_of(field).kind if field.stored else ""
        number = kind in NUMBERS or (field.stored is False and _numeric(field))
        made.append(OutColumn(field.name, own, _people(field, language, zone), _target(field), number))
    return made


def machine_columns(fields: Iterable[Field]) -> list[OutColumn]:
    """Columns that come back as they went."""
    return [OutColumn(f.name, f.name, _exact if f.type == "json" else _machine) for f in fields]


def _numeric(field: Field) -> bool:
    return field.value is not None and field.value.type.kind in ("number", "integer", "decimal", "money", "percent")


def _target(field: Field) -> str:
    return (
        field.target or CATALOGUE[field.type].target
        if field.type in ("reference", "references", "user", "team")
        else ""
    )


# for machines ---------------------------------------------------------------------------------------
def _machine(value: Any, titles: Titles) -> str:
    del titles
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return orjson.dumps(value).decode()


def _exact(value: Any, titles: Titles) -> str:
    del titles
    return "" if value is None else orjson.dumps(value).decode()


# for people -----------------------------------------------------------------------------------------
def _people(field: Field, language: str, zone: ZoneInfo) -> ToCell:
    if field.options:
        return _labels({name: option.label.text(language) or name for name, option in field.options.items()}, language)
    if target := _target(field):
        return _titled(target, language)
    kind = field.value.type.kind if field.value is not None else field.type
    if kind == "boolean":
        yes, no = YES_NO["zh" if language[:2] == "zh" else "en"]
        return lambda value, _: value if not isinstance(value, bool) else yes if value else no
    if kind == "datetime":
        return lambda value, _: local_time(value, zone) if isinstance(value, str) else value
    if field.type in ("file", "image"):
        return lambda value, _: value.get("name", "") if isinstance(value, Mapping) else value
    if field.type == "location":
        return lambda value, _: f"{value['lat']}, {value['lon']}" if isinstance(value, Mapping) else value
    if field.type == "json":
        return _exact
    if field.type == "tags":
        return lambda value, _: ", ".join(value) if isinstance(value, list) else value
    return _readable


def _readable(value: Any, titles: Titles) -> Any:
    del titles
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else value


def _labels(labels: Mapping[str, str], language: str) -> ToCell:
    between = "、" if language[:2] == "zh" else ", "

    def cell(value: Any, titles: Titles) -> Any:
        del titles
        if isinstance(value, list):
            return between.join(labels.get(one, one) for one in value)
        return labels.get(value, value) if isinstance(value, str) else value

    return cell


def _titled(target: str, language: str) -> ToCell:
    between = "、" if language[:2] == "zh" else ", "

    def one(value: Any, titles: Titles) -> str:
        return titles.get((target, value)) or str(value)

    def cell(value: Any, titles: Titles) -> Any:
        if isinstance(value, list):
            return between.join(one(number, titles) for number in value)
        return one(value, titles) if isinstance(value, int) else value

    return cell


def local_time(text: str, zone: ZoneInfo) -> str:
    """An instant in the reader's zone; where the clock shows that hour twice, the instant itself."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    local = moment.astimezone(zone)
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        return text
    return local.strftime("%Y-%m-%d %H:%M:%S")


# typed cells of a workbook --------------------------------------------------------------------------
def typed_cell(column: OutColumn, value: Any) -> Any:
    """A number, date or instant as such where it keeps all its digits; else the text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value if abs(value) < 10**15 else str(value)
    if column.number and isinstance(value, str):
        return _number(value)
    if isinstance(value, str):
        return _moment(value)
    return str(value)


def _number(text: str) -> Any:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    digits = number.as_tuple().digits
    return float(number) if len(digits) <= 15 and number.is_finite() else text


def _moment(text: str) -> Any:
    if len(text) not in (10, 19) or text[4:5] != "-" or text[7:8] != "-":
        return text
    try:
        found = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return text
    return found if found.year >= 1900 and getattr(found, "tzinfo", None) is None else text
