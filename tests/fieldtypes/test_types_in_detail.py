from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from guanxi.expressions.types import DATE, INTEGER, TEXT, ValueType
from guanxi.fieldtypes import CATALOGUE, AutoNumberFormat, FieldContext, ValueFault, company_core, region_path

CONTEXT = FieldContext("f", option_names=frozenset({"north", "east"}), zone="Asia/Shanghai")


def coerce(name: str, value: Any, **options: Any) -> Any:
    type_ = CATALOGUE[name]
    return type_.coercer(type_.Options(**options), CONTEXT)(value)


def read(name: str, value: Any, context: FieldContext = CONTEXT, **options: Any) -> Any:
    type_ = CATALOGUE[name]
    return type_.from_text(type_.Options(**options), context)(value)


def refused(name: str, value: Any, **options: Any) -> str:
    with pytest.raises(ValueFault) as caught:
        coerce(name, value, **options)
    return caught.value.code


def unread(name: str, value: Any, **options: Any) -> str:
    with pytest.raises(ValueFault) as caught:
        read(name, value, **options)
    return caught.value.code


def test_text() -> None:
    assert coerce("text", "  Lan\r\n  Xin\tTrading ") == "Lan Xin Trading"
    assert refused("text", "abc", length=2) == "length"
    assert refused("text", "a", min_length=2) == "length"
    assert refused("text", 7) == "type"
    assert coerce("text", "AB-12", pattern=r"[A-Z]{2}-\d+") == "AB-12"
    assert refused("text", "AB-12x", pattern=r"[A-Z]{2}-\d+") == "type"
    assert coerce("text", "中文", pattern=r"\p{Han}+") == "中文"
    assert read("text", 138001.0) == "138001"
    assert coerce("long_text", " a\r\nb\rc\n") == " a\nb\nc\n"


@pytest.mark.parametrize("pattern", ["(a", "(?=a)b", r"(a)\1", "a{99999}"])
def test_a_pattern_that_could_run_away_or_is_wrong_is_refused_in_the_definition(pattern: str) -> None:
    with pytest.raises(ValidationError):
        CATALOGUE["text"].Options(pattern=pattern)


def test_a_pattern_of_exponential_fame_is_harmless() -> None:
    assert refused("text", "a" * 19_999 + "!", pattern="(a+)+", length=20_000) == "type"


def test_rich_text_is_harmless_when_stored() -> None:
    html = '<p onclick="x()">Hi <script>alert(1)</script><a href="javascript:x">j</a><img src=x onerror=y></p>'
    assert coerce("rich_text", html) == '<p>Hi <a rel="noopener noreferrer">j</a></p>'
    assert coerce("rich_text", "<p> </p><script>x</script>") is None
    assert CATALOGUE["rich_text"].search_text("<p>a &amp; <b>b</b></p>") == "a & b"


@pytest.mark.parametrize("good", ["a@b.cn", "Li.Wei+crm@例子.中国", "o'brien@sub.example.co.uk", "李伟@example.com"])
def test_lawful_emails(good: str) -> None:
    assert coerce("email", good) == good


@pytest.mark.parametrize(
    "bad", ["a", "a@b", "a b@c.de", "a@b..c", ".a@b.cn", "a@-b.cn", "a@b.cn, c@d.cn", "<a@b.cn>", "a@@b.cn"]
)
def test_unlawful_emails(bad: str) -> None:
    assert refused("email", bad) == "type"


def test_email_domain_is_folded_and_length_judged() -> None:
    assert coerce("email", " Li@Example.COM ") == "Li@example.com"
    assert refused("email", "a" * 65 + "@b.cn") == "type"
    assert refused("email", "a@" + "b" * 300 + ".cn") == "length"


@pytest.mark.parametrize(
    "good", ["http://intranet/x", "https://例子.中国/a?b=1#c", "http://[::1]:8080/", "https://1.2.3.4"]
)
def test_lawful_urls(good: str) -> None:
    assert coerce("url", good) == good


@pytest.mark.parametrize(
    "bad",
    ["javascript:alert(1)", "ftp://a.b", "//a.b", "https://u:p@a.b", "http://a b", "http://a:0", "https://", "a.b"],
)
def test_unlawful_urls(bad: str) -> None:
    assert refused("url", bad) == "type"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("13800138000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("010-88886666", "+861088886666"),
        ("400-820-8820", "+864008208820"),
        ("+1 555 555 0123", "+15555550123"),
        ("010-88886666 ext 12", "+861088886666;ext=12"),
    ],
)
def test_phones(typed: str, stored: str) -> None:
    assert coerce("phone", typed) == stored


