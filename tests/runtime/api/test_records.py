"""Records over HTTP, the way a client sees them."""

from __future__ import annotations

import pytest

from tests.support.instances import House


def customer(house: House, who: str = "li", **values: object) -> int:
    answer = house.post("/api/customer", {"name": "恒信贸易", **values}, who)
    assert answer.status_code == 201, answer.text
    return int(answer.json["id"])


def codes(answer: object) -> dict[str, str]:
    return {e["field"]: e["code"] for e in answer.json["errors"]}  # type: ignore[attr-defined]


def test_a_record_comes_and_goes(house: House) -> None:
    made = house.post("/api/customer", {"name": "恒信贸易", "credit": "1200.50", "code": "A1", "region": "north"}, "li")
    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/customer/{made.json['id']}"
    assert made.headers["ETag"] == '"1"'
    assert made.json["credit"] == "1200.50"
    assert made.json["level"] == "b"
    path = made.headers["Location"]

    changed = house.patch(path, {"level": "a"}, "li", headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"], changed.json["level"]) == (200, '"2"', "a")
    stale = house.patch(path, {"level": "b"}, "li", headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["current_version"]) == (412, 2)

    assert house.delete(path, "li").status_code == 204
    assert house.get(path, "li").status_code == 404
    back = house.post(path + "/restore", who="li")
    assert back.status_code == 200
    assert house.get(path, "li").json["level"] == "a"
    history = house.get(path + "/history", "li").json["data"]
    assert [h["action"] for h in history] == ["restore", "delete", "update", "create"]
    assert history[2]["changes"]["level"] == {"from": "b", "to": "a"}


def test_refusals_name_field_and_code(house: House) -> None:
    values = {"name": "", "phone": "12", "region": "nort", "credit": "1.234", "nam": 1, "version": 3}
    bad = house.post("/api/customer", values)
    assert bad.status_code == 422
    assert bad.content_type == "application/problem+json"
    assert codes(bad) == {
        "name": "required",
        "phone": "type",
        "region": "choice",
        "credit": "type",
        "nam": "unknown_field",
        "version": "read_only",
    }
    rule = house.post("/api/customer", {"name": "x", "credit": "5"}, "li", headers={"Accept-Language": "zh-CN"})
    assert rule.json["errors"] == [{"field": "credit", "code": "rule", "message": "授信需要客户编码"}]
    assert house.get("/api/customer", total="exact").json["total"] == 0


def test_unique_text_compares_folded(house: House) -> None:
    customer(house, code="Ab 1")
    again = house.post("/api/customer", {"name": "y", "code": "ａＢ  1"}, "wang")
    assert (again.status_code, codes(again)) == (422, {"code": "unique"})


def test_strict_objects_need_the_version(house: House) -> None:
    deal = house.post("/api/deal", {"name": "d"}, "li").json
    path = f"/api/deal/{deal['id']}"
    assert house.patch(path, {"name": "e"}, "li").status_code == 428
    assert house.patch(path, {"name": "e"}, "li", headers={"If-Match": '"1"'}).status_code == 200


def test_colleagues_records_do_not_exist(house: House) -> None:
    number = customer(house)
    for method in ("GET", "DELETE"):
        assert house.call(method, f"/api/customer/{number}", "wang").status_code == 404
    assert house.patch(f"/api/customer/{number}", {"name": "z"}, "wang").status_code == 404
    assert house.get("/api/customer", "wang", total="exact").json == {"data": [], "next": None, "total": 0}
    assert house.get("/api/customer/aggregate", "wang").json["data"] == [{"count()": 0}]


def test_hidden_and_masked_fields_leak_nowhere(house: House) -> None:
    number = customer(house)
    assert house.patch(f"/api/customer/{number}", {"secret_note": "blue", "phone": "13812345678"}).status_code == 200
    seen = house.get(f"/api/customer/{number}", "li").json
    assert "secret_note" not in seen
    assert "1234" not in seen["phone"]
    for query in ({"where": 'secret_note == "blue"'}, {"sort": "secret_note"}, {"fields": "secret_note"}):
        hidden = house.get("/api/customer", "li", **query)
        assert hidden.status_code == 400, query
        unknown = house.get("/api/customer", "li", **{k: v.replace("secret_note", "no_such") for k, v in query.items()})
        assert hidden.json["code"] == unknown.json["code"]
    assert house.get("/api/customer", "li", where='starts_with(phone, "+86138")').status_code == 400
    assert house.get("/api/customer", "li", q="13812345678").json["data"] == []
    assert len(house.get("/api/customer", q="13812345678").json["data"]) == 1
    refused = house.post("/api/customer", {"name": "n", "secret_note": "x"}, "li")
    assert codes(refused) == {"secret_note": "unknown_field"}
    assert "secret_note" not in house.get(f"/api/customer/{number}/history", "li").text
    assert "secret_note" not in house.get("/api/meta/objects/customer", "li").text
    assert "secret_note" not in house.get("/api/openapi.json", "li").text


def test_lists_filter_sort_page_and_expand(house: House) -> None:
    ids = [customer(house, name=f"c{i}", region="north" if i % 2 else "east") for i in range(7)]
    house.post("/api/deal", {"name": "d", "customer": ids[1], "amount": "2000"}, "li")
    first = house.get("/api/customer", "li", where='region == "north"', sort="-name", limit=2, fields="id,name").json
    assert [r["name"] for r in first["data"]] == ["c5", "c3"]
    rest = house.get(
        "/api/customer", "li", where='region == "north"', sort="-name", limit=2, fields="id,name", after=first["next"]
    ).json
    assert ([r["name"] for r in rest["data"]], rest["next"]) == (["c1"], None)
    other = house.get("/api/customer", "li", sort="name", after=first["next"])
    assert other.status_code == 400
    assert [r["name"] for r in house.get("/api/customer", "li", view="north").json["data"]] == ["c5", "c3", "c1"]
    expanded = house.get("/api/deal", "li", expand="customer,customer.owner").json["data"][0]
    assert expanded["customer"]["title"] == "c1"
    assert expanded["customer"]["owner"]["title"] == "li"
    children = house.get(f"/api/customer/{ids[1]}/related/deals", "li").json["data"]
    assert [c["name"] for c in children] == ["d"]


def test_formulas_filter_sort_and_group(house: House) -> None:
    rich, poor = customer(house, name="rich"), customer(house, name="poor")
    for amount, owner in (("1500.25", rich), ("20", poor)):
        deal = house.post("/api/deal", {"name": "d", "customer": owner, "amount": amount}, "li").json
        move = f"/api/deal/{deal['id']}/actions/move_stage"
        for version, to in enumerate(("offer", "won"), 1):
            assert house.post(move, {"to": to}, "li", headers={"If-Match": f'"{version}"'}).status_code == 200
    found = house.get("/api/customer", "li", where='tier == "gold"', fields="name,won,tier").json["data"]
    assert [(r["name"], r["tier"]) for r in found] == [("rich", "gold")]
    assert [r["name"] for r in house.get("/api/customer", "li", sort="-won").json["data"]] == ["rich", "poor"]
    groups = house.get("/api/customer/aggregate", "li", group="tier", measures="count(),sum(won)").json["data"]
    assert {g["tier"]: g["count()"] for g in groups} == {"gold": 1, "standard": 1}


def test_stages_hold_on_every_path(house: House) -> None:
    deal = house.post("/api/deal", {"name": "d"}, "li").json
    path = f"/api/deal/{deal['id']}"
    jump = house.patch(path, {"stage": "won"}, "li", headers={"If-Match": '"1"'})
    assert (jump.status_code, codes(jump)["stage"]) == (422, "stage")
    move = path + "/actions/move_stage"
    assert house.post(move, {"to": "offer"}, "li").status_code == 428
    needs = house.post(move, {"to": "offer", "version": 1}, "li")
    assert (needs.status_code, codes(needs)) == (422, {"amount": "required"})
    with_amount = house.post(move, {"to": "offer", "values": {"amount": "5"}, "version": 1}, "li")
    assert with_amount.status_code == 200
    won = house.post(move, {"to": "won"}, "li", headers={"If-Match": '"2"'})
    assert won.status_code == 200
    assert house.get(path, "li").json["closed_on"]
    assert house.post(path + "/actions/give_up", who="li").status_code in (409, 422)
    assert house.post(path + "/actions/nothing", who="li").status_code == 404


def test_a_restricted_parent_stays(house: House) -> None:
    number = customer(house)
    house.post("/api/deal", {"name": "d", "customer": number}, "li")
    refused = house.delete(f"/api/customer/{number}", "li")
    assert refused.status_code in (409, 422)
    assert house.get(f"/api/customer/{number}", "li").status_code == 200


@pytest.mark.parametrize("atomic", [True, False])
def test_batches_answer_in_order(house: House, atomic: bool) -> None:
    number = customer(house, code="K1")
    operations = [
        {"op": "create", "values": {"name": "one"}},
        {"op": "update", "id": number, "version": 1, "values": {"level": "a"}},
        {"op": "upsert", "key": {"code": "K9"}, "values": {"name": "nine"}},
        {"op": "create", "values": {"name": ""}},
        {"op": "delete", "id": 99999},
    ]
    answer = house.post("/api/customer/batch", {"operations": operations, "atomic": atomic}, "li")
    results = answer.json["results"]
    total = house.get("/api/customer", total="exact").json["total"]
    if atomic:
        assert [r["status"] for r in results] == [424, 424, 424, 422, 404]
        assert total == 1
    else:
        assert [r["status"] for r in results] == [201, 200, 201, 422, 404]
        assert total == 3
    assert results[3]["errors"][0]["code"] == "required"


def test_a_retry_with_a_key_does_nothing_twice(house: House) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = house.post("/api/customer", {"name": "once"}, "li", headers=headers)
    second = house.post("/api/customer", {"name": "once"}, "li", headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert (first.json, first.headers["Location"]) == (second.json, second.headers["Location"])
    assert house.get("/api/customer", "li", total="exact").json["total"] == 1
    other = house.post("/api/customer", {"name": "other"}, "li", headers=headers)
    assert other.status_code == 409
    assert house.post("/api/customer", {"name": "once"}, "wang", headers=headers).json["id"] != first.json["id"]


def test_search_finds_parts_pinyin_and_initials(house: House) -> None:
    customer(house, name="苏州恒力科技")
    for q in ("恒力", "hengli", "szhl", "力科", "SZHLKJ"):
        assert len(house.get("/api/customer", "li", q=q).json["data"]) == 1, q
    assert house.get("/api/customer", "li", q="恒大").json["data"] == []
