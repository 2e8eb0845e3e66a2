"""A dropped field or object leaves nothing to a later one of its name: no history, no files, no rights; a rollback
brings it back (Directus CVE-2025-64746: grants and revisions that outlived a field).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instances import House, make_house

PLAIN = "kind: object\nname: customer\ntitle: name\naccess: edit\nfields:\n  name: {type: text, required: true}\n"
OTHER = "kind: object\nname: other\ntitle: name\nfields: {name: {type: text}}\n"
SECRETS = "  secret: {type: text}\n  paper: {type: file}\n  friends: {type: references, to: other}\n"
ROLE = "kind: role\nname: sales\nincludes: [employee]\nobjects: {customer: {read: all, update: all, fields: {%s}}}\n"
HIDDEN = ROLE % "secret: none, paper: none, friends: none"


def files(more: str, role: str) -> dict[str, str]:
    return {"a.yaml": PLAIN + more, "b.yaml": OTHER, "c.yaml": role}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    made = make_house(tmp_path / "instance", database_url, files(SECRETS, HIDDEN))
    made.person("ann", "sales")
    yield made
    made.close()


def told(house: House, who: str) -> str:
    return house.get("/api/customer/1/history", who).text


def test_a_new_field_of_an_old_name_starts_without_a_past(house: House) -> None:
    friend = house.post("/api/other", {"name": "F"}).json["id"]
    upload = {"file": (io.BytesIO(b"old words"), "old paper.txt")}
    card = house.call("POST", "/api/files", data=upload).json
    values = {"name": "A", "secret": "old secret", "paper": card, "friends": [friend]}
    assert house.post("/api/customer", values).status_code == 201
    assert house.patch("/api/customer/1", {"secret": "older secret"}).status_code == 200
    before = told(house, "admin")
    assert "older secret" in before
    assert "secret" not in told(house, "ann")

    refused = house.publish(files("", HIDDEN), "customer.secret", "customer.paper", "customer.friends")
    assert refused.status_code in (400, 422), "a role may not name what is gone"
    gone = house.publish(files("", ROLE % ""), "customer.secret", "customer.paper", "customer.friends")
    assert gone.status_code == 200, gone.text
    assert "secret" not in told(house, "admin")
    assert house.publish(files(SECRETS, ROLE % "")).status_code == 200
    for who in ("ann", "admin"):
        assert house.get("/api/customer/1", who).json["secret"] is None
        assert "old" not in told(house, who)
        assert house.get(f"/api/files/{card['id']}", who).status_code == 404
    reused = house.patch("/api/customer/1", {"paper": card}, "ann")
    assert reused.status_code == 422, "a file of the former field is not the new one's"

    assert house.patch("/api/customer/1", {"secret": "new words"}, "ann").status_code == 200
    assert "new words" in told(house, "ann")


def test_a_rollback_brings_the_past_back(house: House) -> None:
    friend = house.post("/api/other", {"name": "F"}).json["id"]
    house.post("/api/customer", {"name": "A", "secret": "old secret", "friends": [friend]})
    before = house.get("/api/customer/1/history").json
    number = house.get("/api/meta/versions").json["data"][0]["number"]
    assert house.publish(files("", ROLE % ""), "customer.secret", "customer.friends").status_code == 200
    assert house.get("/api/customer/1/history").json != before
    back = house.post("/api/meta/rollback", {"version": number})
    assert back.status_code == 200, back.text
    assert house.get("/api/customer/1/history").json == before
    assert house.get("/api/customer/1").json["secret"] == "old secret"
    assert "secret" not in told(house, "ann")


def test_a_later_object_named_like_a_dropped_one_set_aside_has_its_own_history(house: House) -> None:
    house.post("/api/other", {"name": "F"})
    bare = {"a.yaml": PLAIN, "c.yaml": ROLE % ""}
    assert house.publish({**files("", ROLE % "")}).status_code == 200
    number = house.get("/api/meta/versions").json["data"][0]["number"]
    assert house.publish({**bare, "b.yaml": ""}, "other").status_code == 200
    look = OTHER.replace("name: other", f"name: x_other_{number + 1}")
    assert house.publish({**bare, "b.yaml": look}).status_code == 200
    name = f"x_other_{number + 1}"
    assert house.post(f"/api/{name}", {"name": "G"}).status_code == 201
    assert "F" not in house.get(f"/api/{name}/1/history").text
