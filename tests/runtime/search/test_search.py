"""Finding any part of a text, Chinese and pinyin, on both engines, while records come, change and go."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from guanxi.common.clock import FixedClock
from guanxi.common.errors import BadRequest
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.search.grams import asked_words, words_of
from guanxi.runtime.search.index import index_record, rebuild, remove, search_tables, touched
from guanxi.runtime.search.readings import sounds
from guanxi.runtime.storage.database import Handle
from tests.runtime.query.house import BOSS, House, build

TEXTS = {
    1: "Acme Trading Co., Ltd.",
    2: "张三丰",
    3: "重庆银行股份有限公司",
    4: "单雄信",
    5: "Ｆｕｌｌ　Ｗｉｄｔｈ Straße",
    6: "吕布",
    7: "Crème brûlée 🚀moon",
    8: "100% & a_b -x\\'\"*",
    9: "上海 Acme 张三",
    10: "曾国藩",
    11: "𠮷野家",
    12: None,
}


@pytest.fixture
def house(database: Handle) -> House:
    made = build(database, FixedClock(datetime(2026, 3, 1, tzinfo=UTC)))
    made.add("customer", *({"id": n, "name": t} for n, t in TEXTS.items()))
    return made


def found(house: House, q: str) -> list[int]:
    return [row["id"] for row in house.reader.list(BOSS, ListQuery("customer", q=q, fields=("id",))).data]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("acme", [1, 9]), ("ACME", [1, 9]), ("cm", [1, 9]), ("radin", [1]), ("co., ltd", [1]), (", l", [1]),
        ("张", [2, 9]), ("三", [2, 9]), ("张三", [2, 9]), ("三丰", [2]), ("张三丰", [2]), ("张丰", []),
        ("zhangsanfeng", [2]), ("zsf", [2]), ("sanf", [2]), ("zhang", [2, 9]), ("zs", [2, 9]), ("ZSF", [2]),
        ("chongqing", [3]), ("cqyh", [3]), ("zhongqing", [3]), ("shanxiongxin", [4]), ("sxx", [4]), ("dxx", [4]),
        ("full width", [5]), ("ｆｕｌｌ", [5]), ("strasse", [5]), ("lvbu", [6]), ("lubu", [6]), ("lb", [6]),
        ("brûlée", [7]), ("🚀m", [7]), ("🚀", [7]), ("100%", [8]), ("%", [8]), ("_", [8]), ("a_b", [8]),
        ("\\'\"*", [8]), ("-x", [8]), ("acme 张三", [9]), ("张三 acme", [9]), ("acme trading", [1]),
        ("acme  上海", [9]), ("acme 北京", []), ("zengguofan", [10]), ("zgf", [10]), ("𠮷野", [11]), ("𠮷", [11]),
        ("野家", [11]), ("nothing", []), ("f_name", []), ("acme OR 张", []), ("name:acme", []), ("\"acme\"", []),
        ("acme*", []),
    ],
)  # fmt: skip
def test_what_is_found(house: House, q: str, expected: list[int]) -> None:
    assert found(house, q) == expected


def test_the_index_follows_the_record(house: House) -> None:
    customer = house.registry.objects["customer"]
    with house.db.write():
        index_record(house.db, customer, 1, {"name": "Beta", "phone": "555", "secret": None})
    assert (found(house, "acme"), found(house, "beta"), found(house, "555")) == ([9], [1], [1])
    with house.db.write():
        remove(house.db, customer, [1, 9])
    assert (found(house, "beta"), found(house, "acme"), found(house, "张三")) == ([], [], [2])
    with house.db.write():
        assert rebuild(house.db, customer) == len(TEXTS)
    assert (found(house, "acme"), found(house, "beta")) == ([1, 9], [])


def test_a_rolled_back_change_leaves_the_index(house: House) -> None:
    customer = house.registry.objects["customer"]
    with pytest.raises(ZeroDivisionError), house.db.write():
        index_record(house.db, customer, 1, {"name": "Beta"})
        raise ZeroDivisionError
    assert (found(house, "acme"), found(house, "beta")) == ([1, 9], [])


def test_fields_are_kept_apart(house: House) -> None:
    customer = house.registry.objects["customer"]
    with house.db.write():
        index_record(house.db, customer, 2, {"name": "one", "phone": "two"})
    assert found(house, "one two") == [2]  # words may stand in different fields
    assert found(house, "onetwo") == []
    assert touched(customer, ["region", "phone"])
    assert not touched(customer, ["region"])
    assert search_tables(house.registry.objects["team"], house.db.engine) == []


def test_bounds_of_a_search() -> None:
    assert asked_words("  ") == ()
    assert asked_words("a A ａ") == ("a",)
    for bad in ("x" * 201, "a\x00b", "\ud800", "a b c d e f g h i"):
        with pytest.raises(BadRequest):
            asked_words(bad)
    assert len(words_of("x" * 20_000)[0]) == 8_000


def test_readings() -> None:
    assert sounds("plain") == ()
    assert sounds("123，。") == ()
    assert sounds("银行") == ("yinxing", "yx", "yinhang", "yh")
    assert "chongqing" in sounds("重庆")
