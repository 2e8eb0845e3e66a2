"""Lists, pages, totals, expansion: what the reader answers, on both engines."""

from __future__ import annotations

import pytest

from guanxi.common.errors import BadRequest, Forbidden, NotFound
from guanxi.runtime.query.request import ListQuery
from tests.runtime.query.house import BOSS, House, person

CLERK = person(1, "clerk")


def ids(page: object) -> list[int]:
    return [row["id"] for row in page.data]  # type: ignore[attr-defined]


def test_a_record_comes_in_json_form(house: House) -> None:
    row = house.reader.get(BOSS, "customer", 1)
    assert {k: row[k] for k in ("id", "version", "created_at", "owner", "team", "pool")} == {
        "id": 1, "version": 1, "created_at": "2026-03-01T08:00:00Z", "owner": 1, "team": 1, "pool": None,
    }  # fmt: skip
    assert row["revenue"] == "1000.50"
    assert row["due"] == "2026-03-01"
    assert row["active"] is True
    assert row["seen_at"] == "2026-02-01T08:30:00Z"
    assert row["tags"] == ["x", "y"]
    assert row["products"] == [2, 1]
    assert house.reader.get(BOSS, "customer", 2)["seen_at"] == "2026-02-01T08:30:01.000500Z"
    assert house.reader.get(BOSS, "customer", 2)["products"] == []


@pytest.mark.parametrize("number", [0, -1, 6, 7, 2**63, True, "1"])
def test_what_is_not_there_is_not_found(house: House, number: object) -> None:
    with pytest.raises(NotFound):
        house.reader.get(BOSS, "customer", number)  # type: ignore[arg-type]


def test_trash_needs_the_right_to_restore(house: House) -> None:
    assert ids(house.reader.list(BOSS, ListQuery("customer", trashed=True))) == [6]
    assert house.reader.get(BOSS, "customer", 6, trashed=True)["name"] == "Gone"
    with pytest.raises(Forbidden):
        house.reader.list(CLERK, ListQuery("customer", trashed=True))


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", [1, 2, 4, 3, 5]),  # by code point: capitals first
        ("-name", [5, 3, 4, 2, 1]),
        ("revenue", [4, 5, 2, 3, 1]),  # a blank sorts before every value
        ("-revenue", [1, 3, 2, 5, 4]),
        ("region,-level", [2, 4, 3, 1, 5]),
        ("level,-id", [5, 4, 2, 1, 3]),
        ("parent.name,-revenue", [1, 3, 2, 5, 4]),
        ("-parent.name,name", [4, 5, 2, 3, 1]),
    ],
)
def test_sorting_and_paging_agree(house: House, sort: str, expected: list[int]) -> None:
    keys = tuple((s.lstrip("-"), s.startswith("-")) for s in sort.split(","))
    assert ids(house.reader.list(BOSS, ListQuery("customer", sort=keys))) == expected
    for size in (1, 2, 3):
        seen, after = [], ""
        while True:
            page = house.reader.list(BOSS, ListQuery("customer", sort=keys, limit=size, after=after))
            seen += ids(page)
            if page.next is None:
                break
            after = page.next
        assert seen == expected
    assert [r["id"] for r in house.reader.scan(BOSS, ListQuery("customer", sort=keys))] == expected


def test_pages_are_stable_under_inserts(house: House) -> None:
    query = ListQuery("customer", sort=(("region", False),), limit=2)
    first = house.reader.list(BOSS, query)
    house.add("customer", {"id": 20, "name": "New", "region": "east"}, {"id": 21, "name": "Newer"})
    rest = house.reader.list(BOSS, ListQuery("customer", sort=query.sort, limit=50, after=first.next or ""))
    assert ids(first) + [i for i in ids(rest) if i < 20] == [2, 4, 1, 3, 5]


def test_a_cursor_fits_only_its_list(house: House) -> None:
    mark = house.reader.list(BOSS, ListQuery("customer", limit=1)).next or ""
    wrong = [
        ListQuery("customer", sort=(("name", False),), after=mark),
        ListQuery("deal", after=mark),
        ListQuery("customer", after=mark[:-2]),
        ListQuery("customer", after="é!"),
        ListQuery("customer", after="A" * 9000),
        ListQuery("customer", after=mark, offset=1),
    ]
    for query in wrong:
        with pytest.raises(BadRequest):
            house.reader.list(BOSS, query)


