"""Publishing over HTTP: plan, apply, versions, rollback; what is published is there at the next request."""

from __future__ import annotations

from openapi_spec_validator import validate

from tests.runtime.api.conftest import SALES
from tests.support.instances import House

NOTE = """
kind: object
name: note
title: text
access: edit
fields:
  text: {type: text, required: true}
"""


def test_a_new_object_is_there_at_the_next_request(house: House) -> None:
    assert house.get("/api/note").status_code == 404
    files = {"sales.yaml": SALES, "note.yaml": NOTE}
    plan = house.post("/api/meta/plan", {"files": files}).json
    assert any("note" in step["title"] for step in plan["steps"])
    assert house.get("/api/note").status_code == 404
    done = house.post("/api/meta/apply", {"files": files, "plan": plan["fingerprint"]})
    assert done.status_code == 200, done.text
    assert house.post("/api/note", {"text": "hello"}).status_code == 201
    assert house.get("/api/note", "li").json["data"][0]["text"] == "hello"
    assert house.get("/api/meta/versions").json["data"][0]["number"] == done.json["version"]


def test_wrong_definitions_answer_every_fault_with_its_place(house: House) -> None:
    wrong = "kind: object\nname: x\ntitle: nam\nfields:\n  name: {type: chioce}\n"
    answer = house.publish({"x.yaml": wrong})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "x.yaml:5:16"
    assert "choice" in answer.json["errors"][0]["message"]


def test_a_lossy_change_needs_its_word_and_comes_back(house: House) -> None:
    house.post("/api/customer", {"name": "a", "secret_note": "kept"})
    smaller = SALES.replace("  secret_note: {type: text}\n", "").replace("secret_note: none, ", "")
    refused = house.publish({"sales.yaml": smaller})
    assert refused.status_code == 409
    assert "customer.secret_note" in refused.json.get("hint", "") + refused.json["detail"]
    assert house.publish({"sales.yaml": smaller}, "customer.secret_note").status_code == 200
    assert "secret_note" not in house.get("/api/customer").json["data"][0]
    before = house.get("/api/meta/versions").json["data"][1]["number"]
    back = house.post("/api/meta/rollback", {"version": before})
    assert back.status_code == 200, back.text
    assert house.get("/api/customer").json["data"][0]["secret_note"] == "kept"


def test_a_stale_plan_is_refused(house: House) -> None:
    files = {"sales.yaml": SALES, "note.yaml": NOTE}
    plan = house.post("/api/meta/plan", {"files": files}).json
    assert house.publish({"sales.yaml": SALES, "other.yaml": NOTE.replace("note", "memo")}).status_code == 200
    stale = house.post("/api/meta/apply", {"files": files, "plan": plan["fingerprint"]})
    assert (stale.status_code, stale.json["code"]) == (409, "stale_plan")


def test_the_openapi_document_is_valid_for_each_role(house: House) -> None:
    for who in ("admin", "li"):
        document = house.get("/api/openapi.json", who).json
        validate(document)
    assert "/api/customer" in document["paths"]
    assert "delete" not in document["paths"].get("/api/user/{id}", {})
    assert house.get("/api/docs", "li").status_code == 200


def test_the_grammar_is_published(house: House) -> None:
    assert house.get("/api/meta/schema").json["$schema"].startswith("https://json-schema.org/draft/2020-12")
