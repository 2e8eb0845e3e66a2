"""Notices, consents, templates, the log and the mail hook over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from guanxi.app.factory import create_app
from guanxi.app.instance import Instance
from tests.runtime.messages.conftest import HOUSE
from tests.support.instances import House, make_house

SECRET = "a-long-shared-secret"
BEARER = {"Authorization": f"Bearer {SECRET}"}
RAW = b"From: Ann <ann@example.com>\r\nTo: crm@example.com\r\nSubject: Hi\r\nMessage-ID: <%d@x>\r\n\r\nHello\r\n"


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    made = make_house(tmp_path / "one", database_url, {"all.yaml": HOUSE})
    file = tmp_path / "one" / "guanxi.yaml"
    settings = json.loads(file.read_text("utf-8")) | {
        "url": "https://crm.example.com",
        "mail": {"from": "CRM <crm@example.com>", "hook": {"secret": SECRET}},
    }
    file.write_text(json.dumps(settings), encoding="utf-8")
    instance = Instance.open(tmp_path / "one")
    again = House(instance, create_app(instance), made.tokens)
    made.close()
    again.person("li", "sales")
    again.person("clerk", "clerk")
    yield again
    again.close()


def contact(house: House, **values: object) -> int:
    made = house.post("/api/contact", {"name": "Ann", "email": "ann@example.com", **values}, who="li")
    assert made.status_code == 201, made.text
    return int(made.json["id"])


def test_notices(house: House) -> None:
    services = house.host.services()
    li = next(row["id"] for row in house.get("/api/user", q="li").json["data"] if row["name"] == "li")
    for number in range(3):
        services.notifications.send([li], "task", f"n{number}")
    page = house.get("/api/notifications", who="li", limit=2).json
    assert ([one["text"] for one in page["data"]], page["unread"]) == (["n2", "n1"], 3)
    rest = house.get("/api/notifications", who="li", after=page["next"]).json
    assert [one["text"] for one in rest["data"]] == ["n0"]
    assert house.get("/api/notifications", who="clerk").json["data"] == []
    first = page["data"][0]["id"]
    assert house.post("/api/notifications/read", {"ids": [first]}, who="clerk").json == {"changed": 0, "unread": 0}
    assert house.post("/api/notifications/read", {"ids": [first]}, who="li").json == {"changed": 1, "unread": 2}
    assert house.post("/api/notifications/read", {"all": True}, who="li").json["unread"] == 0
    assert house.post("/api/notifications/read", {"ids": [first], "read": False}, who="li").json["unread"] == 1
    assert house.get("/api/notifications/unread", who="li").json == {"unread": 1}
    for wrong in ({}, {"all": False}, {"ids": ["1"]}, {"ids": [1], "all": True}, {"idz": []}, {"ids": [2**70]}):
        assert house.post("/api/notifications/read", wrong, who="li").status_code == 400
    for query in ({"after": "x"}, {"limit": "0"}, {"unread": "yes"}, {"colour": "red"}):
        assert house.get("/api/notifications", who="li", **query).status_code == 400
    assert house.get("/api/notifications", who=None).status_code == 401
    given = {"kinds": {"task": {"email": "daily"}}, "quiet": {"from": "22:00", "to": "07:00"}, "wecom": "LiNa"}
    changed = house.call("PATCH", "/api/notifications/settings", "li", json=given)
    assert changed.json["kinds"]["task"]["email"] == "daily"
    assert house.get("/api/notifications/settings", who="li").json["quiet"] == {"from": "22:00", "to": "07:00"}
    wrong_one = house.call("PATCH", "/api/notifications/settings", "li", json={"kinds": {"x": {}}})
    assert (wrong_one.status_code, wrong_one.json["errors"][0]["field"]) == (422, "kinds.x")


def test_consents_are_the_records(house: House) -> None:
    record = contact(house)
    path = f"/api/contact/{record}/consents"
    assert house.get(path, who="li").json["addresses"] == [
        {"channel": "email", "address": "ann@example.com", "marketing": False, "reason": "no_consent"}
    ]
    given = {"channel": "email", "state": "given", "source": "fair", "wording": "v2", "address": "Ann@example.com"}
    assert house.post(path, given, who="li").status_code == 201
    found = house.get(path, who="li").json
    assert found["addresses"][0]["marketing"] is True
    assert (found["data"][0]["source"], found["data"][0]["wording"]) == ("fair", "v2")
    assert house.post(path, given | {"address": "boss@example.com"}, who="li").status_code == 400
    assert house.post(path, given | {"state": "perhaps"}, who="li").status_code == 422
    assert house.post(path, given, who="clerk").status_code == 403
    masked = house.get(path, who="clerk").json
    assert (masked["addresses"], masked["data"][0]["address"]) == ([], "***")
    house.person("temp", "temp")
    assert house.get(path, who="temp").status_code == 404
    assert house.get("/api/contact/999/consents", who="li").status_code == 404


def test_mail_through_the_hook_reaches_the_timeline(house: House) -> None:
    record = contact(house)
    send = house.app.test_client().post
    mime = {"content_type": "message/rfc822", "headers": BEARER}
    assert send("/hooks/mail", data=RAW % 1, content_type="message/rfc822").status_code == 401
    wrong = {"Authorization": "Bearer nonsense"}
    assert send("/hooks/mail", data=RAW % 1, content_type="message/rfc822", headers=wrong).status_code == 401
    first = send("/hooks/mail", data=RAW % 1, **mime)
    assert (first.status_code, first.json["state"]) == (202, "matched")
    assert send("/hooks/mail", data=RAW % 1, **mime).json["state"] == "known"
    given = {
        "from": "ann@example.com",
        "subject": "再问",
        "text": "x",
        "attachments": [{"name": "a.txt", "content": "aGk="}],
    }
    second = send("/hooks/mail", json=given, headers=BEARER)
    assert second.json["state"] == "matched"
    for body in ({"fromm": "x"}, {"text": 7}, [], {"attachments": [{}]}):
        assert send("/hooks/mail", json=body, headers=BEARER).status_code == 400
    assert send("/hooks/mail", data=b"", **mime).status_code == 400
    assert send("/hooks/mail", data=b"x", content_type="image/png", headers=BEARER).status_code == 415
    shown = house.get(f"/api/contact/{record}/timeline", who="li").json["data"]
    mails = [one for one in shown if one["kind"] == "message"]
    assert [one["subject"] for one in mails] == ["再问", "Hi"]
    number = mails[0]["id"]
    path = f"/api/contact/{record}/messages/{number}/attachments/0"
    file = house.get(path, who="li")
    assert (file.data, file.headers["Content-Disposition"].split(";")[0]) == (b"hi", "attachment")
    assert house.get(path.replace("/0", "/1"), who="li").status_code == 404
    clerk = house.get(f"/api/contact/{record}/messages", who="clerk").json["data"]
    assert [one["from"] for one in clerk] == ["***", "***"]
    house.person("temp", "temp")
    for hidden in (path, f"/api/contact/{record}/messages", f"/api/contact/{record}/timeline"):
        assert house.get(hidden, who="temp").status_code == 404


def test_the_log_is_for_administrators(house: House) -> None:
    send = house.app.test_client().post
    send("/hooks/mail", data=RAW.replace(b"ann@", b"who@") % 5, content_type="message/rfc822", headers=BEARER)
    record = contact(house)
    assert house.get("/api/meta/messages", who="li").status_code == 403
    found = house.get("/api/meta/messages", direction="in", state="unmatched").json["data"]
    assert [one["subject"] for one in found] == ["Hi"]
    number = found[0]["id"]
    assert house.get("/api/meta/messages", state="odd").status_code == 400
    assert house.get("/api/meta/messages", q="%_\\").json["data"] == []
    assert house.post(f"/api/meta/messages/{number}/retry").status_code == 409
    assert house.post(f"/api/meta/messages/{number}/explode").status_code == 404
    assert house.post(f"/api/meta/messages/{number}/assign", {"object": "contact", "record": 999}).status_code == 404
    done = house.post(f"/api/meta/messages/{number}/assign", {"object": "contact", "record": record})
    assert done.json["records"] == [{"object": "contact", "id": record}]
    assert house.get(f"/api/meta/messages/{number}").json["state"] == "matched"
    assert house.get("/api/meta/messages/999").status_code == 404


def test_suppressed_addresses(house: House) -> None:
    house.host.services().messaging.consents.suppress("email", "a@example.com", scope="all", reason="bounced")
    assert [one["address"] for one in house.get("/api/meta/suppressions").json["data"]] == ["a@example.com"]
    assert house.get("/api/meta/suppressions", who="li").status_code == 403
    assert house.delete("/api/meta/suppressions/email/A@example.com", who="li").status_code == 403
    assert house.delete("/api/meta/suppressions/email/A@example.com").status_code == 204
    assert house.delete("/api/meta/suppressions/email/A@example.com").status_code == 404
    assert house.delete("/api/meta/suppressions/pigeon/A@example.com").status_code == 404


def test_a_template_is_previewed_as_far_as_one_may_see(house: House) -> None:
    record = contact(house, budget="900")
    path = "/api/meta/templates/offer/preview"
    seen = house.get(path, who="li", record=str(record), language="en").json
    assert (seen["subject"], seen["text"]) == ("Offer for Ann", "Dear Ann, up to 900.")
    assert house.get(path, who="li", record=str(record), language="zh").json["subject"] == "给Ann的报价"
    assert "***" in house.get(path, who="clerk", record=str(record), language="en").json["text"]
    assert house.get("/api/meta/templates/offr/preview", who="li", record="1").status_code == 404
    assert house.get(path, who="li", record=str(record), object="case").status_code == 409
    assert house.get(path, who="li").status_code == 400
    assert house.get(path, who="li", record="999").status_code == 404


def test_the_public_page_behind_the_link(house: House) -> None:
    consents = house.host.services().messaging.consents
    consents.note("email", "given", source="form", address="ann@example.com")
    token = consents.link("email", "ann@example.com", 1)
    client = house.app.test_client()
    looked = client.get(f"/u/{token}", headers={"Accept-Language": "zh"})
    assert looked.status_code == 200
    assert "ann@example.com" in looked.text
    assert "退订" in looked.text
    assert consents.refusal("email", "ann@example.com", marketing=True) == ""
    clicked = client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
    assert clicked.status_code == 200
    assert consents.refusal("email", "ann@example.com", marketing=True) == "unsubscribed"
    assert client.post(f"/u/{token}", data={"again": "1"}).status_code == 302
    assert consents.refusal("email", "ann@example.com", marketing=True) == ""
    for wrong in (token + "x", "%00", "..%2f"):
        assert client.get(f"/u/{wrong}").status_code in (404, 400)
