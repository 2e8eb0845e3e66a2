"""What visitors send becomes a record once, with the form's own rights, and never tells what exists."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from guanxi.runtime.forms.service import forms
from tests.support.instances import House

GOOD = {"name": "Ann Lee", "email": "ann@example.com", "phone": "13812345678", "need": "Apples"}


def leads(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.get("/api/lead", sort="id").json["data"]  # type: ignore[index]
    return found


def send(house: House, form: str = "ask_us", address: str = "10.1.1.1", /, **values: Any) -> Any:
    return house.app.test_client().post(f"/forms/{form}", json=values, environ_overrides={"REMOTE_ADDR": address})


def mark(house: House, form: str = "ask_us", seconds: int = 10) -> str:
    """The mark of a page that was made some seconds ago."""
    room = house.host.services().records.room
    return forms(room).tokens.start(form, room.clock.now() - timedelta(seconds=seconds))


def rows(house: House) -> list[tuple[Any, ...]]:
    return house.instance.database.rows("SELECT state, reason, record_id FROM gx_form_submissions ORDER BY id")


def codes(answer: Any) -> set[tuple[str, str]]:
    return {(one["field"], one["code"]) for one in answer.json["errors"]}


def test_json_becomes_a_record_and_rules_run(house: House) -> None:
    answer = send(house, **GOOD)
    assert (answer.status_code, answer.json) == (201, {"ok": True, "thanks": "Thank you!"})
    assert "Set-Cookie" not in answer.headers
    assert [(one["name"], one["source"], one["owner"], one["stamp"]) for one in leads(house)] == [
        ("Ann Lee", "website", None, "new Ann Lee")
    ]
    again = send(house, **{**GOOD, "email": "b@example.com", "_lang": "zh"})
    assert again.json == {"ok": True, "thanks": "谢谢！"}
    assert rows(house) == [("accepted", "", 1), ("accepted", "", 2)]


def test_only_what_the_form_asks_for_is_taken(house: House) -> None:
    answer = send(house, **GOOD, secret="x", owner=1, nmae="y", source="fair")
    assert answer.status_code == 422
    assert codes(answer) == {(name, "unknown_field") for name in ("secret", "owner", "nmae", "source")}
    assert (leads(house), rows(house)) == ([], [])


def test_everything_wrong_is_told_at_once_and_in_the_language(house: House) -> None:
    answer = send(house, phone="12", email="nobody", wants=["z"], _lang="zh")
    assert answer.status_code == 422
    assert {("email", "type"), ("wants", "choice"), ("name", "required")} <= codes(answer)
    assert any("必须" in one["message"] for one in answer.json["errors"])
    assert leads(house) == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"name": 1, "name": 2}', b'{"name": "\\u0000"}', b'{"_p": 5}', b'{"name": {"a": []}}']
)
def test_no_body_gives_a_fault_of_ours(house: House, body: bytes) -> None:
    answer = house.app.test_client().post("/forms/ask_us", data=body, content_type="application/json")
    assert 400 <= answer.status_code < 500, answer.text


def test_forms_that_are_closed_or_unknown_do_not_exist(house: House) -> None:
    assert [send(house, name, name="x").status_code for name in ("closed", "nowhere")] == [404, 404]


def test_what_exists_is_not_told_and_gets_a_note(house: House) -> None:
    assert send(house, **GOOD).json == send(house, **{**GOOD, "name": "Eve", "need": "Pears"}).json
    assert [one["name"] for one in leads(house)] == ["Ann Lee"]
    assert rows(house) == [("accepted", "", 1), ("refused", "known", 1)]
    posts = house.instance.database.rows("SELECT record_id, body FROM gx_posts")
    assert [row[0] for row in posts] == [1]
    assert {"Pears", "Eve"} <= set(re.findall("Pears|Eve", posts[0][1]))
    other = {**GOOD, "email": "c@example.com", "code": "K1"}
    assert send(house, **other).status_code == 201
    assert send(house, **{**other, "email": "d@example.com", "phone": "13912345678"}).status_code == 201  # unique code
    assert len(leads(house)) == 2


def test_alike_records_are_made_all_the_same(house: House) -> None:
    send(house, **GOOD)
    send(house, **{**GOOD, "email": "other@example.com"})  # the phone only warns
    assert len(leads(house)) == 2


def test_the_same_again_is_thanked_and_not_kept(house: House) -> None:
    assert [send(house, **GOOD).status_code for _ in range(3)] == [201, 201, 201]
    assert (len(leads(house)), len(rows(house))) == (1, 1)


def test_a_role_bounds_a_form(house: House) -> None:
    assert send(house, "narrow", name="Bo").status_code == 201
    answer = send(house, "narrow", name="Cy", secret="x")
    assert answer.status_code == 422
    assert [one["name"] for one in leads(house)] == ["Bo"]


def test_limits_hold_for_an_address_and_tell_when(house: House) -> None:
    given = [send(house, **{**GOOD, "email": f"a{n}@example.com"}) for n in range(6)]
    assert [one.status_code for one in given] == [201] * 5 + [429]
    assert 3500 < int(given[-1].headers["Retry-After"]) <= 3600
    assert send(house, "ask_us", "10.9.9.9", **{**GOOD, "email": "z@example.com"}).status_code == 201
    assert len(leads(house)) == 6


def test_machines_are_thanked_and_held_back(house: House) -> None:
    assert send(house, **GOOD, _homepage="http://spam").json == {"ok": True, "thanks": "Thank you!"}
    started = house.app.test_client().get("/forms/ask_us/schema").json["started"]  # type: ignore[index]
    send(house, **{**GOOD, "need": "fast"}, _started=started)
    send(house, **{**GOOD, "need": "http://a http://b www.c [url=d]"})
    assert leads(house) == []
    assert [row[:2] for row in rows(house)] == [("spam", "bait"), ("spam", "fast"), ("spam", "links")]
    stale = send(house, **GOOD, _started="nonsense")
    assert (stale.status_code, stale.json["code"]) == (400, "expired")


def test_administrators_look_and_let_in(house: House) -> None:
    send(house, **GOOD, _homepage="x", _consent="1")
    send(house, **{**GOOD, "email": "e@example.com"}, _homepage="x")
    page = house.get("/api/meta/form-submissions", state="spam").json
    first = page["data"][-1]  # type: ignore[index]
    assert first["content"]["values"]["name"] == "Ann Lee"
    done = house.post(f"/api/meta/form-submissions/{first['id']}/accept")
    assert (done.status_code, done.json["state"], done.json["content"]) == (200, "accepted", None)  # type: ignore[index]
    assert [one["name"] for one in leads(house)] == ["Ann Lee"]
    assert house.post(f"/api/meta/form-submissions/{first['id']}/accept").status_code == 409
    assert house.post(f"/api/meta/form-submissions/{first['id'] + 1}/refuse").json["state"] == "refused"  # type: ignore[index]
    house.person("li", "sales")
    assert house.get("/api/meta/form-submissions", who="li").status_code == 403


def test_consent_is_kept_word_by_word(house: House) -> None:
    send(house, **GOOD, consent=True)
    send(house, **{**GOOD, "email": "no@example.com"})
    found = house.instance.database.rows("SELECT channel, address, state, source, wording, record_id FROM gx_consents")
    assert found == [("email", "ann@example.com", "given", "form:ask_us", "2026-03: You may write to me.", 1)]


def test_a_page_takes_texts_files_and_ticks(house: House) -> None:
    client = house.app.test_client()
    page = client.get("/forms/ask_us?campaign=fair+7", headers={"Accept": "text/html"})
    assert (page.status_code, "Set-Cookie" in page.headers) == (200, False)
    started = page.text.split('name="_started" value="')[1].split('"')[0]
    fields = {**GOOD, "campaign": "fair 7", "wants": ["a", "b"], "_started": started, "_lang": "zh"}
    fast = client.post("/forms/ask_us", data=fields, headers={"Accept": "text/html"})
    assert (fast.status_code, "谢谢！" in fast.text) == (200, True)
    assert leads(house) == []
    fields["_started"] = mark(house)
    fields["paper"] = (BytesIO(b"%PDF-1.4 x"), "offer.pdf")
    done = client.post(
        "/forms/ask_us", data=fields, headers={"Accept": "text/html"}, content_type="multipart/form-data"
    )
    assert done.status_code == 200, done.text
    found = leads(house)[0]
    assert (found["wants"], found["campaign"], found["paper"]["name"]) == (["a", "b"], "fair 7", "offer.pdf")
    assert house.get(f"/api/files/{found['paper']['id']}").data == b"%PDF-1.4 x"


def test_a_page_shows_faults_and_what_was_typed(house: House) -> None:
    client = house.app.test_client()
    started = mark(house)
    given = {"name": "<b>Ann</b>", "email": "wrong", "_started": started}
    answer = client.post("/forms/ask_us", data=given, headers={"Accept": "text/html"})
    assert answer.status_code == 422
    assert 'id="email-fault"' in answer.text
    assert "&lt;b&gt;Ann&lt;/b&gt;" in answer.text
    assert "<b>Ann" not in answer.text
    old = client.post("/forms/ask_us", data={**GOOD}, headers={"Accept": "text/html"})
    assert (old.status_code, "once more" in old.text) == (400, True)
    assert client.get("/forms/nowhere", headers={"Accept": "text/html"}).status_code == 404


def test_other_sites_may_call_these_routes_only(house: House) -> None:
    client = house.app.test_client()
    for answer in (
        client.get("/forms/ask_us/schema"),
        client.get("/forms/ask_us/embed.js"),
        client.options("/forms/ask_us"),
        client.post(
            "/forms/ask_us", json=GOOD, headers={"Origin": "https://else.where", "Sec-Fetch-Site": "cross-site"}
        ),
    ):
        assert answer.status_code < 300
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Origin" not in client.get("/api/meta").headers
    assert client.get("/forms/ask_us?nothing=1").status_code == 400
