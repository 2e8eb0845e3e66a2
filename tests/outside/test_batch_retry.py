"""From outside: an Idempotency-Key and a batch that is taken back as a whole go together."""

from __future__ import annotations

from pathlib import Path

from tests.support.databases import database_url  # noqa: F401 (a fixture)
from tests.support.instances import make_house

YAML = """
kind: object
name: customer
title: name
fields: {name: {type: text, required: true}}
"""


def test_a_refused_batch_with_a_key_is_answered_and_repeated(tmp_path: Path, database_url: str) -> None:  # noqa: F811
    house = make_house(tmp_path / "crm", database_url, {"all.yaml": YAML})
    body = {"operations": [{"op": "create", "values": {"name": "A"}}, {"op": "create", "values": {}}, {"op": 1}]}
    key = {"Idempotency-Key": "once"}
    first = house.post("/api/customer/batch", body, headers=key)
    again = house.post("/api/customer/batch", body, headers=key)
    assert first.status_code == again.status_code == 200
    assert [one["status"] for one in first.get_json()["results"]] == [424, 422, 400]
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert house.get("/api/customer", total="exact").get_json()["total"] == 0
    whole = {"operations": body["operations"][:1]}
    for _ in range(2):
        made = house.post("/api/customer/batch", whole, headers={"Idempotency-Key": "good"})
        assert [one["status"] for one in made.get_json()["results"]] == [201]
    assert house.get("/api/customer", total="exact").get_json()["total"] == 1
