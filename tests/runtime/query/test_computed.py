"""Formulas and roll-ups in selection, filter, sort and group; aggregates; the text of one plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from guanxi.common.errors import BadRequest
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.runtime.query.request import AggregateQuery, ListQuery
from tests.runtime.query.house import BOSS, House, person

CLERK = person(1, "clerk")


def ids(house: House, **asked: Any) -> list[int]:
    return [row["id"] for row in house.reader.list(BOSS, ListQuery("customer", **asked)).data]


def test_computed_fields_equal_python(house: House) -> None:
    rest = house.registry.objects["customer"].fields["rest"].value
    assert rest is not None
    for number, revenue, limit in ((1, "1000.50", "1200"), (2, "500.00", None), (5, "-3.20", None)):
        row = {"revenue": Decimal(revenue), "limit": None if limit is None else Decimal(limit)}
        expected = evaluate(rest, Env(row))
        answered = house.reader.get(BOSS, "customer", number)["rest"]
        assert (None if answered is None else Decimal(answered)) == expected
    rows = {r["id"]: (r["won"], r["tier"]) for r in house.reader.list(BOSS, ListQuery("customer")).data}
    assert rows == {1: ("150.25", "gold"), 2: ("0.00", "plain"), 3: ("0.00", "plain"), 4: ("0.00", "plain"),
                    5: ("0.00", "plain")}  # fmt: skip


def test_computed_fields_filter_sort_and_page(house: House) -> None:
    assert ids(house, where='tier == "gold"') == [1]
    assert ids(house, where="rest > 199.49 and rest < 199.51") == [1]
    assert ids(house, sort=(("won", True), ("name", False))) == [1, 2, 4, 3, 5]
    assert ids(house, sort=(("rest", False),)) == [2, 3, 4, 5, 1]
    seen, after = [], ""
    while after is not None:
        page = house.reader.list(
            BOSS, ListQuery("customer", sort=(("won", True), ("rest", True)), limit=1, after=after)
        )
        seen += [row["id"] for row in page.data]
        after = page.next  # type: ignore[assignment]
    assert seen == [1, 5, 4, 3, 2]


def test_groups_and_measures(house: House) -> None:
    def ask(**asked: Any) -> list[dict[str, Any]]:
        return list(house.reader.aggregate(BOSS, AggregateQuery("customer", **asked)))

    assert ask(group=("region",), measures=("count()", "sum(revenue)", "avg(revenue)", "min(name)", "max(due)")) == [
        {"region": "east", "count()": 2, "sum(revenue)": "500.00", "avg(revenue)": "500.00", "min(name)": "Beta 重庆",
         "max(due)": None},
        {"region": "north", "count()": 3, "sum(revenue)": "1697.30", "avg(revenue)": "565.7666666667",
         "min(name)": "Acme 张三丰", "max(due)": "2026-03-01"},
    ]  # fmt: skip
    assert ask(group=("level",)) == [
        {"level": None, "count()": 2}, {"level": "a", "count()": 2}, {"level": "b", "count()": 1},
    ]  # fmt: skip
    assert ask(group=("tier", "region"), sort=(("count()", True), ("region", False))) == [
        {"tier": "plain", "region": "east", "count()": 2},
        {"tier": "plain", "region": "north", "count()": 2},
        {"tier": "gold", "region": "north", "count()": 1},
    ]
    assert ask(measures=("sum(won)", "count(phone)", "min(revenue)", "max(rest)")) == [
        {"sum(won)": "150.25", "count(phone)": 2, "min(revenue)": "-3.20", "max(rest)": "199.50"}
    ]
    assert ask(where='region == "north"', q="acme", measures=("count()",)) == [{"count()": 2}]
    assert ask(view="big", measures=("count()",)) == [{"count()": 2}]
    assert ask(where="1 == 2", measures=("sum(revenue)", "avg(revenue)", "count()")) == [
        {"sum(revenue)": "0.00", "avg(revenue)": None, "count()": 0}
    ]
    assert ask(group=("year(due)",)) == [{"year(due)": None, "count()": 4}, {"year(due)": 2026, "count()": 1}]
    assert ask(group=("active",))[1] == {"active": True, "count()": 1}
    assert len(ask(group=("id",), limit=2)) == 2
    assert [r["count()"] for r in house.reader.aggregate(CLERK, AggregateQuery("customer", group=("region",)))] == [2]


def test_sums_beyond_64_bits_of_scaled_integers(house: House) -> None:
    big = Decimal("90000000000000.00")
    house.add("deal", *({"id": 100 + n, "name": "x", "amount": big} for n in range(1100)))
    found = house.reader.aggregate(BOSS, AggregateQuery("deal", measures=("sum(amount)",), where='name == "x"'))
    assert found == [{"sum(amount)": "99000000000000000.00"}]


@pytest.mark.parametrize(
    "asked",
    [
        {"measures": ("sum(name)",)},
        {"measures": ("sum()",)},
        {"measures": ("median(revenue)",)},
        {"measures": ("revenue",)},
        {"measures": ("count(products)",)},
        {"measures": ("max(active)",)},
        {"group": ("tags",)},
        {"group": ("nme",)},
        {"sort": (("revenue", False),)},
        {"group": tuple(f"id + {n}" for n in range(11))},
        {"where": "nme == 1"},
        {"view": "nothing"},
    ],
)
def test_what_cannot_be_measured_is_refused(house: House, asked: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        house.reader.aggregate(BOSS, AggregateQuery("customer", **asked))


def test_too_many_groups_are_an_error(house: House) -> None:
    house.add("deal", *({"id": 100 + n, "name": f"x{n}"} for n in range(1001)))
    with pytest.raises(BadRequest) as caught:
        house.reader.aggregate(BOSS, AggregateQuery("deal", group=("name",)))
    assert caught.value.code == "too_many_groups"


def test_the_person_and_the_moment_are_bound_not_spliced(house: House) -> None:
    query = ListQuery("customer", where="owner == me and created_at <= now()")
    one, ten = person(1, "auditor"), person(10, "auditor")
    assert [r["id"] for r in house.reader.list(one, query).data] == [1, 5]
    assert [r["id"] for r in house.reader.list(ten, query).data] == [3, 4]
    assert house.reader._plan.cache_info().misses == 1


def test_the_text_of_a_plan(house: House) -> None:
    text = house.reader.explain(
        CLERK, ListQuery("customer", fields=("id", "name"), expand=("parent",), sort=(("name", True),), related=None)
    )
    mark = "?" if house.db.engine == "sqlite" else "%s"
    nulls = "" if house.db.engine == "sqlite" else " NULLS LAST"
    columns = "name region level phone revenue limit secret due active seen_at tags parent".split()
    parent = ", ".join(f'"t_1"."{c}"' for c in columns)
    assert text == (
        f'SELECT "t"."id", "t"."name", "t"."parent", "t_1"."id", "t_1"."name", {parent}, "t"."name", "t"."id"'
        f' FROM "o_customer" AS "t" LEFT JOIN "o_customer" AS "t_1" ON "t_1"."id" = "t"."parent"'
        f' AND (("t_1"."owner" = {mark})) WHERE (("t"."deleted_at" IS NULL) AND ("t"."owner" = {mark}))'
        f' ORDER BY "t"."name" DESC{nulls}, "t"."id" DESC LIMIT {mark}\n-- :me.id, :me.id, :limit'
    )
