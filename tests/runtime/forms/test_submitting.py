"""What visitors send becomes a record once, with the form's own rights, and never tells what exists."""

from __future__ import annotations

from typing import Any

from tests.support.instances import House

GOOD = {"name": "Ann Lee", "email": "ann@example.com", "phone": "13812345678", "need": "Apples"}


def leads(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.get("/api/lead", sort="id").json["data"]  # type: ignore[index]
    return found


def test_json_becomes_a_record(house: House) -> None:
    answer = house.post("/forms/ask_us", GOOD, who=None)
    assert (answer.status_code, answer.json) == (201, {"ok": True, "thanks": "Thank you!"})
    found = leads(house)
    assert [(one["name"], one["source"], one["owner"], one["stamp"]) for one in found] == [
        ("Ann Lee", "website", None, "new Ann Lee")
    ]
    assert house.post(
        "/forms/ask_us", {**GOOD, "email": "b@example.com"}, who=None, headers={"Accept-Language": "zh-CN"}
    ).json == {
        "ok": True,
        "thanks": "谢谢！",
    }


def test_only_listed_fields_are_taken(house: House) -> None:
    answer = house.post("/forms/ask_us", {**GOOD, "secret": "x", "owner": 1, "nmae": "y"}, who=None)
    assert answer.status_code == 422
    assert {(e["field"], e["code"]) for e in answer.json["errors"]} == {  # type: ignore[index]
        ("secret", "unknown_field"),
        ("owner", "unknown_field"),
        ("nmae", "unknown_field"),
    }
    assert leads(house) == []
