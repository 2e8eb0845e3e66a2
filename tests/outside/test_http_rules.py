"""From outside, over HTTP: what a request must not do, expanded lists, money as shown, defaults of the platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import database_url  # noqa: F401 (a fixture)
from tests.support.instances import House, make_house

YAML = """
kind: object
name: product
title: name
fields: {name: {type: text, required: true}, parent: {type: reference, to: product}, cost: {type: money}}
---
kind: object
name: item
title: name
owned: true
fields:
  name: {type: text, required: true, search: true}
  n: {type: integer}
  amount: {type: money}
  tax: {type: formula, returns: money, value: amount * 0.333}
  products: {type: references, to: product, related: items}
  seller: {type: user, default: me}
---
kind: role
name: narrow
objects: {item: {create: true, read: own, update: own}}
---
kind: role
name: reader
objects: {item: {read: all}, product: {read: all, where: name != "hidden", fields: {cost: none}}}
"""


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:  # noqa: F811 (a fixture)
    made = make_house(tmp_path / "crm", database_url, {"all.yaml": YAML})
    yield made
    made.close()


def test_a_wrong_method_is_405_wherever_the_platform_has_a_word(house: House) -> None:
    wrong = {
        ("GET", "/api/auth/token"): "DELETE, OPTIONS, POST",
        ("POST", "/api/me"): "GET, HEAD, OPTIONS",
        ("PATCH", "/api/item/batch"): "OPTIONS, POST",
        ("POST", "/api/item/aggregate"): "GET, HEAD, OPTIONS",
        ("PUT", "/api/item/1"): "DELETE, GET, HEAD, OPTIONS, PATCH",
    }
    for (method, path), allowed in wrong.items():
        answer = house.call(method, path)
        assert (answer.status_code, answer.headers.get("Allow")) == (405, allowed), (method, path)
    assert house.get("/api//item").status_code == 404


def test_bodies_that_could_be_read_two_ways_are_refused(house: House) -> None:
    def send(data: bytes, kind: str = "application/json", **headers: str) -> int:
        return house.call("POST", "/api/item", data=data, headers={"Content-Type": kind, **headers}).status_code

    assert send(b'{"name": "a", "name": "b"}') == 400
    assert send(b'{"name": "a:b", "n": 1}') == 201
    assert send(b'{"name": "a"}', "application/json; charset=gbk") == 415
    assert send(b'{"name": "a"}', **{"Content-Encoding": "gzip"}) == 415
    assert house.post("/api/item/batch", {}).get_json()["code"] == "required"
    nested = b'{"operations": [{"op": "create", "values": {"name": "a", "name": "b"}}]}'
    assert house.call("POST", "/api/item/batch", data=nested, content_type="application/json").status_code == 400
    assert house.get("/api/item", total="exact").get_json()["total"] == 1


def test_if_match_takes_the_forms_of_the_standard(house: House) -> None:
    one = house.post("/api/item", {"name": "a"}).get_json()["id"]
    answers = {tag: house.patch(f"/api/item/{one}", {"n": 1}, headers={"If-Match": tag}).status_code
               for tag in ('"9"', '"7", "9"', "x", '"1', '"1"')}  # fmt: skip
    assert answers == {'"9"': 412, '"7", "9"': 412, "x": 400, '"1': 400, '"1"': 200}
    assert house.patch(f"/api/item/{one}", {"n": 2}, headers={"If-Match": '"1", "2"'}).status_code == 200


def test_a_list_of_references_expands_in_order_and_nests(house: House) -> None:
    top = house.post("/api/product", {"name": "top"}).get_json()["id"]
    sub = house.post("/api/product", {"name": "sub", "parent": top, "cost": "3"}).get_json()["id"]
    hidden = house.post("/api/product", {"name": "hidden"}).get_json()["id"]
    one = house.post("/api/item", {"name": "a", "products": [sub, hidden, top]}).get_json()["id"]
    house.post("/api/item", {"name": "none"})
    whole = house.get(f"/api/item/{one}", expand="products.parent", fields="name").get_json()
    assert [p["title"] for p in whole["products"]] == ["sub", "hidden", "top"]
    assert whole["products"][0]["parent"]["title"] == "top"
    listed = house.get("/api/item", expand="products,owner", fields="products", sort="id").get_json()["data"]
    assert [[p["name"] for p in row["products"]] for row in listed] == [["sub", "hidden", "top"], []]
    house.person("li", "reader")
    seen = house.get(f"/api/item/{one}", "li", expand="products").get_json()["products"]
    assert [p["title"] for p in seen] == ["sub", None, "top"]
    assert "cost" not in seen[0]
    assert seen[1] == {"id": hidden, "title": None}
    for wrong in ("productz", "products.nope", "products.parent.parent.parent.parent", "name"):
        assert house.get("/api/item", expand=wrong).status_code == 400, wrong


def test_money_is_compared_added_and_grouped_as_it_is_shown(house: House) -> None:
    for amount in ("0.50", "1.50", "2.50"):
        house.post("/api/item", {"name": "m", "amount": amount})
    rows = house.get("/api/item", fields="tax", sort="tax").get_json()["data"]
    assert [row["tax"] for row in rows] == ["0.17", "0.50", "0.83"]
    for row in rows:
        found = house.get("/api/item", where=f"tax == {row['tax']}", fields="tax").get_json()["data"]
        assert found == [row]
    total = house.get("/api/item/aggregate", measures="sum(tax),max(tax)").get_json()["data"]
    assert total == [{"sum(tax)": "1.50", "max(tax)": "0.83"}]
    grouped = house.get("/api/item/aggregate", group="tax", measures="count()", where="tax <= 0.17").get_json()
    assert grouped["data"] == [{"tax": "0.17", "count()": 1}]


def test_a_default_of_the_definitions_needs_no_right_to_look(house: House) -> None:
    me = house.person("li", "narrow")
    made = house.post("/api/item", {"name": "mine"}, who="li")
    assert (made.status_code, made.get_json()["seller"]) == (201, me)
    one = made.get_json()["id"]
    assert house.patch(f"/api/item/{one}", {"seller": me}, who="li").status_code == 200
    other = house.patch(f"/api/item/{one}", {"seller": 1}, who="li")
    assert (other.status_code, other.get_json()["errors"][0]["code"]) == (422, "reference")


def test_a_text_of_an_expression_may_give_characters_by_their_code(house: House) -> None:
    house.post("/api/item", {"name": "中文"})
    found = house.get("/api/item", where='name == "\\u4e2d\\u6587"').get_json()["data"]
    assert [row["name"] for row in found] == ["中文"]
    for wrong in ('name == "\\ud800"', 'name == "\\u0000"', 'name == "\\u12"'):
        assert house.get("/api/item", where=wrong).status_code == 400
