"""Personal links: about one record, used once where the form says so; what is known is not asked again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from guanxi.runtime.forms.service import forms
from tests.runtime.forms.test_submitting import GOOD, codes, leads, mark, send
from tests.support.instances import House


def link(house: House, form: str, record: int, who: str = "admin") -> str:
    answer = house.post(f"/api/meta/forms/{form}/link", {"record": record}, who=who)
    assert answer.status_code == 201, answer.text
    found: str = answer.json["url"]  # type: ignore[index]
    return found.split("?p=")[1]


def asked(house: House, form: str, token: str) -> list[str]:
    answer = house.app.test_client().get(f"/forms/{form}/schema?p={token}")
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json["fields"]]  # type: ignore[index]


def answers(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.get("/api/answer").json["data"]  # type: ignore[index]
    return found


def test_a_survey_is_answered_once_about_its_record(house: House) -> None:
    send(house, **GOOD)
    house.patch("/api/lead/1", {"company": "Acme"})
    token = link(house, "satisfaction", 1)
    client = house.app.test_client()
    assert client.get(f"/forms/satisfaction?p={token}", headers={"Accept": "text/html"}).status_code == 200
    assert codes(send(house, "satisfaction", _p=token, score=11)) == {("score", "range")}
    assert send(house, "satisfaction", _p=token, score=9).status_code == 201
    assert [(one["lead"], one["score"], one["company"]) for one in answers(house)] == [(1, 9, "Acme")]
    assert [one["score"] for one in house.get("/api/lead/1/related/answers").json["data"]] == [9]  # type: ignore[index]
    again = send(house, "satisfaction", _p=token, score=1)
    assert (again.status_code, again.json["code"]) == (410, "link_over")
    page = client.get(f"/forms/satisfaction?p={token}", headers={"Accept": "text/html", "Accept-Language": "zh"})
    assert (page.status_code, "已使用" in page.text) == (410, True)


def test_links_that_are_forged_foreign_or_old_open_nothing(house: House) -> None:
    send(house, **GOOD)
    token = link(house, "satisfaction", 1)
    room = house.host.services().records.room
    old = forms(room).tokens.link("satisfaction", "lead", 1, room.clock.now() - timedelta(days=11), 10)
    for given, status in (("", 404), (token + "x", 404), (link(house, "more", 1), 404), (old, 410)):
        assert send(house, "satisfaction", _p=given, score=9).status_code == status
    house.delete("/api/lead/1")
    assert send(house, "satisfaction", _p=token, score=9).status_code == 410
    assert send(house, **GOOD, _p=token).status_code == 404
    assert answers(house) == []


def test_one_open_question_at_a_time(house: House) -> None:
    send(house, **{**GOOD, "need": ""})
    token = link(house, "more", 1)
    assert asked(house, "more", token) == ["company"]
    assert codes(send(house, "more", _p=token, need="x")) == {("need", "unknown_field")}
    assert send(house, "more", _p=token, company="Acme").status_code == 201
    assert asked(house, "more", token) == ["employees"]
    assert send(house, "more", _p=token, employees=7, _started=mark(house, "more")).status_code == 201
    assert asked(house, "more", token) == ["need"]
    assert codes(send(house, "more", _p=token, company="Evil")) == {("company", "unknown_field")}
    found = leads(house)
    assert [(one["company"], one["employees"]) for one in found] == [("Acme", 7)]


def test_only_who_may_change_a_record_makes_links(house: House) -> None:
    send(house, **GOOD)
    house.person("li", "sales")
    assert house.post("/api/meta/forms/more/link", {"record": 1}, who="li").status_code == 404
    assert house.post("/api/meta/forms/more/link", {"record": 1}, who=None).status_code == 401
    assert house.post("/api/meta/forms/ask_us/link", {"record": 1}).status_code == 400


def test_an_email_of_a_rule_carries_the_link(house: House) -> None:
    send(house, **GOOD)
    house.patch("/api/lead/1", {"need": "More"})
    text = house.instance.database.rows("SELECT text FROM gx_messages WHERE direction = 'out'")[0][0]
    assert text.startswith("Please tell us.\n\nSatisfaction: ")
    token = text.split("?p=")[1]
    assert send(house, "satisfaction", _p=token, score=8).status_code == 201
