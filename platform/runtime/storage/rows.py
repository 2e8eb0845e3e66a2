"""Values between their three forms, as functions compiled once per column list (docs/architecture.md).

`row_function` writes the source of one function that turns a driver's row into a dictionary: no loop, no look-up and no
question about a kind is left for the moment when rows arrive. Field names reach that source only as literals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import orjson

from guanxi.fieldtypes.base import ColumnKind
from guanxi.runtime.ports import Engine

Form = Literal["python", "json"]
Convert = Callable[[Any], Any]
RowFunction = Callable[[Sequence[Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One place in a row: the key it gets, its column kind and scale; `many` when the Python form is a tuple."""

    key: str
    kind: ColumnKind
    scale: int = 0
    many: bool = False


# datetimes ------------------------------------------------------------------------------------------
@lru_cache(maxsize=64)
def instant_text(moment: datetime) -> str:
    """Stored form on SQLite and in platform tables: `YYYY-MM-DDTHH:MM:SS.ffffffZ`; order of text is order of time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def instant_from_text(text: str) -> datetime:
    """The instant of `instant_text`, aware, UTC."""
    return datetime.fromisoformat(text)


def instant_json(moment: datetime) -> str:
    """JSON form: seconds, and the fraction only when there is one."""
    return moment.astimezone(UTC).isoformat()[:-6] + "Z"


def instant_text_json(text: str) -> str:
    """JSON form straight from the text form."""
    return text if text[20:26] != "000000" else text[:19] + "Z"


# decimals -------------------------------------------------------------------------------------------
def _scaled_text(scale: int) -> Convert:
    if scale == 0:
        return str
    pattern = f"%0{scale + 1}d"

    def text(value: int) -> str:
        digits = pattern % abs(value)
        return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"

    return text


def _scaled_decimal(scale: int) -> Convert:
    return lambda value: Decimal(value).scaleb(-scale)


def _decimal_scaled(scale: int) -> Convert:
    factor = 10**scale
    return lambda value: int((value * factor).to_integral_value())


def _decimal_text(scale: int) -> Convert:
    pattern = f".{scale}f"
    return lambda value: format(value, pattern)


# one value ------------------------------------------------------------------------------------------
def from_stored(engine: Engine, form: Form, kind: ColumnKind, scale: int = 0, *, many: bool = False) -> Convert | None:
    """Stored form → Python or JSON form of a value that is not None; None when it stays as it is."""
    table = _FROM_SQLITE if engine == "sqlite" else _FROM_POSTGRES
    if kind == "decimal":
        return table[form][kind](scale)  # type: ignore[no-any-return]
    if kind == "json" and form == "python" and many:
        return _LOADS_TUPLE if engine == "sqlite" else tuple
    return table[form].get(kind)


def to_stored(engine: Engine, kind: ColumnKind, scale: int = 0) -> Convert:
    """Python form → stored form; None stays None."""
    convert = _filled_to_stored(engine, kind, scale)
    if convert is None:
        return _same
    return lambda value: None if value is None else convert(value)


def _filled_to_stored(engine: Engine, kind: ColumnKind, scale: int = 0) -> Convert | None:
    """`to_stored` for values that are there; None when they stay as they are."""
    convert = _TO_STORED[engine].get(kind)
    if (engine, kind) == ("sqlite", "decimal"):
        convert = _decimal_scaled(scale)
    elif (engine, kind) == ("postgresql", "json"):
        from psycopg.types.json import Jsonb  # a driver is imported where its engine is used

        convert = Jsonb
    return convert


def python_json(kind: ColumnKind, scale: int = 0) -> Convert:
    """Python form → JSON form, the very text that a stored value would give; None stays None."""
    convert = _decimal_text(scale) if kind == "decimal" else _PYTHON_JSON.get(kind)
    if convert is None:
        return _same
    return lambda value: None if value is None else convert(value)


def _same(value: Any) -> Any:
    return value


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def _loads_tuple(text: str) -> tuple[Any, ...]:
    return tuple(orjson.loads(text))


_LOADS_TUPLE: Convert = _loads_tuple
_FROM_SQLITE: dict[str, dict[str, Any]] = {
    "python": {
        "decimal": _scaled_decimal,
        "boolean": bool,
        "date": date.fromisoformat,
        "datetime": datetime.fromisoformat,
        "time": time.fromisoformat,
        "json": orjson.loads,
    },
    "json": {"decimal": _scaled_text, "boolean": bool, "datetime": instant_text_json, "json": orjson.loads},
}
_FROM_POSTGRES: dict[str, dict[str, Any]] = {
    "python": {"decimal": lambda _: None},
    "json": {
        "decimal": _decimal_text,
        "date": date.isoformat,
        "datetime": instant_json,
        "time": time.isoformat,
    },
}
_TO_STORED: dict[str, dict[str, Convert]] = {
    "sqlite": {
        "boolean": int,
        "date": date.isoformat,
        "datetime": instant_text,
        "time": lambda value: value.isoformat(timespec="seconds"),
        "json": _dumps,
    },
    "postgresql": {},
}
_PYTHON_JSON: dict[str, Convert] = {
    "date": date.isoformat,
    "datetime": instant_json,
    "time": lambda value: value.isoformat(timespec="seconds"),
    "json": lambda value: list(value) if isinstance(value, tuple) else value,
    "links": list,
}


# Conversions short enough to be written into the row function itself; `v` is the value.
_INLINE = {
    ("sqlite", "json", "boolean"): "v == 1",
    ("sqlite", "python", "boolean"): "v == 1",
    ("sqlite", "json", "datetime"): "v[:19] + 'Z' if v[20:26] == '000000' else v",
}


def _inline(engine: Engine, form: Form, cell: Cell) -> str:
    if (engine, form, cell.kind) == ("sqlite", "json", "decimal") and cell.scale:
        factor = 10**cell.scale
        return f"f'{{v // {factor}}}.{{v % {factor}:0{cell.scale}d}}' if v >= 0 else "
    return _INLINE.get((engine, form, cell.kind), "")


# whole rows -----------------------------------------------------------------------------------------
def row_function(engine: Engine, form: Form, cells: Iterable[Cell], start: int = 0) -> RowFunction:
    """A compiled function from a driver's row to `{key: value}`; the first cell is at position `start`."""
    scope: dict[str, Any] = {}
    parts = []
    for position, cell in enumerate(cells, start):
        convert = from_stored(engine, form, cell.kind, cell.scale, many=cell.many)
        if convert is None:
            parts.append(f"{cell.key!r}: r[{position}]")
            continue
        scope[f"c{position}"] = convert
        inline = _inline(engine, form, cell)
        done = f"c{position}(v)" if not inline or inline.endswith("else ") else ""
        parts.append(f"{cell.key!r}: None if (v := r[{position}]) is None else {inline}{done}")
    source = "def row(r):\n    return {" + ", ".join(parts) + "}\n"
    exec(compile(source, "<row>", "exec"), scope)  # noqa: S102 (positions and literals of our own making)
    return scope["row"]  # type: ignore[no-any-return]