def test_totals(house: House) -> None:
    def total(**more: object) -> int | None:
        return house.reader.list(BOSS, ListQuery("customer", limit=2, **more)).total  # type: ignore[arg-type]

    assert total() is None
    assert total(total="exact") == 5
    assert total(total="estimate") == 5
    assert total(total="exact", offset=4) == 5
    assert total(total="exact", offset=9) == 5
    assert house.reader.list(BOSS, ListQuery("customer", total="exact")).total == 5


@pytest.mark.parametrize("bad", [{"limit": 0}, {"limit": 501}, {"offset": 10_001}, {"offset": -1}])
def test_bounds(house: House, bad: dict[str, int]) -> None:
    with pytest.raises(BadRequest):
        house.reader.list(BOSS, ListQuery("customer", **bad))  # type: ignore[arg-type]


def test_expansion_is_one_statement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    rows = house.db.rows

    def counted(*args: object) -> object:
        nonlocal count
        count += 1
        return rows(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(house.db, "rows", counted)
    page = house.reader.list(
        BOSS, ListQuery("customer", fields=("id", "products"), expand=("parent", "parent.owner", "owner"), limit=500)
    )
    assert count == 1
    found = {row["id"]: row for row in page.data}
    assert found[1]["parent"] is None
    assert found[4]["parent"]["title"] == "Gamma"
    assert found[4]["parent"]["revenue"] == "700.00"
    assert found[4]["parent"]["owner"] == {
        "id": 10, "title": "u10", "name": "u10", "region": "north", "team": 2, "phone": "1380000000",
    }  # fmt: skip
    assert found[1]["owner"]["name"] == "u1"
    assert found[1]["products"] == [2, 1]


def test_fields_and_paths(house: House) -> None:
    page = house.reader.list(BOSS, ListQuery("customer", fields=("name", "parent.name", "parent.owner.team.name")))
    assert page.data[3] == {"name": "Delta", "parent.name": "Gamma", "parent.owner.team.name": "Two"}
    assert page.data[0] == {"name": "Acme 张三丰", "parent.name": None, "parent.owner.team.name": None}


def test_related_lists(house: House) -> None:
    def children(actor: object, parent: int, name: str, object_name: str) -> list[int]:
        query = ListQuery(object_name, related=("customer" if name != "customers" else "product", parent, name))
        return ids(house.reader.list(actor, query))  # type: ignore[arg-type]

    assert children(BOSS, 1, "deals", "deal") == [1, 2]
    assert children(CLERK, 1, "deals", "deal") == [1]
    assert children(BOSS, 1, "branches", "customer") == [2, 3]
    assert children(BOSS, 2, "customers", "customer") == [1]
    for wrong in ((2, "deals", "deal"), (1, "dels", "deal"), (1, "deals", "customer")):
        with pytest.raises(NotFound):
            children(CLERK, *wrong)


@pytest.mark.parametrize(
    ("asked", "code", "hint"),
    [
        ({"fields": ("nme",)}, "unknown_field", "name"),
        ({"sort": (("revenu", False),)}, "unknown_field", "revenue"),
        ({"expand": ("ownr",)}, "unknown_field", "owner"),
        ({"expand": ("name",)}, "unknown_field", ""),
        ({"expand": ("products.nme",)}, "unknown_field", "name"),
        ({"view": "bigg"}, "unknown_view", "big"),
        ({"sort": (("tags", False),)}, "bad_sort", ""),
        ({"sort": (("products", False),)}, "bad_sort", ""),
        ({"fields": ("name.x",)}, "unknown_field", ""),
        ({"sort": (("parent.parent.parent.parent.parent.name", False),)}, "unknown_field", ""),
        ({"pool": "north"}, "unknown_pool", ""),
        ({"q": "a" * 300}, "bad_request", ""),
        ({"q": "a\x00"}, "bad_request", ""),
        ({"where": "nme == 1"}, "expression-name", "name"),
        ({"where": "name =="}, "expression-syntax", ""),
        ({"where": "revenue"}, "expression-type", ""),
        ({"where": "changed(name)"}, "expression-sql", ""),
        ({"where": "1 == 1 or " * 300 + "1 == 1"}, "expression-limit", ""),
    ],
)
def test_unknown_names_are_refused_with_a_hint(house: House, asked: dict[str, object], code: str, hint: str) -> None:
    with pytest.raises(BadRequest) as caught:
        house.reader.list(BOSS, ListQuery("customer", **asked))  # type: ignore[arg-type]
    assert caught.value.code == code
    assert hint in caught.value.hint
    if code.startswith("expression"):
        assert ":" in caught.value.position


def test_unknown_object(house: House) -> None:
    with pytest.raises(NotFound) as caught:
        house.reader.list(BOSS, ListQuery("custmer"))
    assert "customer" in caught.value.hint