def test_phones_by_region_and_refusals() -> None:
    assert coerce("phone", "(415) 555-2671", region="US") == "+14155552671"
    assert coerce("phone", "0412 345 678", region="AU") == "+61412345678"
    assert read("phone", "电话：１３８ ００１３ ８０００") == "+8613800138000"
    assert read("phone", 13800138000.0) == "+8613800138000"
    for bad in ("12345", "1-800-FLOWERS", "13800138000/13900139000", "+8612345678901", "abc"):
        assert refused("phone", bad) == "type"
    with pytest.raises(ValidationError):
        CATALOGUE["phone"].Options(region="XX")
    assert CATALOGUE["phone"].masked("+8613800138000", "") == "138****8000"
    assert CATALOGUE["phone"].masked("+8613800138000", "keep_last_4") == "****8000"


def test_integers() -> None:
    assert coerce("integer", 3.0) == 3
    assert [refused("integer", v) for v in ("3", True, 3.5, float("nan"), [])] == ["type"] * 5
    assert [refused("integer", v) for v in (2**63, -(2**63) - 1, 1e300)] == ["range"] * 3
    assert coerce("integer", -(2**63)) == -(2**63)
    assert refused("integer", 4, max=3) == refused("integer", 1, min=2) == "range"
    assert [read("integer", t) for t in ("1,234,567", "－５", "1.2万", "3亿", "(7)", "12.0")] == [
        1234567,
        -5,
        12000,
        3 * 10**8,
        -7,
        12,
    ]
    assert [unread("integer", t) for t in ("1,23", "1.5", "1 2", "12a", "1e99")] == ["type"] * 5
    with pytest.raises(ValidationError, match="min is greater than max"):
        CATALOGUE["integer"].Options(min=3, max=2)


def test_decimals_never_lose_a_digit() -> None:
    assert str(coerce("money", "1200.5")) == "1200.50"
    assert str(coerce("money", "1.500000")) == "1.50"
    assert str(coerce("money", 0.1)) == "0.10"
    assert str(coerce("money", " 1.5 ")) == "1.50"
    assert str(coerce("money", "-0.00")) == "0.00"
    assert str(coerce("money", "9" * 16 + ".99")) == "9" * 16 + ".99"
    assert [refused("money", v) for v in ("1.005", 0.1 + 0.2, "1e5", "1,200", "", "１")[:4]] == ["type"] * 4
    assert [refused("money", v) for v in ("9" * 17, 10**16, 1e300)] == ["range"] * 3
    assert refused("money", True) == refused("money", float("inf")) == "type"
    assert refused("decimal", "1.00001") == "type"
    assert refused("money", "5", min=10) == refused("money", "5", max="4.99") == "range"
    assert CATALOGUE["money"].Options(min=0.1).min == Decimal("0.1")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("¥1,234.50", "1234.50"),
        ("￥１，２３４．５０", "1234.50"),
        ("-¥5", "-5.00"),
        ("¥-5", "-5.00"),
        ("(1,234.5)", "-1234.50"),
        ("1.2万元", "12000.00"),
        ("RMB 100", "100.00"),
        ("1E+05", "100000.00"),
        ("$5", None),
        ("1.234,50", None),
        ("1,23", None),
        ("12 34", None),
        ("5%", None),
    ],
)
def test_typed_amounts(typed: str, value: str | None) -> None:
    if value is None:
        assert unread("money", typed, currency="CNY") == "type"
    else:
        assert str(read("money", typed, currency="CNY")) == value


def test_currency() -> None:
    assert str(read("money", "$5.00", currency="USD")) == "5.00"
    with pytest.raises(ValidationError, match="ISO 4217"):
        CATALOGUE["money"].Options(currency="XYX")
    assert str(read("percent", "１５．５％")) == "15.50"


