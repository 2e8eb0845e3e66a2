"""What nobody should send: every answer is a problem below 500, and nothing is written."""

from __future__ import annotations

import pytest

from guanxi.runtime.api.blueprint import undeclared
from tests.support.instances import PASSWORD, House

HOSTILE = [
    "\x00",
    "a\x00b",
    "x" * 100_000,
    2**63,
    -(2**70),
    1e308,
    1.5,
    True,
    [],
    {},
    [[[]]],
    {"$gt": ""},
    "'; DROP TABLE o_customer; --",
    "{{7*7}}",
    "\u202e\ufeff",
    "2026-02-30",
    "\ud7ff\U0010ffff",
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: ascii(v)[:24])
def test_hostile_values_are_refused_or_stored_as_data(house: House, value: object) -> None:
    for name in ("name", "code", "phone", "region", "credit", "level"):
        answer = house.post("/api/customer", {"name": "n", name: value}, "li")
        assert answer.status_code in (201, 400, 422), (name, answer.text)
    for name in ("customer", "amount", "closed_on", "stage"):
        assert house.post("/api/deal", {"name": "n", name: value}, "li").status_code in (201, 400, 422), name


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/customer", {"where": "1 +"}),
        ("/api/customer", {"where": "name.__class__ == 1"}),
        ("/api/customer", {"where": "(" * 5000}),
        ("/api/customer", {"where": 'name == "a"' + ' or name == "a"' * 400}),
        ("/api/customer", {"where": "level"}),
        ("/api/customer", {"where": "now() > 3"}),
        ("/api/customer", {"where": "9**9**9 > 1"}),
        ("/api/customer", {"sort": "owner.team.name.x.y.z"}),
        ("/api/customer", {"sort": ","}),
        ("/api/customer", {"fields": "password"}),
        ("/api/customer", {"expand": "owner.owner.owner"}),
        ("/api/customer", {"limit": "0"}),
        ("/api/customer", {"limit": "501"}),
        ("/api/customer", {"limit": "1e3"}),
        ("/api/customer", {"offset": "-1"}),
        ("/api/customer", {"after": "AAAA"}),
        ("/api/customer", {"after": "%00"}),
        ("/api/customer", {"total": "yes"}),
        ("/api/customer", {"view": "nothing"}),
        ("/api/customer", {"wher": "1"}),
        ("/api/customer", {"q": "\x00"}),
        ("/api/customer/aggregate", {"measures": "sum(name)"}),
        ("/api/customer/aggregate", {"measures": "count(), ,"}),
        ("/api/customer/aggregate", {"group": "nothing"}),
    ],
)
def test_malformed_queries_are_400(house: House, path: str, query: dict[str, str]) -> None:
    answer = house.get(path, "li", **query)
    assert answer.status_code == 400, answer.text
    assert answer.json["code"]
    assert answer.json["detail"]


@pytest.mark.parametrize("number", ["0", "-1", "01", "abc", "9223372036854775808", "1.0", "%00", "１"])
def test_ids_that_cannot_be_are_not_found(house: House, number: str) -> None:
    assert house.get(f"/api/customer/{number}", "li").status_code == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b'{"a":' * 3000, "application/json", 400),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"\xff\xfe", "application/json", 400),
    ],
)
def test_bodies_that_are_no_json_object(house: House, body: bytes, kind: str, status: int) -> None:
    answer = house.call("POST", "/api/customer", "li", data=body, content_type=kind)
    assert answer.status_code == status, answer.text


def test_methods_and_objects_that_are_not_there(house: House) -> None:
    wrong = house.call("PUT", "/api/customer", "li")
    assert (wrong.status_code, wrong.content_type) == (405, "application/problem+json")
    missing = house.get("/api/custome", "li")
    assert missing.status_code == 404
    assert "customer" in missing.json["detail"]
    assert house.get("/api/customer", None).status_code == 401
    assert house.get("/api/meta/versions", "li").status_code == 403


def test_log_in_is_uniform_and_limited(house: House) -> None:
    good = house.post("/api/auth/token", {"name": "li", "password": PASSWORD}, None)
    assert good.status_code == 200
    token = good.json["token"]
    client = house.app.test_client()
    assert client.get("/api/me", headers={"Authorization": f"Bearer {token}"}).json["name"] == "li"
    wrong = house.post("/api/auth/token", {"name": "li", "password": "no"}, None)
    unknown = house.post("/api/auth/token", {"name": "nobody", "password": "no"}, None)
    assert (wrong.status_code, wrong.json) == (unknown.status_code, unknown.json) == (401, wrong.json)
    statuses = [house.post("/api/auth/token", {"name": "li", "password": "no"}, None).status_code for _ in range(22)]
    assert statuses[-1] == 429
    assert 500 not in statuses


def test_a_disabled_person_is_out_at_once(house: House) -> None:
    me = house.get("/api/me", "li").json
    assert house.patch(f"/api/user/{me['id']}", {"active": False}).status_code == 200
    assert house.get("/api/me", "li").status_code == 401


def test_every_route_says_who_may_call_it(house: House) -> None:
    assert undeclared(house.app) == []


def test_health_and_figures(house: House) -> None:
    assert house.get("/healthz", None).status_code == 200
    assert house.get("/readyz", None).json["checks"] == {"database": "ok", "metadata": "ok"}
    house.get("/api/customer", "li")
    text = house.get("/metrics", None).text
    assert 'guanxi_requests_total{endpoint="guanxi_api.list",method="GET",status="200"}' in text
