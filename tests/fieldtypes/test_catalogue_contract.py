# ruff: noqa: E501, PT017
"""One contract for every type: round trip, refusals by ValueFault alone, honest schemas, masks that hide."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from guanxi.common.errors import RECORD_CODES
from guanxi.fieldtypes import CATALOGUE, MASK_STYLES, FieldContext, FieldType, ValueFault

CONTEXT = FieldContext("f", option_names=frozenset({"north", "east"}), target="customer", zone="Asia/Shanghai")
NAMES = (
    "text long_text rich_text email phone url integer decimal money percent boolean date datetime time duration choice "
    "choices tags reference references user team file image address location rating color json auto_number formula rollup "
    "company_name person_name id_card_cn uscc region_cn wechat_id"
).split()

nested: list[Any] = []
for _ in range(5000):
    nested = [nested]
self_holding: list[Any] = []
self_holding.append(self_holding)

HOSTILE: list[Any] = [
    True, False, 0, -1, 1, 2**63, -(2**63) - 1, 2**63 - 1, 10**400, -(10**400), 0.5, -0.0, 1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1e999999"),
    Decimal("1e-999999"), Decimal("0.1"), "NaN", "Infinity", "1e999999999", "1_000", "0x10", "١٢٣", "１２３", "12,3", "1,2,3",
    "1.2.3", ".", "-", "+", "--1", "(5", "9" * 50, "9" * 5000, "0." + "0" * 5000 + "1", "1" + "0" * 400 + "万", "\x00", "a\x00b",
    "\ud800", "a\udfffb", "\x1b[31m", "\u202eabc", "\ufeff", "\u3000", "", " ", "\n", "a\r\nb", "x" * 1_000_000, " " * 200_000 + "\x85x",
    "2026-02-30", "0000-01-01", "10000-01-01", "2026-13-01", "2026-W01-1", "2026-3-1", "20260230", "2026年13月1日",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-03-01T08:00:00", "2026-03-01T25:00:00Z", "2026-03-01T08:00:60Z",
    "2026-03-01T08:00:00+99:99", "2026-03-01T08:00:00.1234567Z", "24:00", "12:60", "99999999999999999999:00", "P1Y", "PT", "P",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "' OR 1=1 --", "=cmd|' /C calc'!A0", "javascript:alert(1)",
    "http://[::1", "http://a:99999/", "http://", "https://user:pw@host/", "ftp://host/", "a@b", "a@@b.c", "@", "a@b." + "c" * 300,
    "+", "+86", "+999999999999", "tel:" + "1" * 3000, "ext 1", "{", '{"a":', '{"a": NaN}', "[" * 100_000, '"\\ud800"', "#12345g", "##",
    b"bytes", bytearray(b"x"), object(), type, len, {1, 2}, frozenset(), (), [], {}, [None], [True], ["a", 1], [[["a"]]], ["\x00"],
    ["a"] * 5000, [7, 7, -7], [7.0], {"a": 1}, {1: 2}, {"lat": True, "lon": 1}, {"lat": float("nan"), "lon": 0}, {"lat": 10**400, "lon": 0},
    {"lat": "1", "lon": "2"}, {"lat": 91, "lon": 0}, {"country": 1}, {"country": "ZZ"}, {"region_code": "000000"}, {"street": "\ud800"},
    {"id": "../x", "name": "a", "type": "a/b", "size": 1}, {"id": "x", "name": "../a", "type": "a/b", "size": 1},
    {"id": "x", "name": "a", "type": ["a/b"], "size": 1}, {"id": {}, "name": [], "type": {}, "size": []}, {"a": float("inf")}, {"a": 2**70},
    {"a": object()}, nested, self_holding, date(2026, 3, 1), datetime(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))), time(1, 2, 3, 4),
    time(1, tzinfo=UTC), timedelta(days=1), 1 + 2j, "110105194912310021", "91110000600037341M", "999999", "张" * 500, "·", "123",
]  # fmt: skip


def options_of(type_: FieldType) -> Any:
    return type_.Options()


def coerced_example(type_: FieldType) -> Any:
    example = list(type_.example) if isinstance(type_.example, tuple) else type_.example
    return type_.coercer(options_of(type_), CONTEXT)(example)


def probe(type_: FieldType, value: Any) -> None:
    """Both entrances: refuse by ValueFault or give a value that survives the way out and in again."""
    options = options_of(type_)
    coerce = type_.coercer(options, CONTEXT)
    for entrance in (coerce, type_.from_text(options, CONTEXT)):
        try:
            python = entrance(value)
        except ValueFault as fault:
            assert fault.code in RECORD_CODES
            assert fault.message.isprintable()
            assert fault.message_zh.isprintable()
            continue
        if python is None:
            continue
        out = type_.to_json(python)
        text = json.dumps(out, allow_nan=False, ensure_ascii=False)
        text.encode("utf-8")
        assert coerce(json.loads(text)) == python
        Draft202012Validator(type_.json_schema(options, CONTEXT)).validate(json.loads(text))
        type_.search_text(python)


def test_the_catalogue_is_the_list_of_the_language_in_reading_order() -> None:
    assert list(CATALOGUE) == NAMES
    assert all(CATALOGUE[name].name == name for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_json_to_python_to_json(name: str) -> None:
    type_ = CATALOGUE[name]
    python = coerced_example(type_)
    expected = list(type_.example) if isinstance(type_.example, tuple) else type_.example
    assert type_.to_json(python) == expected
    coerce = type_.coercer(options_of(type_), CONTEXT)
    assert coerce(python) == python, "a value in Python form passes as it is"
    Draft202012Validator(type_.json_schema(options_of(type_), CONTEXT)).validate(expected)
    Draft202012Validator(type_.input_schema(options_of(type_), CONTEXT)).validate(expected)


@pytest.mark.parametrize("name", NAMES)
def test_schemas_and_options_are_described(name: str) -> None:
    type_ = CATALOGUE[name]
    Draft202012Validator.check_schema(type_.json_schema(options_of(type_), CONTEXT))
    Draft202012Validator.check_schema(type_.input_schema(options_of(type_), CONTEXT))
    assert all(field.description for field in type_.Options.model_fields.values())
    assert type_.Options.model_json_schema()["additionalProperties"] is False
    assert type_.summary.endswith(".")
    with pytest.raises(ValueError, match="no_such_key"):
        type_.Options(no_such_key=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", NAMES)
def test_blanks(name: str) -> None:
    type_ = CATALOGUE[name]
    for entrance in (type_.coercer(options_of(type_), CONTEXT), type_.from_text(options_of(type_), CONTEXT)):
        assert [entrance(blank) for blank in (None, "", "  ", "\n\t", "\u3000")] == [None] * 5


@pytest.mark.parametrize("name", NAMES)
def test_typed_forms_of_the_reference_are_read(name: str) -> None:
    type_ = CATALOGUE[name]
    read = type_.from_text(options_of(type_), CONTEXT)
    assert all(read(text) is not None for text in type_.typed)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_values_raise_value_fault_alone(name: str) -> None:
    for value in HOSTILE:
        probe(CATALOGUE[name], value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
numberish = st.text(alphabet="0123456789０１.,-+()%¥$万亿eE元 年月日:/TZ", max_size=24)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=json_values | numberish)
def test_generated_values_raise_value_fault_alone(name: str, value: Any) -> None:
    probe(CATALOGUE[name], value)


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_never_reveals_the_value(name: str) -> None:
    type_ = CATALOGUE[name]
    python = coerced_example(type_)
    shown_whole = str(type_.to_json(python))
    for style in ("", *MASK_STYLES, "no_such_style"):
        masked = type_.masked(python, style)
        assert isinstance(masked, str)
        assert "***" in masked
        assert shown_whole not in masked
        if style in ("all", "hidden", "no_such_style") or not isinstance(python, str):
            assert masked == "***"


@pytest.mark.parametrize("style", MASK_STYLES)
def test_masks_of_short_texts(style: str) -> None:
    type_ = CATALOGUE["text"]
    for text in ("a", "ab", "abc", "张三", "a@b", "x" * 10, "x1" * 30):
        kept = type_.masked(text, style).replace("*", "")
        most = len("@b") + 1 if style == "email" else 7 if len(text) >= 11 else len(text) // 2
        assert len(kept) <= most


def test_a_typical_record_is_coerced_quickly() -> None:
    """A loose bound (the figure is about 25 µs): what this guards against is a slip by an order of magnitude."""
    names = "text company_name phone email url choice money percent integer boolean date datetime reference user long_text".split()
    work = [(CATALOGUE[n].coercer(options_of(CATALOGUE[n]), CONTEXT), CATALOGUE[n].example) for n in names]
    best = 1.0
    for _ in range(20):
        start = datetime.now(UTC)
        for _ in range(50):
            for coerce, value in work:
                coerce(value)
        best = min(best, (datetime.now(UTC) - start).total_seconds() / 50)
    assert best < 300e-6


def test_faults_speak_both_languages() -> None:
    with pytest.raises(ValueFault) as caught:
        CATALOGUE["integer"].coercer(CATALOGUE["integer"].Options(), CONTEXT)("7")
    assert (caught.value.code, caught.value.message, caught.value.message_zh) == (
        "type",
        "This must be a whole number.",
        "必须是整数。",
    )


def test_reading_order_does_not_matter_for_results() -> None:
    """Coercers keep no state: any order of values gives the same answers."""
    type_ = CATALOGUE["phone"]
    coerce = type_.coercer(options_of(type_), CONTEXT)
    numbers = ["13800138000", "+8613800138000", "010-88886666", "+14155552671"]
    first = {n: coerce(n) for n in numbers}
    random.Random(1).shuffle(numbers)
    assert {n: coerce(n) for n in numbers} == first