def test_booleans() -> None:
    assert [read("boolean", t) for t in ("是", "否", "YES", "n", "1", "0", "√", 1.0)] == [
        True,
        False,
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    assert [refused("boolean", v) for v in (1, 0, "true", "是")] == ["type"] * 4
    assert unread("boolean", "maybe") == "type"


def test_dates() -> None:
    assert coerce("date", "2024-02-29") == date(2024, 2, 29)
    for bad in (
        "2026-02-29",
        "2026-2-1",
        "20260301",
        "0000-01-01",
        "2026-03-01T00:00:00Z",
        datetime(2026, 3, 1),
        20260301,
    ):
        assert refused("date", bad) == "type"
    assert refused("date", "2026-01-01", min="2026-02-01") == "range"
    assert [read("date", t) for t in ("2026/3/1", "２０２６年３月１日", "20260301", "2026-03-01T00:00:00")] == [
        date(2026, 3, 1)
    ] * 4
    for bad in ("3/1/2026", "1/3/26", "2026/3-1", "2026-03-01 08:00", "202631"):
        assert unread("date", bad) == "type"


def test_instants() -> None:
    assert coerce("datetime", "2026-03-01T16:00:00+08:00") == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert coerce("datetime", "2026-03-01T08:00:00.25Z") == datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)
    assert (
        CATALOGUE["datetime"].to_json(datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC))
        == "2026-03-01T08:00:00.250000Z"
    )
    for bad in (
        "2026-03-01T08:00:00",
        "2026-03-01",
        "2026-03-01 08:00Z",
        "2026-03-01T08:00:00.0000001Z",
        "2026-02-30T00:00:00Z",
    ):
        assert refused("datetime", bad) == "type"
    assert (
        refused("datetime", "0001-01-01T00:00:00+08:00") == refused("datetime", "9999-12-31T23:59:59-08:00") == "range"
    )


def test_typed_instants_are_read_in_the_zone() -> None:
    assert read("datetime", "2026-03-01 16:00") == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert read("datetime", "2026年3月1日 下午4点30分") == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    assert read("datetime", "2026-03-01T16:00:00Z") == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert read("datetime", datetime(2026, 3, 1, 16)) == datetime(2026, 3, 1, 8, tzinfo=UTC)
    berlin = FieldContext("f", zone="Europe/Berlin")
    for double_or_void in ("2026-10-25 02:30", "2026-03-29 02:30"):
        with pytest.raises(ValueFault, match="clock changes"):
            read("datetime", double_or_void, berlin)


def test_times_and_durations() -> None:
    assert coerce("time", "08:30") == time(8, 30)
    assert [refused("time", v) for v in ("8:30", "24:00", "08:30:00.5", "08:30Z")] == ["type"] * 4
    assert [read("time", t) for t in ("12:00 am", "12:15 pm", "中午12:30", "晚上8点")] == [
        time(0),
        time(12, 15),
        time(12, 30),
        time(20),
    ]
    assert [read("duration", t) for t in ("90", "0:45", "2h", "1天2小时", "P1DT1M", "1:00:30")] == [
        90,
        2700,
        7200,
        93600,
        86460,
        3630,
    ]
    assert refused("duration", -1) == "range"


def test_choices_and_tags() -> None:
    assert refused("choice", "nort") == "choice"
    with pytest.raises(ValueFault, match="did you mean 'north'"):
        coerce("choice", "nort")
    assert coerce("choices", ["east", "north", "east"]) == ("east", "north")
    assert coerce("choices", []) is None
    assert refused("choices", "east") == "type"
    assert refused("choices", ["west"]) == "choice"
    assert coerce("tags", ["VIP", " vip ", "", "展会"]) == ("VIP", "展会")
    assert refused("tags", ["x" * 51]) == refused("tags", [str(n) for n in range(51)]) == "length"


def test_references() -> None:
    assert coerce("references", [3, 1, 3]) == (3, 1)
    assert [refused("reference", v) for v in (0, -1, 2**63, "7", True, 7.0, {"id": 7})] == ["type"] * 7
    assert refused("references", [1, None]) == "type"
    assert read("references", "3、1") == (3, 1)
    assert CATALOGUE["user"].value_type(CATALOGUE["user"].Options(), CONTEXT) == ValueType("reference", object="user")


def test_files_and_places() -> None:
    card = {"id": "f1", "name": "a.svg", "type": "image/svg+xml", "size": 10}
    assert refused("image", card) == "type"
    assert coerce("file", card, accept=["image/*"]) == card
    assert refused("file", card, max_size=9) == "range"
    assert refused("file", {**card, "name": "../a"}) == refused("file", {**card, "url": "x"}) == "type"
    assert coerce("address", {"street": " 文三路 ", "city": ""}) == {"street": "文三路"}
    assert coerce("address", {"city": " "}) is None
    assert refused("address", {"town": "x"}) == refused("address", {"region_code": "999999"}) == "type"
    assert refused("location", {"lat": 91, "lon": 0}) == "range"
    assert refused("location", {"lat": float("nan"), "lon": 0}) == refused("location", {"lat": 1}) == "type"


