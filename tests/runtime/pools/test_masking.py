"""What waits in a pool shows members its visible fields only, in every channel; managers see everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from guanxi.common.errors import BadRequest
from guanxi.runtime.query.request import AggregateQuery, ListQuery
from guanxi.runtime.storage.database import Handle
from tests.support.pools import Shop, north, shop

CLEAR = "13800138000"


@pytest.fixture
def office(database: Handle) -> Shop:
    return shop(database, north())


def ask(office: Shop, who: str = "ann", **query: Any) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in office.records.list(office.people[who], ListQuery("customer", **query)).data]


def test_record_and_list(office: Shop) -> None:
    number = office.customer(phone=CLEAR, revenue=7)
    for row in (office.read(number, office.ann), ask(office)[0], ask(office, pool="north")[0]):
        assert row["name"] == "C"
        assert row["region"] == "north"
        assert CLEAR not in str(row)
        assert row["phone"] is not None
        assert row["revenue"] != 7
    for who in ("boss", "root"):
        assert office.read(number, office.people[who])["phone"] == CLEAR
    # dan reads all customers but manages no pool
    assert office.read(number, office.dan)["phone"] != CLEAR


def test_own_records_beside_pooled_ones(office: Shop) -> None:
    office.customer("ann", phone="1", revenue=1)
    office.customer(phone="2", revenue=2)
    rows = ask(office, sort=(("revenue", True),))
    assert [row["phone"] == "1" for row in rows] == [True, False]  # the pooled one sorts as blank
    assert len(ask(office, where="revenue > 0")) == 1
    assert len(ask(office, where="revenue == null or revenue > 0")) == 1
    assert len(ask(office, where='region == "north"')) == 2


def test_pool_list_refuses_judging_by_masked_fields(office: Shop) -> None:
    office.customer(phone=CLEAR)
    for query in ({"where": 'starts_with(phone, "138")'}, {"sort": (("phone", False),)}):
        with pytest.raises(BadRequest) as refused:
            ask(office, pool="north", **query)
        assert refused.value.code == "masked_field"
    assert len(ask(office, "boss", pool="north", where='starts_with(phone, "138")')) == 1
    assert ask(office, pool="north", where='level == "b"')
    with pytest.raises(BadRequest):
        ask(office, pool="nope")


def test_search_by_prefix_finds_only_by_what_is_visible(office: Shop) -> None:
    office.customer(phone=CLEAR, name="Huawei")
    assert ask(office, q="138") == []
    assert len(ask(office, q="huawei")) == 1
    assert len(ask(office, "boss", q="138")) == 1
    assert office.records.reader.lookup(office.ann, "customer", "138") == []


def test_aggregate_leaves_pooled_rows_out(office: Shop) -> None:
    office.customer(revenue=5)
    office.customer("ann", revenue=3)

    def total(who: str, *measures: str, **more: Any) -> list[dict[str, Any]]:
        query = AggregateQuery("customer", measures=measures, **more)
        return [dict(row) for row in office.records.aggregate(office.people[who], query)]

    assert total("ann", "sum(revenue)") == [{"sum(revenue)": 3}]
    assert total("boss", "sum(revenue)") == [{"sum(revenue)": 8}]
    assert total("ann", "count()") == [{"count()": 2}]
    assert [row["revenue"] for row in total("ann", "count()", group=("revenue",))] == [3]


def test_export_history_reference_children_and_notice(office: Shop) -> None:
    number = office.customer(phone=CLEAR, revenue=77123)
    office.records.update(office.root, "customer", number, {"phone": CLEAR + "1"})
    assert CLEAR not in str([dict(r) for r in office.records.scan(office.ann, ListQuery("customer"))])
    assert CLEAR not in str(office.records.history(office.ann, "customer", number).data)
    assert CLEAR in str(office.records.history(office.boss, "customer", number).data)
    office.records.create(office.root, "activity", {"customer": number, "note": "met"})
    page = office.records.list(
        office.ann, ListQuery("activity", expand=("customer",), fields=("note", "customer.phone"))
    )
    assert CLEAR not in str(page.data)
    assert page.data[0]["customer.phone"] is None
    assert office.records.list(office.ann, ListQuery("activity", where=f'customer.phone == "{CLEAR}1"')).data == []
    assert len(office.records.list(office.boss, ListQuery("activity", where=f'customer.phone == "{CLEAR}1"')).data) == 1


def test_old_owner_sees_the_masked_view(office: Shop) -> None:
    number = office.customer("ann", phone=CLEAR)
    assert office.read(number, office.ann)["phone"] == CLEAR
    answer = office.act("ann", number, "release")
    assert CLEAR not in str(answer)
    assert CLEAR not in str(office.read(number, office.ann))
    assert office.act("bob", number, "claim")["phone"] == CLEAR


def test_notice_text(office: Shop, database: Handle) -> None:
    from guanxi.expressions.template import check_template
    from guanxi.runtime.access.actor import SYSTEM
    from guanxi.runtime.messages.rendering import View, fill
    from guanxi.runtime.records.work import Work

    del database
    number = office.customer(phone=CLEAR)
    template = check_template("call {phone} of {name}", office.services.registry, "customer")
    work = Work(office.records.room, SYSTEM)
    row = work.row("customer", number)
    assert row is not None
    said = {who: fill(template, View.of(work, office.people[who]), row) for who in ("ann", "boss")}
    assert CLEAR not in said["ann"]
    assert said["ann"].endswith("of C")
    assert said["boss"] == f"call {CLEAR} of C"
