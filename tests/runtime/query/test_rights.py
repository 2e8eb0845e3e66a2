"""What a reader may not see reaches them by no channel: one table of channels, hidden, masked and foreign values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from guanxi.common.errors import BadRequest, NotFound
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.query.request import AggregateQuery, ListQuery
from tests.runtime.query.house import BOSS, House, person

CLERK = person(1, "clerk")  # own records, all fields
SALES = person(1, "sales", "clerk")  # the team's records; secret hidden, phone masked
AUDITOR = person(10, "auditor")
STRANGER = person(2)


def listed(house: House, actor: Actor, **asked: Any) -> list[int]:
    return [row["id"] for row in house.reader.list(actor, ListQuery("customer", **asked)).data]


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (BOSS, [1, 2, 3, 4, 5]),
        (CLERK, [1, 5]),
        (SALES, [1, 2, 5]),
        (AUDITOR, [1, 2, 3, 4, 5]),
        (person(10, "sales"), [3, 4]),
        (person(2, "northern", region="north"), [1, 3, 5]),
        (person(2, "northern", region=None), [4][:0]),
        (person(2, "northern", "clerk", region="north"), [1, 2, 3, 5]),
    ],
)
def test_row_scopes(house: House, actor: Actor, expected: list[int]) -> None:
    page = house.reader.list(actor, ListQuery("customer", total="exact"))
    assert [row["id"] for row in page.data] == expected
    assert page.total == len(expected)
    assert house.reader.aggregate(actor, AggregateQuery("customer")) == [{"count()": len(expected)}]
    for number in range(1, 7):
        if number in expected:
            assert house.reader.get(actor, "customer", number)["id"] == number
        else:
            with pytest.raises(NotFound):
                house.reader.get(actor, "customer", number)


def test_nothing_said_about_a_private_object_is_nothing(house: House) -> None:
    with pytest.raises(NotFound):
        house.reader.list(STRANGER, ListQuery("customer"))
    assert not house.reader.permissions(STRANGER, "customer")["read"]
    assert house.reader.list(person(2, "intake"), ListQuery("customer")).data == []


# every way in which a field can be asked for ------------------------------------------------------
CHANNELS: dict[str, Callable[[House, Actor, str], object]] = {
    "where": lambda h, a, f: h.reader.list(a, ListQuery("customer", where=f"{f} == None")),
    "where blank": lambda h, a, f: h.reader.list(a, ListQuery("customer", where=f"blank({f})")),
    "where path": lambda h, a, f: h.reader.list(a, ListQuery("customer", where=f"filled(parent.{f})")),
    "where children": lambda h, a, f: h.reader.list(a, ListQuery("customer", where=f"any(branches, filled({f}))")),
    "sort": lambda h, a, f: h.reader.list(a, ListQuery("customer", sort=((f, False),))),
    "sort path": lambda h, a, f: h.reader.list(a, ListQuery("customer", sort=((f"parent.{f}", True),))),
    "group": lambda h, a, f: h.reader.aggregate(a, AggregateQuery("customer", group=(f,))),
    "group path": lambda h, a, f: h.reader.aggregate(a, AggregateQuery("customer", group=(f"parent.{f}",))),
    "count": lambda h, a, f: h.reader.aggregate(a, AggregateQuery("customer", measures=(f"count({f})",))),
    "min": lambda h, a, f: h.reader.aggregate(a, AggregateQuery("customer", measures=(f"min({f})",))),
    "max of": lambda h, a, f: h.reader.aggregate(a, AggregateQuery("customer", measures=(f"max(lower({f}))",))),
    "aggregate where": lambda h, a, f: h.reader.aggregate(a, AggregateQuery("customer", where=f"filled({f})")),
    "deal path": lambda h, a, f: h.reader.list(a, ListQuery("deal", where=f"filled(customer.{f})")),
}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("field", ["secret", "phone", "leak"])
def test_hidden_and_masked_fields_are_no_operands(house: House, channel: str, field: str) -> None:
    CHANNELS[channel](house, BOSS, field)
    with pytest.raises(BadRequest) as caught:
        CHANNELS[channel](house, SALES, field)
    assert caught.value.code in (("masked_field",) if field == "phone" else ("unknown_field", "expression-name"))
    assert "secret" not in caught.value.hint


@pytest.mark.parametrize("field", ["secret", "leak"])
def test_hidden_fields_are_not_selected(house: House, field: str) -> None:
    for asked in ({"fields": (field,)}, {"fields": (f"parent.{field}",)}, {"expand": (field,)}):
        with pytest.raises(BadRequest):
            listed(house, SALES, **asked)
    assert field not in house.reader.get(SALES, "customer", 1)
    assert field in house.reader.get(CLERK, "customer", 1)


def test_no_answer_holds_a_hidden_or_masked_value(house: House) -> None:
    expand = ("parent", "owner", "parent.owner")
    answers = [
        house.reader.get(SALES, "customer", 2, expand=expand),
        house.reader.list(SALES, ListQuery("customer", expand=expand)).data,
        house.reader.list(SALES, ListQuery("customer", fields=("phone", "parent.phone"))).data,
        house.reader.list(SALES, ListQuery("customer", view="big")).data,
        list(house.reader.scan(SALES, ListQuery("customer"))),
        house.reader.list(SALES, ListQuery("deal", expand=("customer",))).data,
    ]
    text = orjson.dumps(answers).decode()
    for value in ("alpha", 'beta"', "13812345678", "13900000000"):
        assert value not in text
    assert "5678" in text  # masked values still come, masked


def test_search_looks_only_into_open_fields(house: House) -> None:
    assert listed(house, BOSS, q="alpha") == [1]
    assert listed(house, CLERK, q="alpha") == [1]
    assert listed(house, SALES, q="alpha") == []
    assert listed(house, SALES, q="13812345678") == []
    assert listed(house, SALES, q="acme") == [1, 5]
    assert house.reader.list(SALES, ListQuery("customer", q="gamma", total="exact")).total == 0
    assert [r["id"] for r in house.reader.lookup(SALES, "customer", "acme")] == [1, 5]
    assert list(house.reader.lookup(SALES, "customer", "alpha")) == []


def test_an_unseen_parent_is_blank_everywhere(house: House) -> None:
    one = person(10, "sales")  # sees 3 and 4; the parent of 3 is 1, another team's
    page = house.reader.list(one, ListQuery("customer", expand=("parent",)))
    assert page.data[0]["parent"] == {"id": 1, "title": None}
    assert page.data[1]["parent"]["title"] == "Gamma"
    assert page.data[1]["parent"]["name"] == "Gamma"
    assert listed(house, one, where="filled(parent.name)") == [4]
    assert listed(house, one, where='parent.name == "Acme 张三丰"') == []
    assert listed(house, one, where='not (parent.name == "Acme 张三丰")') == [3, 4]
    assert house.reader.list(one, ListQuery("customer", fields=("parent.name",))).data[0] == {"parent.name": None}
    grouped = house.reader.aggregate(one, AggregateQuery("customer", group=("parent.name",)))
    assert grouped == [{"parent.name": None, "count()": 1}, {"parent.name": "Gamma", "count()": 1}]
    assert house.reader.titles(one, "customer", [1, 3]) == {3: "Gamma"}


def test_unseen_children_are_not_counted(house: House) -> None:
    assert listed(house, BOSS, where="count(deals) == 2") == [1]
    assert listed(house, CLERK, where="count(deals) == 2") == []
    assert listed(house, CLERK, where="sum(deals.amount) == 100") == [1]
    assert listed(house, CLERK, where='any(deals, name == "D2")') == []


def test_a_formula_has_one_value_for_all_who_may_read_it(house: House) -> None:
    assert house.reader.get(CLERK, "customer", 1)["won"] == "150.25"
    assert listed(house, CLERK, where="won == 150.25") == [1]
    assert house.reader.get(AUDITOR, "customer", 1)["tier"] == "gold"


def test_view_for_everybody(house: House) -> None:
    boss = house.reader.list(BOSS, ListQuery("customer", view="big")).data
    assert [(row["id"], row["secret"]) for row in boss] == [(1, "alpha"), (3, "gamma")]
    sales = house.reader.list(SALES, ListQuery("customer", view="big")).data
    assert [(row["id"], "secret" in row) for row in sales] == [(1, False)]


def test_permissions_of_a_record(house: House) -> None:
    mine = house.reader.permissions(SALES, "customer", 1)
    assert (mine["read"], mine["update"], mine["delete"], mine["fields"]["name"]) == (True, True, False, "edit")
    theirs = house.reader.permissions(SALES, "customer", 2)
    assert (theirs["read"], theirs["update"], theirs["fields"]["name"]) == (True, False, "read")
    assert theirs["fields"]["phone"] == "masked"
    assert "secret" not in theirs["fields"]
    with pytest.raises(NotFound):
        house.reader.permissions(SALES, "customer", 3)
    general = house.reader.permissions(SALES, "customer")
    assert (general["create"], general["update"], general["import"]) == (True, True, False)


def test_history_shows_what_may_be_read_today(house: House) -> None:
    changes = {
        "secret": {"from": None, "to": "alpha"}, "phone": {"from": None, "to": "13812345678"},
        "name": {"from": None, "to": "Acme"}, "gone": {"from": 1, "to": 2},
    }  # fmt: skip
    sql = house.db.sql(
        "INSERT INTO gx_history (object, record_id, version, at, by_id, action, changes) VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    with house.db.write():
        for version in (1, 2, 3):
            at = f"2026-03-0{version}T08:00:00.000000Z"
            house.db.execute(sql, ("customer", 1, version, at, 1, "update", orjson.dumps(changes).decode()))
    page = house.reader.history(SALES, "customer", 1, limit=2)
    assert [entry["version"] for entry in page.data] == [3, 2]
    assert page.data[0]["at"] == "2026-03-03T08:00:00Z"
    assert page.data[0]["by"] == {"id": 1, "title": "u1"}
    assert set(page.data[0]["changes"]) == {"phone", "name"}
    assert page.data[0]["changes"]["phone"]["to"] != "13812345678"
    rest = house.reader.history(SALES, "customer", 1, limit=2, after=page.next or "")
    assert [entry["version"] for entry in rest.data] == [1]
    assert rest.next is None
    assert page.next is not None
    assert set(house.reader.history(BOSS, "customer", 1).data[0]["changes"]) == {"secret", "phone", "name"}
    with pytest.raises(NotFound):
        house.reader.history(SALES, "customer", 3)