def test_json_and_its_schema() -> None:
    schema = {
        "type": "object",
        "required": ["rooms"],
        "properties": {"rooms": {"$ref": "#/$defs/n"}},
        "$defs": {"n": {"type": "integer"}},
    }
    assert coerce("json", {"rooms": 3}, schema=schema) == {"rooms": 3}
    assert refused("json", {"rooms": "3"}, schema=schema) == "type"
    assert refused("json", ["a" * 30 + "!"], schema={"items": {"pattern": "^(a+)+$"}}) == "type"
    assert refused("json", [1, 1], schema={"uniqueItems": True}) == "type"
    assert refused("json", [2**64]) == "range"
    assert unread("json", "{NaN}") == "type"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://example.com/s.json"},
        {"$ref": "#"},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"patternProperties": {"(a+)+": {}}},
        {"pattern": "(?=a)"},
        {
            "$defs": {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(18)} | {"d18": {}},
            "$ref": "#/$defs/d0",
        },
    ],
)
def test_schemas_that_reach_out_or_run_away_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CATALOGUE["json"].Options(schema=schema)


def test_auto_number_format() -> None:
    day = date(2026, 3, 1)
    yearly = AutoNumberFormat.parse("C-{yyyy}-{0000}")
    assert (yearly.render(day, 42), yearly.render(day, 123456), yearly.period(day)) == (
        "C-2026-0042",
        "C-2026-123456",
        "2026",
    )
    daily = AutoNumberFormat.parse("{yy}{mm}{dd}{000}号")
    assert (daily.render(day, 7), daily.period(day)) == ("260301007号", "2026-03-01")
    assert AutoNumberFormat.parse("{yyyy}{mm}-{00}").period(day) == "2026-03"
    assert AutoNumberFormat.parse("K{0000}").period(day) == ""


@pytest.mark.parametrize(
    "bad", ["", "C", "{00}{00}", "{mm}{00}", "{yyyy}{dd}{00}", "{year}{00}", "{00", "}{00}", "{}{00}", "x" * 41]
)
def test_bad_auto_number_formats(bad: str) -> None:
    with pytest.raises(ValidationError):
        CATALOGUE["auto_number"].Options(format=bad)


def test_computed_types() -> None:
    formula: Any = CATALOGUE["formula"]
    options = formula.resolved(formula.Options(), ValueType("decimal", scale=2))
    assert (options.returns, options.digits) == ("decimal", 2)
    assert formula.value_type(options, CONTEXT) == ValueType("decimal", scale=2)
    assert formula.column(options).kind == "none"
    assert formula.value_type(formula.Options(returns="date"), CONTEXT) == DATE
    assert formula.accepts(formula.Options(returns="money"), INTEGER)
    assert not formula.accepts(formula.Options(returns="date"), TEXT)
    with pytest.raises(ValueError, match="cannot hold"):
        formula.resolved(formula.Options(), ValueType("references", object="x"))


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("杭州蓝信贸易有限公司", "杭州蓝信贸易"),
        ("杭州蓝信贸易（集团）股份有限公司", "杭州蓝信贸易"),
        ("杭州蓝信 贸易有限责任公司", "杭州蓝信贸易"),
        ("Lan Xin Trading Co., Ltd.", "lan xin trading"),
        ("ＬＡＮ ＸＩＮ Trading Company Limited", "lan xin trading"),
        ("Müller Maschinenbau GmbH & Co. KG", "müller maschinenbau"),
        ("株式会社ソニー", "ソニー"),
        ("Group", "group"),
        ("公司", "公司"),
    ],
)
def test_company_core(name: str, core: str) -> None:
    assert company_core(name) == core


def test_chinese_numbers() -> None:
    assert coerce("id_card_cn", "11010519491231002x") == "11010519491231002X"
    assert read("id_card_cn", "110105491231002") == "11010519491231002X"
    for bad in ("110105194912310021", "11010519491331002X", "990105194912310020", "110105491231002"):
        assert refused("id_card_cn", bad) == "type"
    assert coerce("uscc", "91110000600037341l") == "91110000600037341L"
    assert refused("uscc", "91110000600037341M") == refused("uscc", "9111000060003734IL") == "type"
    assert region_path("330106") == ("浙江省", "杭州市", "西湖区")
    assert region_path("110105") == ("北京市", "朝阳区")
    assert coerce("region_cn", "110103") == "110103", "no longer in force, still on old records"
    assert refused("region_cn", "330199") == "type"
    assert refused("wechat_id", "12345678") == refused("wechat_id", "abc") == "type"


def test_person_names() -> None:
    assert coerce("person_name", " 张　三 ") == "张三"
    assert coerce("person_name", "买买提 • 艾力") == "买买提·艾力"
    assert coerce("person_name", "Mary  O'Brien-Smith Jr.") == "Mary O'Brien-Smith Jr."
    assert refused("person_name", "12345") == refused("person_name", "<b>x</b>") == "type"
