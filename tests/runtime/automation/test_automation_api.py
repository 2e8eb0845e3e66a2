"""The trace, history and posts from outside, under the rights of who asks."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.automation.conftest import SALES, rule
from tests.support.instances import make_house

RULES = rule(
    "tell", 'on: update\nwhen: changed(n)\ndo: [{set: {locked: \'"x"\'}}, {post: "{account.name} {name}"}]'
) + rule("bad", "on: update\nwhen: changed(name)\ndo: [{set: {n: -1}}]")


def test_who_may_read_a_record_sees_what_rules_did_with_it(database_url: str, tmp_path: Path) -> None:
    house = make_house(tmp_path / "crm", database_url, {"all.yaml": SALES + RULES})
    house.person("boss", "boss")
    house.person("li", "sales")
    house.person("wang", "sales")
    account = house.post("/api/account", {"name": "Acme"}, who="boss").get_json()["id"]
    deal = house.post("/api/deal", {"name": "a"}, who="li").get_json()["id"]
    assert house.patch(f"/api/deal/{deal}", {"account": account, "n": 1}, who="boss").status_code == 200
    assert house.patch(f"/api/deal/{deal}", {"name": "b"}, who="boss").status_code == 200
    path = f"/api/deal/{deal}/automation-runs"
    data = house.get(path, who="li").get_json()["data"]
    assert [(run["automation"], run["outcome"]) for run in data] == [("bad", "failed"), ("tell", "done")]
    assert data[1]["changes"][0]["fields"] == ["locked"]
    assert "error" not in data[0]
    assert house.get(path).get_json()["data"][0]["error"] == "record: n is negative"
    assert house.get(path, who="wang").status_code == 404
    assert house.get(path, who="li", limit="1").get_json()["next"] == str(data[0]["id"])
    for who, text in (("li", "••• a"), ("boss", "Acme a")):
        entries = house.get(f"/api/deal/{deal}/timeline", who=who).get_json()["data"]
        assert [entry["text"] for entry in entries if entry["kind"] == "post"] == [text]
    house.close()