def value_function(entries: Iterable[tuple[str, Convert | None, Any]]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A compiled function from `{key: Python value}` to a dictionary of the entries (key, conversion, what a blank
    gives); a conversion of None leaves a value as it is.
    """
    scope: dict[str, Any] = {}
    parts = []
    for position, (key, convert, blank) in enumerate(entries):
        if convert is None:
            parts.append(f"{key!r}: get({key!r})")
            continue
        scope[f"c{position}"] = convert
        parts.append(f"{key!r}: {blank!r} if (v := get({key!r})) is None else c{position}(v)")
    source = "def values(row):\n    get = row.get\n    return {" + ", ".join(parts) + "}\n"
    exec(compile(source, "<values>", "exec"), scope)  # noqa: S102 (positions and literals of our own making)
    return scope["values"]  # type: ignore[no-any-return]


def first_values_function(entries: Iterable[tuple[str, Convert]]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A compiled function from a new row in Python form to its history: `{key: {"from": None, "to": JSON value}}` of
    the keys that are filled.
    """
    scope: dict[str, Any] = {}
    lines = ["def changes(row):", "    get, out = row.get, {}"]
    for position, (key, convert) in enumerate(entries):
        scope[f"c{position}"] = convert
        done = "v" if convert is _same else f"c{position}(v)"
        lines.append(f"    if (v := get({key!r})) is not None: out[{key!r}] = {{'from': None, 'to': {done}}}")
    exec(compile("\n".join([*lines, "    return out\n"]), "<changes>", "exec"), scope)  # noqa: S102 (as above)
    return scope["changes"]  # type: ignore[no-any-return]


def storing_function(engine: Engine, cells: Iterable[Cell]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A compiled function from `{key: Python value}` (absent keys are blank) to the parameters in cell order."""
    scope: dict[str, Any] = {}
    parts = []
    for position, cell in enumerate(cells):
        convert = scope[f"c{position}"] = _filled_to_stored(engine, cell.kind, cell.scale)
        held = f"get({cell.key!r})"
        parts.append(held if convert is None else f"None if (x := {held}) is None else c{position}(x)")
    source = "def params(v):\n    get = v.get\n    return (" + "".join(f"{p}, " for p in parts) + ")\n"
    exec(compile(source, "<params>", "exec"), scope)  # noqa: S102 (positions and literals of our own making)
    return scope["params"]  # type: ignore[no-any-return]
